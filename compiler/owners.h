/* owners.h - which lists have an entry: the owner words of format.h and the
 * postings that they point to, equal ones once. */
#ifndef COMPILER_OWNERS_H
#define COMPILER_OWNERS_H

#include <stdint.h>

#include "buffer.h"
#include "intern.h"
#include "lower.h"

struct owners {
	struct intern postings;
	struct buffer scratch;
	uint32_t lists;
	uint32_t id_bytes;
};

void owners_init(struct owners *owners, uint32_t lists);
void owners_fini(struct owners *owners);

/* The word for COUNT entries that differ in their list alone.  0: *WHY says
 * what is wrong. */
uint32_t owners_word(struct owners *owners,
		     const struct canonical_entry *entries, uint32_t count,
		     const char **why);

#endif
