/* test_arena.c - the region allocator. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "grammar/arena.h"

static void test_alignment_and_zero(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t size = 0; size < 3000; size += 7) {
		unsigned char *p = arena_alloc(arena, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	arena_free(arena);
}

static void test_large_and_small(void **state)
{
	struct arena *arena = arena_new();
	char *small = arena_strndup(arena, "small", 5);
	char *large = arena_alloc(arena, 5u << 20);
	char *next = arena_strndup(arena, "next", 4);

	(void)state;
	large[0] = large[(5u << 20) - 1] = 'x';
	assert_string_equal(small, "small");
	assert_string_equal(next, "next");
	assert_true(arena_used(arena) >= (5u << 20));
	arena_free(arena);
	arena_free(NULL);
}

static void test_large_first(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	memset(arena_alloc(arena, 1u << 20), 1, 1u << 20);
	memset(arena_alloc(arena, 8), 2, 8);
	memset(arena_alloc(arena, 1u << 20), 3, 1u << 20);
	arena_free(arena);
}

static void test_grow_in_place(void **state)
{
	struct arena *arena = arena_new();
	uint32_t *array = arena_alloc_array(arena, 4, sizeof(*array));

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		array[i] = i;

	uint32_t *grown = arena_grow_array(arena, array, 4, 64, sizeof(*array));

	assert_ptr_equal(grown, array);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(grown[i], i < 4 ? i : 0);

	/* Something else is last now: the array has to move. */
	arena_alloc(arena, 1);
	uint32_t *moved =
		arena_grow_array(arena, grown, 64, 128, sizeof(*moved));

	assert_ptr_not_equal(moved, grown);
	for (uint32_t i = 0; i < 128; i++)
		assert_int_equal(moved[i], i < 4 ? i : 0);
	assert_non_null(arena_grow_array(arena, NULL, 0, 3, sizeof(*moved)));
	arena_free(arena);
}

static void test_text(void **state)
{
	struct arena *arena = arena_new();
	char *copy = arena_strndup(arena, "abc\0def", 7);

	(void)state;
	assert_memory_equal(copy, "abc\0def", 8);
	assert_string_equal(arena_strndup(arena, NULL, 0), "");
	assert_string_equal(arena_printf(arena, "%s-%d", "x", 42), "x-42");
	assert_string_equal(arena_printf(arena, "%s", ""), "");
	arena_free(arena);
}

static struct arena *kept;

static void free_kept(void)
{
	arena_free(kept);
}

/* What FUNCTION does to a process of its own: its exit status. */
static int status_of(void (*function)(struct arena *))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		close(STDERR_FILENO);
		kept = arena_new();
		atexit(free_kept);
		function(kept);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void overflow_product(struct arena *arena)
{
	arena_alloc_array(arena, SIZE_MAX / 2, 3);
}

static void overflow_size(struct arena *arena)
{
	arena_alloc(arena, SIZE_MAX - 3);
}

static void overflow_length(struct arena *arena)
{
	arena_strndup(arena, "", SIZE_MAX);
}

static void overflow_growth(struct arena *arena)
{
	arena_grow_array(arena, arena_alloc(arena, 8), 1, SIZE_MAX / 4, 8);
}

static void test_overflow_ends_the_program(void **state)
{
	(void)state;
	assert_int_equal(status_of(overflow_product), 3);
	assert_int_equal(status_of(overflow_size), 3);
	assert_int_equal(status_of(overflow_length), 3);
	assert_int_equal(status_of(overflow_growth), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alignment_and_zero),
		cmocka_unit_test(test_large_and_small),
		cmocka_unit_test(test_large_first),
		cmocka_unit_test(test_grow_in_place),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_overflow_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
