/* text.h - text that grows: what is written whole before anybody reads it.
 * Out of memory is remembered and told once, at the end. */
#ifndef OBSERVE_TEXT_H
#define OBSERVE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/policy/str.h"

struct text {
	char *p; /* owned */
	size_t n;
	size_t capacity;
	bool failed; /* something is missing */
};

#define TEXT_STEP 4096u

static inline void text_free(struct text *text)
{
	free(text->p);
	*text = (struct text){0};
}

/* Room for N more bytes at text->p + text->n. */
static inline bool text_reserve(struct text *text, size_t n)
{
	size_t capacity;
	char *p;

	if (text->failed)
		return false;
	if (text->capacity - text->n >= n)
		return true;
	if (__builtin_add_overflow(text->n, n, &capacity) ||
	    __builtin_add_overflow(capacity, capacity / 2 + TEXT_STEP,
				   &capacity))
		p = NULL;
	else
		p = realloc(text->p, capacity);
	if (p == NULL) {
		text->failed = true;
		return false;
	}
	text->p = p;
	text->capacity = capacity;
	return true;
}

static inline void text_add(struct text *text, struct str more)
{
	if (more.n == 0 || !text_reserve(text, more.n))
		return;
	memcpy(text->p + text->n, more.p, more.n);
	text->n += more.n;
}

static inline void text_put(struct text *text, const char *more)
{
	text_add(text, str_from(more));
}

static inline void text_put_unsigned(struct text *text, uint64_t value)
{
	char digits[STR_DECIMAL_MAX];

	text_add(text, str_make(digits, str_put_decimal(digits, value)));
}

/* VALUE / SCALE, a power of ten up to 10^9, without zeros at the end: "1.5". */
static inline void text_put_fraction(struct text *text, uint64_t value,
				     uint64_t scale)
{
	char digits[24] = ".";
	size_t n = 1;

	text_put_unsigned(text, value / scale);
	for (uint64_t rest = value % scale; rest != 0 && n < sizeof(digits);
	     rest = rest * 10 % scale)
		digits[n++] = (char)('0' + rest * 10 / scale);
	if (n > 1)
		text_add(text, str_make(digits, n));
}

#endif
