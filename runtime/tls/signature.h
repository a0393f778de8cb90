/* signature.h - public keys and the signatures they check: RSA PKCS#1 v1.5 and
 * ECDSA over P-256, P-384 and P-521, with SHA-256, SHA-384 or SHA-512; the
 * arithmetic is in crypto.h.  Everything else has a reason of its own to be
 * refused.  Pure: views into the caller's bytes. */
#ifndef TLS_SIGNATURE_H
#define TLS_SIGNATURE_H

#include "der.h"
#include "trust.h"

#define KEY_MIN_RSA_BITS 2048
#define KEY_MAX_RSA_BITS 4096 /* what BearSSL 0.6 and crypto_gmp.c take */
/* Of RSA; more makes checking slow and is of no use. */
#define KEY_MAX_EXPONENT_BYTES 4

enum key_kind { KEY_NONE = 0, KEY_RSA, KEY_EC };

struct public_key {
	enum key_kind kind;
	struct bytes modulus;  /* RSA, without leading zeros */
	struct bytes exponent; /* RSA, the same */
	int curve;             /* EC: BearSSL's number */
	struct bytes point;    /* EC: uncompressed */
};

struct signature {
	enum key_kind kind; /* of key that made it; KEY_NONE: not accepted */
	int hash;           /* BearSSL's number */
	struct bytes value;
};

/* Read a SubjectPublicKeyInfo (the body of its SEQUENCE).  Other than TRUST_OK:
 * OUT has KEY_NONE. */
enum trust public_key_read(struct bytes spki, struct public_key *out);

/* Read an AlgorithmIdentifier (the body of its SEQUENCE) into OUT's kind and
 * hash.  Other than TRUST_OK: KEY_NONE. */
enum trust signature_algorithm_read(struct bytes algorithm,
				    struct signature *out);

/* SIGNATURE over MESSAGE is KEY's: TRUST_OK, or TRUST_SIGNATURE. */
enum trust signature_check(const struct signature *signature,
			   struct bytes message, const struct public_key *key);

#endif
