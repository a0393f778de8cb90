/* hosts-internal.h - how nodes, owners and postings are read: for the lookup
 * (hosts.c), the walk (walk.c) and, once bounds are known, verify_hosts.c. */
#ifndef POLICY_HOSTS_INTERNAL_H
#define POLICY_HOSTS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "format.h"
#include "hosts.h"

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

static inline struct hosts_node node_read(const uint8_t *p)
{
	struct hosts_node node = {.p = p, .kind = p[0]};
	bool directory = node.kind & NODE_DIRECTORY;
	const uint8_t *owner = p + (directory ? 4 : 2 + 2 * (size_t)p[1]);
	size_t owners = 0;

	if (node.kind & NODE_EXACT) {
		node.exact = get_u32le(owner);
		owners += 4;
	}
	if (node.kind & NODE_WILD) {
		node.wild = get_u32le(owner + owners);
		owners += 4;
	}
	if (directory) {
		node.buckets = get_u32le(owner + owners);
		node.directory = owner + owners + 4;
	} else {
		node.small = bucket_arrays(p + 2, p[1], owners,
					   node.kind & NODE_CODES);
	}
	return node;
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

/* True when LIST, not a global one, is among those of OWNER. */
bool owner_has(const struct hosts *hosts, uint32_t owner, uint32_t list);

#endif
