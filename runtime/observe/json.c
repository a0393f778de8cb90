/* json.c - see json.h.
 * Text that is not valid UTF-8 keeps its valid parts; each byte that belongs to
 * no character becomes U+FFFD, so that every line is valid JSON. */
#include "json.h"

#include <string.h>

static void put(struct json *json, const char *p, size_t n)
{
	if (json->overflow || n > json->capacity - json->length) {
		json->overflow = true;
		return;
	}
	memcpy(json->p + json->length, p, n);
	json->length += n;
}

static void put_text(struct json *json, const char *text)
{
	put(json, text, strlen(text));
}

static void put_unsigned(struct json *json, uint64_t value)
{
	char digits[STR_DECIMAL_MAX];

	put(json, digits, str_put_decimal(digits, value));
}

/* How many bytes of the N at P are one valid UTF-8 character, 0 when none
 * (RFC 3629 section 4: no overlong forms, no surrogates). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (n < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return length;
}

static bool needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

static void put_escaped(struct json *json, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	switch (c) {
	case '"':
		put(json, "\\\"", 2);
		break;
	case '\\':
		put(json, "\\\\", 2);
		break;
	case '\n':
		put(json, "\\n", 2);
		break;
	case '\r':
		put(json, "\\r", 2);
		break;
	case '\t':
		put(json, "\\t", 2);
		break;
	default:
		put(json, escape, sizeof(escape));
	}
}

/* A byte eight times over. */
#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is any of the eight bytes zero?  Borrows reach a byte's top bit only from a
 * zero byte below, so that the answer as a whole is exact. */
static bool has_zero(uint64_t bytes)
{
	return ((bytes - EVERY(1)) & ~bytes & EVERY(0x80)) != 0;
}

static bool is_plain_word(const char *p)
{
	uint64_t bytes;

	memcpy(&bytes, p, sizeof(bytes));
	/* not beyond ASCII, not below the space, none that is escaped */
	return (bytes & EVERY(0x80)) == 0 &&
	       ((bytes - EVERY(0x20)) & ~bytes & EVERY(0x80)) == 0 &&
	       !has_zero(bytes ^ EVERY('"')) &&
	       !has_zero(bytes ^ EVERY('\\')) && !has_zero(bytes ^ EVERY(0x7f));
}

/* Is VALUE made of bytes alone that stand for themselves?  Most values are, so
 * it is asked of eight at a time; the last eight may overlap those before. */
static bool is_plain(struct str value)
{
	size_t i = 0;

	if (value.n < 8) {
		for (; i < value.n; i++)
			if (needs_escape((unsigned char)value.p[i]) ||
			    (unsigned char)value.p[i] >= 0x80)
				return false;
		return true;
	}
	for (; value.n - i > 8; i += 8)
		if (!is_plain_word(value.p + i))
			return false;
	return is_plain_word(value.p + value.n - 8);
}

static void put_plain(struct json *json, struct str value)
{
	char *p = json->p + json->length;

	if (json->overflow || value.n + 2 > json->capacity - json->length) {
		json->overflow = true;
		return;
	}
	*p++ = '"';
	if (value.n != 0)
		memcpy(p, value.p, value.n);
	p[value.n] = '"';
	json->length += value.n + 2;
}

static void put_value(struct json *json, struct str value)
{
	const unsigned char *p = (const unsigned char *)value.p;
	size_t n = value.n < JSON_VALUE_MAX ? value.n : JSON_VALUE_MAX;
	size_t done = 0, i = 0;

	if (value.n == n && is_plain(value)) {
		put_plain(json, value);
		return;
	}
	put(json, "\"", 1);
	while (i < n) {
		/* a character that the cut splits counts as whole: it is
		 * looked at with all the bytes there are */
		size_t length = utf8_length(p + i, value.n - i);

		if (length != 0 && !needs_escape(p[i])) {
			i += length;
			continue;
		}
		put(json, value.p + done, i - done);
		if (length == 0)
			put(json, "\\ufffd", 6);
		else
			put_escaped(json, p[i]);
		i++;
		done = i;
	}
	if (i > done)
		put(json, value.p + done, i - done);
	put_text(json, value.n > n ? "...\"" : "\"");
}

static void put_key(struct json *json, const char *key)
{
	size_t n = strlen(key);
	char *p;

	if (json->overflow || n + 4 > json->capacity - json->length) {
		json->overflow = true;
		return;
	}
	p = json->p + json->length;
	if (!json->first)
		*p++ = ',';
	json->first = false;
	*p++ = '"';
	memcpy(p, key, n);
	p += n;
	*p++ = '"';
	*p++ = ':';
	json->length = (size_t)(p - json->p);
}

void json_begin(struct json *json, char *buffer, size_t capacity)
{
	*json = (struct json){.p = buffer, .capacity = capacity, .first = true};
	put(json, "{", 1);
}

void json_end(struct json *json)
{
	put(json, "}", 1);
}

void json_put_string(struct json *json, const char *key, struct str value)
{
	put_key(json, key);
	put_value(json, value);
}

void json_put_plain(struct json *json, const char *key, struct str value)
{
	put_key(json, key);
	put_plain(json, value);
}

void json_open_object(struct json *json, const char *key)
{
	put_key(json, key);
	put_text(json, "{");
	json->first = true;
}

void json_close_object(struct json *json)
{
	put_text(json, "}");
	json->first = false;
}

void json_open_array(struct json *json, const char *key)
{
	put_key(json, key);
	put_text(json, "[");
	json->first = true;
}

void json_close_array(struct json *json)
{
	put_text(json, "]");
	json->first = false;
}

void json_add_string(struct json *json, struct str value)
{
	if (!json->first)
		put_text(json, ",");
	json->first = false;
	put_value(json, value);
}

void json_put_members(struct json *json, struct str members)
{
	if (!json->first)
		put_text(json, ",");
	json->first = false;
	put(json, members.p, members.n);
}

void json_put_text(struct json *json, const char *key, const char *value)
{
	json_put_string(json, key, str_from(value));
}

void json_put_bool(struct json *json, const char *key, bool value)
{
	put_key(json, key);
	put_text(json, value ? "true" : "false");
}

void json_put_unsigned(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	put_unsigned(json, value);
}

void json_put_signed(struct json *json, const char *key, int64_t value)
{
	put_key(json, key);
	if (value < 0)
		put_text(json, "-");
	put_unsigned(json, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* VALUE with its last DIGITS, at most 6, behind the point; no zeros at the end.
 */
static void put_decimal(struct json *json, uint64_t value, unsigned digits)
{
	char fraction[7] = ".";
	uint64_t scale = 1;
	size_t n;

	for (unsigned i = 0; i < digits; i++)
		scale *= 10;
	put_unsigned(json, value / scale);
	value %= scale;
	for (n = digits; n > 0; n--, value /= 10)
		fraction[n] = (char)('0' + value % 10);
	for (n = digits; n > 0 && fraction[n] == '0'; n--)
		;
	if (n > 0)
		put(json, fraction, n + 1);
}

void json_put_milli(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	put_decimal(json, value, 3);
}

void json_put_micro(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	put_decimal(json, value, 6);
}
