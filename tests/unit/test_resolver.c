/* test_resolver.c - the resolver against a scripted server in the same event
 * loop, honest and otherwise. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "dns_responder.h"
#include "runtime/net/dns_servers.h"
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

static void remember(void *context, const struct lookup_result *result)
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

static struct lookup *ask(struct world *world, const char *name,
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

static void run_until(struct world *world, const bool *done)
{
	struct timeval guard = {.tv_sec = GUARD_SECONDS};

	event_base_loopexit(world->base, &guard);
	while (!*done && !event_base_got_exit(world->base))
		event_base_loop(world->base, EVLOOP_ONCE);
	assert_true(*done);
}

/* Let the loop turn for a while. */
static void run_for(struct world *world, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(world->base, &tv);
	event_base_dispatch(world->base);
}

static struct told look_up(struct world *world, const char *name)
{
	struct told told;

	ask(world, name, &told);
	run_until(world, &told.done);
	return told;
}

static const char *text(const struct addr *addr)
{
	static char buffer[4][ADDR_TEXT_MAX];
	static unsigned turn;
	char *out = buffer[turn++ % 4];

	addr_format(addr, out);
	return out;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- what the server says --- */

static void answer_good(struct responder *responder, const struct asked *asked,
			struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, asked->name, "192.0.2.1", 60);
	reply_addr(reply, asked, asked->name, "192.0.2.2", 60);
	reply_addr(reply, asked, asked->name, "2001:db8::1", 60);
}

static void answer_nothing(struct responder *responder,
			   const struct asked *asked, struct reply *reply)
{
	(void)responder;
	(void)asked;
	(void)reply;
}

static void answer_servfail(struct responder *responder,
			    const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 2);
}

static void answer_nxdomain(struct responder *responder,
			    const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 3);
	reply_soa(reply, "test", 60);
}

static void answer_nodata(struct responder *responder,
			  const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
}

static void answer_truncated(struct responder *responder,
			     const struct asked *asked, struct reply *reply)
{
	if (asked->tcp)
		answer_good(responder, asked, reply);
	else
		reply_begin(reply, asked, 0x0200);
}

static void answer_wrong_owner(struct responder *responder,
			       const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, "evil.test", "192.0.2.66", 60);
	reply_addr(reply, asked, "evil.test", "2001:db8::66", 60);
}

static void answer_some_foreign(struct responder *responder,
				const struct asked *asked, struct reply *reply)
{
	answer_wrong_owner(responder, asked, reply);
	reply_addr(reply, asked, asked->name, "192.0.2.1", 60);
}

static void answer_wrong_id(struct responder *responder,
			    const struct asked *asked, struct reply *reply)
{
	answer_good(responder, asked, reply);
	reply->bytes[0] ^= 0x55;
}

static void answer_wrong_question(struct responder *responder,
				  const struct asked *asked,
				  struct reply *reply)
{
	struct asked other = *asked;

	(void)responder;
	memcpy(other.name, "evil.test", sizeof("evil.test"));
	reply_begin(reply, &other, 0);
	reply_addr(reply, &other, other.name, "192.0.2.66", 60);
	reply_addr(reply, &other, other.name, "2001:db8::66", 60);
}

static void answer_chain(struct responder *responder, const struct asked *asked,
			 struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	/* The end first: the order of records says nothing. */
	reply_addr(reply, asked, "c.test", "192.0.2.3", 60);
	reply_addr(reply, asked, "b.test", "192.0.2.66", 60);
	reply_cname(reply, "b.test", "C.test");
	reply_cname(reply, asked->name, "b.test");
}

static void answer_loop(struct responder *responder, const struct asked *asked,
			struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_cname(reply, asked->name, "b.test");
	reply_cname(reply, "b.test", asked->name);
	reply_addr(reply, asked, asked->name, "192.0.2.66", 60);
}

static void answer_garbage(struct responder *responder,
			   const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply->bytes[7] = 200; /* so many answers, and then this */
	memset(reply->bytes + reply->size, 0xff, 40);
	reply->size += 40;
}

