/* test_store.c - the policy in force: loading, refusing, swapping while others
 * decide by it, and lists of the proxy on top of a blob's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "compiler/emit.h"
#include "compiler/lower.h"
#include "runtime/settings.h"
#include "runtime/store.h"

#define READERS 3
#define RELOADS 200

static char directory[] = "/tmp/test_store.XXXXXX";
static char path[sizeof(directory) + 16];
static struct settings settings;
static char why[STORE_WHY_MAX];

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/acl.blob", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static int init(void **state)
{
	(void)state;
	settings_init(&settings);
	settings.acl_file = strdup(path);
	return settings.acl_file != NULL ? 0 : -1;
}

static int fini(void **state)
{
	(void)state;
	settings_fini(&settings);
	return 0;
}

/* A policy with a default rule of ACTION and, unless NULL, one range rule. */
static void write_policy(enum rule_action action, struct range_rule *range)
{
	struct canonical_rule rule = {
		.name = STR("default"),
		.project = STR("p"),
		.action = action,
		.is_default = true,
		.list = LIST_NONE,
		.proxies = LIST_NONE,
	};
	struct canonical_range one = {.rule = {.port = 0}};
	const char *files[] = {"acl.yaml"};
	struct canonical policy = {
		.rules = &rule,
		.rule_count = 1,
		.files = files,
		.file_count = 1,
	};
	const char *reason;
	uint8_t *bytes;
	size_t length;

	if (range != NULL) {
		one.rule = *range;
		policy.ranges = &one;
		policy.range_count = 1;
	}
	bytes = emit_blob(&policy, true, &length, &reason);
	assert_non_null(bytes);
	assert_true(emit_file(path, bytes, length));
	free(bytes);
}

static enum rule_action action_of(const struct policy *policy)
{
	struct rule_info rule;

	assert_true(blob_rule(&policy->blob, 0, &rule));
	return rule.action;
}

static void test_reload_swaps(void **state)
{
	struct store_view view = {.policy = NULL};
	struct store_reload result;
	struct policy *old;
	struct store store;

	(void)state;
	write_policy(RULE_OPEN, NULL);
	assert_true(store_init(&store, &settings, why));
	old = policy_ref(store_current(&store, &view));
	assert_int_equal(action_of(old), RULE_OPEN);
	assert_int_equal(strlen(old->hash), 16);
	write_policy(RULE_ENFORCE, NULL);
	assert_true(store_reload(&store, &result));
	assert_string_equal(result.old_hash, old->hash);
	assert_string_not_equal(result.old_hash, result.new_hash);
	assert_int_equal(action_of(store_current(&store, &view)), RULE_ENFORCE);
	/* whoever held the old one still can read it */
	assert_int_equal(action_of(old), RULE_OPEN);
	policy_unref(&old);
	assert_null(old);
	policy_unref(&old);
	store_view_fini(&view);
	store_fini(&store);
}

static void test_a_failed_reload_changes_nothing(void **state)
{
	struct store_view view = {.policy = NULL};
	struct store_reload result;
	struct policy *before;
	struct store store;

	(void)state;
	write_policy(RULE_REPORT, NULL);
	assert_true(store_init(&store, &settings, why));
	before = store_current(&store, &view);
	assert_int_equal(truncate(path, 10), 0);
	assert_false(store_reload(&store, &result));
	assert_non_null(strstr(result.why, path));
	assert_string_equal(result.old_hash, before->hash);
	assert_string_equal(result.new_hash, "");
	assert_ptr_equal(store_current(&store, &view), before);
	unlink(path);
	assert_false(store_reload(&store, &result));
	assert_non_null(strstr(result.why, "No such file"));
	/* one that is refused for what it says has a hash to name it by */
	settings.disabled_action[RULE_OPEN] = true;
	write_policy(RULE_OPEN, NULL);
	assert_false(store_reload(&store, &result));
	assert_non_null(strstr(result.why, "rule for svc:default_rule utilizes "
					   "a disabled policy:Open"));
	assert_int_equal(strlen(result.new_hash), 16);
	assert_ptr_equal(store_current(&store, &view), before);
	store_view_fini(&view);
	store_fini(&store);
}

