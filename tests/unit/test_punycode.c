/* test_punycode.c - RFC 3492 both ways, and what is no punycode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/policy/punycode.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_both_ways(void **unused)
{
	static const struct {
		const char *text;
		uint32_t points[PUNYCODE_MAX]; /* ends with 0 */
	} rows[] = {
		{"4ca", {0xe4}},
		{"zca", {0xdf}},
		{"fa-hia", {'f', 'a', 0xdf}},
		{"strae-oqa", {'s', 't', 'r', 'a', 0xdf, 'e'}},
		{"jv8h", {0x1f510}},
		{"i-7iq", {'i', 0x2764}},
		{"e1aybc", {0x442, 0x435, 0x441, 0x442}},
		{"4db", {0x5d0}},
		{"11b2ezcw70k", {0x915, 0x94d, 0x200d, 0x937}},
		{"a--b-cpa", {'a', '-', 0xe9, '-', 'b'}},
		{"dn32g", {0x10ffff}},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t points[PUNYCODE_MAX];
		char text[PUNYCODE_MAX];
		size_t count = 0;
		size_t n;

		while (rows[i].points[count] != 0)
			count++;
		n = punycode_encode(rows[i].points, count, text);
		if (!str_equal(str_make(text, n), str_from(rows[i].text)))
			fail_msg("'%.*s' for '%s'", (int)n, text, rows[i].text);
		assert_int_equal(
			punycode_decode(str_from(rows[i].text), points), count);
		assert_memory_equal(points, rows[i].points,
				    count * sizeof(points[0]));
	}
}

static void test_refused(void **unused)
{
	static const char *const rows[] = {
		"",    "99999999", "4c",      "4CA",         "\303",
		"a-_", "a-\303",   "4ca.4ca", "-9999999999",
	};
	/* no character, surrogates, beyond Unicode */
	static const uint32_t points[] = {0xd800, 0xdfff, 0x110000};
	char text[PUNYCODE_MAX];
	uint32_t out[PUNYCODE_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (punycode_decode(str_from(rows[i]), out) != 0)
			fail_msg("'%s' is no punycode", rows[i]);
	for (size_t i = 0; i < COUNT(points); i++) {
		size_t n = punycode_encode(&points[i], 1, text);

		assert_true(n > 0);
		assert_int_equal(punycode_decode(str_make(text, n), out), 0);
	}
}

/* As long as a label can be, and one more. */
static void test_limits(void **unused)
{
	char text[PUNYCODE_MAX + 1];
	char again[PUNYCODE_MAX];
	uint32_t points[PUNYCODE_MAX];
	size_t count;

	(void)unused;
	memset(text, 'a', sizeof(text));
	text[PUNYCODE_MAX - 5] = '-';
	count = punycode_decode(str_make(text, PUNYCODE_MAX - 1), points);
	assert_true(count > 0 && count < PUNYCODE_MAX);
	assert_int_equal(punycode_encode(points, count, again),
			 PUNYCODE_MAX - 1);
	assert_memory_equal(text, again, PUNYCODE_MAX - 1);
	assert_int_equal(punycode_decode(str_make(text, PUNYCODE_MAX), points),
			 0);
	for (size_t i = 0; i < PUNYCODE_MAX; i++)
		points[i] = 0x10ffff - (uint32_t)i;
	assert_int_equal(punycode_encode(points, PUNYCODE_MAX, again), 0);
	assert_int_equal(punycode_encode(points, PUNYCODE_MAX - 1, again), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
