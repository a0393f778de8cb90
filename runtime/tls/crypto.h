/* crypto.h - the primitives that TLS and certificates are computed with, behind
 * BearSSL's own types.
 * Not here: which suites, versions and keys are used, the templates of
 * engine_server.c and engine_client.c. */
#ifndef TLS_CRYPTO_H
#define TLS_CRYPTO_H

#include <bearssl.h>

/* By whom elliptic curves, RSA and the loops of AES-GCM are computed.  Hashes
 * and the rest of ciphers are BearSSL's in any case. */
enum crypto {
	CRYPTO_NETTLE = 0, /* crypto_nettle.h, crypto_gmp.h (the library that
			    * nettle stands on) and, where the processor has
			    * what it takes, crypto_x86.h: several times as
			    * fast */
	CRYPTO_STOCK,      /* BearSSL */
};

#define CRYPTO_COUNT 2

/* For the whole process, from now on; before anything else is called. */
void crypto_use(enum crypto which);

/* "nettle", "stock". */
const char *crypto_name(enum crypto which);

/* A point of a wrong length, not on its curve, or for X25519 of small order, is
 * refused. */
const br_ec_impl *crypto_ec(void);

br_ecdsa_sign crypto_ecdsa_sign(void);
br_ecdsa_vrfy crypto_ecdsa_verify(void);

/* PKCS#1 v1.5, moduli of up to 4096 bits.  What was signed must be
 * verified before anybody sees it, see private_key.h. */
br_rsa_pkcs1_sign crypto_rsa_sign(void);
br_rsa_pkcs1_vrfy crypto_rsa_verify(void);

/* ENGINE shall hash, sign and seal: SHA-256 and longer, TLS 1.2, AES-GCM and
 * ChaCha20-Poly1305 only. */
void crypto_equip(br_ssl_engine_context *engine);

#endif
