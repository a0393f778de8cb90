/* test_str.c - numbers as digits, as printf() writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/policy/str.h"

static void check(uint64_t value)
{
	char want[STR_DECIMAL_MAX + 1], got[STR_DECIMAL_MAX + 1];
	size_t n;

	snprintf(want, sizeof(want), "%llu", (unsigned long long)value);
	memset(got, '#', sizeof(got));
	n = str_put_decimal(got, value);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(got, want, n);
	for (size_t i = n; i < sizeof(got); i++)
		assert_int_equal(got[i], '#');
}

static void test_decimals(void **state)
{
	uint64_t random = 88172645463325252, power = 1;

	(void)state;
	for (uint64_t i = 0; i <= 110000; i++)
		check(i);
	for (int digits = 1; digits <= STR_DECIMAL_MAX; digits++) {
		for (uint64_t i = 1; i <= 9; i++) {
			check(power * i - 1);
			check(power * i);
			check(power * i + 1);
		}
		power *= 10;
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		check((UINT64_C(1) << bit) - 1);
		check(UINT64_C(1) << bit);
		check(-(UINT64_C(1) << bit));
	}
	for (int i = 0; i < 100000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		check(random >> (random & 63));
	}
}

static void test_six_digits(void **state)
{
	char want[8], got[7] = "";

	(void)state;
	for (uint32_t i = 0; i < 1000000; i++) {
		snprintf(want, sizeof(want), "%06u", (unsigned)i);
		str_put_six_digits(got, i);
		assert_string_equal(got, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_six_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
