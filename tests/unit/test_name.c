/* test_name.c - names: compared by what they say, not by how it is encoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/tls/name.h"

/* An RDNSequence being written: attributes of type 2.5.4.N. */
struct written {
	uint8_t bytes[8192];
	size_t n;
	size_t rdn; /* where the open one starts */
};

static void put(struct written *name, unsigned type, unsigned tag,
		const char *value, size_t n, bool same_rdn)
{
	uint8_t *p;

	assert_true(n < 100);
	if (!same_rdn) {
		name->rdn = name->n;
		name->bytes[name->n++] = DER_SET;
		name->bytes[name->n++] = 0;
	}
	p = name->bytes + name->n;
	*p++ = DER_SEQUENCE;
	*p++ = (uint8_t)(n + 7);
	*p++ = DER_OID;
	*p++ = 3;
	*p++ = 0x55;
	*p++ = 4;
	*p++ = (uint8_t)type;
	*p++ = (uint8_t)tag;
	*p++ = (uint8_t)n;
	memcpy(p, value, n);
	name->n += n + 9;
	name->bytes[name->rdn + 1] = (uint8_t)(name->n - name->rdn - 2);
}

static struct bytes bytes_of(const struct written *name)
{
	return bytes_make(name->bytes, name->n);
}

static bool same(unsigned tag, const char *a, size_t an, unsigned other_tag,
		 const char *b, size_t bn)
{
	struct written left = {.n = 0};
	struct written right = {.n = 0};
	bool equal;

	put(&left, 3, tag, a, an, false);
	put(&right, 3, other_tag, b, bn, false);
	equal = name_equal(bytes_of(&left), bytes_of(&right));
	assert_int_equal(equal, name_equal(bytes_of(&right), bytes_of(&left)));
	return equal;
}

#define SAME(tag, a, other, b)                                                 \
	same(tag, a, sizeof(a) - 1, other, b, sizeof(b) - 1)

static void test_equal(void **state)
{
	(void)state;
	assert_true(SAME(DER_UTF8_STRING, "a b", DER_UTF8_STRING, "a b"));
	assert_true(
		SAME(DER_UTF8_STRING, "A  b ", DER_PRINTABLE_STRING, " a B"));
	assert_true(SAME(DER_BMP_STRING, "\0a\0\xE9", DER_UTF8_STRING,
			 "A\xC3\xA9"));
	assert_true(SAME(DER_TELETEX_STRING, "\xE9", DER_UNIVERSAL_STRING,
			 "\0\0\0\xE9"));
	assert_true(SAME(DER_UTF8_STRING, "", DER_PRINTABLE_STRING, " "));
	assert_false(SAME(DER_UTF8_STRING, "ab", DER_UTF8_STRING, "a b"));
	assert_false(SAME(DER_UTF8_STRING, "a", DER_UTF8_STRING, "ab"));
	assert_false(SAME(DER_UTF8_STRING, "a", DER_UTF8_STRING, "a\0"));
	assert_false(SAME(DER_UTF8_STRING, "a ", DER_UTF8_STRING, "a \0"));
	/* What is no text is equal to its like alone. */
	assert_true(SAME(DER_BIT_STRING, "\0a", DER_BIT_STRING, "\0a"));
	assert_false(SAME(DER_BIT_STRING, "\0a", DER_BIT_STRING, "\0A"));
	assert_false(SAME(DER_BIT_STRING, "a", DER_UTF8_STRING, "a"));
}

static void test_rdns(void **state)
{
	struct written one = {.n = 0}, two = {.n = 0}, other = {.n = 0};
	struct written both = {.n = 0}, turned = {.n = 0};

	(void)state;
	put(&one, 3, DER_UTF8_STRING, "a", 1, false);
	put(&two, 3, DER_UTF8_STRING, "a", 1, false);
	put(&two, 11, DER_UTF8_STRING, "b", 1, false);
	put(&other, 11, DER_UTF8_STRING, "a", 1, false);
	put(&both, 3, DER_UTF8_STRING, "a", 1, false);
	put(&both, 11, DER_UTF8_STRING, "b", 1, true);
	put(&turned, 11, DER_PRINTABLE_STRING, "B", 1, false);
	put(&turned, 3, DER_PRINTABLE_STRING, "A", 1, true);
	assert_false(name_equal(bytes_of(&one), bytes_of(&two)));
	assert_false(name_equal(bytes_of(&one), bytes_of(&other)));
	assert_false(name_equal(bytes_of(&two), bytes_of(&both)));
	assert_true(name_equal(bytes_of(&both), bytes_of(&turned)));
	assert_false(name_equal(bytes_of(&both), bytes_of(&one)));
	assert_false(name_equal(bytes_of(&one), bytes_of(&both)));
	assert_true(name_within(bytes_of(&two), bytes_of(&one), false));
	assert_false(name_within(bytes_of(&one), bytes_of(&two), false));
	assert_true(name_within(bytes_of(&one), bytes_make(NULL, 0), false));
	assert_false(name_within(bytes_make(NULL, 0), bytes_of(&one), false));
}

