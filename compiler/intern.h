/* intern.h - equal byte strings once: nodes, postings and texts that are the
 * same get the same place in a buffer. */
#ifndef COMPILER_INTERN_H
#define COMPILER_INTERN_H

#include <stdint.h>

#include "buffer.h"

struct intern_slot {
	uint32_t hash;
	uint32_t id; /* one more than it is; 0: a free slot */
};

/* Zeroed, it is empty.  Item I is the bytes from item[I] up to item[I + 1]. */
struct intern {
	struct buffer bytes;
	size_t *item; /* count + 1 of them, once there is one */
	uint32_t count;
	uint32_t item_room;
	struct intern_slot *slots;
	uint32_t slot_count; /* a power of two */
};

/* The id of N bytes, counted from 0 in order of first appearance. */
uint32_t intern_put(struct intern *intern, const void *bytes, size_t n);
void intern_free(struct intern *intern);

#endif
