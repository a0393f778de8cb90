/* slips.h - which of many labels are one slip of the finger apart: one
 * character added, left out, replaced or swapped with its neighbour. */
#ifndef COMPILER_SLIPS_H
#define COMPILER_SLIPS_H

#include <stdint.h>

#include "runtime/policy/str.h"

/* Two labels, by their index. */
struct slip {
	uint32_t a;
	uint32_t b;
	uint32_t slot; /* private */
};

/* Which labels to compare, FIRST to END, and which of their forms: those with
 * the character at one of the positions FROM to TO left out, and the whole.
 * Slips at other positions are not found. */
struct slip_search {
	uint32_t first;
	uint32_t end;
	uint32_t from;
	uint32_t to;
};

/* Memory that is used again by the next search. */
struct slips {
	struct slip *pairs; /* what the last search found */
	uint32_t pair_count;
	uint32_t pair_capacity;
	/* private */
	uint64_t *hashes;
	uint8_t *counters;
	uint64_t counter_mask;
	uint64_t counter_room;
	struct slot *slots;
	uint64_t slot_mask;
	uint64_t slot_room;
};

void slips_init(struct slips *slips);
void slips_fini(struct slips *slips);

/* Find the slips among LABELS, each of 1 to 63 bytes and all different.  Names
 * that count ("cdn1", "cdn2") and families of more than three are none.  Takes
 * time for each label, not for each pair. */
void slips_find(struct slips *slips, const struct str *labels,
		const struct slip_search *search);

#endif
