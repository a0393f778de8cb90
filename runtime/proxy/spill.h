/* spill.h - bytes that wait because somebody is not ready for them.  Allocated
 * only while there are any, so that an idle connection costs no buffer. */
#ifndef PROXY_SPILL_H
#define PROXY_SPILL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct spill {
	unsigned char *p; /* owned; NULL when nothing waits */
	uint32_t start;   /* waiting bytes are [start, end) */
	uint32_t end;
	uint32_t capacity;
};

static inline uint32_t spill_length(const struct spill *spill)
{
	return spill->end - spill->start;
}

static inline void spill_free(struct spill *spill)
{
	free(spill->p);
	*spill = (struct spill){0};
}

/* Room for MORE bytes behind the end.  False: out of memory, or an absurd
 * length; what waits is still there. */
static inline bool spill_reserve(struct spill *spill, uint32_t more)
{
	uint32_t capacity;
	unsigned char *p;

	if (spill->p != NULL && spill->capacity - spill->end >= more)
		return true;
	if (__builtin_add_overflow(spill->end, more, &capacity))
		return false;
	p = realloc(spill->p, capacity);
	if (p == NULL)
		return false;
	spill->p = p;
	spill->capacity = capacity;
	return true;
}

static inline bool spill_add(struct spill *spill, const void *bytes,
			     uint32_t length)
{
	if (length == 0)
		return true;
	if (!spill_reserve(spill, length))
		return false;
	memcpy(spill->p + spill->end, bytes, length);
	spill->end += length;
	return true;
}

/* Move what waits to where the memory begins. */
static inline void spill_to_front(struct spill *spill)
{
	memmove(spill->p, spill->p + spill->start, spill_length(spill));
	spill->end -= spill->start;
	spill->start = 0;
}

/* The first LENGTH bytes have been dealt with. */
static inline void spill_consume(struct spill *spill, uint32_t length)
{
	spill->start += length;
	if (spill->start == spill->end)
		spill_free(spill);
}

#endif
