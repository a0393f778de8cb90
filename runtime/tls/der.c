/* der.c - see der.h. */
#include "der.h"

#define MAX_LENGTH_BYTES 4 /* lengths below 4 GiB */

bool der_next(struct bytes *rest, struct der_item *out)
{
	const uint8_t *start = rest->p;
	size_t n = rest->n;
	size_t head = 2;
	size_t length;

	if (n < 2)
		return false;
	/* Tag numbers of 31 and more need further bytes; X.509 has none. */
	if ((start[0] & 0x1F) == 0x1F)
		return false;
	length = start[1];
	if (length >= 0x80) {
		size_t count = length & 0x7F;

		if (count == 0 || count > MAX_LENGTH_BYTES || n - 2 < count)
			return false;
		if (start[2] == 0)
			return false;
		length = 0;
		for (size_t i = 0; i < count; i++)
			length = length << 8 | start[2 + i];
		if (length < 0x80)
			return false;
		head += count;
	}
	if (n - head < length)
		return false;
	out->tag = start[0];
	out->body = bytes_make(start + head, length);
	out->whole = bytes_make(start, head + length);
	*rest = bytes_make(start + head + length, n - head - length);
	return true;
}

bool der_expect(struct bytes *rest, unsigned tag, struct bytes *out)
{
	struct der_item item;

	if (!der_at(*rest, tag) || !der_next(rest, &item))
		return false;
	*out = item.body;
	return true;
}

bool der_at(struct bytes rest, unsigned tag)
{
	return rest.n > 0 && rest.p[0] == tag;
}

bool der_only(struct bytes bytes, unsigned tag, struct bytes *out)
{
	return der_expect(&bytes, tag, out) && bytes.n == 0;
}

bool der_integer_valid(struct bytes body)
{
	if (body.n == 0)
		return false;
	if (body.n == 1)
		return true;
	/* The first nine bits are not all alike. */
	return !(body.p[0] == 0x00 && body.p[1] < 0x80) &&
	       !(body.p[0] == 0xFF && body.p[1] >= 0x80);
}

bool der_uint(struct bytes body, uint32_t *out)
{
	uint32_t value = 0;

	if (!der_integer_valid(body) || body.n > 4 || body.p[0] >= 0x80)
		return false;
	for (size_t i = 0; i < body.n; i++)
		value = value << 8 | body.p[i];
	*out = value;
	return true;
}

bool der_boolean(struct bytes body, bool *out)
{
	if (body.n != 1 || (body.p[0] != 0x00 && body.p[0] != 0xFF))
		return false;
	*out = body.p[0] != 0;
	return true;
}

bool der_oid_valid(struct bytes body)
{
	bool starts = true;

	if (body.n == 0 || body.p[body.n - 1] >= 0x80)
		return false;
	for (size_t i = 0; i < body.n; i++) {
		if (starts && body.p[i] == 0x80)
			return false;
		starts = body.p[i] < 0x80;
	}
	return true;
}

bool der_octets_in_bits(struct bytes body, struct bytes *out)
{
	if (body.n == 0 || body.p[0] != 0)
		return false;
	*out = bytes_make(body.p + 1, body.n - 1);
	return true;
}

bool der_named_bits(struct bytes body, uint16_t *out)
{
	unsigned unused;
	uint16_t bits = 0;

	if (body.n == 0 || body.n > 3)
		return false;
	unused = body.p[0];
	if (body.n == 1) {
		*out = 0;
		return unused == 0;
	}
	/* X.690 11.2.2: no trailing zero bits, and the unused ones are zero. */
	if (unused > 7 || (body.p[body.n - 1] & ((1u << unused) - 1)) != 0 ||
	    (body.p[body.n - 1] >> unused & 1) == 0)
		return false;
	for (size_t i = 0; i < 8 * (body.n - 1); i++)
		if (body.p[1 + i / 8] >> (7 - i % 8) & 1)
			bits = (uint16_t)(bits | 1u << i);
	*out = bits;
	return true;
}

static unsigned two_digits(const uint8_t *p)
{
	return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

bool der_time_from_digits(const uint8_t digits[14], int64_t *out)
{
	static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30,
					    31, 31, 30, 31, 30, 31};
	unsigned year, month, day, hour, minute, second;
	int64_t days;

	for (size_t i = 0; i < 14; i++)
		if (digits[i] < '0' || digits[i] > '9')
			return false;
	year = two_digits(digits) * 100 + two_digits(digits + 2);
	month = two_digits(digits + 4);
	day = two_digits(digits + 6);
	hour = two_digits(digits + 8);
	minute = two_digits(digits + 10);
	second = two_digits(digits + 12);

	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (month < 1 || month > 12 || day < 1 ||
	    day > lengths[month - 1] + (month == 2 && leap ? 1u : 0u) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;

	/* Days since 1970, by years that begin in March. */
	int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
	int64_t m = month <= 2 ? month + 9 : month - 3;

	days = 365 * y + (y >= 0 ? y / 4 - y / 100 + y / 400 : -1) +
	       (153 * m + 2) / 5 + day - 1 - 719468;
	*out = days * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 +
	       second;
	return true;
}

bool der_time(const struct der_item *item, int64_t *out)
{
	uint8_t digits[14];
	const uint8_t *p = item->body.p;

	if (item->tag == DER_GENERALIZED_TIME) {
		if (item->body.n != 15 || p[14] != 'Z')
			return false;
		return der_time_from_digits(p, out);
	}
	if (item->tag != DER_UTC_TIME || item->body.n != 13 || p[12] != 'Z')
		return false;
	/* RFC 5280 4.1.2.5.1: two digits are 1950 to 2049. */
	digits[0] = p[0] >= '5' ? '1' : '2';
	digits[1] = p[0] >= '5' ? '9' : '0';
	memcpy(digits + 2, p, 12);
	return der_time_from_digits(digits, out);
}
