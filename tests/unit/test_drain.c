/* test_drain.c - the end of the program, with a clock of our own: which of the
 * three ways, when, and in which words.  And queues of timeouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "runtime/drain.h"
#include "runtime/proxy/timeouts.h"

static struct log_sink sink;
static struct log *log_;
static struct settings settings;
static struct drain drain;

static int init(void **state)
{
	(void)state;
	settings_init(&settings);
	log_sink_init(&sink, STDERR_FILENO);
	log_ = log_new(&sink);
	return log_ != NULL ? 0 : -1;
}

static int fini(void **state)
{
	(void)state;
	log_free(log_);
	log_sink_fini(&sink);
	return 0;
}

/* TEXT is in the log, which is emptied. */
static void says(const char *text)
{
	bool found =
		memmem(log_->buffer, log_->length, text, strlen(text)) != NULL;

	if (!found)
		fail_msg("'%s' is not in: %.*s", text, (int)log_->length,
			 log_->buffer);
	log_->length = 0;
}

static void silent(void)
{
	assert_int_equal(log_->length, 0);
}

static void test_closed(void **state)
{
	(void)state;
	drain_begin(&drain, log_, &settings, 1000);
	says("\"quitting gracefully\"");
	assert_false(drain_check(&drain, log_, 1000, 2, 1000));
	says("There are still active connections. Waiting 8h20m0s before");
	assert_false(drain_check(&drain, log_, 5000, 1, 1000));
	silent();
	assert_true(drain_check(&drain, log_, 5001, 0, 5000));
	says("All connections closed: closing all remaining connections.");
}

static void test_nobody_was_there(void **state)
{
	(void)state;
	drain_begin(&drain, log_, &settings, 1000);
	log_->length = 0;
	assert_true(drain_check(&drain, log_, 1000, 0, 0));
	says("All connections are closed. Continuing with shutdown...");
}

static void test_idle(void **state)
{
	(void)state;
	settings.idle_timeout_ms = 2500;
	drain_begin(&drain, log_, &settings, 10000);
	log_->length = 0;
	assert_false(drain_check(&drain, log_, 10000, 1, 9000));
	says("Waiting 1.5s before checking again.");
	assert_false(drain_check(&drain, log_, 11499, 1, 11000));
	silent();
	assert_false(drain_check(&drain, log_, 11500, 1, 11000));
	says("Waiting 2s before checking again.");
	assert_true(drain_check(&drain, log_, 13500, 1, 11000));
	says("All connections idle: closing all remaining connections.");
}

static void test_exit_timeout(void **state)
{
	(void)state;
	settings.idle_timeout_ms = 60000;
	settings.exit_timeout_ms = 90061;
	drain_begin(&drain, log_, &settings, 0);
	log_->length = 0;
	assert_false(drain_check(&drain, log_, 90060, 1, 90000));
	says("Waiting 59.94s before");
	assert_true(drain_check(&drain, log_, 90061, 1, 90061));
	says("ExitTimeout 1m30.061s reached - timing out");
}

/* --- timeouts --- */

#define COUNT 5

static struct timeout timeouts[COUNT];
static size_t order[COUNT], expired;

static void on_expired(struct timeout *timeout)
{
	assert_null(timeout->queue);
	order[expired++] = (size_t)(timeout - timeouts);
}

static void test_timeouts_expire_in_order(void **state)
{
	struct event_base *base = event_base_new();
	struct timeouts queue;
	uint64_t begun = timeouts_now();

	(void)state;
	assert_non_null(base);
	timeouts_init(&queue, base, 60, on_expired);
	for (size_t i = 0; i < COUNT; i++)
		timeout_arm(&timeouts[i], &queue);
	timeout_arm(&timeouts[1], &queue); /* again: now the last */
	timeout_disarm(&timeouts[3]);
	timeout_disarm(&timeouts[3]);
	event_base_dispatch(base);
	assert_int_equal(expired, 4);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 2);
	assert_int_equal(order[2], 4);
	assert_int_equal(order[3], 1);
	assert_true(timeouts_now() - begun >= 60);
	assert_true(timeouts_now() - begun < 5000);
	timeouts_fini(&queue);
	event_base_free(base);
}

static void test_none_never_expires(void **state)
{
	struct event_base *base = event_base_new();
	struct timeouts queue;

	(void)state;
	assert_non_null(base);
	expired = 0;
	timeouts_init(&queue, base, 0, on_expired);
	timeout_arm(&timeouts[0], &queue);
	assert_null(timeouts[0].queue);
	/* nothing is pending, so this returns at once */
	event_base_dispatch(base);
	assert_int_equal(expired, 0);
	timeouts_fini(&queue);
	event_base_free(base);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, init, fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_closed),
		TEST(test_nobody_was_there),
		TEST(test_idle),
		TEST(test_exit_timeout),
		cmocka_unit_test(test_timeouts_expire_in_order),
		cmocka_unit_test(test_none_never_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
