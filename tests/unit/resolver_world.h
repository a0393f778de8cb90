/* resolver_world.h - a resolver, two scripted servers and a hosts file, for the
 * tests of the resolver.  All of it is static. */
#ifndef UNIT_RESOLVER_WORLD_H
#define UNIT_RESOLVER_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "dns_responder.h"
#include "runtime/net/resolver.h"

#define GUARD_SECONDS 20

struct told {
	bool done;
	enum lookup_status status;
	size_t count;
	struct addr addrs[RESOLVER_MAX_ADDRESSES];
	char error[LOOKUP_ERROR_MAX];
};

struct world {
	struct event_base *base;
	struct responder server;
	struct responder second;
	struct resolver_options options;
	struct resolver *resolver;
	char hosts[32];
};

static bool in_start; /* DONE must not run while this is set */

static inline void remember(void *context, const struct lookup_result *result)
{
	struct told *told = context;

	assert_false(in_start);
	assert_false(told->done);
	told->done = true;
	told->status = result->status;
	told->count = result->count;
	if (result->count > 0)
		memcpy(told->addrs, result->addrs,
		       result->count * sizeof(result->addrs[0]));
	memcpy(told->error, result->error, sizeof(told->error));
}

static inline struct lookup *ask(struct world *world, const char *name,
				 struct told *told)
{
	struct lookup *lookup;

	memset(told, 0, sizeof(*told));
	in_start = true;
	lookup = resolve_start(world->resolver, name, remember, told);
	in_start = false;
	assert_non_null(lookup);
	return lookup;
}

static inline void run_until(struct world *world, const bool *done)
{
	struct timeval guard = {.tv_sec = GUARD_SECONDS};

	event_base_loopexit(world->base, &guard);
	while (!*done && !event_base_got_exit(world->base))
		event_base_loop(world->base, EVLOOP_ONCE);
	assert_true(*done);
}

/* Let the loop turn for a while. */
static inline void run_for(struct world *world, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(world->base, &tv);
	event_base_dispatch(world->base);
}

static inline struct told look_up(struct world *world, const char *name)
{
	struct told told;

	ask(world, name, &told);
	run_until(world, &told.done);
	return told;
}

static inline const char *text(const struct addr *addr)
{
	static char buffer[4][ADDR_TEXT_MAX];
	static unsigned turn;
	char *out = buffer[turn++ % 4];

	addr_format(addr, out);
	return out;
}

static inline uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- what the servers say, most of the time --- */

static inline void answer_good(struct responder *responder,
			       const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, asked->name, "192.0.2.1", 60);
	reply_addr(reply, asked, asked->name, "192.0.2.2", 60);
	reply_addr(reply, asked, asked->name, "2001:db8::1", 60);
}

static inline void answer_nothing(struct responder *responder,
				  const struct asked *asked,
				  struct reply *reply)
{
	(void)responder;
	(void)asked;
	(void)reply;
}

static inline void answer_nxdomain(struct responder *responder,
				   const struct asked *asked,
				   struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 3);
	reply_soa(reply, "test", 60);
}

/* --- the world --- */

static inline void add_server(struct world *world, uint16_t port)
{
	struct resolver_server *server =
		&world->options.servers[world->options.server_count++];

	server->addr = addr_from_v4((const uint8_t[]){127, 0, 0, 1});
	server->port = port;
}

static inline void renew(struct world *world)
{
	const char *why;

	resolver_free(world->resolver);
	world->resolver = resolver_new(world->base, &world->options, &why);
	assert_non_null(world->resolver);
}

static inline int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int fd;

	world->base = event_base_new();
	if (!responder_init(&world->server, world->base, answer_good) ||
	    !responder_init(&world->second, world->base, answer_good))
		return -1;
	memcpy(world->hosts, "/tmp/test_resolver.XXXXXX", 26);
	fd = mkstemp(world->hosts);
	if (fd < 0)
		return -1;
	dprintf(fd, "127.0.0.1 localhost\n"
		    "192.0.2.7 pinned.test  # ours\n");
	close(fd);
	world->options.hosts_file = world->hosts;
	world->options.timeout_ms = 400;
	world->options.no_cache = true;
	add_server(world, world->server.port);
	renew(world);
	*state = world;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *world = *state;

	resolver_free(world->resolver);
	responder_fini(&world->server);
	responder_fini(&world->second);
	event_base_free(world->base);
	unlink(world->hosts);
	free(world);
	return 0;
}

static inline void expect_error(struct world *world, struct told told,
				enum lookup_status status, const char *what)
{
	char expected[LOOKUP_ERROR_MAX];

	snprintf(expected, sizeof(expected),
		 "lookup a.test on 127.0.0.1:%u: %s",
		 (unsigned)world->server.port, what);
	assert_string_equal(told.error, expected);
	assert_int_equal(told.status, status);
	assert_int_equal(told.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