/* In doubt an excluded name is excluded. */
static void test_caution(void **state)
{
	struct written big = {.n = 0}, small = {.n = 0}, plain = {.n = 0};

	(void)state;
	put(&big, 3, DER_UTF8_STRING, "\xC3\x89", 2, false);
	put(&small, 3, DER_UTF8_STRING, "\xC3\xA9", 2, false);
	put(&plain, 3, DER_UTF8_STRING, "e", 1, false);
	assert_false(name_within(bytes_of(&big), bytes_of(&small), false));
	assert_true(name_within(bytes_of(&big), bytes_of(&small), true));
	assert_true(name_within(bytes_of(&plain), bytes_of(&plain), true));
	put(&small, 3, DER_UTF8_STRING, "x", 1, false);
	assert_false(name_within(bytes_of(&big), bytes_of(&small), true));
}

static bool valid(unsigned tag, const char *value, size_t n)
{
	struct written name = {.n = 0};

	put(&name, 3, tag, value, n, false);
	return name_valid(bytes_of(&name));
}

static void test_valid(void **state)
{
	struct written name = {.n = 0};

	(void)state;
	assert_true(name_valid(bytes_make(NULL, 0)));
	assert_true(valid(DER_UTF8_STRING, "\xF4\x8F\xBF\xBF", 4));
	assert_false(valid(DER_UTF8_STRING, "\xF4\x90\x80\x80", 4));
	assert_false(valid(DER_UTF8_STRING, "\xC0\x80", 2));
	assert_false(valid(DER_UTF8_STRING, "\xE0\x80\x80", 3));
	assert_false(valid(DER_UTF8_STRING, "\xED\xA0\x80", 3));
	assert_false(valid(DER_UTF8_STRING, "\xE2\x82", 2));
	assert_false(valid(DER_UTF8_STRING, "\x80", 1));
	assert_false(valid(DER_UTF8_STRING, "\xFF", 1));
	assert_false(valid(DER_BMP_STRING, "a", 1));
	assert_false(valid(DER_BMP_STRING, "\xD8\x00", 2));
	assert_false(valid(DER_UNIVERSAL_STRING, "\x00\x11\x00\x00", 4));
	assert_false(valid(DER_PRINTABLE_STRING, "\xE9", 1));
	for (size_t i = 0; i < NAME_MAX_ATTRIBUTES; i++)
		put(&name, 3, DER_UTF8_STRING, "a", 1, false);
	assert_true(name_valid(bytes_of(&name)));
	put(&name, 3, DER_UTF8_STRING, "a", 1, false);
	assert_false(name_valid(bytes_of(&name)));
	name.n = 0;
	for (size_t i = 0; i < NAME_MAX_IN_RDN; i++)
		put(&name, 3, DER_UTF8_STRING, "a", 1, i > 0);
	assert_true(name_valid(bytes_of(&name)));
	put(&name, 3, DER_UTF8_STRING, "a", 1, true);
	assert_false(name_valid(bytes_of(&name)));
	/* An empty RDN; one that is cut. */
	assert_false(name_valid(bytes_make((const uint8_t *)"\x31\x00", 2)));
	name.n = 0;
	put(&name, 3, DER_UTF8_STRING, "abc", 3, false);
	for (size_t n = 1; n < name.n; n++)
		assert_false(name_valid(bytes_make(name.bytes, n)));
}

static void test_text(void **state)
{
	char out[8];
	size_t n;

	(void)state;
	assert_true(name_text(DER_BMP_STRING,
			      bytes_make((const uint8_t *)"\x20\xAC\0a", 4),
			      out, sizeof(out), &n));
	assert_int_equal(n, 4);
	assert_memory_equal(out,
			    "\xE2\x82\xAC"
			    "a",
			    4);
	assert_true(name_text(DER_UTF8_STRING,
			      bytes_make((const uint8_t *)"12345678", 8), out,
			      8, &n));
	assert_false(name_text(DER_UTF8_STRING,
			       bytes_make((const uint8_t *)"12345678", 8), out,
			       7, &n));
	assert_false(name_text(DER_UTF8_STRING,
			       bytes_make((const uint8_t *)"a\nb", 3), out, 8,
			       &n));
	assert_false(name_text(DER_BIT_STRING,
			       bytes_make((const uint8_t *)"\0a", 2), out, 8,
			       &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),   cmocka_unit_test(test_rdns),
		cmocka_unit_test(test_caution), cmocka_unit_test(test_valid),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
