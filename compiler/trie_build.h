/* trie_build.h - sorted entries become the sections of the host table, equal
 * subtrees once.  format.h has the layout. */
#ifndef COMPILER_TRIE_BUILD_H
#define COMPILER_TRIE_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "lower.h"

/* Zeroed before trie_build(); trie_free() takes it all back. */
struct trie {
	struct buffer nodes; /* with their pad */
	struct buffer node_map;
	struct buffer posts;
	struct buffer post_map;
	struct buffer tops;
	struct buffer order;
	uint32_t node_count;
	uint32_t post_count;
	uint32_t top_count;
	uint32_t order_count;
	uint32_t singles;
	uint64_t globs;
};

/* Build OUT from the entries of POLICY.  False: *WHY says which limit or order
 * they break. */
bool trie_build(struct trie *out, const struct canonical *policy,
		const char **why);
void trie_free(struct trie *trie);

#endif
