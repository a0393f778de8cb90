/* test_crc32c.c - the instruction, the tables and RFC 3720 agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/policy/crc32c.h"

/* xorshift64 */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void crc(void **state)
{
	static uint8_t bytes[40000];
	struct crc32c best = crc32c_best(), portable = crc32c_portable();
	uint64_t seed = 1;

	(void)state;
	/* RFC 3720 appendix B.4 */
	assert_int_equal(best.sum(0, "123456789", 9), 0xe3069283);
	assert_int_equal(best.sum(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(best.sum(0, bytes, 32), 0x62a8ab43);
	assert_int_equal(best.sum(0, "", 0), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)next(&seed);
	for (int i = 0; i < 300; i++) {
		size_t at = next(&seed) % 64;
		size_t n = next(&seed) % (sizeof(bytes) - at);
		size_t cut = n ? next(&seed) % n : 0;
		uint32_t whole = portable.sum(0, bytes + at, n);

		assert_int_equal(best.sum(0, bytes + at, n), whole);
		assert_int_equal(best.sum(best.sum(0, bytes + at, cut),
					  bytes + at + cut, n - cut),
				 whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
