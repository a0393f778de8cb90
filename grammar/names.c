/* names.c - a crit-bit tree: an inner node says which bit tells its two sides
 * apart, a leaf is a name.  Names are compared as if NULs followed them, so
 * that a name and its prefix differ in a bit too. */
#include "names.h"

#include <stdbool.h>
#include <stddef.h>

struct names_node {
	bool leaf;
	unsigned char mask; /* inner: the bit, in byte AT */
	uint32_t at;        /* leaf: the length */
	union {
		struct names_node *side[2];
		struct {
			const char *name;
			void *value;
		};
	};
};

static unsigned char byte_at(const char *name, uint32_t length, uint32_t at)
{
	return at < length ? (unsigned char)name[at] : 0;
}

static unsigned side_of(const struct names_node *inner, const char *name,
			uint32_t length)
{
	return (byte_at(name, length, inner->at) & inner->mask) != 0;
}

/* The only leaf that can hold NAME. */
static struct names_node *candidate(struct names_node *node, const char *name,
				    uint32_t length)
{
	while (!node->leaf)
		node = node->side[side_of(node, name, length)];
	return node;
}

/* The first byte in which LEAF and NAME differ; their common length if none. */
static uint32_t first_difference(const struct names_node *leaf,
				 const char *name, uint32_t length)
{
	uint32_t at = 0;

	while (at < length && at < leaf->at && leaf->name[at] == name[at])
		at++;
	return at;
}

static struct names_node *new_leaf(struct arena *arena, const char *name,
				   uint32_t length)
{
	struct names_node *leaf = arena_alloc(arena, sizeof(*leaf));

	leaf->leaf = true;
	leaf->at = length;
	leaf->name = name;
	return leaf;
}

void **names_slot(struct names *names, struct arena *arena, const char *name,
		  uint32_t length)
{
	if (names->root == NULL)
		names->root = new_leaf(arena, name, length);

	struct names_node *found = candidate(names->root, name, length);
	uint32_t at = first_difference(found, name, length);
	unsigned char differing =
		byte_at(found->name, found->at, at) ^ byte_at(name, length, at);

	if (differing == 0)
		return &found->value;

	struct names_node *inner = arena_alloc(arena, sizeof(*inner));
	struct names_node *leaf = new_leaf(arena, name, length);
	struct names_node **link = &names->root;

	inner->at = at;
	inner->mask = 0x80;
	while ((differing & inner->mask) == 0)
		inner->mask >>= 1;
	/* Inner nodes are ordered by bit from the root: find our place. */
	while (!(*link)->leaf &&
	       ((*link)->at < at ||
		((*link)->at == at && (*link)->mask > inner->mask)))
		link = &(*link)->side[side_of(*link, name, length)];
	inner->side[side_of(inner, name, length)] = leaf;
	inner->side[!side_of(inner, name, length)] = *link;
	*link = inner;
	return &leaf->value;
}

void *names_find(const struct names *names, const char *name, uint32_t length)
{
	if (names->root == NULL)
		return NULL;

	struct names_node *found = candidate(names->root, name, length);
	uint32_t at = first_difference(found, name, length);

	return at == length && at == found->at ? found->value : NULL;
}
