/* test_server_name.c - which names of a certificate are a host's: RFC 9525. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/tls/server_name.h"

#define DNS 0x82
#define IP 0x87
#define URI 0x86
#define EMAIL 0x81

/* A certificate's names, as they are in its extension. */
struct names {
	uint8_t bytes[512];
	size_t size;
};

static void add(struct names *names, uint8_t tag, const void *value, size_t n)
{
	assert_true(n < 0x80 && names->size + n + 2 <= sizeof(names->bytes));
	names->bytes[names->size++] = tag;
	names->bytes[names->size++] = (uint8_t)n;
	if (n > 0)
		memcpy(names->bytes + names->size, value, n);
	names->size += n;
}

static bool is_for(const struct names *names, const char *host)
{
	const struct certificate certificate = {
		.alt_names = bytes_make(names->bytes, names->size)};
	struct hostname wanted;

	assert_int_equal(hostname_normalize(str_from(host), &wanted), HOST_OK);
	return server_name_matches(&certificate, &wanted);
}

static bool dns_is_for(const char *name, const char *host)
{
	struct names names = {.size = 0};

	add(&names, DNS, name, strlen(name));
	return is_for(&names, host);
}

static void test_names(void **state)
{
	static const struct {
		const char *name, *host;
		bool matches;
	} cases[] = {
		{"a.test", "a.test", true},
		{"a.test", "A.Test", true},
		{"A.TEST", "a.test", true},
		{"a.test", "a.test.", true},
		{"a.test.", "a.test", false},
		{"a.test", "b.a.test", false},
		{"a.test", "a.tes", false},
		{"a.test", "ba.test", false},
		{"localhost", "localhost", true},
		{"xn--bcher-kva.test", "b\303\274cher.test", true},
		{"b\303\274cher.test", "b\303\274cher.test", false},
		{"a_b.test", "a_b.test", true},
		{"", "a.test", false},
		{".", "a.test", false},
		{".a.test", "a.test", false},
		{".a.test", "b.a.test", false},
		/* these differ by the bit of case */
		{"a\016test", "a.test", false},
		{"a\177b.test", "a_b.test", false},
		{"a\020.test", "a0.test", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (dns_is_for(cases[i].name, cases[i].host) !=
		    cases[i].matches)
			fail_msg("%s for %s", cases[i].name, cases[i].host);
}

static void test_wildcards(void **state)
{
	static const struct {
		const char *name, *host;
		bool matches;
	} cases[] = {
		{"*.a.test", "b.a.test", true},
		{"*.A.test", "B.a.TEST", true},
		{"*.a.test", "xn--bcher-kva.a.test", true},
		{"*.a.test", "a.test", false},
		{"*.a.test", "c.b.a.test", false},
		{"*.a.test", "b.c.test", false},
		{"*.test", "a.test", false},
		{"*.localhost", "a.localhost", false},
		{"*", "localhost", false},
		{"*", "a.test", false},
		{"*.", "a.test", false},
		{"*.*.test", "b.a.test", false},
		{"**.a.test", "b.a.test", false},
		{"b*.a.test", "bc.a.test", false},
		{"*b.a.test", "cb.a.test", false},
		{"b.*.test", "b.a.test", false},
		{"*.a.test.", "b.a.test", false},
		{"*..test", "b.test", false},
		{"*.0.0.1", "127.0.0.1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (dns_is_for(cases[i].name, cases[i].host) !=
		    cases[i].matches)
			fail_msg("%s for %s", cases[i].name, cases[i].host);
}

static void test_a_nul_ends_nothing(void **state)
{
	struct names names = {.size = 0};

	(void)state;
	add(&names, DNS, "a.test\0.evil.test", 17);
	assert_false(is_for(&names, "a.test"));
	assert_false(is_for(&names, "a.test.evil.test"));
}

static void test_addresses(void **state)
{
	static const uint8_t v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
	static const uint8_t mapped[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1};
	struct names names = {.size = 0};

	(void)state;
	add(&names, IP, "\x7f\0\0\1", 4);
	add(&names, IP, v6, sizeof(v6));
	assert_true(is_for(&names, "127.0.0.1"));
	assert_true(is_for(&names, "::ffff:127.0.0.1"));
	assert_true(is_for(&names, "2001:db8::1"));
	assert_false(is_for(&names, "127.0.0.2"));
	assert_false(is_for(&names, "2001:db8::2"));
	names.size = 0;
	add(&names, IP, mapped, sizeof(mapped));
	assert_true(is_for(&names, "10.0.0.1"));
	/* a network, as in name constraints, is no address */
	names.size = 0;
	add(&names, IP, "\x7f\0\0\1\377\377\377\377", 8);
	add(&names, IP, "\x7f", 1);
	add(&names, IP, NULL, 0);
	assert_false(is_for(&names, "127.0.0.1"));
	/* one is not the other */
	names.size = 0;
	add(&names, DNS, "127.0.0.1", 9);
	add(&names, DNS, "2001:db8::1", 11);
	assert_false(is_for(&names, "127.0.0.1"));
	assert_false(is_for(&names, "2001:db8::1"));
	names.size = 0;
	add(&names, IP, "a.te", 4);
	assert_false(is_for(&names, "a.te"));
}

static void test_any_of_several(void **state)
{
	struct names names = {.size = 0};

	(void)state;
	assert_false(is_for(&names, "a.test"));
	add(&names, URI, "https://a.test", 14);
	add(&names, EMAIL, "me@a.test", 9);
	add(&names, EMAIL, "a.test", 6);
	assert_false(is_for(&names, "a.test"));
	add(&names, DNS, "b.test", 6);
	add(&names, DNS, "*.c.test", 8);
	add(&names, DNS, "a.test", 6);
	assert_true(is_for(&names, "a.test"));
	assert_true(is_for(&names, "b.test"));
	assert_true(is_for(&names, "x.c.test"));
}

/* What was refused as a host is nobody's. */
static void test_no_host(void **state)
{
	const struct hostname none = {.form = HOST_NONE};
	struct names names = {.size = 0};
	struct certificate certificate;

	(void)state;
	add(&names, DNS, "", 0);
	add(&names, DNS, "a.test", 6);
	certificate = (struct certificate){
		.alt_names = bytes_make(names.bytes, names.size)};
	assert_false(server_name_matches(&certificate, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_a_nul_ends_nothing),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_any_of_several),
		cmocka_unit_test(test_no_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
