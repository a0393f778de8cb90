/* limbs-internal.h - numbers as GMP takes them: arrays of limbs, the lowest
 * first; and as everybody else does: octets, the highest first. */
#ifndef TLS_LIMBS_INTERNAL_H
#define TLS_LIMBS_INTERNAL_H

#include <gmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LIMB sizeof(mp_limb_t)
#define LIMBS_FOR(octets) (((octets) + LIMB - 1) / LIMB)

_Static_assert(GMP_NAIL_BITS == 0, "limbs are full");

/* The SIZE octets at BYTES; they fit into N limbs. */
static inline void limbs_load(mp_limb_t *out, mp_size_t n, const uint8_t *bytes,
			      size_t size)
{
	memset(out, 0, (size_t)n * LIMB);
	for (size_t i = 0; i < size; i++)
		out[i / LIMB] |= (mp_limb_t)bytes[size - 1 - i]
				 << 8 * (i % LIMB);
}

static inline void limbs_store(uint8_t *out, size_t size,
			       const mp_limb_t *limbs)
{
	for (size_t i = 0; i < size; i++)
		out[size - 1 - i] =
			(uint8_t)(limbs[i / LIMB] >> 8 * (i % LIMB));
}

/* The highest octets, which must not count for anything, until KEEP are left;
 * in the same time whatever they are. */
static inline bool limbs_skip_zeros(const uint8_t **bytes, size_t *size,
				    size_t keep)
{
	uint8_t any = 0;

	for (; *size > keep; ++*bytes, --*size)
		any |= **bytes;
	return any == 0;
}

#endif
