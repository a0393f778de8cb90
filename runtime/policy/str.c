/* str.c - see str.h: numbers as decimal digits.  Log lines are full of them, so
 * that two digits are looked up at a time and nothing is written twice. */
#include "str.h"

static const char pairs[] = "00010203040506070809"
			    "10111213141516171819"
			    "20212223242526272829"
			    "30313233343536373839"
			    "40414243444546474849"
			    "50515253545556575859"
			    "60616263646566676869"
			    "70717273747576777879"
			    "80818283848586878889"
			    "90919293949596979899";

/* VALUE below 100 as two digits. */
static void put_pair(char *out, uint64_t value)
{
	memcpy(out, pairs + 2 * value, 2);
}

static size_t count_digits(uint64_t value)
{
	/* the least value of one digit more than the index; zero has a digit */
	static const uint64_t least[STR_DECIMAL_MAX] = {
		0,
		UINT64_C(10),
		UINT64_C(100),
		UINT64_C(1000),
		UINT64_C(10000),
		UINT64_C(100000),
		UINT64_C(1000000),
		UINT64_C(10000000),
		UINT64_C(100000000),
		UINT64_C(1000000000),
		UINT64_C(10000000000),
		UINT64_C(100000000000),
		UINT64_C(1000000000000),
		UINT64_C(10000000000000),
		UINT64_C(100000000000000),
		UINT64_C(1000000000000000),
		UINT64_C(10000000000000000),
		UINT64_C(100000000000000000),
		UINT64_C(1000000000000000000),
		UINT64_C(10000000000000000000),
	};
	size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
	/* 1233/4096 is the logarithm of 2 closely enough for 64 bits */
	size_t digits = bits * 1233 >> 12;

	return digits + (value >= least[digits]);
}

/* see str.h */
size_t str_put_decimal(char *out, uint64_t value)
{
	size_t n, at;

	if (value < 10) {
		*out = (char)('0' + value);
		return 1;
	}
	n = count_digits(value);
	for (at = n; value >= 100; value /= 100) {
		at -= 2;
		put_pair(out + at, value % 100);
	}
	if (value >= 10)
		put_pair(out, value);
	else
		*out = (char)('0' + value);
	return n;
}

/* see str.h */
void str_put_six_digits(char *out, uint32_t value)
{
	put_pair(out, value / 10000);
	put_pair(out + 2, value / 100 % 100);
	put_pair(out + 4, value % 100);
}
