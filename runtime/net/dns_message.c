/* dns_message.c - DNS questions written and answers checked: see
 * dns_message.h. */
#include "dns_message.h"

#include <assert.h>
#include <string.h>

#define HEADER_SIZE 12
#define LABEL_MAX 63
#define POINTER_BITS 0xc0
#define CLASS_IN 1
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define TYPE_OPT 41
#define FLAGS_RD 0x0100
#define FLAG_QR 0x80     /* of the third byte */
#define OPCODE_MASK 0x78 /* of the third byte */
#define FLAG_TC 0x02     /* of the third byte */
#define RCODE_MASK 0x0f  /* of the fourth byte */
#define RCODE_NO_ERROR 0
#define RCODE_NO_NAME 3
#define SOA_FIXED 20         /* five numbers after its two names */
#define TTL_SIGN 0x80000000U /* RFC 2181 section 8: treat as zero */
#define ADDRESS_V4_SIZE 4
#define ADDRESS_V6_SIZE 16

static_assert(DNS_QUERY_MAX >= HEADER_SIZE + DNS_NAME_MAX + 4 + 11,
	      "the longest name makes a query that fits");

/* A message and how far it has been read. */
struct cursor {
	const uint8_t *bytes;
	size_t size;
	size_t at;
};

struct record {
	struct dns_name owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	size_t data; /* offset of its DATA_SIZE bytes, all inside */
	size_t data_size;
};

/* The CNAMEs of an answer, in whatever order it has them. */
struct aliases {
	size_t count;
	struct alias {
		struct dns_name owner;
		struct dns_name target;
		uint32_t ttl;
	} of[DNS_MAX_CNAMES];
};

static uint16_t get_u16be(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get_u32be(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put_u16be(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
	return p + 2;
}

static uint8_t to_lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 'a' - 'A') : byte;
}

static bool name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->length == b->length &&
	       memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Room for the label and the root's zero that will follow. */
static bool name_append(struct dns_name *name, const uint8_t *label,
			size_t length)
{
	if ((size_t)name->length + 1 + length + 1 > DNS_NAME_MAX)
		return false;
	name->bytes[name->length++] = (uint8_t)length;
	for (size_t i = 0; i < length; i++)
		name->bytes[name->length++] = to_lower(label[i]);
	return true;
}

bool dns_name_from_text(struct str text, struct dns_name *out)
{
	out->length = 0;
	if (text.n > 0 && text.p[text.n - 1] == '.')
		text.n--;
	if (text.n == 0)
		return false;
	for (size_t at = 0; at <= text.n;) {
		const char *label = text.p + at;
		const char *dot = memchr(label, '.', text.n - at);
		size_t length =
			dot != NULL ? (size_t)(dot - label) : text.n - at;

		if (length == 0 || length > LABEL_MAX ||
		    !name_append(out, (const uint8_t *)label, length))
			return false;
		at += length + 1;
	}
	out->bytes[out->length++] = 0;
	return true;
}

size_t dns_query_write(const struct dns_question *question, uint16_t id,
		       uint8_t out[DNS_QUERY_MAX])
{
	uint8_t *p = out;

	p = put_u16be(p, id);
	p = put_u16be(p, FLAGS_RD);
	p = put_u16be(p, 1); /* questions */
	p = put_u16be(p, 0);
	p = put_u16be(p, 0);
	p = put_u16be(p, 1); /* additional records: the OPT */
	memcpy(p, question->name.bytes, question->name.length);
	p += question->name.length;
	p = put_u16be(p, question->type);
	p = put_u16be(p, CLASS_IN);

	/* RFC 6891 6.1.2.  c-ares cuts off exactly these last bytes when it
	 * meets a server that has never heard of EDNS. */
	*p++ = 0;
	p = put_u16be(p, TYPE_OPT);
	p = put_u16be(p, DNS_UDP_SIZE);
	p = put_u16be(p, 0); /* extended rcode, version */
	p = put_u16be(p, 0); /* flags */
	p = put_u16be(p, 0); /* no options */
	return (size_t)(p - out);
}

/* Read the name at CURSOR, which moves behind it.  A pointer leads to before
 * the part it ends, so that each jump goes further back and the walk ends. */
