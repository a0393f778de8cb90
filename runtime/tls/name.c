/* name.c - see name.h. */
#include "name.h"

#define NO_CHARACTER UINT32_MAX /* the end */
#define BAD_CHARACTER (UINT32_MAX - 1)

bool name_next(struct name_cursor *cursor, struct name_attribute *out)
{
	struct bytes pair;
	struct der_item value;

	out->first = cursor->rdn.n == 0;
	if (out->first) {
		if (cursor->rdns.n == 0)
			return false;
		/* An RDN is a set of at least one. */
		if (!der_expect(&cursor->rdns, DER_SET, &cursor->rdn) ||
		    cursor->rdn.n == 0)
			goto damaged;
	}
	if (!der_expect(&cursor->rdn, DER_SEQUENCE, &pair) ||
	    !der_expect(&pair, DER_OID, &out->type) ||
	    !der_oid_valid(out->type) || !der_next(&pair, &value) ||
	    pair.n != 0)
		goto damaged;
	out->tag = value.tag;
	out->value = value.body;
	return true;
damaged:
	cursor->damaged = true;
	return false;
}

/* --- characters --- */

static bool is_text(unsigned tag)
{
	switch (tag) {
	case DER_UTF8_STRING:
	case DER_NUMERIC_STRING:
	case DER_PRINTABLE_STRING:
	case DER_TELETEX_STRING:
	case DER_IA5_STRING:
	case DER_VISIBLE_STRING:
	case DER_UNIVERSAL_STRING:
	case DER_BMP_STRING:
		return true;
	default:
		return false;
	}
}

static bool is_surrogate(uint32_t c)
{
	return c >= 0xD800 && c <= 0xDFFF;
}

/* RFC 3629: shortest form, no surrogates, nothing past U+10FFFF. */
static uint32_t take_utf8(struct bytes *rest)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = rest->p[0];
	size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0x7Fu >> n);

	if (rest->n < n || (first >= 0x80 && first < 0xC2) || first > 0xF4)
		return BAD_CHARACTER;
	for (size_t i = 1; i < n; i++) {
		if ((rest->p[i] & 0xC0) != 0x80)
			return BAD_CHARACTER;
		c = c << 6 | (rest->p[i] & 0x3Fu);
	}
	if (c < least[n] || is_surrogate(c) || c > 0x10FFFF)
		return BAD_CHARACTER;
	*rest = bytes_make(rest->p + n, rest->n - n);
	return c;
}

/* N octets a character, the first the most significant. */
static uint32_t take_wide(struct bytes *rest, size_t n)
{
	uint32_t c = 0;

	if (rest->n < n)
		return BAD_CHARACTER;
	for (size_t i = 0; i < n; i++)
		c = c << 8 | rest->p[i];
	if (is_surrogate(c) || c > 0x10FFFF)
		return BAD_CHARACTER;
	*rest = bytes_make(rest->p + n, rest->n - n);
	return c;
}

static uint32_t take_character(unsigned tag, struct bytes *rest)
{
	uint32_t c;

	if (rest->n == 0)
		return NO_CHARACTER;
	switch (tag) {
	case DER_UTF8_STRING:
		return take_utf8(rest);
	case DER_UNIVERSAL_STRING:
		return take_wide(rest, 4);
	case DER_BMP_STRING:
		return take_wide(rest, 2);
	case DER_TELETEX_STRING:
		/* T.61 in theory, Latin-1 in all that was ever issued. */
		return take_wide(rest, 1);
	default:
		c = take_wide(rest, 1);
		return c < 0x80 ? c : BAD_CHARACTER;
	}
}

bool name_valid(struct bytes name)
{
	struct name_cursor cursor = name_walk(name);
	struct name_attribute attribute;
	size_t count = 0;
	size_t in_rdn = 0;

	if (name.n > NAME_MAX_BYTES)
		return false;
	while (name_next(&cursor, &attribute)) {
		uint32_t c = 0;

		in_rdn = attribute.first ? 1 : in_rdn + 1;
		if (++count > NAME_MAX_ATTRIBUTES || in_rdn > NAME_MAX_IN_RDN)
			return false;
		if (!is_text(attribute.tag))
			continue;
		while (c != NO_CHARACTER) {
			c = take_character(attribute.tag, &attribute.value);
			if (c == BAD_CHARACTER)
				return false;
		}
	}
	return !cursor.damaged;
}

/* --- comparison --- */

