/* dns_wire.h - DNS messages put together byte by byte, and judged as the answer
 * for the A records of a.test.  For tests alone; all of it is static. */
#ifndef UNIT_DNS_WIRE_H
#define UNIT_DNS_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "page_end.h"
#include "runtime/net/dns_message.h"

#define ID 0x1234
#define CNAME 5
#define SOA 6
#define OPT 41

/* A message under construction. */
struct wire {
	uint8_t bytes[16384];
	size_t size;
};

static inline void put8(struct wire *wire, unsigned value)
{
	wire->bytes[wire->size++] = (uint8_t)value;
}

static inline void put16(struct wire *wire, unsigned value)
{
	put8(wire, value >> 8);
	put8(wire, value & 0xff);
}

static inline void put32(struct wire *wire, uint32_t value)
{
	put16(wire, value >> 16);
	put16(wire, value & 0xffff);
}

static inline void put_name(struct wire *wire, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		put8(wire, (unsigned)n);
		memcpy(wire->bytes + wire->size, name, n);
		wire->size += n;
		name += n + (name[n] == '.');
	}
	put8(wire, 0);
}

static inline void put_pointer(struct wire *wire, size_t target)
{
	put16(wire, 0xc000U | (unsigned)target);
}

static inline void begin(struct wire *wire, const char *name, unsigned type,
			 unsigned flags)
{
	wire->size = 0;
	put16(wire, ID);
	put16(wire, 0x8180 | flags);
	put16(wire, 1);
	put16(wire, 0);
	put16(wire, 0);
	put16(wire, 0);
	put_name(wire, name);
	put16(wire, type);
	put16(wire, 1);
}

static inline void bump(struct wire *wire, size_t section)
{
	unsigned count = (unsigned)(wire->bytes[section] << 8 |
				    wire->bytes[section + 1]) +
			 1;

	wire->bytes[section] = (uint8_t)(count >> 8);
	wire->bytes[section + 1] = (uint8_t)count;
}

#define ANSWER 6
#define AUTHORITY 8

static inline void put_fixed(struct wire *wire, unsigned type, unsigned class,
			     uint32_t ttl, size_t size)
{
	put16(wire, type);
	put16(wire, class);
	put32(wire, ttl);
	put16(wire, (unsigned)size);
}

static inline void put_a(struct wire *wire, const char *owner, unsigned last,
			 uint32_t ttl)
{
	bump(wire, ANSWER);
	put_name(wire, owner);
	put_fixed(wire, DNS_TYPE_A, 1, ttl, 4);
	put32(wire, 0xc0000200U | last);
}

static inline void put_cname(struct wire *wire, const char *owner,
			     const char *target, uint32_t ttl)
{
	bump(wire, ANSWER);
	put_name(wire, owner);
	put_fixed(wire, CNAME, 1, ttl, strlen(target) + 2);
	put_name(wire, target);
}

static inline void put_soa(struct wire *wire, uint32_t ttl, uint32_t minimum)
{
	bump(wire, AUTHORITY);
	put_name(wire, "test");
	put_fixed(wire, SOA, 1, ttl, 2 + 20);
	put_name(wire, "");
	put_name(wire, "");
	for (int i = 0; i < 4; i++)
		put32(wire, 7);
	put32(wire, minimum);
}

static inline struct dns_question question(const char *name, enum dns_type type)
{
	struct dns_question out = {.type = type};

	assert_true(dns_name_from_text(str_from(name), &out.name));
	return out;
}

/* Judge WIRE as the answer for the A records of a.test. */
static inline struct dns_answer judge(const struct wire *wire)
{
	struct dns_question asked = question("a.test", DNS_TYPE_A);
	struct page_end copy = page_end_copy(wire->bytes, wire->size);
	struct dns_answer out;

	dns_answer_read(copy.bytes, wire->size, ID, &asked, &out);
	page_end_free(&copy);
	assert_true((out.count > 0) == (out.verdict == DNS_ADDRESSES));
	return out;
}

static inline unsigned last_octet(const struct dns_answer *answer, size_t i)
{
	return answer->addrs[i].bytes[15];
}

#endif