static bool read_name(struct cursor *cursor, struct dns_name *out)
{
	size_t at = cursor->at;
	size_t limit = at; /* pointers lead to before this */
	bool jumped = false;

	out->length = 0;
	for (;;) {
		if (at >= cursor->size)
			return false;

		uint8_t length = cursor->bytes[at];

		if (length == 0) {
			out->bytes[out->length++] = 0;
			if (!jumped)
				cursor->at = at + 1;
			return true;
		}
		if ((length & POINTER_BITS) == POINTER_BITS) {
			if (cursor->size - at < 2)
				return false;

			size_t target = get_u16be(cursor->bytes + at) & 0x3fffU;

			if (target >= limit || target < HEADER_SIZE)
				return false;
			if (!jumped)
				cursor->at = at + 2;
			jumped = true;
			limit = target;
			at = target;
			continue;
		}
		if (length > LABEL_MAX || cursor->size - at - 1 < length ||
		    !name_append(out, cursor->bytes + at + 1, length))
			return false;
		at += (size_t)length + 1;
	}
}

static bool read_record(struct cursor *cursor, struct record *out)
{
	if (!read_name(cursor, &out->owner))
		return false;
	if (cursor->size - cursor->at < 10)
		return false;

	const uint8_t *p = cursor->bytes + cursor->at;

	out->type = get_u16be(p);
	out->class = get_u16be(p + 2);
	out->ttl = get_u32be(p + 4);
	if (out->ttl & TTL_SIGN)
		out->ttl = 0;
	out->data_size = get_u16be(p + 8);
	out->data = cursor->at + 10;
	if (cursor->size - out->data < out->data_size)
		return false;
	cursor->at = out->data + out->data_size;
	return true;
}

static bool read_question(struct cursor *cursor, struct dns_name *name,
			  uint16_t *type, uint16_t *class)
{
	if (!read_name(cursor, name) || cursor->size - cursor->at < 4)
		return false;
	*type = get_u16be(cursor->bytes + cursor->at);
	*class = get_u16be(cursor->bytes + cursor->at + 2);
	cursor->at += 4;
	return true;
}

/* A CNAME's target must fill its data exactly. */
static bool add_alias(struct cursor cursor, const struct record *record,
		      struct aliases *aliases)
{
	if (aliases->count == DNS_MAX_CNAMES)
		return false;

	struct alias *alias = &aliases->of[aliases->count];

	cursor.at = record->data;
	if (!read_name(&cursor, &alias->target) ||
	    cursor.at != record->data + record->data_size)
		return false;
	/* One name, one CNAME: RFC 2181 section 10.1. */
	for (size_t i = 0; i < aliases->count; i++) {
		if (name_equal(&aliases->of[i].owner, &record->owner))
			return false;
	}
	alias->owner = record->owner;
	alias->ttl = record->ttl;
	aliases->count++;
	return true;
}

static bool read_aliases(struct cursor cursor, unsigned records,
			 struct aliases *out)
{
	struct record record;

	out->count = 0;
	for (unsigned i = 0; i < records; i++) {
		if (!read_record(&cursor, &record))
			return false;
		if (record.type == TYPE_CNAME && record.class == CLASS_IN &&
		    !add_alias(cursor, &record, out))
			return false;
	}
	return true;
}

static void lower_ttl(struct dns_answer *out, uint32_t ttl)
{
	if (ttl < out->ttl)
		out->ttl = ttl;
}

/* From NAME along the chain to its end, which replaces it.  Each alias has its
 * own owner, so more steps than aliases are a loop. */
static bool follow_aliases(const struct aliases *aliases, struct dns_name *name,
			   struct dns_answer *out)
{
	for (size_t steps = 0; steps <= aliases->count; steps++) {
		const struct alias *found = NULL;

		for (size_t i = 0; i < aliases->count && found == NULL; i++) {
			if (name_equal(&aliases->of[i].owner, name))
				found = &aliases->of[i];
		}
		if (found == NULL)
			return true;
		lower_ttl(out, found->ttl);
		*name = found->target;
	}
	return false;
}

/* The addresses of OWNER.  *FOREIGN: there were some of another's.  False: an
 * address record of the wrong size. */
static bool read_addresses(struct cursor *cursor, unsigned records,
			   const struct dns_name *owner, enum dns_type type,
			   struct dns_answer *out, bool *foreign)
{
	size_t size = type == DNS_TYPE_A ? ADDRESS_V4_SIZE : ADDRESS_V6_SIZE;
	struct record record;

