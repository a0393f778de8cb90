/* proxy_protocol.c - see proxy_protocol.h.  "The PROXY protocol, versions 1 &
 * 2" has the layout; sections 2.1 and 2.2. */
#include "proxy_protocol.h"

#include <string.h>

#include "grammar/proxyline.h"
#include "runtime/policy/crc32c.h"

#define V2_FIXED 16u
#define V2_INET 12u /* two addresses, two ports */
#define V2_INET6 36u
#define V2_UNIX 216u /* two paths */
#define TLV_HEAD 3u
#define TLV_CRC32C 0x03

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static enum proxy_header_status bad(struct proxy_header *out, const char *why)
{
	out->error = why;
	return PROXY_HEADER_BAD;
}

static uint16_t get_u16be(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get_u32be(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* --- version 1 --------------------------------------------------------------
 */

/* An address of the family that the line names, and only that. */
static bool read_address(const char *bytes, struct proxyline_span span,
			 enum proxyline_family family, struct addr *out)
{
	struct str text = str_make(bytes + span.start, span.length);
	bool has_colon = memchr(text.p, ':', text.n) != NULL;

	return has_colon == (family == PROXYLINE_TCP6) && addr_parse(text, out);
}

static enum proxy_header_status read_v1(const uint8_t *bytes, size_t length,
					struct proxy_header *out)
{
	const char *text = (const char *)bytes;
	struct proxyline line;
	struct addr to;

	switch (proxyline_scan(text, length, &line)) {
	case PROXYLINE_MORE:
		return PROXY_HEADER_MORE;
	case PROXYLINE_BAD:
		return bad(out, "malformed PROXY line");
	case PROXYLINE_DONE:
		break;
	}
	out->length = line.length;
	if (line.family == PROXYLINE_UNKNOWN)
		return PROXY_HEADER_DONE;
	if (line.source_port > UINT16_MAX || line.destination_port > UINT16_MAX)
		return bad(out, "a port of the PROXY line is none");
	if (!read_address(text, line.source, line.family, &out->addr) ||
	    !read_address(text, line.destination, line.family, &to))
		return bad(out, "an address of the PROXY line is none");
	out->port = (uint16_t)line.source_port;
	out->has_source = true;
	return PROXY_HEADER_DONE;
}

/* --- version 2 --------------------------------------------------------------
 */

/* The checksum over all LENGTH bytes, its own four at AT taken as zero. */
static bool sum_is_right(const uint8_t *bytes, size_t length, size_t at)
{
	static const uint8_t zero[4];
	struct crc32c crc = crc32c_best();
	uint32_t sum = crc.sum(0, bytes, at);

	sum = crc.sum(sum, zero, sizeof(zero));
	sum = crc.sum(sum, bytes + at + sizeof(zero),
		      length - at - sizeof(zero));
	return sum == get_u32be(bytes + at);
}

/* Zeros make TLVs of type 0 without a value: what is left of them is no TLV
 * that was cut. */
static bool is_padding(const uint8_t *bytes, size_t length)
{
	while (length != 0 && bytes[length - 1] == 0)
		length--;
	return length == 0;
}

/* The TLVs from AT to the end at LENGTH. */
static enum proxy_header_status read_tlvs(const uint8_t *bytes, size_t length,
					  size_t at, struct proxy_header *out)
{
	while (at < length) {
		size_t size;

		if (length - at < TLV_HEAD &&
		    is_padding(bytes + at, length - at))
			break;
		if (length - at < TLV_HEAD)
			return bad(out, "a TLV of the PROXY header is cut");
		size = get_u16be(bytes + at + 1);
		if (length - at - TLV_HEAD < size)
			return bad(out, "a TLV of the PROXY header is cut");
		if (bytes[at] == TLV_CRC32C &&
		    (size != 4 || !sum_is_right(bytes, length, at + TLV_HEAD)))
			return bad(out, "the PROXY header's checksum is wrong");
		at += TLV_HEAD + size;
	}
	return PROXY_HEADER_DONE;
}

/* Nothing, or IPv4, IPv6 or UNIX over a stream or datagrams; the others are
 * reserved and must be refused. */
static bool is_family(uint8_t family)
{
	return family == 0x00 || (family >> 4 >= 1 && family >> 4 <= 3 &&
				  ((family & 15) == 1 || (family & 15) == 2));
}

/* How much of the header addresses of FAMILY take. */
static size_t addresses_size(uint8_t family)
{
	switch (family >> 4) {
	case 1:
		return V2_INET;
	case 2:
		return V2_INET6;
	case 3:
		return V2_UNIX;
	}
	return 0;
}

static void take_source(const uint8_t *p, uint8_t family,
			struct proxy_header *out)
{
	if (family == 0x11) {
		out->addr = addr_from_v4(p);
		out->port = get_u16be(p + 8);
		out->has_source = true;
	} else if (family == 0x21) {
		out->addr = addr_from_v6(p);
		out->port = get_u16be(p + 32);
		out->has_source = true;
	}
}

static enum proxy_header_status read_v2(const uint8_t *bytes, size_t length,
					struct proxy_header *out)
{
	uint8_t command, family;
	size_t addresses, whole;

	if (memcmp(bytes, signature,
		   length < sizeof(signature) ? length : sizeof(signature)) !=
	    0)
		return bad(out, "no PROXY header");
	/* what cannot become right is refused as soon as it is known */
	if (length > 12 && bytes[12] != 0x20 && bytes[12] != 0x21)
		return bad(out,
			   "neither version nor command of a PROXY header");
	if (length > 13 && !is_family(bytes[13]))
		return bad(out, "a PROXY header of no known family");
	if (length < V2_FIXED)
		return PROXY_HEADER_MORE;
	command = bytes[12] & 15;
	family = bytes[13];
	whole = V2_FIXED + get_u16be(bytes + 14);
	addresses = command == 1 ? addresses_size(family) : 0;
	if (whole - V2_FIXED < addresses)
		return bad(out, "a PROXY header shorter than its addresses");
	if (length < whole)
		return PROXY_HEADER_MORE;
	out->length = (uint32_t)whole;
	/* LOCAL: the sender's own, whatever is in there */
	if (command == 0)
		return PROXY_HEADER_DONE;
	if (read_tlvs(bytes, whole, V2_FIXED + addresses, out) !=
	    PROXY_HEADER_DONE)
		return PROXY_HEADER_BAD;
	take_source(bytes + V2_FIXED, family, out);
	return PROXY_HEADER_DONE;
}

enum proxy_header_status proxy_header_read(const uint8_t *bytes, size_t length,
					   struct proxy_header *out)
{
	*out = (struct proxy_header){.length = 0};
	if (length == 0)
		return PROXY_HEADER_MORE;
	return bytes[0] == signature[0] ? read_v2(bytes, length, out)
					: read_v1(bytes, length, out);
}
