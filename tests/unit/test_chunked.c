/* test_chunked.c - the chunked coding undone: whole and byte by byte, at the
 * limits and one beyond, with the input ending at an unmapped page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grammar/chunked.h"
#include "page_end.h"

/* Decode in steps of STEP bytes; the data goes to OUT, how many bytes were
 * taken to *USED. */
static enum chunked_status decode(const char *text, size_t length, size_t step,
				  char *out, size_t *data, size_t *used)
{
	enum chunked_status status = CHUNKED_MORE;
	struct chunked chunked = {0};

	*data = *used = 0;
	while (status == CHUNKED_MORE && *used < length) {
		size_t n = length - *used < step ? length - *used : step;
		struct page_end copy = page_end_copy(text + *used, n);
		char *bytes = (char *)copy.map + (copy.bytes - copy.map);
		struct chunked_piece piece;

		status = chunked_decode(&chunked, bytes, n, &piece);
		assert_true(piece.used <= n &&
			    piece.start + piece.length <= piece.used);
		/* what was not taken is as it was */
		if (status != CHUNKED_BAD)
			assert_memory_equal(bytes + piece.used,
					    text + *used + piece.used,
					    n - piece.used);
		memcpy(out + *data, bytes + piece.start, piece.length);
		*data += piece.length;
		*used += piece.used;
		page_end_free(&copy);
	}
	return status;
}

static void check(const char *text, size_t length, enum chunked_status want,
		  const char *body)
{
	static const size_t steps[] = {1, 2, 3, 7, SIZE_MAX};
	char *out = malloc(length + 1);
	size_t data, used;

	assert_non_null(out);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		enum chunked_status status =
			decode(text, length, steps[i], out, &data, &used);

		if (status != want)
			fail_msg("'%.100s' by %zu: %d, want %d", text, steps[i],
				 status, want);
		if (body == NULL)
			continue;
		out[data] = '\0';
		if (data != strlen(body) || memcmp(out, body, data) != 0)
			fail_msg("'%.100s' by %zu: data '%s'", text, steps[i],
				 out);
	}
	free(out);
}

static void test_bodies(void **state)
{
	static const struct {
		const char *text, *body;
		enum chunked_status want;
	} rows[] = {
		{"0\r\n\r\n", "", CHUNKED_LAST},
		{"00000\r\n\r\n", "", CHUNKED_LAST},
		{"5\r\nhello\r\n0\r\n\r\n", "hello", CHUNKED_LAST},
		{"5\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n",
		 "hello world", CHUNKED_LAST},
		{"A\r\n0123456789\r\n0\r\n", "0123456789", CHUNKED_LAST},
		{"0000000a\r\n0123456789\r\n0\r\n", "0123456789", CHUNKED_LAST},
		{"2\r\n\r\n\r\n0\r\n", "\r\n", CHUNKED_LAST},
		{"1;a\r\nx\r\n0;b=c;d=\"e\\\";\";f\r\n\r\n", "x", CHUNKED_LAST},
		{"1 ;\ta\r\nx\r\n0; b\t= c ;d=\t\"e\" \t;f\r\n\r\n", "x",
		 CHUNKED_LAST},
		{"5\r\nhe", "he", CHUNKED_MORE},
		{"5\r\nhello", "hello", CHUNKED_MORE},
		{"5\r\nhello\r", "hello", CHUNKED_MORE},
		{"5", "", CHUNKED_MORE},
		{"ffffffffffffffff\r\nx", "x", CHUNKED_MORE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(rows[i].text, strlen(rows[i].text), rows[i].want,
		      rows[i].body);
}

static void test_what_is_none(void **state)
{
	static const char *const rows[] = {
		"\r\n",
		"\n",
		" 5\r\nhello\r\n",
		"5 \r\nhello\r\n",
		"5\t\r\nhello\r\n",
		"+5\r\nhello\r\n",
		"-5\r\nhello\r\n",
		"0x5\r\nhello\r\n",
		"5g\r\nhello\r\n",
		"g\r\n",
		"5\nhello\r\n",
		"5\r\rhello\r\n",
		"5\r\nhello\n",
		"5\r\nhello\rX",
		"5\r\nhelloX\r\n",
		"5\r\nhello0\r\n\r\n",
		"5\r\nhello\r\n\r\n",
		"5\r\nhello\r\n\n",
		"5;\r\nhello\r\n",
		"5; \r\nhello\r\n",
		"5 a\r\nhello\r\n",
		"5 5\r\nhello\r\n",
		"5;a \r\nhello\r\n",
		"5;a b\r\nhello\r\n",
		"5;a=b \r\nhello\r\n",
		"5;a=\"b\" \r\nhello\r\n",
		"5 \n;a\r\nhello\r\n",
		"5;a=\r\nhello\r\n",
		"5;a=b c\r\nhello\r\n",
		"5;a=\"b\r\n\"\r\nhello\r\n",
		"5;a=\"b\"c\r\nhello\r\n",
		"5;a=\"\\\x01\"\r\nhello\r\n",
		"5;a\nb\r\nhello\r\n",
		"5;=a\r\nhello\r\n",
		"5;a\x01\r\nhello\r\n",
		"0\n\n",
		"0;\n\r\n",
		"10000000000000000\r\nx",
		"00000000000000005\r\nhello\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(rows[i], strlen(rows[i]), CHUNKED_BAD, NULL);
	check("\0", 1, CHUNKED_BAD, NULL);
	check("5;a\0\r\n", 6, CHUNKED_BAD, NULL);
}

static void test_limits(void **state)
{
	char text[CHUNKED_MAX_EXTENSION + 16];

	(void)state;
	check("0000000000000001\r\nx\r\n0\r\n", 24, CHUNKED_LAST, "x");
	/* ";" and names */
	memset(text, 'a', sizeof(text));
	memcpy(text, "0;", 2);
	memcpy(text + 1 + CHUNKED_MAX_EXTENSION, "\r\n", 2);
	check(text, 3 + CHUNKED_MAX_EXTENSION, CHUNKED_LAST, "");
	memcpy(text + 1 + CHUNKED_MAX_EXTENSION, "a\r\n", 3);
	check(text, 4 + CHUNKED_MAX_EXTENSION, CHUNKED_BAD, NULL);
}

/* The extension of each chunk has the whole of what is allowed. */
static void test_extensions_do_not_add_up(void **state)
{
	char text[3 * 256];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "1;%0200d",
				      0);
		memcpy(text + n, "\r\nx\r\n", 5);
		n += 5;
	}
	check(text, n, CHUNKED_MORE, "xxx");
}

static void test_data_is_moved_together(void **state)
{
	char text[] = "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET ";
	struct chunked chunked = {0};
	struct chunked_piece piece;

	(void)state;
	assert_int_equal(chunked_decode(&chunked, text, strlen(text), &piece),
			 CHUNKED_LAST);
	/* the first chunk's data stays where it is */
	assert_int_equal(piece.start, 3);
	assert_int_equal(piece.length, 5);
	assert_memory_equal(text + 3, "abcde", 5);
	assert_string_equal(text + piece.used, "\r\nGET ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_extensions_do_not_add_up),
		cmocka_unit_test(test_data_is_moved_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
