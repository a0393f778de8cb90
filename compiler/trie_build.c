/* trie_build.c - see trie_build.h.
 *
 * From sorted entries to keys: one for each name, with the owners of the name
 * and of its wildcard.  From keys to nodes, depth first: children are known
 * before their parents, so that a node's bytes say all about its subtree and
 * equal subtrees are equal bytes.  Until the end a value names a node by the
 * order in which it was finished; then nodes are laid out from the last one,
 * the root, to the first, so that children stand after their parents. */
#include "trie_build.h"

#include <stdlib.h>

#include "trie_build-internal.h"

/* How many entries ahead of their use names are fetched. */
#define AHEAD 12

static const char *const bad_order = "entries are not in canonical order";

static bool same_name(const struct canonical_entry *a,
		      const struct canonical_entry *b)
{
	return a->length == b->length &&
	       (a->name == b->name || memcmp(a->name, b->name, a->length) == 0);
}

static void make_keys(struct builder *b, const struct canonical *policy)
{
	const struct canonical_entry *e = policy->entries;
	uint32_t n = policy->entry_count;

	b->keys = allocate(n, sizeof(*b->keys));
	for (uint32_t i = 0; i < n && b->why == NULL;) {
		struct key *key = &b->keys[b->key_count++];
		uint32_t wild, end;

		/* names lie wherever they were written */
		if (n - i > AHEAD)
			__builtin_prefetch(e[i + AHEAD].name);
		*key = (struct key){.name = e[i].name, .length = e[i].length};
		if (key->length == 0 || key->length > FORMAT_NAME_MAX)
			b->why = "a name is too long";
		for (wild = i; wild < n && !e[wild].wildcard; wild++)
			if (!same_name(&e[wild], &e[i]))
				break;
		for (end = wild; end < n && e[end].wildcard; end++)
			if (!same_name(&e[end], &e[i]))
				break;
		if (wild > i)
			key->exact = owners_word(&b->owners, e + i, wild - i,
						 &b->why);
		if (end > wild)
			key->wild = owners_word(&b->owners, e + wild,
						end - wild, &b->why);
		b->out->globs += (wild > i ? 1u : 0u) + (end > wild ? 1u : 0u);
		i = end;
	}
}

/* The last label of KEY before its last SUFFIX bytes; there is one. */
static struct str label_of(const struct key *key, size_t suffix)
{
	size_t end = key->length - suffix - (suffix > 0);
	const char *dot = memrchr(key->name, '.', end);
	size_t start = dot != NULL ? (size_t)(dot - key->name) + 1 : 0;

	return str_make(key->name + start, end - start);
}

/* True when KEY has LABEL there. */
static bool has_label(const struct key *key, size_t suffix, struct str label)
{
	size_t dot = suffix > 0;

	if (key->length < suffix + dot + label.n)
		return false;

	size_t start = key->length - suffix - dot - label.n;

	return (start == 0 || key->name[start - 1] == '.') &&
	       memcmp(key->name + start, label.p, label.n) == 0;
}

/* One more than the last of the keys from FIRST on that have LABEL there. */
static uint32_t group_end(const struct builder *b, uint32_t first, uint32_t end,
			  size_t suffix, struct str label)
{
	while (first < end && has_label(&b->keys[first], suffix, label))
		first++;
	return first;
}

static bool label_is_legal(struct str label)
{
	if (label.n < 1 || label.n > FORMAT_LABEL_MAX)
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (label.p[i] <= ' ' || label.p[i] >= 0x7f ||
		    (label.p[i] >= 'A' && label.p[i] <= 'Z'))
			return false;
	return true;
}

static void push_edge(struct builder *b, struct edge edge)
{
	if (b->edge_count == b->edge_room) {
		size_t room = b->edge_room ? 2 * b->edge_room : 64;
		struct edge *edges = allocate(room, sizeof(*edges));

		if (b->edges != NULL)
			memcpy(edges, b->edges, b->edge_count * sizeof(*edges));
		free(b->edges);
		b->edges = edges;
		b->edge_room = room;
	}
	b->edges[b->edge_count++] = edge;
}

