/* textset.h - a set of texts, each with a number: what was given twice, and
 * where it was the first time. */
#ifndef COMPILER_TEXTSET_H
#define COMPILER_TEXTSET_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar/arena.h"
#include "runtime/policy/str.h"

#define TEXTSET_NONE UINT32_MAX

struct textset {
	struct arena *arena;
	struct textset_slot *slots;
	uint32_t mask; /* slots - 1; 0 before the first text */
	uint32_t count;
	uint64_t key[2]; /* of the hash */
};

void textset_init(struct textset *set, struct arena *arena);

/* Add TEXT, which is borrowed, with VALUE.  If it is there already nothing
 * changes and its value is returned; otherwise TEXTSET_NONE. */
uint32_t textset_add(struct textset *set, struct str text, uint32_t value);

/* The value of TEXT, or TEXTSET_NONE. */
uint32_t textset_find(const struct textset *set, struct str text);

#endif
