/* addr.c - see addr.h.  Parsing follows Go's net package, which upstream uses:
 * where an address is more than its canonical spelling allows, it is none. */
#include "addr.h"

#include <string.h>

#define V4_OFFSET 12 /* where an IPv4 address lies in its mapped form */
#define V4_PREFIX 96 /* the length of ::ffff:0:0/96 */
#define GROUPS 8

static const uint8_t mapped[V4_OFFSET] = {0, 0, 0, 0, 0,    0,
					  0, 0, 0, 0, 0xff, 0xff};

struct addr addr_from_v4(const uint8_t octets[4])
{
	struct addr addr;

	memcpy(addr.bytes, mapped, sizeof(mapped));
	memcpy(addr.bytes + V4_OFFSET, octets, 4);
	return addr;
}

struct addr addr_from_v6(const uint8_t octets[16])
{
	struct addr addr;

	memcpy(addr.bytes, octets, sizeof(addr.bytes));
	return addr;
}

/* The number at the start of TEXT, at most LIMIT; returns how many digits it
 * has, 0 if it is none or too large. */
static size_t read_decimal(struct str text, unsigned limit, unsigned *out)
{
	unsigned value = 0;
	size_t i = 0;

	for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
		value = value * 10 + (unsigned)(text.p[i] - '0');
		if (value > limit)
			return 0;
	}
	*out = value;
	return i;
}

/* Exactly four decimal octets, none with a leading zero. */
static bool parse_v4(struct str text, uint8_t octets[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned value;
		size_t digits;

		if (i > 0) {
			if (text.n == 0 || text.p[0] != '.')
				return false;
			text = str_make(text.p + 1, text.n - 1);
		}
		digits = read_decimal(text, 255, &value);
		if (digits == 0 || (digits > 1 && text.p[0] == '0'))
			return false;
		octets[i] = (uint8_t)value;
		text = str_make(text.p + digits, text.n - digits);
	}
	return text.n == 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One to four hex digits at the start of TEXT; returns how many, 0 for none or
 * too many. */
static size_t read_group(struct str text, unsigned *out)
{
	unsigned value = 0;
	size_t i = 0;

	for (; i < text.n && hex_value(text.p[i]) >= 0; i++) {
		if (i == 4)
			return 0;
		value = value << 4 | (unsigned)hex_value(text.p[i]);
	}
	*out = value;
	return i;
}

static bool starts_with_colons(struct str text)
{
	return text.n >= 2 && text.p[0] == ':' && text.p[1] == ':';
}

/* RFC 4291 2.2: groups, at most one "::" that stands for at least one group,
 * perhaps an IPv4 tail.  No zone. */
static bool parse_v6(struct str text, uint8_t octets[16])
{
	uint8_t out[16] = {0};
	size_t filled = 0;
	size_t gap = SIZE_MAX; /* how much was filled before "::" */

	if (starts_with_colons(text)) {
		gap = 0;
		text = str_make(text.p + 2, text.n - 2);
	}
	while (text.n > 0) {
		unsigned group;
		size_t digits;

		if (filled == sizeof(out))
			return false;
		digits = read_group(text, &group);
		if (digits < text.n && text.p[digits] == '.') {
			if (filled > V4_OFFSET ||
			    (gap == SIZE_MAX && filled != V4_OFFSET) ||
			    !parse_v4(text, out + filled))
				return false;
			filled += 4;
			break;
		}
		if (digits == 0)
			return false;
		out[filled++] = (uint8_t)(group >> 8);
		out[filled++] = (uint8_t)group;
		text = str_make(text.p + digits, text.n - digits);
		if (text.n == 0)
			break;
		if (starts_with_colons(text)) {
			if (gap != SIZE_MAX)
				return false;
			gap = filled;
			text = str_make(text.p + 2, text.n - 2);
		} else if (text.p[0] == ':' && text.n > 1) {
			text = str_make(text.p + 1, text.n - 1);
		} else {
			return false;
		}
	}
	if (gap == SIZE_MAX) {
		if (filled != sizeof(out))
			return false;
		memcpy(octets, out, sizeof(out));
		return true;
	}
	if (filled == sizeof(out))
		return false;
	memset(octets, 0, sizeof(out));
	memcpy(octets, out, gap);
	memcpy(octets + sizeof(out) - (filled - gap), out + gap, filled - gap);
	return true;
}

bool addr_parse(struct str text, struct addr *out)
{
	/* The first separator tells the family; the longest text is a fully
	 * written IPv6 address with an IPv4 tail. */
	if (text.n >= ADDR_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t octets[4];

		if (text.p[i] == ':')
			return parse_v6(text, out->bytes);
		if (text.p[i] == '.') {
			if (!parse_v4(text, octets))
				return false;
			*out = addr_from_v4(octets);
			return true;
		}
	}
	return false;
}

static size_t put_group(char *out, unsigned value)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (int shift = 12; shift >= 0; shift -= 4)
		if (shift == 0 || n > 0 || value >> shift)
			out[n++] = digits[value >> shift & 15];
	return n;
}

/* Every octet in decimal with a dot behind it: each request has addresses
 * logged. */
#define TEN(tens, length)                                                      \
	{tens "0.", length}, {tens "1.", length}, {tens "2.", length},         \
		{tens "3.", length}, {tens "4.", length}, {tens "5.", length}, \
		{tens "6.", length}, {tens "7.", length}, {tens "8.", length}, \
	{                                                                      \
		tens "9.", length                                              \
	}
