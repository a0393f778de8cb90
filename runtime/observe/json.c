/* json.c - see json.h.
 * Text that is not valid UTF-8 keeps its valid parts; each byte that belongs to
 * no character becomes U+FFFD, so that every line is valid JSON. */
#include "json.h"

static void put(struct json *json, const char *p, size_t n)
{
	if (!json_fits(json, n) || n == 0)
		return;
	memcpy(json->at, p, n);
	json->at += n;
}

/* --- strings ----------------------------------------------------------------
 */

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

/* Sixteen bytes at a time, in the compiler's own vectors. */
typedef unsigned char bytes __attribute__((vector_size(16)));
typedef signed char signed_bytes __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

#define SPACES UINT64_C(0x2020202020202020)

/* Ones where a byte stands for itself. */
static inline bytes plain(bytes v)
{
	/* one more than DEL and what is beyond ASCII are negative */
	bytes printable = (bytes)((signed_bytes)(v + 1) > ' ');

	return printable & ~((bytes)(v == '"') | (bytes)(v == '\\'));
}

static inline bool is_all_ones(bytes v)
{
	halves both = (halves)v;

	return (both[0] & both[1]) == UINT64_MAX;
}

static inline uint64_t copy_eight(char *out, const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	memcpy(out, &word, sizeof(word));
	return word;
}

static inline uint64_t copy_four(char *out, const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	memcpy(out, &word, sizeof(word));
	return SPACES << 32 | word;
}

static inline bool copy_sixteens(char *out, const char *p, size_t n)
{
	bytes good = ~(bytes){0}, v;

	for (size_t i = 0; i < n; i += sizeof(v)) {
		size_t at = n - i < sizeof(v) ? n - sizeof(v) : i;

		memcpy(&v, p + at, sizeof(v));
		memcpy(out + at, &v, sizeof(v));
		good &= plain(v);
	}
	return is_all_ones(good);
}

/* Copy the bytes of TEXT to OUT.  True: all of them stand for themselves, as
 * those of most texts do.  The last step may overlap the one before. */
ALWAYS_INLINE bool copy_plain(char *out, struct str text)
{
	const char *p = text.p;
	size_t n = text.n;
	uint64_t first = SPACES, last = SPACES;

	if (n >= 16)
		return copy_sixteens(out, p, n);
	if (n >= 8) {
		first = copy_eight(out, p);
		last = copy_eight(out + n - 8, p + n - 8);
	} else if (n >= 4) {
		first = copy_four(out, p);
		last = copy_four(out + n - 4, p + n - 4);
	} else {
		for (size_t i = 0; i < n; i++) {
			out[i] = p[i];
			first = first << 8 | (unsigned char)p[i];
		}
	}
	return is_all_ones(plain((bytes)(halves){first, last}));
}

/* PART as it is shown where not all of it stands for itself, or is shown. */
static void put_escaped_part(struct json *json, struct str part)
{
	const unsigned char *p = (const unsigned char *)part.p;
	size_t n = part.n < JSON_VALUE_MAX ? part.n : JSON_VALUE_MAX;
	size_t done = 0, i = 0;

	while (i < n) {
		/* a character that the cut splits counts as whole: it is
		 * looked at with all the bytes there are */
		size_t length = utf8_length(p + i, part.n - i);

		if (length != 0 && !needs_escape(p[i])) {
			i += length;
			continue;
		}
		put(json, part.p + done, i - done);
		if (length == 0)
			put(json, "\\ufffd", 6);
		else
			put_escaped(json, p[i]);
		i++;
		done = i;
	}
	put(json, part.p + done, i - done);
	if (part.n > n)
		put(json, "...", 3);
}

/* see json.h */
void json_add_part(struct json *json, struct str part)
{
	if (part.n > JSON_VALUE_MAX)
		put_escaped_part(json, part);
	else if (!json_fits(json, part.n))
		return;
	else if (copy_plain(json->at, part))
		json->at += part.n;
	else
		put_escaped_part(json, part);
}

/* see json.h */
void json_finish_string(struct json *json, char *p, struct str value)
{
	if (value.n <= JSON_VALUE_MAX && copy_plain(p, value)) {
		json_finish_plain(json, p + value.n);
		return;
	}
	json_finish(json, p);
	put_escaped_part(json, value);
	json_close_string(json);
}

/* see json.h */
void json_close_string(struct json *json)
{
	json_put_literal(json, "\",");
}

/* --- what is around members -------------------------------------------------
 */

static void begin(struct json *json, char *buffer, size_t capacity)
{
	*json = (struct json){
		.start = buffer, .at = buffer, .end = buffer + capacity};
}

/* END takes the place of the last member's comma, if there is a member. */
static void close_with(struct json *json, char end)
{
	if (json->overflow)
		return;
	if (json->at[-1] == ',')
		json->at[-1] = end;
	else
		put(json, &end, 1);
}

/* see json.h */
void json_begin(struct json *json, char *buffer, size_t capacity)
{
	begin(json, buffer, capacity);
	put(json, "{", 1);
}

/* see json.h */
void json_end(struct json *json)
{
	close_with(json, '}');
}

/* see json.h */
void json_begin_members(struct json *json, char *buffer, size_t capacity)
{
	begin(json, buffer, capacity);
}

/* see json.h */
void json_end_members(struct json *json)
{
	if (json->at != json->start)
		json->at--;
}

/* see json.h */
void json_open_object(struct json *json, const char *key)
{
	json_put_fixed(json, key, "{");
}

/* see json.h */
void json_close_object(struct json *json)
{
	close_with(json, '}');
	put(json, ",", 1);
}

/* see json.h */
void json_open_array(struct json *json, const char *key)
{
	json_put_fixed(json, key, "[");
}

/* see json.h */
void json_close_array(struct json *json)
{
	close_with(json, ']');
	put(json, ",", 1);
}

/* see json.h */
void json_add_string(struct json *json, struct str value)
{
	put(json, "\"", 1);
	json_add_part(json, value);
	json_close_string(json);
}

/* see json.h */
void json_put_members(struct json *json, struct str members)
{
	put(json, members.p, members.n);
	put(json, ",", 1);
}

/* --- numbers ----------------------------------------------------------------
 */

/* see json.h */
void json_finish_unsigned(struct json *json, char *p, uint64_t value)
{
	p += str_put_decimal(p, value);
	*p++ = ',';
	json_finish(json, p);
}

/* see json.h */
void json_finish_signed(struct json *json, char *p, int64_t value)
{
	if (value < 0)
		*p++ = '-';
	json_finish_unsigned(json, p,
			     value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* WHOLE and MILLIONTHS below one: no zeros at the end. */
static inline void finish_decimal(struct json *json, char *p, uint64_t whole,
				  uint32_t millionths)
{
	p += str_put_decimal(p, whole);
	if (millionths != 0) {
		*p++ = '.';
		str_put_six_digits(p, millionths);
		for (p += 6; p[-1] == '0'; p--)
			;
	}
	*p++ = ',';
	json_finish(json, p);
}

/* see json.h */
void json_finish_milli(struct json *json, char *p, uint64_t value)
{
	finish_decimal(json, p, value / 1000, (uint32_t)(value % 1000) * 1000);
}

/* see json.h */
void json_finish_micro(struct json *json, char *p, uint64_t value)
{
	finish_decimal(json, p, value / 1000000, (uint32_t)(value % 1000000));
}
