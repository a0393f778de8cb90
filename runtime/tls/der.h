/* der.h - the distinguished encoding of ASN.1 (X.690), read and never written.
 * Pure: views into the caller's bytes, no allocation, no recursion: a caller
 * walks exactly the structure it expects, so depth is the depth of its code.
 *
 * One encoding per value: lengths are definite and minimal, integers have no
 * padding, nothing is read past its container.  Not here: what values mean. */
#ifndef TLS_DER_H
#define TLS_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view, and a cursor: what has not been read yet. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0A,
	DER_UTF8_STRING = 0x0C,
	DER_NUMERIC_STRING = 0x12,
	DER_PRINTABLE_STRING = 0x13,
	DER_TELETEX_STRING = 0x14,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_VISIBLE_STRING = 0x1A,
	DER_UNIVERSAL_STRING = 0x1C,
	DER_BMP_STRING = 0x1E,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};

#define DER_CONTEXT(n) (0x80u | (n))             /* [n] IMPLICIT, primitive */
#define DER_CONTEXT_CONSTRUCTED(n) (0xA0u | (n)) /* [n], constructed */

struct der_item {
	unsigned tag;
	struct bytes body;
	struct bytes whole; /* with its tag and length */
};

static inline struct bytes bytes_make(const uint8_t *p, size_t n)
{
	return (struct bytes){p, n};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Read the next item of REST, which moves behind it.  False: no item starts
 * there, or not in DER. */
bool der_next(struct bytes *rest, struct der_item *out);

/* The same, and the item must have TAG; its body to OUT. */
bool der_expect(struct bytes *rest, unsigned tag, struct bytes *out);

/* TAG comes next. */
bool der_at(struct bytes rest, unsigned tag);

/* BYTES are one item of TAG and nothing behind it; its body to OUT. */
bool der_only(struct bytes bytes, unsigned tag, struct bytes *out);

/* The bodies of single values, validated. */
bool der_integer_valid(struct bytes body);
bool der_uint(struct bytes body, uint32_t *out); /* 0 to 2^31 - 1 */
bool der_boolean(struct bytes body, bool *out);
bool der_oid_valid(struct bytes body);

/* A BIT STRING that is really octets. */
bool der_octets_in_bits(struct bytes body, struct bytes *out);

/* A BIT STRING of named bits, of which there may be sixteen; bit 0 is 1 << 0.
 */
bool der_named_bits(struct bytes body, uint16_t *out);

/* A UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 wants it (seconds, Z, no
 * fraction), in seconds since 1970. */
bool der_time(const struct der_item *item, int64_t *out);

/* "YYYYMMDDHHMMSS" in decimal digits to seconds since 1970; false: no date. */
bool der_time_from_digits(const uint8_t digits[14], int64_t *out);

#endif
