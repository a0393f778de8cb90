/* test_upstream.c - which waiting connection is given out, and to whom none is;
 * over socket pairs whose other ends are at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "runtime/net/proxy_address.h"
#include "runtime/proxy/upstream.h"
#include "runtime/store.h"

#define MAX 3
#define MAX_PER_HOST 2
#define IDLE_MS 50

static struct upstreams pool;
static struct event_base *base;
static struct policy policies[2];
static const struct addr one = {{[10] = 0xff, [11] = 0xff, [15] = 1}};
static const struct addr two = {{[10] = 0xff, [11] = 0xff, [15] = 2}};
static struct upstream_key plain;

static struct upstream_key key_for(const char *host)
{
	return (struct upstream_key){STR(""), STR("http"), str_from(host), 80,
				     NULL};
}

static int set_up(void **state)
{
	(void)state;
	base = event_base_new();
	for (size_t i = 0; i < 2; i++)
		policies[i] = (struct policy){.references = 1};
	plain = key_for("a.test");
	upstreams_init(&pool, base, MAX, MAX_PER_HOST, IDLE_MS);
	return base == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	upstreams_fini(&pool);
	event_base_free(base);
	/* every reference was given back */
	return policies[0].references != 1 || policies[1].references != 1;
}

/* Put one end of a pair into the pool; the other one. */
static int put(struct policy *policy, const struct upstream_key *key,
	       const struct addr *addr)
{
	struct upstream upstream = {.stream.ops = &stream_plain,
				    .remote = *addr};
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	upstream.stream.fd = ends[0];
	if (!upstreams_put(&pool, policy, key, &upstream))
		stream_close(&upstream.stream);
	return ends[1];
}

static bool take(struct policy *policy, const struct upstream_key *key,
		 const struct addr *addrs, size_t count)
{
	struct upstream *found =
		upstreams_find(&pool, policy, key, addrs, count, true);
	struct stream stream;

	if (found == NULL)
		return false;
	stream = found->stream;
	upstreams_take(found);
	stream_close(&stream);
	return true;
}

static bool is_closed(int end)
{
	char byte;

	return recv(end, &byte, 1, MSG_DONTWAIT) == 0;
}

static void test_the_key(void **state)
{
	static const struct proxy_address proxy;
	struct upstream_key other[5] = {plain, plain, plain, plain, plain};
	int end = put(&policies[0], &plain, &one);

	(void)state;
	other[0].role = STR("r");
	other[1].scheme = STR("https");
	other[2].host = STR("b.test");
	other[3].port = 81;
	other[4].proxy = &proxy;
	for (size_t i = 0; i < 5; i++)
		assert_false(take(&policies[0], &other[i], &one, 1));
	assert_false(is_closed(end));
	assert_true(take(&policies[0], &plain, &one, 1));
	assert_true(is_closed(end));
	assert_false(take(&policies[0], &plain, &one, 1));
	close(end);
}

static void test_the_address(void **state)
{
	const struct addr both[] = {two, one};
	int end = put(&policies[0], &plain, &one);
	struct upstream *found;

	(void)state;
	assert_false(take(&policies[0], &plain, &two, 1));
	assert_false(take(&policies[0], &plain, both, 0));
	found = upstreams_find(&pool, &policies[0], &plain, both, 2, true);
	assert_non_null(found);
	assert_memory_equal(&found->remote, &one, sizeof(one));
	/* found is not taken */
	assert_int_equal(pool.count, 1);
	assert_true(take(&policies[0], &plain, both, 2));
	assert_int_equal(pool.count, 0);
	close(end);
}

static void test_another_policy_finds_nothing(void **state)
{
	int end = put(&policies[0], &plain, &one);

	(void)state;
	assert_false(take(&policies[1], &plain, &one, 1));
	assert_true(is_closed(end));
	close(end);
	end = put(&policies[1], &plain, &one);
	upstreams_follow(&pool, &policies[0]);
	assert_true(is_closed(end));
	close(end);
}

static bool always(const struct stream *stream)
{
	(void)stream;
	return true;
}

/* What has been said already would be no event. */
static void test_what_has_something_to_say_is_not_kept(void **state)
{
	struct stream_ops talking = stream_plain;
	struct upstream upstream = {.remote = one};
	int ends[2];

	(void)state;
	talking.pending = always;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	upstream.stream = (struct stream){.ops = &talking, .fd = ends[0]};
	assert_false(upstreams_put(&pool, &policies[0], &plain, &upstream));
	assert_false(take(&policies[0], &plain, &one, 1));
	close(ends[0]);
	close(ends[1]);
}

static void test_limits(void **state)
{
	const struct upstream_key b = key_for("b.test");
	const struct upstream_key c = key_for("c.test");
	int ends[5];

	(void)state;
	ends[0] = put(&policies[0], &plain, &one);
	ends[1] = put(&policies[0], &plain, &two);
	/* one more than a host may have */
	ends[2] = put(&policies[0], &plain, &one);
	assert_true(is_closed(ends[2]));
	ends[3] = put(&policies[0], &b, &one);
	assert_int_equal(pool.count, MAX);
	/* one more than all may have: the oldest goes */
	ends[4] = put(&policies[0], &c, &one);
	assert_int_equal(pool.count, MAX);
	assert_true(is_closed(ends[0]));
	assert_false(is_closed(ends[1]) || is_closed(ends[3]) ||
		     is_closed(ends[4]));
	for (size_t i = 0; i < 5; i++)
		close(ends[i]);
}