static void answer_only_v4(struct responder *responder,
			   const struct asked *asked, struct reply *reply)
{
	if (asked->type == TYPE_A)
		answer_good(responder, asked, reply);
}

static void answer_mapped(struct responder *responder,
			  const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, asked->name, "::ffff:192.0.2.1", 60);
}

/* A server from before EDNS: it knows no OPT record and says so. */
static void answer_old(struct responder *responder, const struct asked *asked,
		       struct reply *reply)
{
	if (asked->edns)
		reply_begin(reply, asked, 1);
	else
		answer_good(responder, asked, reply);
}

static void answer_many(struct responder *responder, const struct asked *asked,
			struct reply *reply)
{
	char ip[32];

	(void)responder;
	reply_begin(reply, asked, 0);
	for (int i = 0; i < 30; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%d", i);
		reply_addr(reply, asked, asked->name, ip, 60);
		snprintf(ip, sizeof(ip), "2001:db8::%x", i);
		reply_addr(reply, asked, asked->name, ip, 60);
	}
}

/* --- the world --- */

static void add_server(struct world *world, uint16_t port)
{
	struct resolver_server *server =
		&world->options.servers[world->options.server_count++];

	server->addr = addr_from_v4((const uint8_t[]){127, 0, 0, 1});
	server->port = port;
}

static void renew(struct world *world)
{
	const char *why;

	resolver_free(world->resolver);
	world->resolver = resolver_new(world->base, &world->options, &why);
	assert_non_null(world->resolver);
}

static int setup(void **state)
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

static int teardown(void **state)
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

/* --- tests --- */

static void test_both_families(void **state)
{
	struct told told = look_up(*state, "a.test");

	assert_int_equal(told.status, LOOKUP_OK);
	assert_string_equal(told.error, "");
	assert_int_equal(told.count, 3);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.1");
	assert_string_equal(text(&told.addrs[1]), "192.0.2.2");
	assert_string_equal(text(&told.addrs[2]), "2001:db8::1");
}

static void test_one_family(void **state)
{
	struct world *world = *state;
	struct told told;

	world->options.network = NETWORK_IP4;
	renew(world);
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 2);
	assert_int_equal(world->server.count, 1);
	assert_int_equal(world->server.log[0].type, TYPE_A);

	world->options.network = NETWORK_IP6;
	renew(world);
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_int_equal(world->server.count, 2);
	assert_int_equal(world->server.log[1].type, TYPE_AAAA);
}

static size_t distinct(const struct responder *server, bool ports)
{
	size_t fresh = 0;

	for (size_t i = 0; i < server->count; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++) {
			if (ports ? server->log[j].client_port ==
					    server->log[i].client_port
				  : server->log[j].id == server->log[i].id)
				seen = true;
		}
		fresh += !seen;
	}
	return fresh;
}

/* 100 of some 28,000 ports and 65,536 ids: three equal pairs are rare. */
static void test_ports_and_ids_differ(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 50; i++)
		assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	assert_int_equal(world->server.count, 100);
	assert_true(distinct(&world->server, true) >= 96);
	assert_true(distinct(&world->server, false) >= 97);
}

/* The retry of a question is not the same packet from the same port again. */
static void test_retry_is_fresh(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_nothing;
	world->options.network = NETWORK_IP4;
	renew(world);
	look_up(world, "a.test");
	assert_true(world->server.count >= 2);
	assert_true(distinct(&world->server, true) >= world->server.count - 1);
	assert_true(distinct(&world->server, false) >= world->server.count - 1);
}

static void test_truncated_goes_to_tcp(void **state)
{
	struct world *world = *state;
	struct told told;
	size_t over_tcp = 0;

	world->server.answer = answer_truncated;
	told = look_up(world, "a.test");
	assert_int_equal(told.status, LOOKUP_OK);
	assert_int_equal(told.count, 3);
	for (size_t i = 0; i < world->server.count; i++)
		over_tcp += world->server.log[i].tcp;
	assert_int_equal(over_tcp, 2);
	assert_int_equal(world->server.count, 4);
}