	for (unsigned i = 0; i < records; i++) {
		if (!read_record(cursor, &record))
			return false;
		if (record.type != type || record.class != CLASS_IN)
			continue;
		if (!name_equal(&record.owner, owner)) {
			*foreign = true;
			continue;
		}
		if (record.data_size != size)
			return false;
		if (out->count == DNS_MAX_ADDRESSES)
			continue;
		lower_ttl(out, record.ttl);
		out->addrs[out->count++] =
			type == DNS_TYPE_A
				? addr_from_v4(cursor->bytes + record.data)
				: addr_from_v6(cursor->bytes + record.data);
	}
	return true;
}

/* RFC 2308 section 5: the lesser of the SOA's own TTL and its last number.  A
 * damaged authority section only costs the TTL. */
static uint32_t negative_ttl(struct cursor cursor, unsigned records)
{
	struct record record;

	for (unsigned i = 0; i < records; i++) {
		if (!read_record(&cursor, &record))
			break;
		if (record.type != TYPE_SOA || record.class != CLASS_IN ||
		    record.data_size < SOA_FIXED + 2)
			continue;

		size_t end = record.data + record.data_size;
		uint32_t minimum = get_u32be(cursor.bytes + end - 4);

		if (minimum & TTL_SIGN)
			minimum = 0;
		return minimum < record.ttl ? minimum : record.ttl;
	}
	return DNS_TTL_NONE;
}

static enum dns_verdict judge_records(struct cursor *cursor,
				      const struct dns_question *question,
				      struct dns_answer *out)
{
	unsigned answers = get_u16be(cursor->bytes + 6);
	unsigned authorities = get_u16be(cursor->bytes + 8);
	struct dns_name owner = question->name;
	struct aliases aliases;
	bool foreign = false;

	if (!read_aliases(*cursor, answers, &aliases) ||
	    !follow_aliases(&aliases, &owner, out) ||
	    !read_addresses(cursor, answers, &owner, question->type, out,
			    &foreign))
		return DNS_MALFORMED;
	if (out->rcode == RCODE_NO_ERROR && out->count > 0)
		return DNS_ADDRESSES;
	/* Addresses, yet none of them ours: somebody tries something. */
	if (foreign && out->count == 0 && out->rcode == RCODE_NO_ERROR)
		return DNS_MALFORMED;

	out->count = 0;
	out->ttl = negative_ttl(*cursor, authorities);
	return out->rcode == RCODE_NO_NAME ? DNS_NO_NAME : DNS_NO_DATA;
}

static enum dns_verdict judge(const uint8_t *bytes, size_t size, uint16_t id,
			      const struct dns_question *question,
			      struct dns_answer *out)
{
	struct cursor cursor = {.bytes = bytes, .size = size};
	struct dns_name name;
	uint16_t type;
	uint16_t class;

	if (size < HEADER_SIZE)
		return DNS_MALFORMED;
	if (get_u16be(bytes) != id)
		return DNS_MISMATCH;
	if ((bytes[2] & FLAG_QR) == 0 || (bytes[2] & OPCODE_MASK) != 0)
		return DNS_MALFORMED;
	out->rcode = bytes[3] & RCODE_MASK;

	if (get_u16be(bytes + 4) != 1)
		return DNS_MALFORMED;
	cursor.at = HEADER_SIZE;
	if (!read_question(&cursor, &name, &type, &class))
		return DNS_MALFORMED;
	if (type != question->type || class != CLASS_IN ||
	    !name_equal(&name, &question->name))
		return DNS_MISMATCH;

	if (bytes[2] & FLAG_TC)
		return DNS_TRUNCATED;
	if (out->rcode != RCODE_NO_ERROR && out->rcode != RCODE_NO_NAME)
		return DNS_REFUSAL;
	return judge_records(&cursor, question, out);
}

void dns_answer_read(const uint8_t *bytes, size_t size, uint16_t id,
		     const struct dns_question *question,
		     struct dns_answer *out)
{
	out->rcode = 0;
	out->ttl = DNS_TTL_NONE;
	out->count = 0;
	out->verdict = judge(bytes, size, id, question, out);
	if (out->verdict != DNS_ADDRESSES)
		out->count = 0;
}
