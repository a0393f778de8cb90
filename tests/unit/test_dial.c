/* test_dial.c - the race of connects, against listeners on 127.0.0.0/8: some
 * accept, some refuse, and some have a full backlog, so that a connect to them
 * neither succeeds nor fails. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/net/dial.h"

#define GUARD_SECONDS 20
#define MAX_FDS 96
#define MAX_FILLERS 6

struct world {
	struct event_base *base;
	uint16_t port; /* the same on every address */
	int fds[MAX_FDS];
	size_t fd_count;
};

struct told {
	bool done;
	struct dial_result result;
};

static bool in_start; /* DONE must not run while this is set */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct addr loopback(unsigned last)
{
	return addr_from_v4((const uint8_t[]){127, 0, 0, (uint8_t)last});
}

static int keep(struct world *world, int fd)
{
	assert_true(fd >= 0 && world->fd_count < MAX_FDS);
	world->fds[world->fd_count++] = fd;
	return fd;
}

static struct sockaddr_in at(struct world *world, unsigned last)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(world->port),
				    .sin_addr.s_addr =
					    htonl(0x7f000000U | last)};
}

static void listen_on(struct world *world, unsigned last, int backlog)
{
	int fd = keep(world, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	struct sockaddr_in where = at(world, last);
	socklen_t length = sizeof(where);

	assert_int_equal(bind(fd, (struct sockaddr *)&where, length), 0);
	assert_int_equal(listen(fd, backlog), 0);
	getsockname(fd, (struct sockaddr *)&where, &length);
	world->port = ntohs(where.sin_port);
}

/* A listener whose backlog is full: further SYNs are dropped. */
static void black_hole(struct world *world, unsigned last)
{
	listen_on(world, last, 0);
	for (int i = 0; i < MAX_FILLERS; i++) {
		int fd = keep(world,
			      socket(AF_INET,
				     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				     0));
		struct sockaddr_in where = at(world, last);

		if (connect(fd, (struct sockaddr *)&where, sizeof(where)) == 0)
			continue;

		struct sockaddr_in peer;
		socklen_t length = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0)
			return; /* not connected at once: the queue is full */
	}
	fail_msg("127.0.0.%u still accepts", last);
}

static size_t open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void remember(void *context, const struct dial_result *result)
{
	struct told *told = context;

	assert_false(in_start);
	assert_false(told->done);
	told->done = true;
	told->result = *result;
	if (result->watch != NULL)
		event_del(result->watch);
}

static struct dial *start(struct world *world, const struct addr *addrs,
			  size_t count, struct told *told)
{
	struct dial *dial;

	*told = (struct told){0};
	in_start = true;
	dial = dial_start(world->base, addrs, count, world->port, remember,
			  told);
	in_start = false;
	assert_non_null(dial);
	return dial;
}

static void run_until(struct world *world, const bool *done)
{
	struct timeval guard = {.tv_sec = GUARD_SECONDS};

	event_base_loopexit(world->base, &guard);
	while (!*done && !event_base_got_exit(world->base))
		event_base_loop(world->base, EVLOOP_ONCE);
	assert_true(*done);
}

static void run_for(struct world *world, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(world->base, &tv);
	event_base_dispatch(world->base);
}

static void on_timeout(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	dial_expire(context);
}

static struct dial_result dial(struct world *world, const struct addr *addrs,
			       size_t count, unsigned timeout_ms)
{
	struct timeval tv = {.tv_sec = timeout_ms / 1000,
			     .tv_usec = timeout_ms % 1000 * 1000};
	struct event timer;
	struct told told;

	evtimer_assign(&timer, world->base, on_timeout,
		       start(world, addrs, count, &told));
	if (timeout_ms != 0)
		event_add(&timer, &tv);
	run_until(world, &told.done);
	event_del(&timer);
	return told.result;
}

static unsigned last_octet(const struct addr *addr)
{
	return addr->bytes[15];
}

static void expect_text(struct world *world, const struct dial_result *result,
			const char *host, const char *what)
{
	char expected[160];

	snprintf(expected, sizeof(expected), "connect %s:%u: %s", host,
		 (unsigned)world->port, what);
	assert_string_equal(result->text, expected);
	assert_int_equal(result->fd, -1);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	world->base = event_base_new();
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < world->fd_count; i++)
		close(world->fds[i]);
	event_base_free(world->base);
	free(world);
	return 0;
}

/* --- tests --- */