static void test_server_without_edns(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_old;
	assert_int_equal(look_up(world, "a.test").count, 3);
}

static void test_large_answer_over_udp(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_many;
	assert_int_equal(look_up(world, "a.test").count, 60);
	for (size_t i = 0; i < world->server.count; i++)
		assert_true(world->server.log[i].edns);
}

/* Nobody at the first server's port: the kernel says so at once. */
static void test_failover_from_closed_port(void **state)
{
	struct world *world = *state;
	uint64_t start = now_ms();

	world->options.timeout_ms = 5000;
	add_server(world, world->second.port);
	close(world->server.udp);
	event_del(world->server.udp_event);
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	assert_true(now_ms() - start < 900);
	assert_int_equal(world->second.count, 2);
	world->server.udp = -1;
}

static void test_failover_from_silent_server(void **state)
{
	struct world *world = *state;
	size_t before;

	world->server.answer = answer_nothing;
	add_server(world, world->second.port);
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	assert_int_equal(world->second.count, 2);

	/* It rests: the next lookup does not wait for it. */
	before = world->server.count;
	assert_int_equal(look_up(world, "b.test").status, LOOKUP_OK);
	assert_int_equal(world->server.count, before);
}

static void test_failover_from_refusal(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_servfail;
	add_server(world, world->second.port);
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	/* Alive, if unhelpful: it is asked first again. */
	look_up(world, "b.test");
	assert_int_equal(world->server.count, 4);
}

