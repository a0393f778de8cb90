/* crypto.h - the primitives that TLS and certificates are computed with, behind
 * BearSSL's own types.
 * Not here: which suites, versions and keys are used, the templates of
 * engine_server.c and engine_client.c. */
#ifndef TLS_CRYPTO_H
#define TLS_CRYPTO_H

#include <bearssl.h>

/* Points of a wrong length are refused, whatever the curve. */
const br_ec_impl *crypto_ec(void);

br_ecdsa_sign crypto_ecdsa_sign(void);
br_ecdsa_vrfy crypto_ecdsa_verify(void);

/* ENGINE shall hash, sign and seal: SHA-256 and longer, TLS 1.2, AES-GCM and
 * ChaCha20-Poly1305 only. */
void crypto_equip(br_ssl_engine_context *engine);

#endif
