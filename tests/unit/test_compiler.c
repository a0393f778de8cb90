/* test_compiler.c - the parts of the compiler that are functions of their
 * arguments: globs, quoting, sets of texts, address lists, names of outputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/addresses.h"
#include "compiler/glob.h"
#include "compiler/lower.h"
#include "compiler/output.h"
#include "compiler/quote.h"
#include "compiler/textset.h"
#include "grammar/arena.h"

static void test_globs(void **unused)
{
	static const struct {
		const char *text;
		enum glob_error error;
		const char *name; /* for GLOB_OK */
		bool wildcard;
		const char *normal; /* for GLOB_NOT_NORMAL */
	} cases[] = {
		{"example.com", GLOB_OK, "example.com", false, NULL},
		{"*.example.com", GLOB_OK, "example.com", true, NULL},
		{"*._d.com", GLOB_OK, "_d.com", true, NULL},
		{"com", GLOB_OK, "com", false, NULL},
		{"*.com", GLOB_OK, "com", true, NULL},
		{"1.2.3.4", GLOB_OK, "1.2.3.4", false, NULL},
		{"1.2.3.4.com", GLOB_OK, "1.2.3.4.com", false, NULL},
		{"*.4a.com", GLOB_OK, "4a.com", true, NULL},
		{"xn--e1aybc.test", GLOB_OK, "xn--e1aybc.test", false, NULL},
		{"", GLOB_EMPTY, NULL, false, NULL},
		{"*", GLOB_EVERYTHING, NULL, false, NULL},
		{"*.", GLOB_EVERYTHING, NULL, false, NULL},
		{"**", GLOB_PARTIAL, NULL, false, NULL},
		{"*a.com", GLOB_PARTIAL, NULL, false, NULL},
		{"a.*.com", GLOB_INNER_WILDCARD, NULL, false, NULL},
		{"*.*", GLOB_INNER_WILDCARD, NULL, false, NULL},
		{"a*", GLOB_INNER_WILDCARD, NULL, false, NULL},
		{"*.1.2.3.4", GLOB_OVER_ADDRESS, NULL, false, NULL},
		{"*.1", GLOB_OVER_ADDRESS, NULL, false, NULL},
		{"*.0x7f", GLOB_OVER_ADDRESS, NULL, false, NULL},
		{"*.0x7f.0.1", GLOB_OVER_ADDRESS, NULL, false, NULL},
		{"*.::1", GLOB_OVER_ADDRESS, NULL, false, NULL},
		{"::1", GLOB_IPV6, NULL, false, NULL},
		{"2001:DB8::1", GLOB_IPV6, NULL, false, NULL},
		{"a b", GLOB_INVALID, NULL, false, NULL},
		{"a..b", GLOB_INVALID, NULL, false, NULL},
		{"*..b", GLOB_INVALID, NULL, false, NULL},
		{"127.1", GLOB_INVALID, NULL, false, NULL},
		{"A.com", GLOB_NOT_NORMAL, NULL, false, "a.com"},
		{"*.A.com", GLOB_NOT_NORMAL, NULL, false, "a.com"},
		{"a.com.", GLOB_NOT_NORMAL, NULL, false, "a.com"},
		{"::ffff:1.2.3.4", GLOB_NOT_NORMAL, NULL, false, "1.2.3.4"},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str name;
		struct hostname normal;
		enum host_error why;
		bool wildcard;
		enum glob_error error =
			glob_parse(str_from(cases[i].text), &name, &wildcard,
				   &normal, &why);

		if (error != cases[i].error)
			fail_msg("'%s': error %d, not %d", cases[i].text, error,
				 cases[i].error);
		if (error == GLOB_OK) {
			assert_true(str_equal(name, str_from(cases[i].name)));
			assert_int_equal(wildcard, cases[i].wildcard);
		}
		if (cases[i].normal != NULL)
			assert_string_equal(normal.text, cases[i].normal);
	}
}