/* Where a child stands: its bucket, then print, label, code. */
static int compare_edges(const struct edge *a, const struct edge *b)
{
	uint16_t print_a = key_print(a->hash, a->length);
	uint16_t print_b = key_print(b->hash, b->length);

	if (print_a != print_b)
		return print_a < print_b ? -1 : 1;

	int order = memcmp(a->label, b->label, a->length);

	if (order != 0)
		return order;
	return a->code < b->code ? -1 : a->code > b->code;
}

/* Sort N edges into BUCKETS: b->slots has their numbers as they will stand,
 * b->starts where each bucket starts. */
static void sort_edges(struct builder *b, const struct edge *edges, uint32_t n,
		       uint32_t buckets)
{
	if (n > b->slot_room) {
		free(b->slots);
		b->slot_room = 2 * n;
		b->slots = allocate(b->slot_room, sizeof(*b->slots));
	}
	if (buckets + 2 > b->start_room) {
		free(b->starts);
		b->start_room = 2 * (buckets + 2);
		b->starts = allocate(b->start_room, sizeof(*b->starts));
	}

	uint32_t *at = b->starts + 1; /* becomes starts once filled */

	memset(b->starts, 0, sizeof(*b->starts) * ((size_t)buckets + 2));
	for (uint32_t i = 0; i < n; i++)
		at[key_bucket(edges[i].hash, buckets) + 1]++;
	for (uint32_t k = 1; k <= buckets; k++)
		at[k] += at[k - 1];
	for (uint32_t i = 0; i < n; i++)
		b->slots[at[key_bucket(edges[i].hash, buckets)]++] = i;
	for (uint32_t k = 0; k < buckets; k++) {
		uint32_t first = b->starts[k], end = b->starts[k + 1];

		for (uint32_t i = first + 1; i < end; i++) {
			uint32_t slot = b->slots[i], j = i;

			for (;
			     j > first && compare_edges(&edges[b->slots[j - 1]],
							&edges[slot]) > 0;
			     j--)
				b->slots[j] = b->slots[j - 1];
			b->slots[j] = slot;
		}
	}
}

static void write_prints(struct buffer *out, const struct edge *edges,
			 const uint32_t *slots, uint32_t n)
{
	uint8_t *p = buffer_add(out, 2 * (size_t)n);

	for (uint32_t i = 0; i < n; i++, p += 2)
		put_u16le(p, key_print(edges[slots[i]].hash,
				       edges[slots[i]].length));
}

static void write_children(struct buffer *out, const struct edge *edges,
			   const uint32_t *slots, uint32_t n, bool codes)
{
	size_t labels = 0;

	for (uint32_t i = 0; i < n; i++)
		labels += edges[slots[i]].length;

	uint8_t *p = buffer_add(out, (codes ? 6 : 4) * (size_t)n + labels);

	for (uint32_t i = 0; i < n; i++, p += 4)
		put_u32le(p, edges[slots[i]].value);
	for (uint32_t i = 0; i < n && codes; i++, p += 2)
		put_u16le(p, edges[slots[i]].code);
	for (uint32_t i = 0; i < n; i++) {
		const struct edge *edge = &edges[slots[i]];

		memcpy(p, edge->label, edge->length);
		p += edge->length;
	}
}

static void write_owners(struct buffer *out, uint32_t exact, uint32_t wild)
{
	if (exact != 0)
		buffer_put_u32(out, exact);
	if (wild != 0)
		buffer_put_u32(out, wild);
}