static void write_text(const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void test_text_is_no_policy(void **state)
{
	struct store store;

	(void)state;
	write_text("version: v1\nservices: []\n");
	assert_false(store_init(&store, &settings, why));
	assert_non_null(strstr(why, "is not a compiled policy; compile it"));
	assert_non_null(strstr(why, "smokescreenc -o "));
	write_text("");
	assert_false(store_init(&store, &settings, why));
	assert_non_null(strstr(why, "is empty"));
	assert_null(strstr(why, "compile it"));
}

static void check_class(struct store *store, const char *text,
			enum addr_class want)
{
	struct addr addr;

	assert_true(addr_parse(str_from(text), &addr));
	assert_int_equal(
		ranges_classify(&store->current->ranges, &addr, 443).class,
		want);
}

static struct range_rule range(const char *text, enum range_action action)
{
	struct range_rule rule = {.action = (uint8_t)action};

	assert_true(addr_parse_cidr(str_from(text), &rule.prefix));
	return rule;
}

static void test_lists_add_up(void **state)
{
	struct range_rule compiled = range("10.1.0.0/16", RANGE_ALLOW);
	struct range_rule own = range("10.2.0.0/16", RANGE_ALLOW);
	struct store store;

	(void)state;
	write_policy(RULE_OPEN, &compiled);
	assert_true(store_init(&store, &settings, why));
	assert_null(store.current->image);
	check_class(&store, "10.1.0.1", ADDR_USER_ALLOWED);
	check_class(&store, "10.2.0.1", ADDR_PRIVATE_RANGE);
	store_fini(&store);
	/* with one of the proxy's own */
	settings.rules = malloc(sizeof(own));
	assert_non_null(settings.rules);
	settings.rules[0] = own;
	settings.rule_count = 1;
	assert_true(store_init(&store, &settings, why));
	check_class(&store, "10.1.0.1", ADDR_USER_ALLOWED);
	check_class(&store, "10.2.0.1", ADDR_USER_ALLOWED);
	check_class(&store, "10.3.0.1", ADDR_PRIVATE_RANGE);
	store_fini(&store);
	settings.ranges.allow_private = true;
	assert_true(store_init(&store, &settings, why));
	check_class(&store, "10.3.0.1", ADDR_DEFAULT);
	check_class(&store, "127.0.0.1", ADDR_NOT_GLOBAL_UNICAST);
	store_fini(&store);
	/* and without a policy at all */
	free(settings.acl_file);
	settings.acl_file = NULL;
	assert_true(store_init(&store, &settings, why));
	assert_false(store.current->has_acl);
	assert_string_equal(store.current->hash, "");
	check_class(&store, "10.2.0.1", ADDR_USER_ALLOWED);
	check_class(&store, "1.1.1.1", ADDR_DEFAULT);
	store_fini(&store);
}

/* --- while others decide --- */

struct reader {
	struct store *store;
	atomic_bool *stop;
	pthread_t thread;
	unsigned seen; /* bits of the actions met */
	bool broken;
};

static void *read_on(void *context)
{
	struct reader *reader = context;
	struct store_view view = {.policy = NULL};

	while (!atomic_load(reader->stop)) {
		struct policy *policy =
			policy_ref(store_current(reader->store, &view));
		struct policy *held = policy;
		struct rule_info rule;

		/* hold it over the next one */
		store_current(reader->store, &view);
		if (!blob_rule(&held->blob, 0, &rule))
			reader->broken = true;
		else
			reader->seen |= 1u << rule.action;
		policy_unref(&policy);
	}
	store_view_fini(&view);
	return NULL;
}

static void test_reload_under_readers(void **state)
{
	struct reader readers[READERS];
	struct store_reload result;
	struct store store;
	atomic_bool stop;
	unsigned seen = 0;

	(void)state;
	atomic_init(&stop, false);
	write_policy(RULE_OPEN, NULL);
	assert_true(store_init(&store, &settings, why));
	for (int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){.store = &store, .stop = &stop};
		assert_int_equal(pthread_create(&readers[i].thread, NULL,
						read_on, &readers[i]),
				 0);
	}
	for (int i = 0; i < RELOADS; i++) {
		write_policy(i % 2 == 0 ? RULE_REPORT : RULE_OPEN, NULL);
		assert_true(store_reload(&store, &result));
	}
	atomic_store(&stop, true);
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_false(readers[i].broken);
		seen |= readers[i].seen;
	}
	assert_int_equal(seen, 1u << RULE_OPEN | 1u << RULE_REPORT);
	/* all that was counted was given back */
	assert_int_equal(atomic_load(&store.current->references), 1);
	store_fini(&store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, init, fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reload_swaps),
		TEST(test_a_failed_reload_changes_nothing),
		TEST(test_text_is_no_policy),
		TEST(test_lists_add_up),
		TEST(test_reload_under_readers),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
