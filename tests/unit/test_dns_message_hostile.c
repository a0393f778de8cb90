/* test_dns_message_hostile.c - answers that are damaged, or mean harm. */
#include "dns_wire.h"

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