static void expect_error(struct world *world, struct told told,
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

static void test_errors(void **state)
{
	static const struct {
		responder_answer *answer;
		enum lookup_status status;
		const char *what;
	} cases[] = {
		{answer_nxdomain, LOOKUP_NOT_FOUND, "no such host"},
		{answer_nodata, LOOKUP_NOT_FOUND, "no such host"},
		{answer_servfail, LOOKUP_FAILED, "server misbehaving"},
		{answer_wrong_owner, LOOKUP_FAILED, "server misbehaving"},
		{answer_loop, LOOKUP_FAILED, "server misbehaving"},
		{answer_garbage, LOOKUP_FAILED, "server misbehaving"},
		{answer_nothing, LOOKUP_TIMEOUT, "i/o timeout"},
		{answer_wrong_id, LOOKUP_TIMEOUT, "i/o timeout"},
		{answer_wrong_question, LOOKUP_TIMEOUT, "i/o timeout"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world->server.answer = cases[i].answer;
		renew(world);
		expect_error(world, look_up(world, "a.test"), cases[i].status,
			     cases[i].what);
	}
}

static void test_timeout_is_kept(void **state)
{
	struct world *world = *state;
	uint64_t start = now_ms();

	world->server.answer = answer_nothing;
	look_up(world, "a.test");
	assert_in_range(now_ms() - start, 390, 1500);
}

static void test_foreign_records_are_ignored(void **state)
{
	struct world *world = *state;
	struct told told;

	world->server.answer = answer_some_foreign;
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.1");
}

static void test_alias_chain(void **state)
{
	struct world *world = *state;
	struct told told;

	world->server.answer = answer_chain;
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.3");
}

/* IPv4 is there, IPv6 never comes: use what there is. */
static void test_one_family_silent(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_only_v4;
	assert_int_equal(look_up(world, "a.test").count, 2);
}

/* With all the time in the world the second family still gets only so much. */
static void test_second_family_is_bounded(void **state)
{
	struct world *world = *state;
	uint64_t start = now_ms();

	world->server.answer = answer_only_v4;
	world->options.timeout_ms = 60000;
	renew(world);
	assert_int_equal(look_up(world, "a.test").count, 2);
	assert_in_range(now_ms() - start, RESOLVER_SECOND_FAMILY_MS - 10,
			RESOLVER_SECOND_FAMILY_MS + 1500);
}

/* An IPv4 address in an AAAA record is one, and no IPv6 address. */
static void test_mapped_addresses(void **state)
{
	struct world *world = *state;
	struct told told;

	world->server.answer = answer_mapped;
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.1");

	world->options.network = NETWORK_IP6;
	renew(world);
	expect_error(world, look_up(world, "a.test"), LOOKUP_NOT_FOUND,
		     "no such host");
}

static void test_hosts_file_first(void **state)
{
	struct world *world = *state;
	struct told told = look_up(world, "pinned.test");

	assert_int_equal(told.status, LOOKUP_OK);
	assert_int_equal(told.count, 1);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.7");

	world->options.network = NETWORK_IP6;
	renew(world);
	told = look_up(world, "pinned.test");
	assert_int_equal(told.status, LOOKUP_NOT_FOUND);
	assert_string_equal(told.error,
			    "lookup pinned.test: no suitable address found");
	assert_int_equal(world->server.count, 0);
}

/* Whatever the environment says, the name is asked for as it stands. */
static void test_no_search_list(void **state)
{
	struct world *world = *state;

	setenv("LOCALDOMAIN", "corp.test", 1);
	setenv("RES_OPTIONS", "ndots:5 attempts:9", 1);
	world->server.answer = answer_nxdomain;
	renew(world);
	assert_int_equal(look_up(world, "short").status, LOOKUP_NOT_FOUND);
	unsetenv("LOCALDOMAIN");
	unsetenv("RES_OPTIONS");
	assert_int_equal(world->server.count, 2);
	for (size_t i = 0; i < world->server.count; i++)
		assert_string_equal(world->server.log[i].name, "short");
}

static void test_not_a_dns_name(void **state)
{
	struct world *world = *state;
	char name[80];
	struct told told;

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	told = look_up(world, name);
	assert_int_equal(told.status, LOOKUP_NOT_FOUND);
	assert_int_equal(world->server.count, 0);
}

static void test_longest_name_in_error(void **state)
{
	struct world *world = *state;
	char name[254];
	struct told told;

	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 64 == 63 ? '.' : 'x';
	name[sizeof(name) - 1] = '\0';
	world->server.answer = answer_nxdomain;
	told = look_up(world, name);
	assert_int_equal(told.status, LOOKUP_NOT_FOUND);
	assert_non_null(strstr(told.error, name));
	assert_non_null(strstr(told.error, ": no such host"));
}

static void test_cache(void **state)
{
	struct world *world = *state;

	world->options.no_cache = false;
	renew(world);
	assert_int_equal(look_up(world, "a.test").count, 3);
	assert_int_equal(look_up(world, "a.test").count, 3);
	assert_int_equal(world->server.count, 2);

	world->server.answer = answer_nxdomain;
	look_up(world, "b.test");
	assert_int_equal(look_up(world, "b.test").status, LOOKUP_NOT_FOUND);
	assert_int_equal(world->server.count, 4);

	/* What went wrong is tried again. */
	world->server.answer = answer_nothing;
	look_up(world, "c.test");
	world->server.answer = answer_good;
	assert_int_equal(look_up(world, "c.test").status, LOOKUP_OK);
}

static void test_equal_lookups_are_one(void **state)
{
	struct world *world = *state;
	struct told told[3];
	struct lookup *first = ask(world, "a.test", &told[0]);

	ask(world, "a.test", &told[1]);
	ask(world, "a.test", &told[2]);
	resolve_cancel(first);
	run_until(world, &told[2].done);
	run_until(world, &told[1].done);
	assert_false(told[0].done);
	assert_int_equal(told[1].count, 3);
	assert_int_equal(told[2].count, 3);
	assert_int_equal(world->server.count, 2);
}

static void test_cancel(void **state)
{
	struct world *world = *state;
	struct told told[2];

	/* Before anything happened, and while the answer is on its way. */
	resolve_cancel(ask(world, "a.test", &told[0]));
	world->server.answer = answer_nothing;

	struct lookup *lookup = ask(world, "b.test", &told[1]);

	run_for(world, 50);
	resolve_cancel(lookup);
	/* From the hosts file: known, not yet told. */
	resolve_cancel(ask(world, "pinned.test", &told[1]));
	run_for(world, 50);
	assert_false(told[0].done);
	assert_false(told[1].done);
	resolve_cancel(NULL);
}

struct cancel_other {
	struct lookup *other;
	struct told told;
};

static void cancel_in_done(void *context, const struct lookup_result *result)
{
	struct cancel_other *both = context;

	remember(&both->told, result);
	resolve_cancel(both->other);
}

/* The other one has its result already, undelivered: it must not come. */
static void test_cancel_in_callback(void **state)
{
	struct world *world = *state;
	struct cancel_other both = {0};
	struct told told;

	assert_non_null(resolve_start(world->resolver, "a.test", cancel_in_done,
				      &both));
	both.other = ask(world, "a.test", &told);
	run_until(world, &both.told.done);
	run_for(world, 20);
	assert_false(told.done);
}

static void free_in_done(void *context, const struct lookup_result *result)
{
	struct world *world = context;

	assert_int_equal(result->status, LOOKUP_OK);
	resolver_free(world->resolver);
	world->resolver = NULL;
	/* Still ours for the call. */
	assert_string_equal(text(&result->addrs[0]), "192.0.2.1");
}

static void test_free_in_callback(void **state)
{
	struct world *world = *state;

	resolve_start(world->resolver, "a.test", free_in_done, world);
	run_for(world, 100);
	assert_null(world->resolver);
}

static void test_no_descriptors(void **state)
{
	struct world *world = *state;
	struct rlimit old;
	struct rlimit none;
	struct told told;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	told = look_up(world, "a.test");
	setrlimit(RLIMIT_NOFILE, &old);
	expect_error(world, told, LOOKUP_FAILED, "Too many open files");
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
}

static void test_system_servers(void **state)
{
	struct world *world = *state;
	struct resolver_options options = {.resolv_conf = world->hosts};
	struct dns_servers servers;
	FILE *file = fopen(world->hosts, "w");

	fputs("# local\nsearch corp.test\nnameserver 192.0.2.53\n"
	      "nameserver 2001:db8::53\noptions ndots:5\n",
	      file);
	fclose(file);
	assert_true(dns_servers_init(&servers, &options));
	assert_int_equal(servers.count, 2);
	assert_string_equal(text(&servers.of[0].addr), "192.0.2.53");
	assert_int_equal(servers.of[0].port, 53);
	assert_string_equal(text(&servers.of[1].addr), "2001:db8::53");

	options.resolv_conf = "/nonexistent/resolv.conf";
	assert_true(dns_servers_init(&servers, &options));
	assert_int_equal(servers.count, 1);
	assert_string_equal(text(&servers.of[0].addr), "127.0.0.1");
}

static void test_too_many_servers(void **state)
{
	struct world *world = *state;
	struct resolver_options options = world->options;
	const char *why = NULL;

	options.server_count = RESOLVER_MAX_SERVERS + 1;
	assert_null(resolver_new(world->base, &options, &why));
	assert_string_equal(why, "too many resolver addresses");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_families),
		TEST(test_one_family),
		TEST(test_ports_and_ids_differ),
		TEST(test_retry_is_fresh),
		TEST(test_truncated_goes_to_tcp),
		TEST(test_server_without_edns),
		TEST(test_large_answer_over_udp),
		TEST(test_failover_from_closed_port),
		TEST(test_failover_from_silent_server),
		TEST(test_failover_from_refusal),
		TEST(test_errors),
		TEST(test_timeout_is_kept),
		TEST(test_foreign_records_are_ignored),
		TEST(test_alias_chain),
		TEST(test_one_family_silent),
		TEST(test_second_family_is_bounded),
		TEST(test_mapped_addresses),
		TEST(test_hosts_file_first),
		TEST(test_no_search_list),
		TEST(test_not_a_dns_name),
		TEST(test_longest_name_in_error),
		TEST(test_cache),
		TEST(test_equal_lookups_are_one),
		TEST(test_cancel),
		TEST(test_cancel_in_callback),
		TEST(test_free_in_callback),
		TEST(test_no_descriptors),
		TEST(test_system_servers),
		TEST(test_too_many_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
