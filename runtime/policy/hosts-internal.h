/* hosts-internal.h - how nodes, owners and postings are read: for the lookup
 * (hosts.c), the walk (walk.c) and, once bounds are known, verify_hosts.c. */
#ifndef POLICY_HOSTS_INTERNAL_H
#define POLICY_HOSTS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "format.h"
#include "hosts.h"
#include "label.h"

/* Children that stand together: a bucket, or all of a small node. */
struct hosts_bucket {
	const uint8_t *prints;
	const uint8_t *values;
	const uint8_t *codes; /* NULL but in the root */
	const uint8_t *labels;
	uint32_t n;
};

struct hosts_node {
	const uint8_t *p;
	uint32_t kind;
	uint32_t exact; /* owners */
	uint32_t wild;
	uint32_t buckets;         /* 0: a small node */
	const uint8_t *directory; /* NULL: a small node */
	struct hosts_bucket small;
};

static inline uint32_t bucket_print(const struct hosts_bucket *b, uint32_t i)
{
	return get_u16le(b->prints + 2 * (size_t)i);
}

static inline uint32_t bucket_value(const struct hosts_bucket *b, uint32_t i)
{
	return get_u32le(b->values + 4 * (size_t)i);
}

static inline uint32_t bucket_code(const struct hosts_bucket *b, uint32_t i)
{
	return b->codes ? get_u16le(b->codes + 2 * (size_t)i) : TOPS_NONE;
}

#ifdef LABEL_SSE2
/* The sum of the lengths that the first I <= 16 of sixteen prints have. */
static inline size_t prints_lengths(__m128i low, __m128i high, uint32_t i)
{
	const __m128i lengths = _mm_set1_epi16(PRINT_LENGTH);
	__m128i v = _mm_packus_epi16(_mm_and_si128(low, lengths),
				     _mm_and_si128(high, lengths));

	v = _mm_and_si128(v, label_load(label_ones + 16 - i));
	v = _mm_sad_epu8(v, _mm_setzero_si128());
	return (size_t)_mm_cvtsi128_si64(v) +
	       (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(v, v));
}
#endif

/* Where the label of child I starts: after those before it. */
static inline const uint8_t *bucket_label(const struct hosts_bucket *b,
					  uint32_t i)
{
	size_t before = 0;

	for (uint32_t j = 0; j < i; j++)
		before += b->prints[2 * (size_t)j] & PRINT_LENGTH;
	return b->labels + before;
}

/* The arrays of a bucket, its prints starting at P. */
static inline struct hosts_bucket bucket_arrays(const uint8_t *p, uint32_t n,
						size_t owners, bool codes)
{
	struct hosts_bucket b = {.prints = p, .n = n};

	p += 2 * (size_t)n + owners;
	b.values = p;
	p += 4 * (size_t)n;
	if (codes) {
		b.codes = p;
		p += 2 * (size_t)n;
	}
	b.labels = p;
	return b;
}

static inline struct hosts_bucket bucket_read(const uint8_t *p, bool codes)
{
	return bucket_arrays(p + 1, *p, 0, codes);
}

/* Bytes of owners in a node of this kind. */
static inline size_t node_owners(uint32_t kind)
{
	return 4 * (size_t)((kind & NODE_EXACT) + (kind >> 1 & 1));
}

/* Where they are. */
static inline const uint8_t *node_owners_at(const uint8_t *p)
{
	return p + (p[0] & NODE_DIRECTORY ? 4 : 2 + 2 * (size_t)p[1]);
}

/* The owner of the name (NODE_EXACT) or of its wildcard (NODE_WILD); 0. */
static inline uint32_t node_owner(const uint8_t *p, uint32_t which)
{
	const uint8_t *owners = node_owners_at(p);

	if (!(p[0] & which))
		return 0;
	if (which == NODE_WILD && p[0] & NODE_EXACT)
		owners += 4;
	return get_u32le(owners);
}

static inline struct hosts_node node_read(const uint8_t *p)
{
	struct hosts_node node = {
		.p = p,
		.kind = p[0],
		.exact = node_owner(p, NODE_EXACT),
		.wild = node_owner(p, NODE_WILD),
	};
	size_t owners = node_owners(node.kind);

	if (node.kind & NODE_DIRECTORY) {
		node.buckets = get_u32le(p + 4 + owners);
		node.directory = p + 4 + owners + 4;
	} else {
		node.small = bucket_arrays(p + 2, p[1], owners,
					   node.kind & NODE_CODES);
	}
	return node;
}

/* The top label with this code, and its length. */
static inline const uint8_t *top_at(const struct hosts *hosts, uint32_t code)
{
	return hosts->tops + (size_t)hosts->top_bytes * code;
}

static inline uint32_t top_length(const struct hosts *hosts, const uint8_t *top)
{
	return top[hosts->top_bytes - 1];
}

static inline const uint8_t *directory_entry(const uint8_t *directory,
					     uint32_t bucket)
{
	return directory + NODE_DIR_BYTES * (size_t)bucket;
}

static inline struct hosts_bucket node_bucket(const struct hosts_node *node,
					      uint32_t bucket)
{
	if (node->directory == NULL)
		return node->small;
	return bucket_read(
		node->p + get_u32le(directory_entry(node->directory, bucket)),
		node->kind & NODE_CODES);
}

/* What a value says: the owners of the name, and the node below it. */
struct hosts_value {
	uint32_t exact;
	uint32_t wild;
	const uint8_t *node; /* NULL: a leaf */
};

static inline struct hosts_value value_read(const struct hosts *hosts,
					    uint32_t value)
{
	uint32_t rest = value & VALUE_MASK;

	switch (value >> VALUE_SHIFT) {
	case VALUE_EXACT:
		return (struct hosts_value){rest, 0, NULL};
	case VALUE_WILD:
		return (struct hosts_value){0, rest, NULL};
	case VALUE_BOTH:
		return (struct hosts_value){rest, rest, NULL};
	default:
		break;
	}

	const uint8_t *p = hosts->node + NODE_UNIT * (size_t)rest;
	struct hosts_node node = node_read(p);

	return (struct hosts_value){node.exact, node.wild, p};
}

static inline uint32_t owner_type(uint32_t owner)
{
	return owner >> OWNER_TYPE_SHIFT & OWNER_TYPE_MASK;
}

#endif
