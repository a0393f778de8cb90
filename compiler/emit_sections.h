/* emit_sections.h - what emit.c puts into the sections that are not the host
 * table. */
#ifndef COMPILER_EMIT_SECTIONS_H
#define COMPILER_EMIT_SECTIONS_H

#include <stdbool.h>

#include "buffer.h"
#include "intern.h"
#include "lower.h"
#include "trie_build.h"

/* One section while it is made. */
struct emit_section {
	struct buffer bytes;
	uint32_t count;
	bool present;
};

struct emit {
	const struct canonical *policy;
	struct trie trie;
	struct emit_section section[SECTION_KNOWN];
	struct intern strings;
	uint64_t required; /* features that a reader must know */
	const char *why;   /* not NULL: given up */
};

void emit_rules(struct emit *emit);
void emit_roles(struct emit *emit);
void emit_mitm(struct emit *emit);
void emit_addresses(struct emit *emit);
void emit_strings(struct emit *emit);
void emit_meta(struct emit *emit);
/* The source map. */
void emit_lines(struct emit *emit);

#endif
