/* test_der.c - DER: what is taken, and everything that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "page_end.h"
#include "runtime/tls/der.h"

#define BYTES(text) bytes_make((const uint8_t *)(text), sizeof(text) - 1)

static void test_items(void **state)
{
	struct bytes rest = BYTES("\x30\x03\x02\x01\x05\x05\x00");
	struct der_item item;

	(void)state;
	assert_true(der_next(&rest, &item));
	assert_int_equal(item.tag, DER_SEQUENCE);
	assert_int_equal(item.body.n, 3);
	assert_int_equal(item.whole.n, 5);
	assert_true(der_next(&rest, &item));
	assert_int_equal(item.tag, DER_NULL);
	assert_int_equal(item.body.n, 0);
	assert_int_equal(rest.n, 0);
	assert_false(der_next(&rest, &item));
}

static void test_bad_items(void **state)
{
	static const struct bytes bad[] = {
		{(const uint8_t *)"", 0},
		{(const uint8_t *)"\x30", 1},
		{(const uint8_t *)"\x30\x01", 2},
		{(const uint8_t *)"\x1F\x01\x00", 3},      /* long tag */
		{(const uint8_t *)"\x30\x80\x00\x00", 4},  /* indefinite */
		{(const uint8_t *)"\x30\x81\x05zzzzz", 8}, /* not minimal */
		{(const uint8_t *)"\x30\x82\x00\x80", 4},  /* not minimal */
		{(const uint8_t *)"\x30\x81", 2},          /* cut */
		{(const uint8_t *)"\x30\x82\x01", 3},      /* cut */
		{(const uint8_t *)"\x30\x84\xFF\xFF\xFF\xFF", 6},
		{(const uint8_t *)"\x30\x85\x01\x00\x00\x00\x00", 7},
		{(const uint8_t *)"\x30\xFF", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct page_end copy = page_end_copy(bad[i].p, bad[i].n);
		struct bytes rest = bytes_make(copy.bytes, bad[i].n);
		struct der_item item;

		assert_false(der_next(&rest, &item));
		assert_int_equal(rest.n, bad[i].n);
		page_end_free(&copy);
	}
}

static void test_long_item(void **state)
{
	static uint8_t bytes[3 + 0x80] = {0x04, 0x81, 0x80};
	struct bytes body;

	(void)state;
	assert_true(der_only(bytes_make(bytes, sizeof(bytes)), DER_OCTET_STRING,
			     &body));
	assert_int_equal(body.n, 0x80);
	assert_false(der_only(bytes_make(bytes, sizeof(bytes) - 1),
			      DER_OCTET_STRING, &body));
	assert_false(der_only(bytes_make(bytes, sizeof(bytes)), DER_SEQUENCE,
			      &body));
}

static void test_integers(void **state)
{
	uint32_t value;

	(void)state;
	assert_true(der_integer_valid(BYTES("\x00")));
	assert_true(der_integer_valid(BYTES("\x00\x80")));
	assert_true(der_integer_valid(BYTES("\xFF\x7F")));
	assert_false(der_integer_valid(BYTES("")));
	assert_false(der_integer_valid(BYTES("\x00\x7F")));
	assert_false(der_integer_valid(BYTES("\xFF\x80")));
	assert_true(der_uint(BYTES("\x7F\xFF\xFF\xFF"), &value));
	assert_int_equal(value, 0x7FFFFFFF);
	assert_false(der_uint(BYTES("\x00\x80\x00\x00\x00"), &value));
	assert_false(der_uint(BYTES("\x80"), &value));
	assert_false(der_uint(BYTES("\x00\x01"), &value));
}

