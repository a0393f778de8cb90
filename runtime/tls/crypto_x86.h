/* crypto_x86.h - the two loops of AES-GCM, counter mode and GHASH, by the
 * instructions that x86-64 processors have for them, behind BearSSL's types and
 * with the results of BearSSL's own.  GCM itself, keys, nonces, tags and their
 * comparison are BearSSL's.
 *
 * Constant time: no branch and no address depends on anything but lengths and
 * the size of the key. */
#ifndef TLS_CRYPTO_X86_H
#define TLS_CRYPTO_X86_H

#include <bearssl.h>

/* Each can do what those before it can. */
enum crypto_x86 {
	CRYPTO_X86_NONE = 0, /* another processor, or an old one */
	CRYPTO_X86_AESNI,    /* AES-NI and PCLMULQDQ: a block at a time */
	CRYPTO_X86_VAES,     /* VAES, VPCLMULQDQ and AVX-512: four */
};

#define CRYPTO_X86_COUNT 3

/* The most that processor, operating system and BearSSL allow.  Asks the
 * processor, which leaves a virtual machine: not for each connection. */
enum crypto_x86 crypto_x86_best(void);

/* By at most crypto_x86_best(); NULL for CRYPTO_X86_NONE.
 * AES in counter mode: keys are br_aes_x86ni_ctr_keys, as br_sslrec_gcm_context
 * has room for, and may be copied.  The counter is 32 bits and wraps. */
const br_block_ctr_class *crypto_x86_ctr(enum crypto_x86 level);
br_ghash crypto_x86_ghash(enum crypto_x86 level);

#endif
