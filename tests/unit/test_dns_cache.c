/* test_dns_cache.c - how long, how many, and who goes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/net/dns_cache.h"

#define SECOND 1000U

static struct dns_result *result(enum lookup_status status, uint32_t ttl)
{
	struct addr addr = addr_from_v4((const uint8_t[]){192, 0, 2, 1});

	return dns_result_new(status, &addr, status == LOOKUP_OK ? 1 : 0, ttl,
			      status == LOOKUP_OK ? "" : "no such host");
}

static void put(struct dns_cache *cache, const char *name,
		enum lookup_status status, uint32_t ttl, uint64_t now)
{
	struct dns_result *one = result(status, ttl);

	dns_cache_put(cache, name, one, now);
	dns_result_unref(one);
}

static void test_found_until_it_expires(void **state)
{
	struct dns_cache *cache = dns_cache_new(8);
	struct dns_result *found;

	(void)state;
	put(cache, "a.test", LOOKUP_OK, 10, 5 * SECOND);
	assert_null(dns_cache_find(cache, "b.test", 5 * SECOND));
	found = dns_cache_find(cache, "a.test", 15 * SECOND - 1);
	assert_non_null(found);
	assert_int_equal(found->status, LOOKUP_OK);
	assert_int_equal(found->count, 1);
	assert_string_equal(found->error, "");
	assert_null(dns_cache_find(cache, "a.test", 15 * SECOND));
	assert_int_equal(dns_cache_count(cache), 0);
	dns_cache_free(cache);
}

static void test_bounds_of_ttl(void **state)
{
	static const struct {
		enum lookup_status status;
		uint32_t ttl;
		uint32_t kept; /* seconds; 0: not at all */
	} cases[] = {
		{LOOKUP_OK, 0, DNS_CACHE_TTL_MIN},
		{LOOKUP_OK, 60, 60},
		{LOOKUP_OK, UINT32_MAX, DNS_CACHE_TTL_MAX},
		{LOOKUP_NOT_FOUND, 0, DNS_CACHE_TTL_MIN},
		{LOOKUP_NOT_FOUND, 20, 20},
		{LOOKUP_NOT_FOUND, 3600, DNS_CACHE_NEGATIVE_TTL_MAX},
		{LOOKUP_TIMEOUT, 60, 0},
		{LOOKUP_FAILED, 60, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_cache *cache = dns_cache_new(8);
		uint64_t end = (uint64_t)cases[i].kept * SECOND;

		put(cache, "a.test", cases[i].status, cases[i].ttl, 0);
		if (end > 0)
			assert_non_null(
				dns_cache_find(cache, "a.test", end - 1));
		assert_null(dns_cache_find(cache, "a.test", end));
		dns_cache_free(cache);
	}
}

static void test_least_recently_used_goes(void **state)
{
	struct dns_cache *cache = dns_cache_new(3);

	(void)state;
	put(cache, "a.test", LOOKUP_OK, 60, 0);
	put(cache, "b.test", LOOKUP_OK, 60, 0);
	put(cache, "c.test", LOOKUP_OK, 60, 0);
	assert_non_null(dns_cache_find(cache, "a.test", 1));
	put(cache, "d.test", LOOKUP_OK, 60, 1);
	assert_int_equal(dns_cache_count(cache), 3);
	assert_null(dns_cache_find(cache, "b.test", 1));
	assert_non_null(dns_cache_find(cache, "a.test", 1));
	assert_non_null(dns_cache_find(cache, "c.test", 1));
	assert_non_null(dns_cache_find(cache, "d.test", 1));
	dns_cache_free(cache);
}

static void test_newer_replaces(void **state)
{
	struct dns_cache *cache = dns_cache_new(1);

	(void)state;
	put(cache, "a.test", LOOKUP_OK, 60, 0);
	put(cache, "a.test", LOOKUP_NOT_FOUND, 10, 0);
	assert_int_equal(dns_cache_count(cache), 1);
	assert_int_equal(dns_cache_find(cache, "a.test", 1)->status,
			 LOOKUP_NOT_FOUND);
	/* A failure makes no answer of what was. */
	put(cache, "a.test", LOOKUP_FAILED, 10, 2);
	assert_null(dns_cache_find(cache, "a.test", 3));
	dns_cache_free(cache);
}

static void test_bounded(void **state)
{
	struct dns_cache *cache = dns_cache_new(DNS_CACHE_ENTRIES);
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 3 * DNS_CACHE_ENTRIES; i++) {
		snprintf(name, sizeof(name), "n%u.test", i);
		put(cache, name, LOOKUP_OK, 60, i);
		assert_true(dns_cache_count(cache) <= DNS_CACHE_ENTRIES);
	}
	assert_int_equal(dns_cache_count(cache), DNS_CACHE_ENTRIES);
	dns_cache_free(cache);
}

/* Whoever holds a result keeps it, whatever the cache does. */
static void test_results_outlive_the_cache(void **state)
{
	struct dns_cache *cache = dns_cache_new(1);
	struct dns_result *held;

	(void)state;
	put(cache, "a.test", LOOKUP_NOT_FOUND, 60, 0);
	held = dns_result_ref(dns_cache_find(cache, "a.test", 0));
	dns_cache_free(cache);
	assert_string_equal(held->error, "no such host");
	dns_result_unref(held);
	dns_result_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_until_it_expires),
		cmocka_unit_test(test_bounds_of_ttl),
		cmocka_unit_test(test_least_recently_used_goes),
		cmocka_unit_test(test_newer_replaces),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_results_outlive_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