static void test_visible(void **unused)
{
	static const struct {
		struct str text;
		const char *visible, *go;
	} cases[] = {
		{{"plain", 5}, "plain", "\"plain\""},
		{{"", 0}, "", "\"\""},
		{{"a\"b\\c", 5}, "a\"b\\c", "\"a\\\"b\\\\c\""},
		{{"a\nb\tc\rd", 7}, "a\\nb\\tc\\rd", "\"a\\nb\\tc\\rd\""},
		{{"a\0b\x1b\x7f", 5},
		 "a\\x00b\\x1b\\x7f",
		 "\"a\\x00b\\x1b\\x7f\""},
		{{"caf\xc3\xa9", 5}, "caf\xc3\xa9", "\"caf\xc3\xa9\""},
		{{"\xe2\x80\x8d\xe2\x80\xae", 6},
		 "\\u200d\\u202e",
		 "\"\\u200d\\u202e\""},
		{{"\xc2\x85\xc2\xad", 4},
		 "\\u0085\\u00ad",
		 "\"\\u0085\\u00ad\""},
		{{"\xf0\x9f\x98\x80", 4},
		 "\xf0\x9f\x98\x80",
		 "\"\xf0\x9f\x98\x80\""},
		{{"\xf3\xa0\x81\x81", 4}, "\\U000e0041", "\"\\U000e0041\""},
		/* no UTF-8: each byte as itself */
		{{"\xff\xc3", 2}, "\\xff\\xc3", "\"\\xff\\xc3\""},
		{{"\xc0\xaf", 2}, "\\xc0\\xaf", "\"\\xc0\\xaf\""},
		{{"\xed\xa0\x80", 3}, "\\xed\\xa0\\x80", "\"\\xed\\xa0\\x80\""},
	};
	struct arena *arena = arena_new();

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(quote_visible(arena, cases[i].text),
				    cases[i].visible);
		assert_string_equal(quote_go(arena, cases[i].text),
				    cases[i].go);
	}
	arena_free(arena);
}

static void test_yaml_scalars(void **unused)
{
	static const struct {
		struct str text;
		const char *yaml;
	} cases[] = {
		{{"plain-text_1.x", 14}, "plain-text_1.x"},
		{{"1.2.3.4", 7}, "1.2.3.4"},
		{{"", 0}, "\"\""},
		{{"~", 1}, "\"~\""},
		{{"null", 4}, "\"null\""},
		{{"Yes", 3}, "\"Yes\""},
		{{"-", 1}, "\"-\""},
		{{"-a", 2}, "\"-a\""},
		{{"...", 3}, "\"...\""},
		{{"a b", 3}, "\"a b\""},
		{{"*.a.com", 7}, "\"*.a.com\""},
		{{"a\"\\", 3}, "\"a\\\"\\\\\""},
		{{"a\0\n", 3}, "\"a\\x00\\n\""},
		{{"\xc3\xa9\xc2\x85", 4}, "\"\xc3\xa9\\u0085\""},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *written = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&written, &length);

		assert_non_null(out);
		quote_yaml(out, cases[i].text);
		fclose(out);
		assert_string_equal(written, cases[i].yaml);
		free(written);
	}
}

static void test_tags(void **unused)
{
	static const char *const cases[][2] = {
		{"", "!!null"},     {"~", "!!null"},   {"null", "!!null"},
		{"yes", "!!bool"},  {"off", "!!bool"}, {"True", "!!bool"},
		{"12", "!!int"},    {"-7", "!!int"},   {"1.5", "!!float"},
		{"1.2.3", "!!str"}, {"-", "!!str"},    {".", "!!str"},
		{"a.com", "!!str"}, {"12a", "!!str"},  {"+1", "!!int"},
		{"nullx", "!!str"},
	};
	bool truth;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			quote_plain_tag(cases[i][0],
					(uint32_t)strlen(cases[i][0])),
			cases[i][1]);
	assert_true(quote_parse_bool(STR("on"), &truth) && truth);
	assert_true(quote_parse_bool(STR("n"), &truth) && !truth);
	assert_false(quote_parse_bool(STR("maybe"), &truth));
	assert_false(quote_parse_bool(STR(""), &truth));
}

static void test_textset(void **unused)
{
	struct arena *arena = arena_new();
	struct textset set;

	(void)unused;
	textset_init(&set, arena);
	assert_int_equal(textset_find(&set, STR("a")), TEXTSET_NONE);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(
			textset_add(&set,
				    str_from(arena_printf(arena, "%u", i)), i),
			TEXTSET_NONE);
	for (uint32_t i = 0; i < 10000; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(textset_add(&set, str_from(text), 1u << 20),
				 i);
		assert_int_equal(textset_find(&set, str_from(text)), i);
	}
	/* a NUL is part of a text, and nothing is a text too */
	assert_int_equal(textset_add(&set, str_make("a\0b", 3), 1),
			 TEXTSET_NONE);
	assert_int_equal(textset_find(&set, str_make("a\0c", 3)), TEXTSET_NONE);
	assert_int_equal(textset_add(&set, STR(""), 2), TEXTSET_NONE);
	assert_int_equal(textset_add(&set, str_make("\0\0\0\0\0\0\0\0", 8), 3),
			 TEXTSET_NONE);
	assert_int_equal(textset_find(&set, STR("")), 2);
	arena_free(arena);
}

