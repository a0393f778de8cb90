/* test_source.c - reading files, and offsets to lines and columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "grammar/source.h"

struct fixture {
	struct arena *arena;
	struct source source;
	char path[64];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	if (f == NULL)
		return -1;
	f->arena = arena_new();
	snprintf(f->path, sizeof(f->path), "/tmp/test-source-XXXXXX");
	fd = mkstemp(f->path);
	if (fd < 0)
		return -1;
	close(fd);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	arena_free(f->arena);
	free(f);
	return 0;
}

static void write_file(const struct fixture *f, const void *bytes, size_t size)
{
	FILE *file = fopen(f->path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void wrap(struct fixture *f, const char *text)
{
	source_from_bytes(&f->source, f->arena, "test", text,
			  (uint32_t)strlen(text));
}

static void expect_place(struct fixture *f, uint32_t offset, uint32_t line,
			 uint32_t column)
{
	struct place place = source_locate(&f->source, f->arena, offset);

	assert_int_equal(place.line, line);
	assert_int_equal(place.column, column);
}

static void expect_line(struct fixture *f, uint32_t offset, const char *text)
{
	uint32_t length;
	const unsigned char *line =
		source_line(&f->source, f->arena, offset, &length);

	assert_int_equal(length, strlen(text));
	assert_memory_equal(line, text, length);
}

static void test_places(void **state)
{
	struct fixture *f = *state;

	wrap(f, "ab\n\ncd\r\n\xc3\xa9\xe2\x82\xacx\n");
	expect_place(f, 0, 1, 1);
	expect_place(f, 2, 1, 3);
	expect_place(f, 3, 2, 1);
	expect_place(f, 4, 3, 1);
	expect_place(f, 6, 3, 3);
	expect_place(f, 8, 4, 1);
	expect_place(f, 10, 4, 2);
	expect_place(f, 13, 4, 3);
	expect_place(f, 14, 4, 4);
	expect_place(f, 15, 5, 1);
	expect_line(f, 0, "ab");
	expect_line(f, 3, "");
	expect_line(f, 5, "cd");
	expect_line(f, 13, "\xc3\xa9\xe2\x82\xacx");
	expect_line(f, 15, "");
}

static void test_empty(void **state)
{
	struct fixture *f = *state;

	wrap(f, "");
	expect_place(f, 0, 1, 1);
	expect_line(f, 0, "");
	assert_int_equal(f->source.bytes[0], '\n');
	assert_int_equal(f->source.bytes[1], '\0');
}

static void test_byte_order_mark(void **state)
{
	struct fixture *f = *state;

	wrap(f, "\xef\xbb\xbf"
		"ab");
	expect_place(f, 0, 1, 1);
	expect_place(f, 3, 1, 1);
	expect_place(f, 4, 1, 2);
}

static void test_no_final_newline(void **state)
{
	struct fixture *f = *state;

	wrap(f, "a\nbc");
	expect_place(f, 4, 2, 3);
	expect_line(f, 4, "bc");
}

/* A column costs the same wherever it is: so many of them on one line of
 * megabytes would take minutes otherwise. */
static void test_long_line(void **state)
{
	struct fixture *f = *state;
	uint32_t length = 4u << 20;
	char *text = malloc(length);

	assert_non_null(text);
	memset(text, 'x', length);
	source_from_bytes(&f->source, f->arena, "long", text, length);
	free(text);
	for (uint32_t i = 0; i < 50000; i++) {
		uint32_t offset =
			(uint32_t)(((uint64_t)i * 2654435761u) % (length + 1));

		expect_place(f, offset, 1, offset + 1);
	}
}

static void test_load(void **state)
{
	struct fixture *f = *state;
	const char *why = NULL;

	write_file(f, "a: b\n", 5);
	assert_true(source_load(&f->source, f->arena, f->path, &why));
	assert_int_equal(f->source.length, 5);
	assert_memory_equal(f->source.bytes, "a: b\n\n\0", 7);
	assert_string_equal(f->source.name, f->path);
}

static void test_load_nothing(void **state)
{
	struct fixture *f = *state;
	const char *why = NULL;

	assert_true(source_load(&f->source, f->arena, f->path, &why));
	assert_int_equal(f->source.length, 0);
}

/* Standard input has no size: the buffer grows. */
static void test_load_stdin(void **state)
{
	struct fixture *f = *state;
	const char *why = NULL;
	size_t size = 300000;
	char *text = malloc(size);

	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)('a' + i % 26);
	write_file(f, text, size);
	assert_non_null(freopen(f->path, "rb", stdin));
	assert_true(source_load(&f->source, f->arena, "-", &why));
	assert_int_equal(f->source.length, size);
	assert_memory_equal(f->source.bytes, text, size);
	assert_string_equal(f->source.name, "<stdin>");
	free(text);
}

static void test_load_failures(void **state)
{
	struct fixture *f = *state;
	const char *why = NULL;

	assert_false(
		source_load(&f->source, f->arena, "/nowhere/at/all", &why));
	assert_string_equal(why, "No such file or directory");
	assert_false(source_load(&f->source, f->arena, "/", &why));
	assert_string_equal(why, "Is a directory");
	assert_null(f->source.bytes);
}

static void test_load_limit(void **state)
{
	struct fixture *f = *state;
	const char *why = NULL;

	assert_int_equal(truncate(f->path, (off_t)SOURCE_MAX_BYTES + 1), 0);
	assert_false(source_load(&f->source, f->arena, f->path, &why));
	assert_string_equal(why, "larger than the limit of 256 MiB");
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_places),          TEST(test_empty),
		TEST(test_byte_order_mark), TEST(test_no_final_newline),
		TEST(test_long_line),       TEST(test_load),
		TEST(test_load_nothing),    TEST(test_load_stdin),
		TEST(test_load_failures),   TEST(test_load_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