static void test_connects(void **state)
{
	struct world *world = *state;
	struct addr addr = loopback(1);
	int one = 0;
	socklen_t length = sizeof(one);

	listen_on(world, 1, 8);

	struct dial_result result = dial(world, &addr, 1, 2000);

	assert_true(result.fd >= 0);
	assert_int_equal(result.error, 0);
	assert_false(result.timed_out);
	assert_string_equal(result.text, "");
	assert_int_equal(last_octet(&result.addr), 1);
	assert_true(fcntl(result.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(result.fd, F_GETFD) & FD_CLOEXEC);
	getsockopt(result.fd, IPPROTO_TCP, TCP_NODELAY, &one, &length);
	assert_true(one);
	close(result.fd);
}

static void test_ipv6(void **state)
{
	struct world *world = *state;
	struct sockaddr_in6 where = {.sin6_family = AF_INET6,
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	socklen_t length = sizeof(where);
	struct addr addr = addr_from_v6((const uint8_t[16]){[15] = 1});
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&where, length) != 0) {
		if (fd >= 0)
			close(fd);
		skip(); /* a machine without IPv6 */
	}
	keep(world, fd);
	getsockname(fd, (struct sockaddr *)&where, &length);
	world->port = ntohs(where.sin6_port);

	struct dial_result refused = dial(world, &addr, 1, 2000);

	expect_text(world, &refused, "[::1]", "Connection refused");
	listen(fd, 8);

	struct dial_result result = dial(world, &addr, 1, 2000);

	assert_true(result.fd >= 0);
	close(result.fd);
}

static void test_refused(void **state)
{
	struct world *world = *state;
	struct addr addr = loopback(2);

	listen_on(world, 1, 8); /* for a port; nobody at 127.0.0.2 */

	struct dial_result result = dial(world, &addr, 1, 2000);

	expect_text(world, &result, "127.0.0.2", "Connection refused");
	assert_int_equal(result.error, ECONNREFUSED);
	assert_false(result.timed_out);
}

/* A failure does not wait for the stagger. */
static void test_next_on_failure(void **state)
{
	struct world *world = *state;
	struct addr addrs[] = {loopback(2), loopback(3), loopback(4),
			       loopback(1)};
	uint64_t began;

	listen_on(world, 1, 8);
	began = now_ms();

	struct dial_result result = dial(world, addrs, 4, 5000);

	assert_true(result.fd >= 0);
	assert_int_equal(last_octet(&result.addr), 1);
	assert_true(now_ms() - began < 3 * DIAL_STAGGER_MS);
	close(result.fd);
}

static void test_next_after_stagger(void **state)
{
	struct world *world = *state;
	struct addr addrs[] = {loopback(2), loopback(1)};
	size_t before;
	uint64_t began;

	listen_on(world, 1, 8);
	black_hole(world, 2);
	before = open_fds();
	began = now_ms();

	struct dial_result result = dial(world, addrs, 2, 5000);

	assert_true(result.fd >= 0);
	assert_int_equal(last_octet(&result.addr), 1);
	assert_in_range(now_ms() - began, DIAL_STAGGER_MS - 5, 1500);
	close(result.fd);
	assert_int_equal(open_fds(), before); /* the loser is closed */
}

/* The first address has its head start even when the second is as good. */
static void test_order(void **state)
{
	struct world *world = *state;
	struct addr addrs[] = {loopback(2), loopback(1)};

	listen_on(world, 1, 8);
	listen_on(world, 2, 8);

	struct dial_result result = dial(world, addrs, 2, 5000);

	assert_int_equal(last_octet(&result.addr), 2);
	close(result.fd);
}

static void test_all_refused(void **state)
{
	struct world *world = *state;
	struct addr addrs[] = {loopback(2), loopback(3), loopback(4)};

	listen_on(world, 1, 8);

	struct dial_result result = dial(world, addrs, 3, 2000);

	expect_text(world, &result, "127.0.0.4", "Connection refused");
	assert_int_equal(last_octet(&result.addr), 4);
}

/* TCP to a multicast address fails at once, without a packet: that is not
 * what people want to hear when another address refused. */
static void test_telling_error_is_kept(void **state)
{
	struct world *world = *state;
	struct addr multicast = addr_from_v4((const uint8_t[]){224, 0, 0, 9});
	struct addr addrs[] = {loopback(2), multicast};
	struct dial_result result;

	listen_on(world, 1, 8);
	result = dial(world, addrs, 2, 2000);
	expect_text(world, &result, "127.0.0.2", "Connection refused");
	result = dial(world, &multicast, 1, 2000);
	expect_text(world, &result, "224.0.0.9", "Network is unreachable");
}

