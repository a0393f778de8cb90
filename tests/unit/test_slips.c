/* test_slips.c - labels one slip apart, against the definition: restricted edit
 * distance 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/slips.h"

#define MAX_LENGTH 63
#define PREFIX 2

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(struct str a, struct str b)
{
	static size_t d[MAX_LENGTH + 2][MAX_LENGTH + 2];

	for (size_t i = 0; i <= a.n; i++)
		for (size_t k = 0; k <= b.n; k++) {
			if (i == 0 || k == 0) {
				d[i][k] = i + k;
				continue;
			}
			d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1,
					d[i - 1][k - 1] +
						(a.p[i - 1] != b.p[k - 1]));
			if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] &&
			    a.p[i - 2] == b.p[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	return d[a.n][b.n];
}

/* As lint_typo.c does: near the start, then behind a common prefix. */
static bool found(struct slips *slips, const struct str labels[2])
{
	struct slip_search search = {0, 2, 0, PREFIX + 1};
	bool same = memcmp(labels[0].p, labels[1].p, PREFIX) == 0;

	slips_find(slips, labels, &search);
	if (slips->pair_count > 0)
		return true;
	search = (struct slip_search){0, 2, PREFIX, MAX_LENGTH};
	if (same)
		slips_find(slips, labels, &search);
	return slips->pair_count > 0;
}

static size_t random_label(char *out, size_t n, uint32_t letters)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (char)('a' + random_below(letters));
	return n;
}

/* One random edit of N bytes at P, which has room. */
static size_t edit(char *p, size_t n)
{
	size_t at = random_below((uint32_t)n - 1);
	char swap = p[at];

	switch (random_below(4)) {
	case 0:
		memmove(p + at + 1, p + at, n - at);
		p[at] = (char)('a' + random_below(4));
		return n + 1;
	case 1:
		memmove(p + at, p + at + 1, n - at - 1);
		return n - 1;
	case 2:
		p[at] = p[at + 1];
		p[at + 1] = swap;
		return n;
	default:
		p[at] = (char)('a' + random_below(4));
		return n;
	}
}

static void test_random_pairs(void **state)
{
	struct slips slips;
	unsigned slipped = 0;

	(void)state;
	slips_init(&slips);
	for (int round = 0; round < 200000; round++) {
		char a[MAX_LENGTH + 8];
		char b[MAX_LENGTH + 8];
		size_t n = random_label(a, 6 + random_below(round % 2 ? 4 : 50),
					1 + random_below(4));
		size_t m = n;
		uint32_t edits = random_below(4);

		memcpy(b, a, n);
		while (edits-- > 0)
			m = edit(b, m);

		struct str labels[2] = {str_make(a, n), str_make(b, m)};

		if (str_equal(labels[0], labels[1]) || m < 4)
			continue;

		bool slip = distance(labels[0], labels[1]) == 1;

		slipped += slip;
		if (found(&slips, labels) != slip)
			fail_msg("%.*s %.*s: one slip apart: %d",
				 STR_ARG(labels[0]), STR_ARG(labels[1]), slip);
	}
	assert_true(slipped > 10000);
	slips_fini(&slips);
}

/* Pairs among many are those that the definition finds. */
static void test_among_many(void **state)
{
	enum { COUNT = 3000, LENGTH = 9 };
	static char texts[COUNT][LENGTH];
	static struct str labels[COUNT];
	struct slips slips;
	struct slip_search search = {0, COUNT, 0, MAX_LENGTH};
	uint32_t wanted = 0;

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		labels[i] =
			str_make(texts[i], random_label(texts[i], LENGTH, 26));
	for (size_t i = 0; i < 20; i++) {
		memcpy(texts[i], texts[COUNT - 1 - i], LENGTH);
		texts[i][i % LENGTH] = '-';
		wanted++;
	}
	slips_init(&slips);
	slips_find(&slips, labels, &search);
	assert_true(slips.pair_count >= wanted);
	for (uint32_t i = 0; i < slips.pair_count; i++)
		assert_int_equal(distance(labels[slips.pairs[i].a],
					  labels[slips.pairs[i].b]),
				 1);
	slips_fini(&slips);
}

static void check_pair(const char *a, const char *b, bool slip)
{
	struct slips slips;
	struct str labels[2] = {str_from(a), str_from(b)};

	slips_init(&slips);
	if (found(&slips, labels) != slip)
		fail_msg("%s %s: a slip: %d", a, b, slip);
	slips_fini(&slips);
}

static void test_what_counts_is_no_slip(void **state)
{
	(void)state;
	check_pair("cdnhost1", "cdnhost2", false);
	check_pair("cdnhost12", "cdnhost21", false);
	check_pair("cdnhost1", "cdnhost12", false);
	check_pair("cdnhost", "cdnhost1", false);
	check_pair("host-a", "host-b", false);
	check_pair("a-host", "b-host", false);
	check_pair("host-a-x", "host-b-x", false);
	check_pair("paypal", "paypa1", true);
	check_pair("host-ab", "host-cb", true);
	check_pair("my-host", "myhost", true);
	check_pair("hosta", "hostb", true);
}

static void test_family(void **state)
{
	static const char *const texts[] = {"familya", "familyb", "familyc",
					    "familyd", "another", "anothre"};
	struct str labels[6];
	struct slips slips;
	struct slip_search search = {0, 6, 0, MAX_LENGTH};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		labels[i] = str_from(texts[i]);
	slips_init(&slips);
	slips_find(&slips, labels, &search);
	assert_true(slips.pair_count > 0);
	for (uint32_t i = 0; i < slips.pair_count; i++)
		assert_true(slips.pairs[i].a == 4 && slips.pairs[i].b == 5);
	slips_fini(&slips);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pairs),
		cmocka_unit_test(test_among_many),
		cmocka_unit_test(test_what_counts_is_no_slip),
		cmocka_unit_test(test_family),
	};

	return cmocka_run_group_tests_name("slips", tests, NULL, NULL);
}
