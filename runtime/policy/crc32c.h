/* crc32c.h - CRC32C (Castagnoli, RFC 3720 appendix B.4): finds damage, proves
 * nothing.  By the processor's instruction where it has one. */
#ifndef POLICY_CRC32C_H
#define POLICY_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continue SEED, 0 at the start: the sum of a and b joined is that of b
 * continuing that of a. */
struct crc32c {
	uint32_t (*sum)(uint32_t seed, const void *bytes, size_t n);
};

/* The fastest way on this processor.  Ask once for many sums: a virtual machine
 * makes the question dear. */
struct crc32c crc32c_best(void);

/* Without any special instruction. */
struct crc32c crc32c_portable(void);

#endif
