/* test_limits.c - counting and metering: exact, however many ask at once, and
 * at the ends of what can be asked for. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/proxy/limits.h"
#include "runtime/settings.h"

#define SECOND UINT64_C(1000000000)
#define THREADS 4
#define TRIES 20000

static unsigned taken_at(struct bucket *bucket, uint64_t now, unsigned tries)
{
	unsigned taken = 0;

	while (tries-- > 0)
		taken += bucket_take(bucket, now);
	return taken;
}

static void test_a_full_bucket_holds_its_burst(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_init(&bucket, 10, 20);
	assert_int_equal(taken_at(&bucket, 5 * SECOND, 100), 20);
	/* one comes back in a tenth of a second, and not before */
	assert_int_equal(taken_at(&bucket, 5 * SECOND + SECOND / 10 - 1, 9), 0);
	assert_int_equal(taken_at(&bucket, 5 * SECOND + SECOND / 10, 9), 1);
	/* never more than the burst */
	assert_int_equal(taken_at(&bucket, 500 * SECOND, 100), 20);
}

static void test_rates_below_one(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_init(&bucket, 0.25, 1);
	assert_int_equal(taken_at(&bucket, 0, 9), 1);
	assert_int_equal(taken_at(&bucket, 4 * SECOND - 1, 9), 0);
	assert_int_equal(taken_at(&bucket, 4 * SECOND, 9), 1);
	/* rarer than can be told: once */
	bucket_init(&bucket, 1e-300, 1);
	assert_int_equal(taken_at(&bucket, SECOND, 9), 1);
	assert_int_equal(taken_at(&bucket, 1000000 * SECOND, 9), 0);
	bucket_init(&bucket, 1e-300, UINT32_MAX);
	assert_true(taken_at(&bucket, SECOND, 9) >= 1);
}

static void test_high_rates_keep_their_number(void **state)
{
	static const double rates[] = {1000, 99999, 3e6};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct bucket bucket;
		unsigned taken = 0;

		bucket_init(&bucket, rates[i], 1000);
		/* empty, then a second in steps of 10 us */
		taken_at(&bucket, SECOND, 2000);
		for (unsigned step = 1; step <= 100000; step++)
			taken += taken_at(&bucket, SECOND + step * 10000, 40);
		assert_in_range(taken, (uintmax_t)(rates[i] * 0.999),
				(uintmax_t)(rates[i] * 1.001) + 1);
	}
}

static void test_no_rate_is_no_limit(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_init(&bucket, 0, 1);
	assert_int_equal(taken_at(&bucket, 0, 1000), 1000);
	/* faster than the clock */
	bucket_init(&bucket, 1e300, INT32_MAX);
	assert_int_equal(taken_at(&bucket, 0, 1000), 1000);
}

static void test_a_clock_of_another_processor_may_lag(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_init(&bucket, 1, 2);
	assert_int_equal(taken_at(&bucket, 10 * SECOND, 9), 2);
	assert_int_equal(taken_at(&bucket, 9 * SECOND, 9), 0);
	assert_int_equal(taken_at(&bucket, 11 * SECOND, 9), 1);
}

static struct bucket shared_bucket;
static struct slots shared_slots;
static atomic_uint high;

static void *take_tokens(void *context)
{
	unsigned *taken = context;

	*taken = taken_at(&shared_bucket, SECOND, TRIES);
	return NULL;
}

static void *take_slots(void *context)
{
	static atomic_uint inside;
	unsigned *taken = context;

	for (unsigned i = 0; i < TRIES; i++) {
		unsigned now;

		if (!slots_take(&shared_slots))
			continue;
		++*taken;
		now = atomic_fetch_add(&inside, 1) + 1;
		if (now > atomic_load(&high))
			atomic_store(&high, now);
		atomic_fetch_sub(&inside, 1);
		slots_release(&shared_slots);
	}
	return NULL;
}

static unsigned together(void *(*run)(void *))
{
	pthread_t threads[THREADS];
	unsigned taken[THREADS] = {0}, sum = 0;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, run, &taken[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += taken[i];
	}
	return sum;
}

static void test_threads_share_a_bucket_exactly(void **state)
{
	(void)state;
	bucket_init(&shared_bucket, 1, 12345);
	assert_int_equal(together(take_tokens), 12345);
}

static void test_threads_never_hold_more_slots_than_there_are(void **state)
{
	(void)state;
	shared_slots = (struct slots){.max = 2};
	assert_true(together(take_slots) > 0);
	assert_in_range(atomic_load(&high), 1, 2);
	assert_int_equal(atomic_load(&shared_slots.used), 0);
}

static void test_slots(void **state)
{
	struct slots slots = {.max = 2}, any = {.max = 0};

	(void)state;
	assert_true(slots_take(&slots));
	assert_true(slots_take(&slots));
	assert_false(slots_take(&slots));
	assert_false(slots_take(&slots));
	slots_release(&slots);
	assert_true(slots_take(&slots));
	for (int i = 0; i < 100; i++)
		assert_true(slots_take(&any));
	slots_release(&any);
}

static void test_rate_comes_before_the_slots(void **state)
{
	struct settings settings;
	struct limits limits;

	(void)state;
	settings_init(&settings);
	settings.max_rate = 0.001;
	settings.max_burst = 3;
	settings.has_burst = true;
	settings.max_requests = 2;
	limits_init(&limits, &settings);
	assert_int_equal(limits_admit(&limits), LIMITS_ADMITTED);
	assert_int_equal(limits_admit(&limits), LIMITS_ADMITTED);
	/* what finds no slot has paid its token */
	assert_int_equal(limits_admit(&limits), LIMITS_OVER_REQUESTS);
	slots_release(&limits.requests);
	assert_int_equal(limits_admit(&limits), LIMITS_OVER_RATE);
	assert_int_equal(atomic_load(&limits.requests.used), 1);
	settings_fini(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_bucket_holds_its_burst),
		cmocka_unit_test(test_rates_below_one),
		cmocka_unit_test(test_high_rates_keep_their_number),
		cmocka_unit_test(test_no_rate_is_no_limit),
		cmocka_unit_test(test_a_clock_of_another_processor_may_lag),
		cmocka_unit_test(test_threads_share_a_bucket_exactly),
		cmocka_unit_test(
			test_threads_never_hold_more_slots_than_there_are),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_rate_comes_before_the_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