static bool is_blank(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Characters as they are compared: small letters, one blank for many, none at
 * the ends. */
struct folded {
	unsigned tag;
	struct bytes rest;
	bool begun;
	uint32_t held; /* after a run of blanks; 0: none */
};

static uint32_t folded_next(struct folded *text)
{
	bool blank = false;
	uint32_t c;

	if (text->held != 0) {
		c = text->held;
		text->held = 0;
		return c;
	}
	while (is_blank(c = take_character(text->tag, &text->rest)))
		blank = true;
	if (c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (blank && text->begun && c != NO_CHARACTER) {
		text->held = c == 0 ? BAD_CHARACTER : c;
		return ' ';
	}
	text->begun = true;
	return c;
}

static bool only_ascii(unsigned tag, struct bytes value)
{
	uint32_t c;

	while ((c = take_character(tag, &value)) != NO_CHARACTER)
		if (c >= 0x80)
			return false;
	return true;
}

static bool values_equal(const struct name_attribute *a,
			 const struct name_attribute *b, bool cautious)
{
	if (a->tag == b->tag && bytes_equal(a->value, b->value))
		return true;
	if (!is_text(a->tag) || !is_text(b->tag))
		return cautious;
	if (cautious &&
	    (!only_ascii(a->tag, a->value) || !only_ascii(b->tag, b->value)))
		return true;

	struct folded left = {.tag = a->tag, .rest = a->value};
	struct folded right = {.tag = b->tag, .rest = b->value};

	for (;;) {
		uint32_t l = folded_next(&left);
		uint32_t r = folded_next(&right);

		if (l != r || l == BAD_CHARACTER)
			return false;
		if (l == NO_CHARACTER)
			return true;
	}
}

/* An RDN of several attributes is a set, which DER sorts by its bytes: order
 * may differ with the kinds of strings.  So each of A has its like in B, and
 * they have as many. */
static bool rdns_equal(struct bytes a, struct bytes b, bool cautious)
{
	struct name_cursor left = {.rdn = a};
	struct name_attribute want;
	size_t wanted = 0;

	while (left.rdn.n > 0 && name_next(&left, &want)) {
		struct name_cursor right = {.rdn = b};
		struct name_attribute have;
		size_t count = 0;
		bool found = false;

		while (right.rdn.n > 0 && name_next(&right, &have)) {
			count++;
			found = found || (bytes_equal(want.type, have.type) &&
					  values_equal(&want, &have, cautious));
		}
		if (!found)
			return false;
		wanted++;
		if (left.rdn.n == 0 && wanted != count)
			return false;
	}
	return true;
}

bool name_within(struct bytes name, struct bytes base, bool cautious)
{
	while (base.n > 0) {
		struct bytes want;
		struct bytes have;

		if (name.n == 0 || !der_expect(&base, DER_SET, &want) ||
		    !der_expect(&name, DER_SET, &have) ||
		    !rdns_equal(want, have, cautious))
			return false;
	}
	return true;
}

static size_t count_rdns(struct bytes name)
{
	struct bytes rdn;
	size_t count = 0;

	while (name.n > 0 && der_expect(&name, DER_SET, &rdn))
		count++;
	return count;
}

bool name_equal(struct bytes a, struct bytes b)
{
	if (bytes_equal(a, b))
		return true;
	return count_rdns(a) == count_rdns(b) && name_within(a, b, false);
}

/* --- text --- */

static bool is_printable(uint32_t c)
{
	/* Controls; the separators and marks that reorder or break lines. */
	return c >= 0x20 && !(c >= 0x7F && c <= 0x9F) && c != 0x61C &&
	       !(c >= 0x200B && c <= 0x200F) && !(c >= 0x2028 && c <= 0x202E) &&
	       !(c >= 0x2060 && c <= 0x206F) && c != 0xFEFF &&
	       !(c >= 0xFFF9 && c <= 0xFFFF) && c < 0xE0000;
}

static size_t put_utf8(uint32_t c, char out[4])
{
	static const uint8_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(n == 1 ? c : marks[n] | c);
	return n;
}

bool name_text(unsigned tag, struct bytes value, char *out, size_t max,
	       size_t *size)
{
	size_t at = 0;
	uint32_t c;

	if (!is_text(tag))
		return false;
	while ((c = take_character(tag, &value)) != NO_CHARACTER) {
		char encoded[4];
		size_t n;

		if (c == BAD_CHARACTER || !is_printable(c))
			return false;
		n = put_utf8(c, encoded);
		if (n > max - at)
			return false;
		memcpy(out + at, encoded, n);
		at += n;
	}
	*size = at;
	return true;
}
