/* settings_limits.c - how much is too much: the values of the limits, with
 * upstream's words for those that make no sense.  Each stands for itself: a
 * flag replaces its own key and no other. */
#include "settings-internal.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A limit, where NEGATIVE says what a negative number is. */
static bool read_limit(const char *text, unsigned *out, bool *negative)
{
	*negative = *text == '-';
	return setting_unsigned(text + *negative, INT_MAX, out);
}

bool set_max_requests(struct settings *settings, const char *text, char *why)
{
	bool negative;
	unsigned value;

	if (!read_limit(text, &value, &negative))
		return setting_refuse(why, "'%s' is not a number from 0 to %d",
				      text, INT_MAX);
	if (negative && value != 0)
		return setting_refuse(why, "maxConcurrent must be >= 0, got %s",
				      text);
	settings->max_requests = value;
	return true;
}

bool set_max_rate(struct settings *settings, const char *text, char *why)
{
	char *end;
	double value;

	/* strtod() takes more: blanks, names, hexadecimal */
	if (*text == '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
		return setting_refuse(why, "'%s' is not a number", text);
	value = strtod(text, &end);
	if (*end != '\0' || !isfinite(value))
		return setting_refuse(why, "'%s' is not a number", text);
	if (value < 0)
		return setting_refuse(
			why, "maxRequestRate must be >= 0, got %s", text);
	settings->max_rate = value;
	return true;
}

/* A negative burst is upstream's way to leave it to the rate. */
bool set_max_burst(struct settings *settings, const char *text, char *why)
{
	bool negative;
	unsigned value;

	if (!read_limit(text, &value, &negative))
		return setting_refuse(why, "'%s' is not a number from 0 to %d",
				      text, INT_MAX);
	settings->has_burst = !negative;
	settings->max_burst = negative ? 0 : value;
	return true;
}

bool set_max_tunnels(struct settings *settings, const char *text, char *why)
{
	bool negative;
	unsigned value;

	if (!read_limit(text, &value, &negative))
		return setting_refuse(why, "'%s' is not a number from 0 to %d",
				      text, INT_MAX);
	settings->max_tunnels = negative ? 0 : value;
	return true;
}

/* see settings.h */
unsigned settings_burst(const struct settings *settings)
{
	double twice = settings->max_rate * 2;

	if (settings->has_burst)
		return settings->max_burst;
	/* a bucket that holds less than one would let nobody through */
	if (twice < 1)
		return 1;
	return twice < INT_MAX ? (unsigned)twice : INT_MAX;
}