static void write_directory(struct builder *b, const struct edge *edges,
			    uint32_t buckets, bool codes)
{
	struct buffer *out = &b->scratch;

	buffer_put_u32(out, buckets);

	size_t directory = out->n;

	buffer_add(out, NODE_DIR_BYTES * (size_t)buckets + 4);
	for (uint32_t k = 0; k < buckets; k++) {
		const uint32_t *slots = b->slots + b->starts[k];
		uint32_t n = b->starts[k + 1] - b->starts[k];
		uint8_t *entry =
			out->p + directory + NODE_DIR_BYTES * (size_t)k;
		uint32_t signature = 0;

		if (n > NODE_BUCKET_MAX) {
			b->why = "too many labels with one hash";
			return;
		}
		for (uint32_t i = 0; i < n; i++)
			signature |= key_signature(edges[slots[i]].hash);
		put_u32le(entry, (uint32_t)out->n);
		put_u32le(entry + 4, signature);
		*buffer_add(out, 1) = (uint8_t)n;
		write_prints(out, edges, slots, n);
		write_children(out, edges, slots, n, codes);
	}
	put_u32le(out->p + directory + NODE_DIR_BYTES * (size_t)buckets,
		  (uint32_t)out->n);
}

/* Remember in what order the edges of node ID come. */
static void note_order(struct builder *b, uint32_t id, uint32_t n,
		       uint32_t buckets)
{
	size_t first = b->handles.n;
	uint8_t *handles = buffer_add(&b->handles, 4 * (size_t)n);

	buffer_put_u32(&b->ordered, id);
	buffer_put_u32(&b->ordered, (uint32_t)(first / 4));
	for (uint32_t k = 0; k < buckets; k++)
		for (uint32_t i = b->starts[k]; i < b->starts[k + 1]; i++)
			put_u32le(handles + 4 * (size_t)b->slots[i],
				  k << HANDLE_SLOT_BITS | (i - b->starts[k]));
}

/* A node of the edges from BASE on, which are taken off the stack. */
static uint32_t write_node(struct builder *b, size_t base, uint32_t exact,
			   uint32_t wild, bool root)
{
	static const struct edge none;
	uint32_t n = (uint32_t)(b->edge_count - base);
	/* the root of a policy without globs comes before the first edge */
	const struct edge *edges = n > 0 ? b->edges + base : &none;
	bool directory = n > NODE_SMALL_MAX;
	uint32_t buckets = directory ? (n - 1) / NODE_PER_BUCKET + 1 : 1;
	uint32_t kind = (exact ? NODE_EXACT : 0) | (wild ? NODE_WILD : 0) |
			(root ? NODE_CODES : 0) |
			(directory ? NODE_DIRECTORY : 0);
	struct buffer *out = &b->scratch;

	b->edge_count = base;
	if (buckets > NODE_MAX_BUCKETS) {
		b->why = "too many names under one name";
		return 0;
	}
	sort_edges(b, edges, n, buckets);
	out->n = 0;
	*buffer_add(out, 1) = (uint8_t)kind;
	if (directory) {
		buffer_add_zeros(out, 3);
		write_owners(out, exact, wild);
		write_directory(b, edges, buckets, root);
	} else {
		*buffer_add(out, 1) = (uint8_t)n;
		write_prints(out, edges, b->slots, n);
		write_owners(out, exact, wild);
		write_children(out, edges, b->slots, n, root);
	}
	buffer_align(out, NODE_UNIT);
	if (b->nodes.count >= VALUE_MASK) {
		b->why = "too many names";
		return 0;
	}

	uint32_t before = b->nodes.count;
	uint32_t id = intern_put(&b->nodes, out->p, out->n);

	if (directory && id == before)
		note_order(b, id, n, buckets);
	return id;
}

static uint32_t build_value(struct builder *b, uint32_t first, uint32_t end,
			    size_t suffix);

/* Edges for the labels before SUFFIX of the keys from FIRST to END, all longer
 * than it.  TOP is the hash of the top label when it is part of them. */
static void build_edges(struct builder *b, uint32_t first, uint32_t end,
			size_t suffix, uint16_t code, uint64_t top)
{
	struct str last = {NULL, 0};

	while (first < end && b->why == NULL) {
		struct str label = label_of(&b->keys[first], suffix);
		uint32_t next = group_end(b, first, end, suffix, label);

		if (!label_is_legal(label)) {
			b->why = "a name that is not in normal form";
			return;
		}
		if (last.p != NULL && str_compare(last, label) >= 0) {
			b->why = bad_order;
			return;
		}
		last = label;

		uint64_t hash = format_hash(label.p, label.n);
		struct edge edge = {
			.hash = code == TOPS_NONE ? key_hash_one(hash)
						  : key_hash_two(hash, top),
			.label = label.p,
			.value = build_value(b, first, next,
					     suffix + (suffix > 0) + label.n),
			.code = code,
			.length = (uint8_t)label.n,
		};

		push_edge(b, edge);
		first = next;
	}
}

