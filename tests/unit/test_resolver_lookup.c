/* test_resolver_lookup.c - what a lookup is to its caller: where names come
 * from before anybody is asked, sharing, and ends of every kind. */
#include "resolver_world.h"
#include "runtime/net/dns_servers.h"

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

/* The loopback's names need no file and reach no server. */
static void test_localhost(void **state)
{
	static const char *const names[] = {"localhost", "a.b.localhost"};
	struct world *world = *state;

	world->options.hosts_file = "/nonexistent/hosts";
	world->server.answer = answer_nxdomain;
	renew(world);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct told told = look_up(world, names[i]);

		assert_int_equal(told.status, LOOKUP_OK);
		assert_int_equal(told.count, 2);
		assert_string_equal(text(&told.addrs[0]), "127.0.0.1");
		assert_string_equal(text(&told.addrs[1]), "::1");
	}
	assert_int_equal(world->server.count, 0);
	assert_int_equal(look_up(world, "notlocalhost").status,
			 LOOKUP_NOT_FOUND);
	assert_true(world->server.count > 0);
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

static void write_file(const char *path, const char *contents)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(contents, file);
	fclose(file);
}

static void test_system_servers(void **state)
{
	struct world *world = *state;
	struct resolver_options options = {.resolv_conf = world->hosts};
	struct dns_source source;
	struct dns_servers *first;
	struct dns_servers *second;

	write_file(world->hosts, "# local\nsearch corp.test\n"
				 "nameserver 192.0.2.53\n"
				 "nameserver 2001:db8::53\noptions ndots:5\n");
	assert_true(dns_source_init(&source, &options, 0));
	first = dns_source_servers(&source, 0);
	assert_int_equal(first->count, 2);
	assert_string_equal(text(&first->of[0].addr), "192.0.2.53");
	assert_int_equal(first->of[0].port, 53);
	assert_string_equal(text(&first->of[1].addr), "2001:db8::53");

	/* It changes: after a while, and not under who holds the old ones. */
	write_file(world->hosts, "nameserver 192.0.2.54\n");
	second = dns_source_servers(&source, RESOLV_CONF_CHECK_MS - 1);
	assert_ptr_equal(second, first);
	dns_servers_unref(second);
	second = dns_source_servers(&source, RESOLV_CONF_CHECK_MS);
	assert_int_equal(second->count, 1);
	assert_string_equal(text(&second->of[0].addr), "192.0.2.54");
	assert_int_equal(first->count, 2);
	dns_servers_unref(first);
	dns_servers_unref(second);
	dns_source_fini(&source);
}

static void test_no_system_servers(void **state)
{
	struct resolver_options options = {.resolv_conf =
						   "/nonexistent/resolv.conf"};
	struct dns_source source;

	(void)state;
	assert_true(dns_source_init(&source, &options, 0));
	assert_int_equal(source.servers->count, 1);
	assert_string_equal(text(&source.servers->of[0].addr), "127.0.0.1");
	dns_source_fini(&source);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hosts_file_first),      TEST(test_localhost),
		TEST(test_no_search_list),        TEST(test_not_a_dns_name),
		TEST(test_longest_name_in_error), TEST(test_cache),
		TEST(test_equal_lookups_are_one), TEST(test_cancel),
		TEST(test_cancel_in_callback),    TEST(test_free_in_callback),
		TEST(test_no_descriptors),        TEST(test_system_servers),
		TEST(test_no_system_servers),     TEST(test_too_many_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
