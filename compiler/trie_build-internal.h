/* trie_build-internal.h - what trie_build.c and trie_layout.c share. */
#ifndef COMPILER_TRIE_BUILD_INTERNAL_H
#define COMPILER_TRIE_BUILD_INTERNAL_H

#include "intern.h"
#include "owners.h"
#include "trie_build.h"

/* A name that is an entry, or several. */
struct key {
	const char *name; /* borrowed */
	uint32_t exact;   /* owners */
	uint32_t wild;
	uint8_t length;
};

/* A child to be: what goes into its parent's bucket. */
struct edge {
	uint64_t hash;
	const char *label;
	uint32_t value;
	uint16_t code; /* of the top label; TOPS_NONE */
	uint8_t length;
};

struct builder {
	struct key *keys;
	uint32_t key_count;
	struct owners owners;
	struct edge *edges; /* a stack: those of the nodes being built */
	size_t edge_count;
	size_t edge_room;
	struct intern nodes;
	struct buffer scratch; /* the node being written */
	uint32_t *slots;       /* its children, in the order they stand in */
	uint32_t *starts;      /* where its buckets start in that */
	uint32_t slot_room;
	uint32_t start_room;
	struct buffer handles; /* of all nodes with a directory */
	struct buffer ordered; /* {u32 node, u32 first handle} each */
	struct trie *out;
	const char *why; /* not NULL: given up */
};

/* Fill b->out from the nodes and postings of B. */
void trie_lay_out(struct builder *b);

#endif
