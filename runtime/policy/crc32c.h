/* crc32c.h - CRC32C (Castagnoli, RFC 3720 appendix B.4): finds damage, proves
 * nothing.  By the processor's instruction where it has one. */
#ifndef POLICY_CRC32C_H
#define POLICY_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continue SEED, 0 at the start: crc32c(crc32c(0, a), b) is that of a and b
 * joined. */
uint32_t crc32c(uint32_t seed, const void *bytes, size_t n);

/* The same without any special instruction. */
uint32_t crc32c_portable(uint32_t seed, const void *bytes, size_t n);

#endif
