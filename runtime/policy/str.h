/* str.h - length and pointer together: a view of bytes that somebody else
 * owns.  Not NUL-terminated unless its source says so. */
#ifndef POLICY_STR_H
#define POLICY_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A literal or an array, without its NUL. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_make(const char *p, size_t n)
{
	return (struct str){p, n};
}

static inline struct str str_from(const char *c_string)
{
	return (struct str){c_string, strlen(c_string)};
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Bytewise order, shorter first: <0, 0, >0. */
static inline int str_compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order != 0)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

#define STR_DECIMAL_MAX 20 /* digits of the largest value */

/* VALUE in decimal at OUT, without a NUL; how many digits it has. */
size_t str_put_decimal(char *out, uint64_t value);

/* VALUE below a million as six digits, zeros in front. */
void str_put_six_digits(char *out, uint32_t value);

#endif
