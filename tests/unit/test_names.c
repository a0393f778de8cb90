/* test_names.c - the crit-bit tree against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "grammar/names.h"

static void test_few(void **state)
{
	struct arena *arena = arena_new();
	struct names names = {.root = NULL};
	int one = 1;
	int two = 2;

	(void)state;
	assert_null(names_find(&names, "a", 1));
	assert_null(names_find(&names, "", 0));
	*names_slot(&names, arena, "a", 1) = &one;
	assert_ptr_equal(names_find(&names, "a", 1), &one);
	assert_null(names_find(&names, "", 0));
	assert_null(names_find(&names, "ab", 2));
	*names_slot(&names, arena, "ab", 2) = &two;
	assert_ptr_equal(names_find(&names, "a", 1), &one);
	assert_ptr_equal(names_find(&names, "abc", 2), &two);
	*names_slot(&names, arena, "a", 1) = &two;
	assert_ptr_equal(names_find(&names, "a", 1), &two);
	*names_slot(&names, arena, "", 0) = &one;
	assert_ptr_equal(names_find(&names, "", 0), &one);
	arena_free(arena);
}

/* Short names of few letters: prefixes, repeats and near misses. */
static void test_against_list(void **state)
{
	enum { COUNT = 2000 };
	static char texts[COUNT][8];
	static uint32_t lengths[COUNT];
	struct arena *arena = arena_new();
	struct names names = {.root = NULL};
	uint32_t seed = 7;

	(void)state;
	for (uint32_t i = 0; i < COUNT; i++) {
		void *expected = NULL;

		seed = seed * 1664525 + 1013904223;
		lengths[i] = (seed >> 20) % 7;
		for (uint32_t j = 0; j < lengths[i]; j++) {
			seed = seed * 1664525 + 1013904223;
			texts[i][j] = "ab\x7f\xff"[(seed >> 24) % 4];
		}
		for (uint32_t j = 0; j < i; j++)
			if (lengths[j] == lengths[i] &&
			    memcmp(texts[j], texts[i], lengths[i]) == 0)
				expected = texts[j];
		assert_ptr_equal(names_find(&names, texts[i], lengths[i]),
				 expected);

		void **slot = names_slot(&names, arena, texts[i], lengths[i]);

		assert_ptr_equal(*slot, expected);
		*slot = texts[i];
	}
	arena_free(arena);
}

/* Each a prefix of the next: the deepest tree there is. */
static void test_prefixes(void **state)
{
	static char text[3000];
	struct arena *arena = arena_new();
	struct names names = {.root = NULL};

	(void)state;
	memset(text, 'x', sizeof(text));
	for (uint32_t i = 0; i < sizeof(text); i++)
		*names_slot(&names, arena, text, i) = &text[i];
	for (uint32_t i = 0; i < sizeof(text); i++)
		assert_ptr_equal(names_find(&names, text, i), &text[i]);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_against_list),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