/* What stands for the name that ends the keys from FIRST to END, SUFFIX bytes
 * long, and for all below it. */
static uint32_t build_value(struct builder *b, uint32_t first, uint32_t end,
			    size_t suffix)
{
	uint32_t exact = 0, wild = 0;
	size_t base = b->edge_count;

	if (b->keys[first].length == suffix) {
		exact = b->keys[first].exact;
		wild = b->keys[first].wild;
		first++;
	}
	if (first == end && wild == 0)
		return VALUE_EXACT << VALUE_SHIFT | exact;
	if (first == end && exact == 0)
		return VALUE_WILD << VALUE_SHIFT | wild;
	if (first == end && exact == wild)
		return VALUE_BOTH << VALUE_SHIFT | exact;
	build_edges(b, first, end, suffix, TOPS_NONE, 0);
	if (b->why != NULL)
		return 0;
	return write_node(b, base, exact, wild, false);
}

static uint16_t add_top(struct builder *b, struct str label)
{
	uint8_t *slot = buffer_add(&b->out->tops, TOPS_MAX_BYTES);

	memset(slot, 0, TOPS_MAX_BYTES);
	memcpy(slot, label.p, label.n);
	slot[TOPS_MAX_BYTES - 1] = (uint8_t)label.n;
	return (uint16_t)b->out->top_count++;
}

/* All names under one top label: two labels make one key of the root, while
 * there are codes for the top ones. */
static void build_top(struct builder *b, uint32_t first, uint32_t end,
		      struct str label)
{
	uint64_t hash = format_hash(label.p, label.n);
	bool coded = b->out->top_count < TOPS_MAX;
	bool alone = b->keys[first].length == label.n;

	if (alone || !coded) {
		push_edge(b, (struct edge){
				     .hash = key_hash_one(hash),
				     .label = label.p,
				     .value = build_value(
					     b, first, coded ? first + 1 : end,
					     label.n),
				     .code = TOPS_NONE,
				     .length = (uint8_t)label.n,
			     });
		b->out->singles++;
	}
	if (!coded)
		return;
	if (alone)
		first++;
	if (first < end)
		build_edges(b, first, end, label.n, add_top(b, label), hash);
}

static void build_root(struct builder *b)
{
	struct str last = {NULL, 0};

	for (uint32_t first = 0; first < b->key_count && b->why == NULL;) {
		struct str label = label_of(&b->keys[first], 0);
		uint32_t next = group_end(b, first, b->key_count, 0, label);

		if (!label_is_legal(label))
			b->why = "a name that is not in normal form";
		else if (last.p != NULL && str_compare(last, label) >= 0)
			b->why = bad_order;
		else
			build_top(b, first, next, label);
		last = label;
		first = next;
	}
	if (b->why == NULL)
		write_node(b, 0, 0, 0, true);
}

/* see trie_build.h */
bool trie_build(struct trie *out, const struct canonical *policy,
		const char **why)
{
	struct builder b = {.out = out};

	owners_init(&b.owners, policy->list_count);
	make_keys(&b, policy);
	if (b.why == NULL)
		build_root(&b);
	if (b.why == NULL)
		trie_lay_out(&b);
	free(b.keys);
	free(b.edges);
	free(b.slots);
	free(b.starts);
	intern_free(&b.nodes);
	buffer_free(&b.scratch);
	buffer_free(&b.handles);
	buffer_free(&b.ordered);
	owners_fini(&b.owners);
	*why = b.why;
	return b.why == NULL;
}

/* see trie_build.h */
void trie_free(struct trie *trie)
{
	buffer_free(&trie->nodes);
	buffer_free(&trie->node_map);
	buffer_free(&trie->posts);
	buffer_free(&trie->post_map);
	buffer_free(&trie->tops);
	buffer_free(&trie->order);
}
