/* crypto_gmp.h - RSA signatures of PKCS#1 v1.5 (RFC 8017 8.2) by GMP, behind
 * BearSSL's types and with the results of BearSSL's own, in half of the time or
 * less: moduli of 1024 to 4096 bits.
 *
 * What is secret meets only those functions of GMP that are documented to take
 * the same time and touch the same memory whatever they compute with, and
 * everything is on the stack, wiped when done.  To the letter that holds for
 * exponents and messages; of a prime the number of bits is no secret, and GMP
 * looks its highest octet and its lowest up in two small tables.  There is no
 * blinding, which is for computations whose time depends on the key. */
#ifndef TLS_CRYPTO_GMP_H
#define TLS_CRYPTO_GMP_H

#include <bearssl.h>

/* See br_rsa_pkcs1_sign in bearssl_rsa.h.  0: the digest does not fit, or the
 * key is none.  The primes may have any lengths of up to half a limb more than
 * 2048 bits; numbers that are not reduced, or padded, do no harm.
 *
 * NOT checked is whether the result is a signature.  After a fault of the
 * machine, or with a damaged key, it is none and gives the primes away: nobody
 * may see it who has not verified it, as private_key.c does. */
uint32_t crypto_gmp_rsa_sign(const unsigned char *hash_oid,
			     const unsigned char *hash, size_t hash_size,
			     const br_rsa_private_key *key, unsigned char *out);

/* See br_rsa_pkcs1_vrfy in bearssl_rsa.h.  As there, the digest's parameters
 * may be NULL or absent.  0 also for a modulus that is even or of another size,
 * and for an exponent that is even, 1, or longer than 32 bits, which nobody has
 * and which would take its time. */
uint32_t crypto_gmp_rsa_verify(const unsigned char *signature, size_t size,
			       const unsigned char *hash_oid, size_t hash_size,
			       const br_rsa_public_key *key,
			       unsigned char *hash_out);

#endif
