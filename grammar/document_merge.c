/* document_merge.c - merge keys: '<<: *base', '<<: [*first, *second]'.
 * Written keys win over merged ones and earlier mappings over later ones.  Who
 * wins is found by sorting, so that no choice of keys makes it slow. */
#include <stdlib.h>
#include <string.h>

#include "document_build.h"

/* A pair that might be in the result. */
struct offer {
	struct pair pair;
	uint32_t rank; /* written pairs first, then in order of merging */
};

struct offers {
	struct offer *items; /* owned */
	size_t count;
	size_t capacity;
};

bool build_is_merge(const struct node *key)
{
	return key->kind == NODE_SCALAR && key->style == SCALAR_PLAIN &&
	       !key->aliased && node_equals(key, "<<");
}

static void offer(struct offers *offers, struct node *key, struct node *value,
		  bool merged)
{
	if (offers->count == offers->capacity) {
		size_t capacity =
			offers->capacity > 0 ? 2 * offers->capacity : 16;
		void *items = reallocarray(offers->items, capacity,
					   sizeof(*offers->items));

		if (items == NULL)
			arena_out_of_memory();
		offers->items = items;
		offers->capacity = capacity;
	}
	offers->items[offers->count] = (struct offer){
		.pair = {.key = key, .value = value, .merged = merged},
		.rank = (uint32_t)offers->count,
	};
	offers->count++;
}

static void refuse(struct build *build, const struct node *value)
{
	struct diag *diag = diag_report(
		build->list, DIAG_Y029, node_span(build->document, value),
		"'<<' merges mappings, and this is none");

	diag_hint(build->list, diag,
		  "write '<<: *base', or \"<<\" for a key of that name");
}

static void merge_mapping(struct build *build, struct offers *offers,
			  const struct node *value)
{
	if (value->kind != NODE_MAPPING) {
		refuse(build, value);
		return;
	}
	for (uint32_t i = 0; i < value->count; i++)
		offer(offers, value->pairs[i].key, value->pairs[i].value, true);
}

static void merge_value(struct build *build, struct offers *offers,
			const struct node *value)
{
	if (value->kind != NODE_SEQUENCE) {
		merge_mapping(build, offers, value);
		return;
	}
	for (uint32_t i = 0; i < value->count; i++)
		merge_mapping(build, offers, value->items[i]);
}

static int by_rank(const void *left, const void *right)
{
	const struct offer *a = left;
	const struct offer *b = right;

	return (a->rank > b->rank) - (a->rank < b->rank);
}

static int compare_keys(const struct node *a, const struct node *b)
{
	uint32_t a_length = a->kind == NODE_SCALAR ? a->count : 0;
	uint32_t b_length = b->kind == NODE_SCALAR ? b->count : 0;
	uint32_t length = a_length < b_length ? a_length : b_length;
	int by = length > 0 ? memcmp(a->text, b->text, length) : 0;

	return by != 0 ? by : (a_length > b_length) - (a_length < b_length);
}

static int by_key(const void *left, const void *right)
{
	const struct offer *a = left;
	const struct offer *b = right;
	int by = compare_keys(a->pair.key, b->pair.key);

	return by != 0 ? by : by_rank(left, right);
}

/* Keep every written pair (two of one key are the schema's to report), and of
 * the merged ones the first of each key. */
static void settle(struct offers *offers)
{
	struct offer *items = offers->items;
	size_t kept = 0;

	qsort(items, offers->count, sizeof(*items), by_key);
	for (size_t i = 0; i < offers->count; i++) {
		if (items[i].pair.merged && kept > 0 &&
		    compare_keys(items[kept - 1].pair.key, items[i].pair.key) ==
			    0)
			continue;
		items[kept++] = items[i];
	}
	offers->count = kept;
	qsort(items, kept, sizeof(*items), by_rank);
}

void build_merge(struct build *build, struct node *mapping,
		 struct node *const *children, size_t count)
{
	struct offers offers = {.items = NULL};

	for (size_t i = 0; i < count; i += 2)
		if (!build_is_merge(children[i]))
			offer(&offers, children[i], children[i + 1], false);
	for (size_t i = 0; i < count; i += 2)
		if (build_is_merge(children[i]))
			merge_value(build, &offers, children[i + 1]);
	if (offers.count > 0) {
		settle(&offers);
		mapping->pairs = arena_alloc_array(build->arena, offers.count,
						   sizeof(*mapping->pairs));
		mapping->count = (uint32_t)offers.count;
		for (size_t i = 0; i < offers.count; i++)
			mapping->pairs[i] = offers.items[i].pair;
	}
	free(offers.items);
}