/* Neither those whose event was seen nor those whose event was not. */
static void test_the_dead_are_not_given_out(void **state)
{
	int end = put(&policies[0], &plain, &one);

	(void)state;
	close(end);
	assert_false(take(&policies[0], &plain, &one, 1));
	end = put(&policies[0], &plain, &one);
	assert_int_equal(send(end, "x", 1, 0), 1);
	assert_false(take(&policies[0], &plain, &one, 1));
	close(end);
	end = put(&policies[0], &plain, &one);
	close(end);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(pool.count, 0);
}

/* What the event loop knows will do for a request that may be repeated; what
 * it does not know yet, it does not. */
static void test_whom_the_kernel_is_not_asked_about(void **state)
{
	int end = put(&policies[0], &plain, &one);

	(void)state;
	assert_non_null(
		upstreams_find(&pool, &policies[0], &plain, &one, 1, false));
	close(end);
	assert_non_null(
		upstreams_find(&pool, &policies[0], &plain, &one, 1, false));
	assert_null(upstreams_find(&pool, &policies[0], &plain, &one, 1, true));
}

struct borrower {
	unsigned heard;
	struct upstream *lent;
	bool ends; /* the loan, when it hears something */
};

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	struct borrower *borrower = context;
	char byte;

	assert_true((what & EV_READ) != 0);
	borrower->heard++;
	assert_int_equal(recv((int)fd, &byte, 1, 0), 1);
	if (borrower->ends)
		upstreams_take(borrower->lent);
}

static struct borrower lend(void)
{
	struct borrower borrower = {
		.lent = upstreams_find(&pool, &policies[0], &plain, &one, 1,
				       false),
	};

	assert_non_null(borrower.lent);
	return borrower;
}

static void test_lent_and_returned(void **state)
{
	int end = put(&policies[0], &plain, &one);

	(void)state;
	for (unsigned round = 1; round <= 3; round++) {
		struct borrower borrower = lend();

		upstreams_lend(borrower.lent, on_ready, &borrower);
		assert_int_equal(pool.count, 0);
		assert_null(upstreams_find(&pool, &policies[0], &plain, &one, 1,
					   false));
		/* its time does not pass, and what comes is the borrower's */
		usleep(2 * IDLE_MS * 1000);
		event_base_loop(base, EVLOOP_NONBLOCK);
		assert_int_equal(send(end, "x", 1, 0), 1);
		event_base_loop(base, EVLOOP_ONCE);
		assert_int_equal(borrower.heard, 1);
		assert_true(
			upstreams_return(&pool, &policies[0], borrower.lent));
		assert_int_equal(pool.count, 1);
		assert_false(is_closed(end));
	}
	/* at home what is heard makes it useless again */
	assert_int_equal(send(end, "x", 1, 0), 1);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(pool.count, 0);
	close(end);
}

static void test_a_loan_ends(void **state)
{
	int end = put(&policies[0], &plain, &one);
	struct borrower borrower = lend();
	struct stream stream = borrower.lent->stream;

	(void)state;
	borrower.ends = true;
	upstreams_lend(borrower.lent, on_ready, &borrower);
	assert_int_equal(send(end, "xy", 2, 0), 2);
	event_base_loop(base, EVLOOP_ONCE);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(borrower.heard, 1);
	stream_close(&stream);
	close(end);
}

static void test_no_room_to_return_to(void **state)
{
	int end = put(&policies[0], &plain, &one);
	struct borrower borrower = lend();
	struct stream stream = borrower.lent->stream;
	int others[2];

	(void)state;
	upstreams_lend(borrower.lent, on_ready, &borrower);
	for (size_t i = 0; i < 2; i++)
		others[i] = put(&policies[0], &plain, &one);
	assert_int_equal(pool.count, MAX_PER_HOST);
	assert_false(upstreams_return(&pool, &policies[0], borrower.lent));
	assert_int_equal(pool.count, MAX_PER_HOST);
	assert_false(is_closed(end));
	stream_close(&stream);
	close(end);
	for (size_t i = 0; i < 2; i++)
		close(others[i]);
}

static void test_returned_under_another_policy(void **state)
{
	const struct upstream_key b = key_for("b.test");
	int end = put(&policies[0], &plain, &one);
	int other = put(&policies[0], &b, &one);
	struct borrower borrower = lend();

	(void)state;
	upstreams_lend(borrower.lent, on_ready, &borrower);
	assert_true(upstreams_return(&pool, &policies[1], borrower.lent));
	/* what waited under the other one is gone */
	assert_true(is_closed(other));
	assert_int_equal(pool.count, 1);
	close(end);
	close(other);
}

static void test_time(void **state)
{
	int end = put(&policies[0], &plain, &one);

	(void)state;
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(pool.count, 0);
	assert_true(is_closed(end));
	close(end);
}

static void test_zeroed(void **state)
{
	struct upstreams none = {.base = NULL};

	(void)state;
	upstreams_fini(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_key, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_address, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_another_policy_finds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_has_something_to_say_is_not_kept, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_dead_are_not_given_out,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_whom_the_kernel_is_not_asked_about, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_lent_and_returned, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_loan_ends, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_no_room_to_return_to,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_returned_under_another_policy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time, set_up, tear_down),
		cmocka_unit_test(test_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
