/* test_dns_message.c - what is asked, and which answers are believed. */
#include "dns_wire.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
