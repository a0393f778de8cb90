/* walk.c - blob_walk(): every entry in order of reversed labels, without memory
 * of its own.  Small nodes are sorted as they are walked; for the others
 * section ORDER has the sequence. */
#include "blob-internal.h"
#include "blob.h"
#include "hosts-internal.h"

struct walk {
	const struct blob *blob;
	const struct hosts *hosts;
	blob_visit *visit;
	void *context;
	/* A bound for damage that no check excludes: names too long to be
	 * visited, again and again by way of shared subtrees. */
	uint64_t budget;
	char text[FORMAT_NAME_MAX + 1 + FORMAT_LABEL_MAX];
};

#define TEXT_END (FORMAT_NAME_MAX + 1 + FORMAT_LABEL_MAX)

/* A child as it stands in its node. */
struct child {
	struct str label;
	struct str top; /* empty: a key of one label */
	uint32_t value;
};

static struct child child_at(const struct walk *walk,
			     const struct hosts_bucket *b, uint32_t i)
{
	uint32_t code = bucket_code(b, i);
	struct child child = {
		.label = str_make((const char *)bucket_label(b, i),
				  bucket_print(b, i) & PRINT_LENGTH),
		.value = bucket_value(b, i),
	};

	if (code != TOPS_NONE) {
		const uint8_t *top = top_at(walk->hosts, code);

		child.top = str_make((const char *)top,
				     top_length(walk->hosts, top));
	}
	return child;
}

/* Reversed labels: "com" < "a.com" < "b.com" < "org". */
static int child_compare(const struct child *a, const struct child *b)
{
	struct str a_first = a->top.n ? a->top : a->label;
	struct str b_first = b->top.n ? b->top : b->label;
	int order = str_compare(a_first, b_first);

	if (order != 0)
		return order;
	if (a->top.n == 0 || b->top.n == 0)
		return (a->top.n != 0) - (b->top.n != 0);
	return str_compare(a->label, b->label);
}

static bool visit_owner(struct walk *walk, uint32_t owner, struct str name,
			bool wildcard)
{
	const struct hosts *hosts = walk->hosts;
	uint32_t payload = owner & OWNER_PAYLOAD;

	if (owner_type(owner) == OWNER_SINGLE) {
		if (!walk->visit(walk->context, payload, name, wildcard))
			return false;
	} else if (owner_type(owner) == OWNER_POSTING) {
		const uint8_t *post = hosts->post + 4 * (size_t)payload;
		uint32_t n = get_u32le(post);
		bool bitmap = n & POST_BITMAP;
		uint32_t end = bitmap ? hosts->lists : n;

		post += 4;
		for (uint32_t i = 0; i < end; i++) {
			uint32_t list = i;

			if (bitmap && !(post[i / 8] >> i % 8 & 1))
				continue;
			if (!bitmap)
				list = hosts->id_bytes == 2
					       ? get_u16le(post + 2 * (size_t)i)
					       : get_u32le(post +
							   4 * (size_t)i);
			if (!walk->visit(walk->context, list, name, wildcard))
				return false;
		}
	}
	if (owner & OWNER_ALLOW &&
	    !walk->visit(walk->context, LIST_GLOBAL_ALLOW, name, wildcard))
		return false;
	return !(owner & OWNER_DENY) ||
	       walk->visit(walk->context, LIST_GLOBAL_DENY, name, wildcard);
}

static bool walk_node(struct walk *walk, const uint8_t *p, size_t start);

/* Put TEXT and, unless it ends the name, a dot before START. */
static bool prepend(struct walk *walk, struct str text, size_t *start)
{
	size_t dot = *start < TEXT_END ? 1 : 0;

	if (*start < text.n + dot ||
	    TEXT_END - *start + text.n + dot > FORMAT_NAME_MAX)
		return false;
	if (dot)
		walk->text[--*start] = '.';
	*start -= text.n;
	memcpy(walk->text + *start, text.p, text.n);
	return true;
}

/* The child and all below it.  False: the visitor has had enough. */
static bool walk_child(struct walk *walk, const struct child *child,
		       size_t start)
{
	if (walk->budget-- == 0)
		return false;
	if ((child->top.n > 0 && !prepend(walk, child->top, &start)) ||
	    !prepend(walk, child->label, &start))
		return true;

	struct hosts_value v = value_read(walk->hosts, child->value);
	struct str name = str_make(walk->text + start, TEXT_END - start);

	return visit_owner(walk, v.exact, name, false) &&
	       visit_owner(walk, v.wild, name, true) &&
	       (v.node == NULL || walk_node(walk, v.node, start));
}

/* Children that no ORDER speaks of: the least one after the last one, until
 * there is none. */
