/* json.h - JSON objects appended to a buffer of fixed size.  For log lines: no
 * allocation, hostile bytes escaped, and an object that does not fit says so
 * instead of being cut.  Not here: reading JSON. */
#ifndef OBSERVE_JSON_H
#define OBSERVE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/str.h"

/* A longer string value is cut there and "..." appended: nothing a client sends
 * may crowd out the rest of its line. */
#define JSON_VALUE_MAX 1024

struct json {
	char *p; /* borrowed from the caller */
	size_t length;
	size_t capacity;
	bool overflow; /* something did not fit: what is in P is no JSON */
	bool first;    /* the next member needs no comma */
};

void json_begin(struct json *json, char *buffer, size_t capacity);
void json_end(struct json *json);

/* KEY is a literal of ours and needs no escaping. */
void json_put_string(struct json *json, const char *key, struct str value);
/* The members from here to the close are those of an object in the object, or,
 * with json_add_string() and no key, elements of an array. */
void json_open_object(struct json *json, const char *key);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);
void json_add_string(struct json *json, struct str value);
/* MEMBERS of an object, one at least, that were written elsewhere. */
void json_put_members(struct json *json, struct str members);
void json_put_text(struct json *json, const char *key, const char *value);
/* VALUE is of our making: printable ASCII, nothing to escape, not long. */
void json_put_plain(struct json *json, const char *key, struct str value);
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_unsigned(struct json *json, const char *key, uint64_t value);
void json_put_signed(struct json *json, const char *key, int64_t value);
/* VALUE thousandths, as a decimal fraction: 1500 is 1.5. */
void json_put_milli(struct json *json, const char *key, uint64_t value);
/* VALUE millionths: 1500 is 0.0015. */
void json_put_micro(struct json *json, const char *key, uint64_t value);

#endif