static void test_small_values(void **state)
{
	struct bytes octets;
	uint16_t named;
	bool flag;

	(void)state;
	assert_true(der_boolean(BYTES("\xFF"), &flag) && flag);
	assert_true(der_boolean(BYTES("\x00"), &flag) && !flag);
	assert_false(der_boolean(BYTES("\x01"), &flag));
	assert_false(der_boolean(BYTES(""), &flag));
	assert_true(der_oid_valid(BYTES("\x55\x1D\x0F")));
	assert_true(der_oid_valid(BYTES("\x2A\x86\x48")));
	assert_false(der_oid_valid(BYTES("")));
	assert_false(der_oid_valid(BYTES("\x2A\x86")));
	assert_false(der_oid_valid(BYTES("\x2A\x80\x01")));
	assert_true(der_octets_in_bits(BYTES("\x00\x01\x02"), &octets));
	assert_int_equal(octets.n, 2);
	assert_false(der_octets_in_bits(BYTES("\x01\x02"), &octets));
	assert_false(der_octets_in_bits(BYTES(""), &octets));
	assert_true(der_named_bits(BYTES("\x01\x06"), &named));
	assert_int_equal(named, 1 << 5 | 1 << 6);
	assert_true(der_named_bits(BYTES("\x07\x00\x80"), &named));
	assert_int_equal(named, 1 << 8);
	assert_true(der_named_bits(BYTES("\x00"), &named));
	assert_false(der_named_bits(BYTES("\x01"), &named));
	assert_false(der_named_bits(BYTES("\x00\x06"), &named));
	assert_false(der_named_bits(BYTES("\x01\x07"), &named));
	assert_false(der_named_bits(BYTES("\x08\x80"), &named));
	assert_false(der_named_bits(BYTES(""), &named));
}

static bool read_time(unsigned tag, const char *text, int64_t *out)
{
	struct der_item item = {
		.tag = tag,
		.body = bytes_make((const uint8_t *)text, strlen(text))};

	return der_time(&item, out);
}

static void test_times(void **state)
{
	static const struct {
		unsigned tag;
		const char *text;
		int64_t seconds;
	} good[] = {
		{DER_UTC_TIME, "700101000000Z", 0},
		{DER_UTC_TIME, "491231235959Z", 2524607999},
		{DER_UTC_TIME, "500101000000Z", -631152000},
		{DER_UTC_TIME, "000229120000Z", 951825600},
		{DER_GENERALIZED_TIME, "20500101000000Z", 2524608000},
		{DER_GENERALIZED_TIME, "99991231235959Z", 253402300799},
		{DER_GENERALIZED_TIME, "00010101000000Z", -62135596800},
		{DER_GENERALIZED_TIME, "20260601000000Z", 1780272000},
	};
	static const struct {
		unsigned tag;
		const char *text;
	} bad[] = {
		{DER_UTC_TIME, "7001010000Z"},
		{DER_UTC_TIME, "700101000000"},
		{DER_UTC_TIME, "700101000000+0000"},
		{DER_UTC_TIME, "701301000000Z"},
		{DER_UTC_TIME, "700001000000Z"},
		{DER_UTC_TIME, "700100000000Z"},
		{DER_UTC_TIME, "700230000000Z"},
		{DER_UTC_TIME, "010229000000Z"},
		{DER_UTC_TIME, "700101240000Z"},
		{DER_UTC_TIME, "700101006000Z"},
		{DER_UTC_TIME, "700101000060Z"},
		{DER_UTC_TIME, "7001010000 0Z"},
		{DER_UTC_TIME, "20260601000000Z"},
		{DER_GENERALIZED_TIME, "20260601000000.5Z"},
		{DER_GENERALIZED_TIME, "700101000000Z"},
		{DER_GENERALIZED_TIME, "21000229000000Z"},
		{DER_OCTET_STRING, "700101000000Z"},
	};
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(read_time(good[i].tag, good[i].text, &seconds));
		assert_true(seconds == good[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(read_time(bad[i].tag, bad[i].text, &seconds));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_bad_items),
		cmocka_unit_test(test_long_item),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_small_values),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests_name("der", tests, NULL, NULL);
}