static bool walk_sorted(struct walk *walk, const struct hosts_bucket *b,
			size_t start)
{
	struct child last = {.value = 0};

	for (uint32_t done = 0; done < b->n; done++) {
		struct child next = {.value = 0};

		for (uint32_t i = 0; i < b->n; i++) {
			struct child child = child_at(walk, b, i);

			if (done > 0 && child_compare(&child, &last) <= 0)
				continue;
			if (next.label.n == 0 ||
			    child_compare(&child, &next) < 0)
				next = child;
		}
		if (next.label.n == 0)
			break;
		if (!walk_child(walk, &next, start))
			return false;
		last = next;
	}
	return true;
}

/* The handles of the node at P in ORDER, or NULL. */
static const uint8_t *order_of(const struct walk *walk, const uint8_t *p,
			       uint64_t *count)
{
	const struct blob_section *order = &walk->blob->section[SECTION_ORDER];
	uint32_t unit = (uint32_t)((p - walk->hosts->node) / NODE_UNIT);
	uint32_t low = 0, n = order->count;
	uint64_t head = ORDER_PAIR_BYTES * (uint64_t)n;

	if (order->p == NULL || head > order->length)
		return NULL;

	uint64_t handles = (order->length - head) / 4;

	while (n > 0) {
		uint32_t half = n / 2;
		const uint8_t *pair =
			order->p + ORDER_PAIR_BYTES * (size_t)(low + half);

		if (get_u32le(pair) == unit) {
			uint64_t first = get_u32le(pair + 4);
			uint64_t end = low + half + 1 < order->count
					       ? get_u32le(pair + 12)
					       : handles;

			if (first > end || end > handles)
				return NULL;
			*count = end - first;
			return order->p + head + 4 * first;
		}
		if (get_u32le(pair) < unit) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return NULL;
}

static bool handle_child(const struct walk *walk, const struct hosts_node *node,
			 uint32_t handle, struct child *out)
{
	uint32_t bucket = handle >> HANDLE_SLOT_BITS;
	uint32_t slot = handle & ((1u << HANDLE_SLOT_BITS) - 1);

	if (bucket >= node->buckets)
		return false;

	struct hosts_bucket b = node_bucket(node, bucket);

	if (slot >= b.n)
		return false;
	*out = child_at(walk, &b, slot);
	return true;
}

/* ORDER is cold, so it is checked here and not when the blob is loaded: as many
 * handles as children, each of a child, strictly ascending. */
static bool order_holds(const struct walk *walk, const struct hosts_node *node,
			const uint8_t *handles, uint64_t count)
{
	struct child last = {.value = 0}, child;
	uint64_t children = 0;

	for (uint32_t i = 0; i < node->buckets; i++)
		children += node_bucket(node, i).n;
	if (count != children)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!handle_child(walk, node, get_u32le(handles + 4 * i),
				  &child) ||
		    (i > 0 && child_compare(&last, &child) >= 0))
			return false;
		last = child;
	}
	return true;
}

static bool walk_directory(struct walk *walk, const struct hosts_node *node,
			   size_t start)
{
	uint64_t count = 0;
	const uint8_t *handles = order_of(walk, node->p, &count);

	if (handles == NULL || !order_holds(walk, node, handles, count)) {
		for (uint32_t i = 0; i < node->buckets; i++) {
			struct hosts_bucket b = node_bucket(node, i);

			if (!walk_sorted(walk, &b, start))
				return false;
		}
		return true;
	}
	for (uint64_t i = 0; i < count; i++) {
		struct child child;

		if (!handle_child(walk, node, get_u32le(handles + 4 * i),
				  &child) ||
		    !walk_child(walk, &child, start))
			return false;
	}
	return true;
}

static bool walk_node(struct walk *walk, const uint8_t *p, size_t start)
{
	struct hosts_node node = node_read(p);

	if (node.directory != NULL)
		return walk_directory(walk, &node, start);
	return walk_sorted(walk, &node.small, start);
}

/* see blob.h */
void blob_walk(const struct blob *blob, blob_visit *visit, void *context)
{
	struct walk walk = {
		.blob = blob,
		.hosts = &blob->hosts,
		.visit = visit,
		.context = context,
	};

	if (blob->bytes == NULL)
		return;

	uint64_t entries =
		get_u64le(blob->section[SECTION_META].p + META_ENTRIES);

	/* each child leads to an entry, over at most so many labels */
	walk.budget = entries > UINT64_MAX / FORMAT_LABELS_MAX
			      ? UINT64_MAX
			      : entries * FORMAT_LABELS_MAX;
	walk_node(&walk, blob->hosts.node, TEXT_END);
}
