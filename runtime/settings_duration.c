/* settings_duration.c - see settings.h: durations as upstream writes them. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "settings.h"

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SETTINGS_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

/* Longest unit first where one begins another. */
static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", 60u * UINT64_C(1000000000)},
	{"h", 3600u * UINT64_C(1000000000)},
};

/* One "12.5ms" at *P; adds it to *NS. */
static bool read_duration_part(const char **p, uint64_t *ns, bool *no_unit)
{
	uint64_t whole = 0, fraction = 0, scale = 1, sum;
	const char *start = *p;

	for (; **p >= '0' && **p <= '9'; (*p)++)
		if (__builtin_mul_overflow(whole, 10u, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(**p - '0'),
					   &whole))
			return false;
	if (**p == '.') {
		for ((*p)++; **p >= '0' && **p <= '9'; (*p)++) {
			/* beyond a nanosecond's share of an hour nothing
			 * changes */
			if (scale >= 1000000)
				continue;
			scale *= 10;
			fraction = fraction * 10 + (uint64_t)(**p - '0');
		}
	}
	if (*p == start || (*p == start + 1 && *start == '.'))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		/* "m" must not take the start of "ms": "ms" came before */
		if (strncmp(*p, units[i].name, n) != 0)
			continue;
		*p += n;
		if (__builtin_mul_overflow(whole, units[i].ns, &sum) ||
		    __builtin_add_overflow(
			    sum, fraction * (units[i].ns / 1000) / scale * 1000,
			    &sum))
			return false;
		return !__builtin_add_overflow(*ns, sum, ns);
	}
	*no_unit = **p == '\0';
	return false;
}

bool settings_duration(const char *text, unsigned *ms, char *why)
{
	const char *p = text;
	bool no_unit = false;
	uint64_t ns = 0, value;

	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return true;
	}
	if (*text == '-')
		return refuse(why, "duration '%s' is negative", text);
	do {
		if (!read_duration_part(&p, &ns, &no_unit)) {
			if (no_unit)
				return refuse(
					why,
					"duration '%s' has no unit; write "
					"'%ss' for seconds",
					text, text);
			return refuse(why,
				      "'%s' is not a duration; write it like "
				      "10s, 1500ms or 1h30m",
				      text);
		}
	} while (*p != '\0');
	value = ns / 1000000 + (ns % 1000000 != 0);
	if (value > INT_MAX)
		return refuse(why, "duration '%s' is too long", text);
	*ms = (unsigned)value;
	return true;
}
