/* private_key.h - a private key from a file: PKCS#1, PKCS#8 or SEC1, in PEM or
 * DER; RSA of 2048 to 4096 bits, ECDSA on P-256, P-384 or P-521. */
#ifndef TLS_PRIVATE_KEY_H
#define TLS_PRIVATE_KEY_H

#include "signature.h"

#define PRIVATE_KEY_MAX_FILE (1u << 20)
/* One key in DER, RSA of 4096 bits in PKCS#8 being the longest.  BearSSL 0.6
 * writes past its buffer when given one that is much longer. */
#define PRIVATE_KEY_MAX_BYTES 3000
#define PRIVATE_KEY_WHY_MAX 512

struct private_key;

/* Read the DER of one key.  *OUT is the caller's, to be freed. */
enum trust private_key_read(struct bytes der, struct private_key **out);

/* Read the first key in a file, which may hold certificates besides.  NULL:
 * WHY, of PRIVATE_KEY_WHY_MAX bytes, says which file and why. */
struct private_key *private_key_load(const char *path, char *why);

/* Wipes it, too. */
void private_key_free(struct private_key *key);

/* KEY is the other half of PUBLIC: TRUST_OK or TRUST_SECRET_MISMATCH.  RSA
 * signs something, so that a damaged key is found here and not by clients. */
enum trust private_key_matches(const struct private_key *key,
			       const struct public_key *public);

enum key_kind private_key_kind(const struct private_key *key);

/* The signature of KEY over DIGEST, PKCS#1 v1.5 or ECDSA in DER, into OUT: its
 * length.  HASH is BearSSL's number for SHA-256, SHA-384 or SHA-512.  0: the
 * digest is none of HASH, or the key does not sign; what it computed is wiped
 * and not shown. */
#define PRIVATE_KEY_MAX_SIGNATURE (KEY_MAX_RSA_BITS / 8)
size_t private_key_sign_digest(const struct private_key *key, int hash,
			       struct bytes digest,
			       uint8_t out[PRIVATE_KEY_MAX_SIGNATURE]);

/* The same over MESSAGE, with SHA-256. */
size_t private_key_sign(const struct private_key *key, struct bytes message,
			uint8_t out[PRIVATE_KEY_MAX_SIGNATURE]);

#endif
