/* trie_layout.c - the last step of trie_build(): nodes get their places.  They
 * were finished children first, so the last one, the root, is laid out first
 * and children stand after their parents. */
#include <stdlib.h>

#include "trie_build-internal.h"

static void mark(uint8_t *map, size_t bit)
{
	map[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static uint8_t *make_map(struct buffer *map, size_t bytes)
{
	buffer_add_zeros(map, (bytes / 4 + 63) / 64 * 8);
	return map->p;
}

/* Values that name nodes by their number name them by their place. */
static void patch_values(uint8_t *p, uint32_t n, const uint32_t *places)
{
	for (; n > 0; n--, p += 4) {
		uint32_t value = get_u32le(p);

		if (value >> VALUE_SHIFT == VALUE_NODE)
			put_u32le(p, places[value]);
	}
}

static void patch_node(uint8_t *p, const uint32_t *places)
{
	size_t owners =
		(p[0] & NODE_EXACT ? 4 : 0) + (p[0] & NODE_WILD ? 4 : 0);

	if (!(p[0] & NODE_DIRECTORY)) {
		patch_values(p + 2 + 2 * (size_t)p[1] + owners, p[1], places);
		return;
	}

	uint32_t buckets = get_u32le(p + 4 + owners);

	for (uint32_t k = 0; k < buckets; k++) {
		uint8_t *bucket = p + get_u32le(p + 4 + owners + 4 +
						NODE_DIR_BYTES * (size_t)k);

		patch_values(bucket + 1 + 2 * (size_t)*bucket, *bucket, places);
	}
}

/* Where the handles of the Ith node with a directory start. */
static uint32_t first_handle(const struct builder *b, size_t i)
{
	if (i * ORDER_PAIR_BYTES == b->ordered.n)
		return (uint32_t)(b->handles.n / 4);
	return get_u32le(b->ordered.p + ORDER_PAIR_BYTES * i + 4);
}

/* By place: the node written last comes first. */
static void lay_out_order(struct builder *b, const uint32_t *places)
{
	size_t pairs = b->ordered.n / ORDER_PAIR_BYTES;
	struct buffer *out = &b->out->order;
	uint32_t first = 0;

	for (size_t i = pairs; i-- > 0;) {
		uint32_t id = get_u32le(b->ordered.p + ORDER_PAIR_BYTES * i);

		buffer_put_u32(out, places[id]);
		buffer_put_u32(out, first);
		first += first_handle(b, i + 1) - first_handle(b, i);
	}
	for (size_t i = pairs; i-- > 0;) {
		size_t start = 4 * (size_t)first_handle(b, i);

		buffer_put(out, b->handles.p + start,
			   4 * (size_t)first_handle(b, i + 1) - start);
	}
	b->out->order_count = (uint32_t)pairs;
}

static void lay_out_nodes(struct builder *b)
{
	const struct intern *nodes = &b->nodes;
	struct trie *out = b->out;
	uint32_t *places = allocate(nodes->count, sizeof(*places));
	size_t at = 0;

	for (uint32_t id = nodes->count; id-- > 0;) {
		places[id] = (uint32_t)(at / NODE_UNIT);
		at += nodes->item[id + 1] - nodes->item[id];
	}
	if (at > FORMAT_MAX_BYTES) {
		b->why = "the host table is too large";
		free(places);
		return;
	}

	uint8_t *map = make_map(&out->node_map, at);

	for (uint32_t id = nodes->count; id-- > 0;) {
		size_t size = nodes->item[id + 1] - nodes->item[id];
		uint8_t *p = buffer_add(&out->nodes, size);

		memcpy(p, nodes->bytes.p + nodes->item[id], size);
		patch_node(p, places);
		mark(map, places[id]);
	}
	buffer_add_zeros(&out->nodes, FORMAT_NODE_PAD);
	out->node_count = nodes->count;

	lay_out_order(b, places);
	free(places);
}

static void lay_out_postings(struct builder *b)
{
	struct intern *postings = &b->owners.postings;
	uint8_t *map = make_map(&b->out->post_map, postings->bytes.n);

	for (uint32_t i = 0; i < postings->count; i++)
		mark(map, postings->item[i] / 4);
	b->out->post_count = postings->count;
	b->out->posts = postings->bytes;
	postings->bytes = (struct buffer){NULL, 0, 0};
}

/* Records of the size that the longest top label needs. */
static void lay_out_tops(struct builder *b)
{
	struct buffer *tops = &b->out->tops;
	uint32_t n = b->out->top_count;
	size_t size = TOPS_MIN_BYTES;

	for (uint32_t i = 0; i < n; i++)
		while (tops->p[TOPS_MAX_BYTES * ((size_t)i + 1) - 1] >= size)
			size *= 2;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *from = tops->p + TOPS_MAX_BYTES * (size_t)i;
		uint8_t length = from[TOPS_MAX_BYTES - 1];
		uint8_t *to = tops->p + size * i;

		memmove(to, from, size);
		to[size - 1] = length;
	}
	tops->n = size * n;
}

/* see trie_build-internal.h */
void trie_lay_out(struct builder *b)
{
	lay_out_tops(b);
	lay_out_nodes(b);
	if (b->why == NULL)
		lay_out_postings(b);
}