static void test_compare_names(void **unused)
{
	/* "com-x" sorts behind "com" and before "org" */
	static const char *const sorted[] = {
		"a",      "com",   "a.com",   "z.a.com", "a-b.com",
		"ab.com", "b.com", "com.com", "com-x",   "a.com-x",
		"org",    "a.org", "zz",
	};

	size_t count = sizeof(sorted) / sizeof(sorted[0]);

	(void)unused;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			int order = lower_compare_names(str_from(sorted[i]),
							str_from(sorted[k]));

			assert_int_equal((order > 0) - (order < 0),
					 (i > k) - (i < k));
		}
}

static void test_addresses(void **unused)
{
	static const struct {
		enum addresses_list list;
		const char *text;
		const char *wrong; /* NULL: taken */
	} cases[] = {
		{ADDRESSES_DENY_RANGE, "10.0.0.1/8", NULL},
		{ADDRESSES_DENY_RANGE, "10.0.0.1",
		 "invalid CIDR address: "
		 "10.0.0.1"},
		{ADDRESSES_ALLOW_RANGE, "::/0", NULL},
		{ADDRESSES_ALLOW_RANGE, "\x1b", "invalid CIDR address: \\x1b"},
		{ADDRESSES_DENY_ADDRESS, "10.0.0.1", NULL},
		{ADDRESSES_DENY_ADDRESS, "[::1]:80", NULL},
		{ADDRESSES_ALLOW_ADDRESS,
		 "10.0.0.1:", "invalid port number ''"},
		{ADDRESSES_ALLOW_ADDRESS, "localhost",
		 "address must be in the form ip[:port], got localhost"},
	};
	struct arena *arena = arena_new();
	struct addresses addresses = {.count = 0};
	const struct span at = {NULL, 0, 0};
	enum diag_code code;
	const char *why = NULL;
	uint32_t taken = 0;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *wrong =
			addresses_add(&addresses, arena, cases[i].list,
				      str_from(cases[i].text), at, &code);

		if (cases[i].wrong == NULL) {
			assert_null(wrong);
			taken++;
		} else {
			assert_string_equal(wrong, cases[i].wrong);
		}
		assert_int_equal(addresses.count, taken);
	}
	assert_int_equal(addresses.ranges[0].rule.prefix.length, 104);
	assert_int_equal(addresses.ranges[0].rule.action, RANGE_DENY);
	assert_int_equal(addresses.ranges[1].rule.action, RANGE_ALLOW);
	assert_int_equal(addresses.ranges[3].rule.port, 80);

	for (int i = 0; i < RANGES_MAX_NAT64 + 1; i++) {
		char prefix[] = "2001:db8:0::/48";

		prefix[9] = (char)('0' + i);
		why = addresses_add(&addresses, arena, ADDRESSES_NAT64_PREFIX,
				    str_from(prefix), at, &code);
		assert_int_equal(why == NULL, i < RANGES_MAX_NAT64);
	}
	assert_string_equal(why, "more than 8 NAT64 prefixes: 2001:db8:8::/48");
	/* what is there already is no more */
	assert_null(addresses_add(&addresses, arena, ADDRESSES_NAT64_PREFIX,
				  STR("2001:db8:1::/48"), at, &code));
	assert_int_equal(addresses.options.nat64_count, RANGES_MAX_NAT64);
	arena_free(arena);
}

static void test_output_names(void **unused)
{
	static const char *const cases[][2] = {
		{"acl.yaml", "acl.blob"},          {"d/acl.yml", "d/acl.blob"},
		{"acl.json", "acl.blob"},          {"acl", "acl.blob"},
		{".yaml", ".yaml.blob"},           {"d/.yaml", "d/.yaml.blob"},
		{"a.yaml.bak", "a.yaml.bak.blob"},
	};
	struct arena *arena = arena_new();

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(output_name(arena, cases[i][0]),
				    cases[i][1]);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_visible),
		cmocka_unit_test(test_yaml_scalars),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_textset),
		cmocka_unit_test(test_compare_names),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_output_names),
	};

	return cmocka_run_group_tests_name("compiler", tests, NULL, NULL);
}