static void test_timeout(void **state)
{
	struct world *world = *state;
	struct addr addrs[] = {loopback(2), loopback(3)};
	uint64_t began;
	size_t before;

	listen_on(world, 1, 8);
	black_hole(world, 2);
	black_hole(world, 3);
	before = open_fds();
	began = now_ms();

	struct dial_result result = dial(world, addrs, 2, 400);

	assert_in_range(now_ms() - began, 395, 1500);
	expect_text(world, &result, "127.0.0.2", "Connection timed out");
	assert_int_equal(result.error, ETIMEDOUT);
	assert_true(result.timed_out);
	assert_int_equal(open_fds(), before);
}

/* Ten dead addresses hold DIAL_MAX_OPEN descriptors, and the eleventh still
 * gets its turn. */
static void test_many_dead_addresses(void **state)
{
	struct world *world = *state;
	struct addr addrs[11];
	struct told told;
	size_t before;
	size_t most = 0;

	listen_on(world, 1, 8);
	for (unsigned i = 0; i < 10; i++) {
		black_hole(world, 2 + i);
		addrs[i] = loopback(2 + i);
	}
	addrs[10] = loopback(1);
	before = open_fds();
	start(world, addrs, 11, &told);
	for (int i = 0; i < 60 && !told.done; i++) {
		size_t now;

		run_for(world, 100);
		now = open_fds() - before;
		if (now > most)
			most = now;
	}
	assert_true(told.done);
	assert_true(told.result.fd >= 0);
	assert_int_equal(most, DIAL_MAX_OPEN);
	close(told.result.fd);
	assert_int_equal(open_fds(), before);
}

static void test_no_descriptors(void **state)
{
	struct world *world = *state;
	struct addr addrs[] = {loopback(1), loopback(2)};
	struct rlimit old;
	struct rlimit none;
	struct dial_result result;

	listen_on(world, 1, 8);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	result = dial(world, addrs, 2, 2000);
	setrlimit(RLIMIT_NOFILE, &old);
	expect_text(world, &result, "127.0.0.2", "Too many open files");
	assert_int_equal(result.error, EMFILE);
}

static void test_cancel(void **state)
{
	struct world *world = *state;
	struct addr addrs[] = {loopback(2), loopback(3)};
	struct addr good = loopback(1);
	struct told told;
	size_t before;
	struct dial *late;

	listen_on(world, 1, 8);
	black_hole(world, 2);
	black_hole(world, 3);
	before = open_fds();
	dial_cancel(start(world, addrs, 2, &told));
	late = start(world, addrs, 2, &told);
	run_for(world, DIAL_STAGGER_MS + 50);
	assert_int_equal(open_fds(), before + 2);
	dial_cancel(late);
	assert_int_equal(open_fds(), before);

	/* Connected in the kernel, not yet told. */
	late = start(world, &good, 1, &told);
	assert_false(told.done);
	dial_cancel(late);
	run_for(world, 50);
	assert_false(told.done);
	assert_int_equal(open_fds(), before);
	dial_cancel(NULL);
}

struct cancel_other {
	struct dial *other;
	struct told told;
};

static void cancel_in_done(void *context, const struct dial_result *result)
{
	struct cancel_other *both = context;

	remember(&both->told, result);
	dial_cancel(both->other);
}

/* Both are refused in the same turn of the loop. */
static void test_cancel_in_callback(void **state)
{
	struct world *world = *state;
	struct addr addr = loopback(2);
	struct cancel_other both = {0};
	struct told other;

	listen_on(world, 1, 8);
	assert_non_null(dial_start(world->base, &addr, 1, world->port,
				   cancel_in_done, &both));
	both.other = start(world, &addr, 1, &other);
	run_until(world, &both.told.done);
	run_for(world, 50);
	assert_false(other.done);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connects),
		TEST(test_ipv6),
		TEST(test_refused),
		TEST(test_next_on_failure),
		TEST(test_next_after_stagger),
		TEST(test_order),
		TEST(test_all_refused),
		TEST(test_telling_error_is_kept),
		TEST(test_timeout),
		TEST(test_many_dead_addresses),
		TEST(test_no_descriptors),
		TEST(test_cancel),
		TEST(test_cancel_in_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
