/* crypto_nettle.h - elliptic curves and ECDSA by nettle, behind BearSSL's types
 * and with the results of BearSSL's own, in a fraction of the time.
 *
 * What is secret meets only code of nettle's that takes the same time and
 * touches the same memory whatever it computes with; its scratch memory is the
 * caller's stack, wiped when done.
 *
 * Signatures are deterministic (RFC 6979): a nonce that is guessed, or used
 * twice, gives the key away, and so none depends on a random number.  Faults
 * injected into a repeated computation are no concern here: what a server signs
 * has 28 fresh random octets in it. */
#ifndef TLS_CRYPTO_NETTLE_H
#define TLS_CRYPTO_NETTLE_H

#include <bearssl.h>

/* P-256, P-384, P-521 and X25519.  A point that has a wrong length or is not on
 * its curve gives 0, as does a scalar that is not from 1 to the order less 1,
 * and for X25519 a point of small order (RFC 7748 6.1).  Sums of two products,
 * which only BearSSL's own ECDSA asks for, are BearSSL's. */
extern const br_ec_impl crypto_nettle_ec;

/* See br_ecdsa_sign and br_ecdsa_vrfy in bearssl_ec.h.  The first argument is
 * not used; signatures are in ASN.1. */
size_t crypto_nettle_sign(const br_ec_impl *unused, const br_hash_class *hash,
			  const void *digest, const br_ec_private_key *key,
			  void *out);
uint32_t crypto_nettle_verify(const br_ec_impl *unused, const void *digest,
			      size_t digest_size, const br_ec_public_key *key,
			      const void *signature, size_t size);

/* How many bytes of scratch memory the calls of this thread took at most. */
size_t crypto_nettle_scratch_used(void);

#endif
