/* json.h - JSON objects appended to a buffer of fixed size.  For log lines: no
 * allocation, hostile bytes escaped, and an object that does not fit says so
 * instead of being cut.  Not here: reading JSON.
 * A request writes a line or two of thirty members.  What takes a key is inline
 * therefore: the compiler knows how long a literal is and copies it with a few
 * moves, and there is one question whether a member fits. */
#ifndef OBSERVE_JSON_H
#define OBSERVE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime/policy/str.h"

/* A longer string value is cut there and "..." appended: nothing a client sends
 * may crowd out the rest of its line. */
#define JSON_VALUE_MAX 1024

/* Each member ends with a comma, the place of which is taken by the end of what
 * the member is in. */
struct json {
	char *start;   /* borrowed from the caller */
	char *at;      /* where the next byte goes */
	char *end;     /* of the room; AT when something did not fit */
	bool overflow; /* so it was: what is there is no JSON */
};

void json_begin(struct json *json, char *buffer, size_t capacity);
void json_end(struct json *json);

static inline size_t json_length(const struct json *json)
{
	return (size_t)(json->at - json->start);
}

/* The same for members alone, which are to go into an object elsewhere: see
 * json_put_members(). */
void json_begin_members(struct json *json, char *buffer, size_t capacity);
void json_end_members(struct json *json);

/* --- members; KEY is a literal of ours and needs no escaping ----------------
 */

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Is there room for N bytes at json->at? */
ALWAYS_INLINE bool json_fits(struct json *json, size_t n)
{
	if (n <= (size_t)(json->end - json->at))
		return true;
	json->end = json->at;
	json->overflow = true;
	return false;
}

/* TEXT as it is. */
ALWAYS_INLINE void json_put_literal(struct json *json, const char *text)
{
	size_t n = strlen(text);

	if (!json_fits(json, n))
		return;
	memcpy(json->at, text, n);
	json->at += n;
}

/* VALUE is a literal of any kind, with its comma. */
ALWAYS_INLINE void json_put_fixed(struct json *json, const char *key,
				  const char *value)
{
	size_t key_length = strlen(key), value_length = strlen(value);
	char *p = json->at;

	if (!json_fits(json, key_length + value_length + 3))
		return;
	*p++ = '"';
	memcpy(p, key, key_length);
	p += key_length;
	memcpy(p, "\":", 2);
	memcpy(p + 2, value, value_length);
	json->at = p + 2 + value_length;
}

ALWAYS_INLINE void json_put_bool(struct json *json, const char *key, bool value)
{
	if (value)
		json_put_fixed(json, key, "true,");
	else
		json_put_fixed(json, key, "false,");
}

/* KEY, if N bytes of a value fit behind it, N at least two: they go to *VALUE.
 * The member counts from json_finish(). */
ALWAYS_INLINE bool json_open(struct json *json, const char *key, size_t n,
			     char **value)
{
	size_t length = strlen(key);
	char *p = json->at;

	if (!json_fits(json, length + 3 + n))
		return false;
	*p = '"';
	memcpy(p + 1, key, length);
	/* four bytes are one move: two are the value's, most often a string */
	memcpy(p + 1 + length, "\":\"", 4);
	*value = p + 1 + length + 2;
	return true;
}

/* END: behind the value and its comma. */
ALWAYS_INLINE void json_finish(struct json *json, char *end)
{
	json->at = end;
}

/* --- strings ----------------------------------------------------------------
 */

#define JSON_STRING_END 2 /* the bytes behind the last character */

/* A string whose characters are written by the caller and need no escaping: as
 * json_open(), for N of them, and as json_finish(), behind the last. */
ALWAYS_INLINE bool json_open_plain(struct json *json, const char *key, size_t n,
				   char **characters)
{
	bool fits = json_open(json, key, 1 + n + JSON_STRING_END, characters);

	if (fits)
		++*characters; /* the quote is there */
	return fits;
}

ALWAYS_INLINE void json_finish_plain(struct json *json, char *end)
{
	memcpy(end, "\",", JSON_STRING_END);
	json_finish(json, end + JSON_STRING_END);
}

/* VALUE at P, for which there is room unless it needs escaping or is cut. */
void json_finish_string(struct json *json, char *p, struct str value);

ALWAYS_INLINE void json_put_string(struct json *json, const char *key,
				   struct str value)
{
	size_t n = value.n < JSON_VALUE_MAX ? value.n : JSON_VALUE_MAX;
	char *p;

	if (json_open_plain(json, key, n, &p))
		json_finish_string(json, p, value);
}

ALWAYS_INLINE void json_put_text(struct json *json, const char *key,
				 const char *value)
{
	json_put_string(json, key, str_from(value));
}

/* A string in parts, each of which may be of any bytes. */
ALWAYS_INLINE void json_open_string(struct json *json, const char *key)
{
	char *p;

	if (json_open_plain(json, key, 0, &p))
		json_finish(json, p);
}

void json_add_part(struct json *json, struct str part);
void json_close_string(struct json *json);

/* --- numbers, which are given the room of the longest -----------------------
 */

#define JSON_NUMBER_MAX                                                        \
	(STR_DECIMAL_MAX + 8) /* a sign or a fraction, comma                   \
			       */

void json_finish_unsigned(struct json *json, char *p, uint64_t value);
void json_finish_signed(struct json *json, char *p, int64_t value);
void json_finish_milli(struct json *json, char *p, uint64_t value);
void json_finish_micro(struct json *json, char *p, uint64_t value);

ALWAYS_INLINE void json_put_unsigned(struct json *json, const char *key,
				     uint64_t value)
{
	char *p;

	if (json_open(json, key, JSON_NUMBER_MAX, &p))
		json_finish_unsigned(json, p, value);
}

ALWAYS_INLINE void json_put_signed(struct json *json, const char *key,
				   int64_t value)
{
	char *p;

	if (json_open(json, key, JSON_NUMBER_MAX, &p))
		json_finish_signed(json, p, value);
}

/* VALUE thousandths, as a decimal fraction: 1500 is 1.5. */
ALWAYS_INLINE void json_put_milli(struct json *json, const char *key,
				  uint64_t value)
{
	char *p;

	if (json_open(json, key, JSON_NUMBER_MAX, &p))
		json_finish_milli(json, p, value);
}

/* VALUE millionths: 1500 is 0.0015. */
ALWAYS_INLINE void json_put_micro(struct json *json, const char *key,
				  uint64_t value)
{
	char *p;

	if (json_open(json, key, JSON_NUMBER_MAX, &p))
		json_finish_micro(json, p, value);
}

/* --- objects and arrays -----------------------------------------------------
 */

/* The members from here to the close are those of an object in the object, or,
 * with json_add_string() and no key, elements of an array. */
void json_open_object(struct json *json, const char *key);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);
void json_add_string(struct json *json, struct str value);
/* MEMBERS of an object, one at least, that were written elsewhere. */
void json_put_members(struct json *json, struct str members);

#endif
