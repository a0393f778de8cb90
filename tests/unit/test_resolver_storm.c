/* test_resolver_storm.c - many lookups at once against a server of many moods,
 * cancelled at any moment, and with memory that runs out: each lookup ends
 * exactly once, and nothing is left behind. */
#include <ares.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns_responder.h"
#include "runtime/net/resolver.h"

#define GUARD_SECONDS 30
#define STORM 400
#define MAX_FAILING 60

struct told {
	struct lookup *lookup; /* NULL: ended or cancelled */
	unsigned times;
	bool cancelled;
	enum lookup_status status;
};

struct world {
	struct event_base *base;
	struct responder server;
	struct resolver *resolver;
	struct resolver_options options;
	struct told told[STORM];
	size_t open; /* lookups under way */
	uint32_t random;
};

static uint32_t next_random(struct world *world)
{
	world->random = world->random * 1664525U + 1013904223U;
	return world->random >> 8;
}

/* --- memory that runs out: the N-th allocation fails, and all after it --- */

static long left = -1;     /* allocations that still work; -1: all of them */
static long scarcity = -1; /* LEFT while the loop of a test runs */

static bool may_allocate(void)
{
	if (left < 0)
		return true;
	if (left == 0)
		return false;
	left--;
	return true;
}

static void *scarce_malloc(size_t size)
{
	return may_allocate() ? malloc(size) : NULL;
}

static void *scarce_realloc(void *old, size_t size)
{
	return may_allocate() ? realloc(old, size) : NULL;
}

/* --- the server's moods --- */

static struct world *the_world; /* for the responder */

static void answer_by_mood(struct responder *responder,
			   const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	switch (next_random(the_world) % 8) {
	case 0:
		reply->size = 0; /* silence */
		break;
	case 1:
		reply_begin(reply, asked, 2);
		break;
	case 2:
		reply_begin(reply, asked, 3);
		break;
	case 3:
		reply_begin(reply, asked, asked->tcp ? 0 : 0x0200);
		break;
	case 4:
		reply_addr(reply, asked, "evil.test", "192.0.2.66", 60);
		break;
	case 5:
		reply->bytes[0] ^= 1;
		break;
	default:
		reply_addr(reply, asked, asked->name, "192.0.2.1", 60);
		break;
	}
}

static void answer_good(struct responder *responder, const struct asked *asked,
			struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, asked->name, "192.0.2.1", 60);
}

/* --- the world --- */

static void end(struct world *world, struct told *told)
{
	told->lookup = NULL;
	if (--world->open == 0)
		event_base_loopbreak(world->base);
}

static void cancel_one(struct world *world)
{
	struct told *told = &world->told[next_random(world) % STORM];

	if (told->lookup == NULL)
		return;
	resolve_cancel(told->lookup);
	told->cancelled = true;
	end(world, told);
}

static void on_told(void *context, const struct lookup_result *result)
{
	struct told *told = context;

	told->times++;
	told->status = result->status;
	assert_false(told->cancelled);
	assert_true((result->status == LOOKUP_OK) == (result->count > 0));
	assert_true((result->status == LOOKUP_OK) ==
		    (result->error[0] == '\0'));
	end(the_world, told);
	if (next_random(the_world) % 4 == 0)
		cancel_one(the_world);
}

static void renew(struct world *world)
{
	const char *why;

	resolver_free(world->resolver);
	world->resolver = resolver_new(world->base, &world->options, &why);
	assert_non_null(world->resolver);
}

static void run(struct world *world)
{
	struct timeval guard = {.tv_sec = GUARD_SECONDS};

	if (world->open == 0)
		return;
	event_base_loopexit(world->base, &guard);
	left = scarcity;
	event_base_dispatch(world->base);
	scarcity = left;
	left = -1;
	assert_int_equal(world->open, 0);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct resolver_server *server = &world->options.servers[0];

	the_world = world;
	world->base = event_base_new();
	if (!responder_init(&world->server, world->base, answer_by_mood))
		return -1;
	world->random = 20240229;
	server->addr = addr_from_v4((const uint8_t[]){127, 0, 0, 1});
	server->port = world->server.port;
	world->options.server_count = 1;
	world->options.timeout_ms = 300;
	world->options.hosts_file = "/nonexistent/hosts";
	renew(world);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	left = -1;
	resolver_free(world->resolver);
	responder_fini(&world->server);
	event_base_free(world->base);
	free(world);
	return 0;
}

/* --- tests --- */

static void test_storm(void **state)
{
	struct world *world = *state;
	size_t ok = 0;

	for (int round = 0; round < 4; round++) {
		memset(world->told, 0, sizeof(world->told));
		world->open = 0;
		for (size_t i = 0; i < STORM; i++) {
			char name[32];

			snprintf(name, sizeof(name), "n%u.test",
				 next_random(world) % 100);
			world->open++;
			world->told[i].lookup =
				resolve_start(world->resolver, name, on_told,
					      &world->told[i]);
			assert_non_null(world->told[i].lookup);
			if (next_random(world) % 8 == 0)
				cancel_one(world);
		}
		run(world);
		for (size_t i = 0; i < STORM; i++) {
			const struct told *told = &world->told[i];

			assert_int_equal(told->times + told->cancelled, 1);
			ok += told->status == LOOKUP_OK;
		}
	}
	assert_true(ok > STORM / 4);
}

/* c-ares or libevent get no memory: the lookup fails, or cannot start. */
static void test_no_memory(void **state)
{
	struct world *world = *state;
	struct told *told = &world->told[0];
	unsigned failures = 0;

	world->server.answer = answer_good;
	world->options.no_cache = true;
	world->options.timeout_ms = 100;
	for (long n = 0; n < MAX_FAILING; n++) {
		renew(world);
		memset(told, 0, sizeof(*told));
		world->open = 1;
		left = n;
		told->lookup =
			resolve_start(world->resolver, "a.test", on_told, told);
		scarcity = left;
		left = -1;
		if (told->lookup == NULL) {
			failures++;
			assert_int_equal(errno, ENOMEM);
			continue;
		}
		run(world);
		assert_int_equal(told->times, 1);
		failures += told->status != LOOKUP_OK;
	}
	scarcity = -1;
	assert_true(failures > 3);
	renew(world);
	memset(told, 0, sizeof(*told));
	world->open = 1;
	told->lookup = resolve_start(world->resolver, "a.test", on_told, told);
	run(world);
	assert_int_equal(told->status, LOOKUP_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_storm),
		TEST(test_no_memory),
	};

	event_set_mem_functions(scarce_malloc, scarce_realloc, free);
	if (ares_library_init_mem(ARES_LIB_INIT_ALL, scarce_malloc, free,
				  scarce_realloc) != ARES_SUCCESS)
		return 1;

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	ares_library_cleanup();
	return failed;
}
