/* test_dns_message.c - what is asked, and which answers are believed. */
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

static void put8(struct wire *wire, unsigned value)
{
	wire->bytes[wire->size++] = (uint8_t)value;
}

static void put16(struct wire *wire, unsigned value)
{
	put8(wire, value >> 8);
	put8(wire, value & 0xff);
}

static void put32(struct wire *wire, uint32_t value)
{
	put16(wire, value >> 16);
	put16(wire, value & 0xffff);
}

static void put_name(struct wire *wire, const char *name)
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

static void put_pointer(struct wire *wire, size_t target)
{
	put16(wire, 0xc000U | (unsigned)target);
}

static void begin(struct wire *wire, const char *name, unsigned type,
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

static void bump(struct wire *wire, size_t section)
{
	unsigned count = (unsigned)(wire->bytes[section] << 8 |
				    wire->bytes[section + 1]) +
			 1;

	wire->bytes[section] = (uint8_t)(count >> 8);
	wire->bytes[section + 1] = (uint8_t)count;
}

#define ANSWER 6
#define AUTHORITY 8

static void put_fixed(struct wire *wire, unsigned type, unsigned class,
		      uint32_t ttl, size_t size)
{
	put16(wire, type);
	put16(wire, class);
	put32(wire, ttl);
	put16(wire, (unsigned)size);
}

static void put_a(struct wire *wire, const char *owner, unsigned last,
		  uint32_t ttl)
{
	bump(wire, ANSWER);
	put_name(wire, owner);
	put_fixed(wire, DNS_TYPE_A, 1, ttl, 4);
	put32(wire, 0xc0000200U | last);
}

static void put_cname(struct wire *wire, const char *owner, const char *target,
		      uint32_t ttl)
{
	bump(wire, ANSWER);
	put_name(wire, owner);
	put_fixed(wire, CNAME, 1, ttl, strlen(target) + 2);
	put_name(wire, target);
}

static void put_soa(struct wire *wire, uint32_t ttl, uint32_t minimum)
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

static struct dns_question question(const char *name, enum dns_type type)
{
	struct dns_question out = {.type = type};

	assert_true(dns_name_from_text(str_from(name), &out.name));
	return out;
}

/* Judge WIRE as the answer for the A records of a.test. */
static struct dns_answer judge(const struct wire *wire)
{
	struct dns_question asked = question("a.test", DNS_TYPE_A);
	struct page_end copy = page_end_copy(wire->bytes, wire->size);
	struct dns_answer out;

	dns_answer_read(copy.bytes, wire->size, ID, &asked, &out);
	page_end_free(&copy);
	assert_true((out.count > 0) == (out.verdict == DNS_ADDRESSES));
	return out;
}

static unsigned last_octet(const struct dns_answer *answer, size_t i)
{
	return answer->addrs[i].bytes[15];
}

/* --- names and queries --- */

static void test_names(void **state)
{
	char label[65];
	char name[260];
	struct dns_name out;

	(void)state;
	assert_true(dns_name_from_text(STR("A.b-C_d.test."), &out));
	assert_int_equal(out.length, 14);
	assert_memory_equal(out.bytes, "\1a\5b-c_d\4test", 14);

	assert_false(dns_name_from_text(STR(""), &out));
	assert_false(dns_name_from_text(STR("."), &out));
	assert_false(dns_name_from_text(STR(".a"), &out));
	assert_false(dns_name_from_text(STR("a..b"), &out));
	assert_false(dns_name_from_text(STR("a.."), &out));

	memset(label, 'x', sizeof(label));
	assert_true(dns_name_from_text(str_make(label, 63), &out));
	assert_false(dns_name_from_text(str_make(label, 64), &out));

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 64 == 63 ? '.' : 'x';
	assert_true(dns_name_from_text(str_make(name, 253), &out));
	assert_int_equal(out.length, DNS_NAME_MAX);
	assert_false(dns_name_from_text(str_make(name, 254), &out));
}

static void test_query(void **state)
{
	static const uint8_t expected[] =
		"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
		"\1a\4test\0\x00\x1c\x00\x01"
		"\0\x00\x29\x04\xd0\0\0\0\0\0";
	struct dns_question asked = question("a.test", DNS_TYPE_AAAA);
	uint8_t out[DNS_QUERY_MAX];

	(void)state;
	assert_int_equal(dns_query_write(&asked, ID, out), sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
}

/* --- good answers --- */

static void test_addresses(void **state)
{
	struct wire wire;
	struct dns_answer answer;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_a(&wire, "a.test", 1, 300);
	put_a(&wire, "A.TeSt", 2, 200);
	/* Compressed, as everybody does it. */
	bump(&wire, ANSWER);
	put_pointer(&wire, 12);
	put_fixed(&wire, DNS_TYPE_A, 1, 400, 4);
	put32(&wire, 0xc0000203U);
	answer = judge(&wire);
	assert_int_equal(answer.verdict, DNS_ADDRESSES);
	assert_int_equal(answer.count, 3);
	assert_int_equal(answer.ttl, 200);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(last_octet(&answer, i), i + 1);
	assert_true(addr_is_v4(&answer.addrs[0]));
}

static void test_ipv6(void **state)
{
	static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
	struct dns_question asked = question("a.test", DNS_TYPE_AAAA);
	struct wire wire;
	struct dns_answer answer;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_AAAA, 0);
	put_a(&wire, "a.test", 1, 300); /* not what was asked for */
	bump(&wire, ANSWER);
	put_name(&wire, "a.test");
	put_fixed(&wire, DNS_TYPE_AAAA, 1, 60, 16);
	memcpy(wire.bytes + wire.size, v6, sizeof(v6));
	wire.size += sizeof(v6);
	dns_answer_read(wire.bytes, wire.size, ID, &asked, &answer);
	assert_int_equal(answer.verdict, DNS_ADDRESSES);
	assert_int_equal(answer.count, 1);
	assert_memory_equal(answer.addrs[0].bytes, v6, sizeof(v6));
}

static void test_alias_chain_in_any_order(void **state)
{
	struct wire wire;
	struct dns_answer answer;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_a(&wire, "c.test", 3, 300);
	put_a(&wire, "a.test", 66, 300); /* has a CNAME, so no address */
	put_a(&wire, "x.test", 67, 300);
	put_cname(&wire, "b.test", "c.test", 30);
	put_cname(&wire, "a.test", "b.test", 300);
	answer = judge(&wire);
	assert_int_equal(answer.verdict, DNS_ADDRESSES);
	assert_int_equal(answer.count, 1);
	assert_int_equal(last_octet(&answer, 0), 3);
	assert_int_equal(answer.ttl, 30);
}

/* --- no addresses --- */

static void test_negative(void **state)
{
	struct wire wire;
	struct dns_answer answer;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 3);
	put_soa(&wire, 900, 20);
	answer = judge(&wire);
	assert_int_equal(answer.verdict, DNS_NO_NAME);
	assert_int_equal(answer.ttl, 20);

	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_soa(&wire, 10, 20);
	answer = judge(&wire);
	assert_int_equal(answer.verdict, DNS_NO_DATA);
	assert_int_equal(answer.ttl, 10);

	begin(&wire, "a.test", DNS_TYPE_A, 0);
	answer = judge(&wire);
	assert_int_equal(answer.verdict, DNS_NO_DATA);
	assert_true(answer.ttl == DNS_TTL_NONE);

	/* An alias whose target does not exist: RFC 2308 section 2.1. */
	begin(&wire, "a.test", DNS_TYPE_A, 3);
	put_cname(&wire, "a.test", "b.test", 60);
	assert_int_equal(judge(&wire).verdict, DNS_NO_NAME);

	/* Addresses together with NXDOMAIN are not believed. */
	begin(&wire, "a.test", DNS_TYPE_A, 3);
	put_a(&wire, "a.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_NO_NAME);
}

static void test_refusals(void **state)
{
	static const unsigned rcodes[] = {1, 2, 4, 5, 9, 15};
	struct wire wire;

	(void)state;
	for (size_t i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
		begin(&wire, "a.test", DNS_TYPE_A, rcodes[i]);
		put_a(&wire, "a.test", 66, 60);

		struct dns_answer answer = judge(&wire);

		assert_int_equal(answer.verdict, DNS_REFUSAL);
		assert_int_equal(answer.rcode, rcodes[i]);
	}
	begin(&wire, "a.test", DNS_TYPE_A, 0x0200);
	put_a(&wire, "a.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_TRUNCATED);
}

/* --- answers to something else --- */

static void test_mismatches(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "b.test", DNS_TYPE_A, 0);
	put_a(&wire, "a.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MISMATCH);

	begin(&wire, "a.test", DNS_TYPE_AAAA, 0);
	put_a(&wire, "a.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MISMATCH);

	begin(&wire, "a.test", DNS_TYPE_A, 0);
	wire.bytes[1] ^= 1; /* the id */
	put_a(&wire, "a.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MISMATCH);

	begin(&wire, "a.test", DNS_TYPE_A, 0);
	wire.bytes[wire.size - 1] = 3; /* class CHAOS */
	assert_int_equal(judge(&wire).verdict, DNS_MISMATCH);

	begin(&wire, "a.test", DNS_TYPE_A, 0);
	wire.bytes[2] &= 0x7f; /* a query */
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);

	begin(&wire, "a.test", DNS_TYPE_A, 0);
	wire.bytes[2] |= 0x28; /* opcode UPDATE */
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);

	for (unsigned questions = 0; questions <= 2; questions += 2) {
		begin(&wire, "a.test", DNS_TYPE_A, 0);
		wire.bytes[5] = (uint8_t)questions;
		assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
	}
}

static void test_wrong_owner(void **state)
{
	struct wire wire;
	struct dns_answer answer;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_a(&wire, "b.test", 66, 60);
	put_a(&wire, "xa.test", 66, 60);
	put_a(&wire, "a.test.test", 66, 60);
	put_a(&wire, "test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);

	put_a(&wire, "a.test", 1, 60);
	answer = judge(&wire);
	assert_int_equal(answer.count, 1);
	assert_int_equal(last_octet(&answer, 0), 1);

	/* An alias of another name leads nowhere. */
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_cname(&wire, "b.test", "c.test", 60);
	put_a(&wire, "c.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
}

static void test_wrong_class_or_size(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	bump(&wire, ANSWER);
	put_name(&wire, "a.test");
	put_fixed(&wire, DNS_TYPE_A, 3, 60, 4); /* CHAOS */
	put32(&wire, 0x7f000001);
	assert_int_equal(judge(&wire).verdict, DNS_NO_DATA);

	for (unsigned size = 0; size <= 16; size++) {
		begin(&wire, "a.test", DNS_TYPE_A, 0);
		bump(&wire, ANSWER);
		put_name(&wire, "a.test");
		put_fixed(&wire, DNS_TYPE_A, 1, 60, size);
		for (unsigned i = 0; i < size; i++)
			put8(&wire, 1);
		assert_int_equal(judge(&wire).verdict,
				 size == 4 ? DNS_ADDRESSES : DNS_MALFORMED);
	}
}

/* --- chains --- */

static void chain_of(struct wire *wire, unsigned length)
{
	char owner[32] = "a.test";
	char target[32];

	begin(wire, "a.test", DNS_TYPE_A, 0);
	for (unsigned i = 0; i < length; i++) {
		snprintf(target, sizeof(target), "n%u.test", i);
		put_cname(wire, owner, target, 60);
		memcpy(owner, target, sizeof(owner));
	}
	put_a(wire, owner, 9, 60);
}

static void test_chain_limit(void **state)
{
	struct wire wire;

	(void)state;
	chain_of(&wire, DNS_MAX_CNAMES);
	assert_int_equal(judge(&wire).verdict, DNS_ADDRESSES);
	chain_of(&wire, DNS_MAX_CNAMES + 1);
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
}

static void test_chain_loops(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_cname(&wire, "a.test", "a.test", 60);
	put_a(&wire, "a.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);

	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_cname(&wire, "a.test", "b.test", 60);
	put_cname(&wire, "b.test", "c.test", 60);
	put_cname(&wire, "c.test", "b.test", 60);
	put_a(&wire, "c.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
}

static void test_two_aliases_of_one_name(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_cname(&wire, "a.test", "b.test", 60);
	put_cname(&wire, "a.test", "c.test", 60);
	put_a(&wire, "c.test", 66, 60);
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
}

static void test_alias_must_fill_its_data(void **state)
{
	struct wire wire;
	size_t length_at;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	length_at = wire.size + 8 + 8; /* owner, fixed part before it */
	put_cname(&wire, "a.test", "b.test", 60);
	put8(&wire, 0);
	wire.bytes[length_at + 1]++;
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
}

/* --- limits and lies --- */

static void test_address_limit(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	for (unsigned i = 0; i < DNS_MAX_ADDRESSES; i++)
		put_a(&wire, "a.test", i, 60);
	assert_int_equal(judge(&wire).count, DNS_MAX_ADDRESSES);
	put_a(&wire, "a.test", 99, 60);
	assert_int_equal(judge(&wire).count, DNS_MAX_ADDRESSES);
}

static void test_ttl_sign(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_a(&wire, "a.test", 1, 0x80000001U);
	assert_int_equal(judge(&wire).ttl, 0);
}

/* A pointer at itself, forward, into the header, to another that leads back:
 * each would hang or mislead a careless reader. */
static void test_pointers(void **state)
{
	struct wire wire;
	size_t at;

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		begin(&wire, "a.test", DNS_TYPE_A, 0);
		at = wire.size;
		bump(&wire, ANSWER);
		switch (kind) {
		case 0:
			put_pointer(&wire, at);
			break;
		case 1:
			put_pointer(&wire, at + 2);
			break;
		case 2:
			put_pointer(&wire, 4);
			break;
		default: /* "x" and then itself: endless */
			put8(&wire, 1);
			put8(&wire, 'x');
			put_pointer(&wire, at);
			break;
		}
		put_fixed(&wire, DNS_TYPE_A, 1, 60, 4);
		put32(&wire, 0x7f000001);
		assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
	}

	/* A chain of pointers, each back to the one before, is allowed. */
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	bump(&wire, ANSWER);
	put_name(&wire, "x.test");
	put_fixed(&wire, 99, 1, 60, 4);
	at = wire.size;
	put_pointer(&wire, 12);
	put_pointer(&wire, at);
	bump(&wire, ANSWER);
	put_pointer(&wire, at + 2);
	put_fixed(&wire, DNS_TYPE_A, 1, 60, 4);
	put32(&wire, 0xc0000205U);
	assert_int_equal(judge(&wire).verdict, DNS_ADDRESSES);

	/* 0x40 and 0x80 are no labels. */
	for (unsigned bits = 0x40; bits <= 0x80; bits += 0x40) {
		begin(&wire, "a.test", DNS_TYPE_A, 0);
		bump(&wire, ANSWER);
		put8(&wire, bits | 1);
		put8(&wire, 'a');
		put8(&wire, 0);
		put_fixed(&wire, DNS_TYPE_A, 1, 60, 4);
		put32(&wire, 0x7f000001);
		assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);
	}
}

/* Labels in front of a pointer can make a name of any length. */
static void test_long_names(void **state)
{
	struct wire wire;
	size_t before = 12;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	for (unsigned i = 0; i < 10; i++) {
		size_t here = wire.size;

		bump(&wire, ANSWER);
		put8(&wire, 60);
		memset(wire.bytes + wire.size, 'x', 60);
		wire.size += 60;
		put_pointer(&wire, before);
		put_fixed(&wire, 99, 1, 60, 0);
		before = here;
		/* 8 bytes of a.test, 61 more each: four fit in 255. */
		assert_int_equal(judge(&wire).verdict,
				 i < 4 ? DNS_NO_DATA : DNS_MALFORMED);
	}
}

/* Cut a good answer everywhere: never an address more, never a fault. */
static void test_truncation_everywhere(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_cname(&wire, "a.test", "b.test", 60);
	put_a(&wire, "b.test", 1, 60);
	put_a(&wire, "b.test", 2, 60);
	for (size_t full = wire.size; wire.size > 0;) {
		struct dns_answer answer = judge(&wire);

		assert_int_equal(answer.verdict, wire.size == full
							 ? DNS_ADDRESSES
							 : DNS_MALFORMED);
		wire.size--;
	}
}

/* Every byte set to every one of a few values: no fault, no foreign address. */
static void test_mutations(void **state)
{
	static const uint8_t values[] = {0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff};
	struct wire good;

	(void)state;
	begin(&good, "a.test", DNS_TYPE_A, 0);
	put_cname(&good, "a.test", "b.test", 60);
	put_a(&good, "b.test", 1, 60);
	put_a(&good, "z.test", 66, 60);
	put_soa(&good, 60, 60);
	for (size_t i = 0; i < good.size; i++) {
		for (size_t j = 0; j < sizeof(values); j++) {
			struct wire wire = good;

			wire.bytes[i] = values[j];
			judge(&wire);
		}
	}
}

/* Counts that promise more records than there are bytes. */
static void test_counts_that_lie(void **state)
{
	struct wire wire;

	(void)state;
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_a(&wire, "a.test", 1, 60);
	wire.bytes[6] = 0xff;
	assert_int_equal(judge(&wire).verdict, DNS_MALFORMED);

	/* Damage behind the answers costs the negative TTL, nothing else. */
	begin(&wire, "a.test", DNS_TYPE_A, 0);
	put_a(&wire, "a.test", 1, 60);
	wire.bytes[8] = 0xff;
	wire.bytes[10] = 0xff;
	assert_int_equal(judge(&wire).verdict, DNS_ADDRESSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_alias_chain_in_any_order),
		cmocka_unit_test(test_negative),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_mismatches),
		cmocka_unit_test(test_wrong_owner),
		cmocka_unit_test(test_wrong_class_or_size),
		cmocka_unit_test(test_chain_limit),
		cmocka_unit_test(test_chain_loops),
		cmocka_unit_test(test_two_aliases_of_one_name),
		cmocka_unit_test(test_alias_must_fill_its_data),
		cmocka_unit_test(test_address_limit),
		cmocka_unit_test(test_ttl_sign),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_truncation_everywhere),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_counts_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
