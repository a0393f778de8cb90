/* ranges_pack.h - from judged boundaries to the bytes of ranges-format.h.
 * Private to ranges_build.c, which allocates; this does not. */
#ifndef POLICY_RANGES_PACK_H
#define POLICY_RANGES_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "ranges_build.h"
#include "ranges_items.h"

/* From START to before the next boundary, VERDICT. */
struct boundary {
	struct wide start;
	uint32_t verdict;
};

struct ranges_parts {
	const struct boundary *v4; /* rising, from 0, neighbours differ */
	size_t v4_count;
	const struct boundary *v6;
	size_t v6_count;
	const uint32_t *spans; /* record_count + 1 */
	size_t record_count;
	const uint32_t *words;
	size_t word_count;
	const struct ranges_options *options;
};

/* What an image can be at most: its offsets have 32 bits, the first bucket of a
 * top 27. */
#define RANGES_SIZE_MAX ((uint64_t)1 << 30)

/* No more than this is written; 0 when it could pass RANGES_SIZE_MAX. */
size_t ranges_pack_bound(const struct ranges_parts *parts);

/* Write the image, into zeroed room for that bound; returns its length. */
size_t ranges_pack(const struct ranges_parts *parts, uint8_t *image);

#endif