static const struct octet {
	char text[5];
	uint8_t length;
} octet_text[256] = {
	TEN("", 2),   TEN("1", 3),  TEN("2", 3),  TEN("3", 3),  TEN("4", 3),
	TEN("5", 3),  TEN("6", 3),  TEN("7", 3),  TEN("8", 3),  TEN("9", 3),
	TEN("10", 4), TEN("11", 4), TEN("12", 4), TEN("13", 4), TEN("14", 4),
	TEN("15", 4), TEN("16", 4), TEN("17", 4), TEN("18", 4), TEN("19", 4),
	TEN("20", 4), TEN("21", 4), TEN("22", 4), TEN("23", 4), TEN("24", 4),
	{"250.", 4},  {"251.", 4},  {"252.", 4},  {"253.", 4},  {"254.", 4},
	{"255.", 4},
};

static size_t format_v4(const uint8_t octets[4], char *out)
{
	size_t n = 0;

	for (int i = 0; i < 4; i++) {
		const struct octet *octet = &octet_text[octets[i]];

		memcpy(out + n, octet->text, 4);
		n += octet->length;
	}
	out[--n] = '\0';
	return n;
}

/* RFC 5952 4: lower case, no leading zeros, the first longest run of two or
 * more zero groups shortened. */
__attribute__((noinline)) static size_t format_v6(const uint8_t octets[16],
						  char *out)
{
	unsigned group[GROUPS];
	size_t best = 0;
	size_t best_length = 1;
	size_t run = 0;
	size_t n = 0;

	for (size_t i = 0; i < GROUPS; i++) {
		group[i] = (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
		run = group[i] ? 0 : run + 1;
		if (run > best_length) {
			best_length = run;
			best = i + 1 - run;
		}
	}
	if (best_length == 1)
		best = GROUPS;
	for (size_t i = 0; i < GROUPS; i++) {
		if (i == best) {
			out[n++] = ':';
			out[n++] = ':';
			i += best_length - 1;
			continue;
		}
		if (i > 0 && i != best + best_length)
			out[n++] = ':';
		n += put_group(out + n, group[i]);
	}
	out[n] = '\0';
	return n;
}

size_t addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	if (addr_is_v4(addr))
		return format_v4(addr->bytes + V4_OFFSET, out);
	return format_v6(addr->bytes, out);
}

static void mask_bits(struct addr *addr, unsigned length)
{
	for (unsigned i = 0; i < sizeof(addr->bytes); i++) {
		if (length >= 8 * (i + 1))
			continue;
		if (length <= 8 * i)
			addr->bytes[i] = 0;
		else
			addr->bytes[i] &=
				(uint8_t)(0xff << (8 * (i + 1) - length));
	}
}

bool addr_parse_cidr(struct str text, struct addr_prefix *out)
{
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	struct str address, digits;
	struct addr_prefix prefix;
	unsigned length;
	bool v4;

	if (!slash)
		return false;
	address = str_make(text.p, (size_t)(slash - text.p));
	digits = str_make(slash + 1, text.n - address.n - 1);
	if (!addr_parse(address, &prefix.addr))
		return false;
	/* The family is that of the spelling: ::ffff:10.0.0.0/104 counts all
	 * 128 bits. */
	v4 = memchr(address.p, ':', address.n) == NULL;
	if (digits.n == 0 ||
	    read_decimal(digits, v4 ? 32 : 128, &length) != digits.n)
		return false;
	if (v4)
		length += V4_PREFIX;
	prefix.length = (uint8_t)length;
	mask_bits(&prefix.addr, length);
	*out = prefix;
	return true;
}

size_t addr_format_prefix(const struct addr_prefix *prefix, char *out)
{
	size_t n = addr_format(&prefix->addr, out);
	unsigned length = prefix->length;

	/* Shorter than the mapped prefix, it is no IPv4 range. */
	if (length >= V4_PREFIX && addr_is_v4(&prefix->addr))
		length -= V4_PREFIX;
	out[n++] = '/';
	n += str_put_decimal(out + n, length);
	out[n] = '\0';
	return n;
}

enum endpoint_error addr_parse_endpoint(struct str text, struct addr *out,
					uint16_t *port)
{
	struct str host, digits;
	size_t colon = text.n;
	struct addr addr;
	unsigned number;

	if (addr_parse(text, &addr)) {
		*out = addr;
		*port = 0;
		return ENDPOINT_OK;
	}
	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return ENDPOINT_FORM;
	host = str_make(text.p, colon - 1);
	digits = str_make(text.p + colon, text.n - colon);
	if (host.n > 0 && host.p[0] == '[') {
		if (host.n < 2 || host.p[host.n - 1] != ']')
			return ENDPOINT_FORM;
		host = str_make(host.p + 1, host.n - 2);
	} else if (host.n > 0 && memchr(host.p, ':', host.n)) {
		return ENDPOINT_FORM;
	}
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] == '[' || host.p[i] == ']')
			return ENDPOINT_FORM;
	for (size_t i = 0; i < digits.n; i++)
		if (digits.p[i] == '[' || digits.p[i] == ']')
			return ENDPOINT_FORM;
	if (!addr_parse(host, &addr))
		return ENDPOINT_IP;
	if (digits.n == 0 ||
	    read_decimal(digits, UINT16_MAX, &number) != digits.n)
		return ENDPOINT_PORT;
	*out = addr;
	*port = (uint16_t)number;
	return ENDPOINT_OK;
}
