/* names.h - a set of names, each with a value: a crit-bit tree.
 * Lookup and insertion cost the length of the name and nothing else, whatever
 * names a hostile file chooses. */
#ifndef GRAMMAR_NAMES_H
#define GRAMMAR_NAMES_H

#include <stdint.h>

#include "arena.h"

struct names_node;

struct names {
	struct names_node *root;
};

/* The place for the value of NAME (LENGTH bytes without NUL, borrowed as long
 * as the set lives).  A new one is NULL. */
void **names_slot(struct names *names, struct arena *arena, const char *name,
		  uint32_t length);

/* The value of NAME, or NULL. */
void *names_find(const struct names *names, const char *name, uint32_t length);

#endif
