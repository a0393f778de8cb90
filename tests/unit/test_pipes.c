/* test_pipes.c - splicing through pooled pipes: every byte in order, pipes that
 * come back, and what happens when there are none. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/proxy/pipes.h"

/* Two socket pairs: what is written to from[1] comes out of to[1]. */
struct ends {
	int from[2];
	int to[2];
};

static struct ends open_ends(void)
{
	const int kind = SOCK_STREAM | SOCK_NONBLOCK;
	struct ends ends;

	assert_int_equal(socketpair(AF_UNIX, kind, 0, ends.from), 0);
	assert_int_equal(socketpair(AF_UNIX, kind, 0, ends.to), 0);
	return ends;
}

static void close_ends(const struct ends *ends)
{
	for (int i = 0; i < 2; i++) {
		close(ends->from[i]);
		close(ends->to[i]);
	}
}

static void test_bytes_pass(void **state)
{
	struct ends ends = open_ends();
	struct pipe_pool pool = {0};
	struct piped piped = {0};
	unsigned char sent[3000], got[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (unsigned char)(i * 31 + i / 256);
	assert_int_equal(write(ends.from[1], sent, sizeof(sent)), sizeof(sent));
	assert_int_equal(piped_fill(&piped, &pool, ends.from[0]), sizeof(sent));
	assert_true(piped.held);
	assert_int_equal(piped.bytes, sizeof(sent));
	assert_int_equal(piped_drain(&piped, &pool, ends.to[0]), sizeof(sent));
	assert_int_equal(read(ends.to[1], got, sizeof(got)), sizeof(got));
	assert_memory_equal(sent, got, sizeof(sent));
	/* empty, it went back */
	assert_false(piped.held);
	assert_int_equal(pool.count, 1);

	/* nothing to read, and the end */
	assert_int_equal(piped_fill(&piped, &pool, ends.from[0]), -1);
	assert_int_equal(errno, EAGAIN);
	shutdown(ends.from[1], SHUT_WR);
	assert_int_equal(piped_fill(&piped, &pool, ends.from[0]), 0);
	assert_false(piped.held);
	assert_int_equal(pool.count, 1);
	pipe_pool_fini(&pool);
	close_ends(&ends);
}

/* A pipe with bytes in it must never be handed to somebody else. */
static void test_a_full_pipe_is_not_reused(void **state)
{
	struct ends ends = open_ends();
	struct pipe_pool pool = {0};
	struct piped piped = {0};

	(void)state;
	assert_int_equal(write(ends.from[1], "secret", 6), 6);
	assert_int_equal(piped_fill(&piped, &pool, ends.from[0]), 6);
	piped_free(&piped, &pool);
	assert_int_equal(pool.count, 0);
	assert_false(piped.held);
	assert_int_equal(piped.bytes, 0);
	piped_free(&piped, &pool);
	pipe_pool_fini(&pool);
	close_ends(&ends);
}

static void test_a_gone_sink(void **state)
{
	struct ends ends = open_ends();
	struct pipe_pool pool = {0};
	struct piped piped = {0};

	(void)state;
	assert_int_equal(write(ends.from[1], "bytes", 5), 5);
	assert_int_equal(piped_fill(&piped, &pool, ends.from[0]), 5);
	close(ends.to[1]);
	assert_int_equal(piped_drain(&piped, &pool, ends.to[0]), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(piped.bytes, 5);
	piped_free(&piped, &pool);
	pipe_pool_fini(&pool);
	ends.to[1] = dup(0);
	close_ends(&ends);
}

static void test_no_descriptors(void **state)
{
	struct ends ends = open_ends();
	struct pipe_pool pool = {0};
	struct piped piped = {0};
	struct rlimit old, none = {.rlim_cur = 0};

	(void)state;
	assert_int_equal(write(ends.from[1], "bytes", 5), 5);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(piped_fill(&piped, &pool, ends.from[0]), -1);
	assert_int_equal(errno, ENOTSUP);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	/* a want of descriptors passes */
	assert_int_equal(piped_fill(&piped, &pool, ends.from[0]), 5);
	piped_free(&piped, &pool);
	pipe_pool_fini(&pool);
	close_ends(&ends);
}

static int ignore_sigpipe(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_pass),
		cmocka_unit_test(test_a_full_pipe_is_not_reused),
		cmocka_unit_test(test_a_gone_sink),
		cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
