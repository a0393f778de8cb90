/* test_body.c - bodies undone and framed anew, whole and in pieces; trailers at
 * their limit and one beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/proxy/body.h"

#define ROOM 20000

static struct head trailers;

/* Take TEXT in steps of STEP bytes, what was not used coming again with more
 * behind it.  The data goes to OUT. */
static enum body_status take(struct body *body, const char *text, size_t length,
			     size_t step, char *out, size_t *data, size_t *used)
{
	enum body_status status = BODY_MORE;
	size_t end = 0;

	*data = *used = 0;
	while (status == BODY_MORE && end < length) {
		struct body_piece piece;
		char *bytes;

		end = length - end < step ? length : end + step;
		bytes = malloc(end - *used + 1);
		assert_non_null(bytes);
		memcpy(bytes, text + *used, end - *used);
		status = body_take(body, bytes, end - *used, &piece, &trailers);
		assert_true(piece.used <= end - *used);
		memcpy(out + *data, bytes + piece.start, piece.length);
		*data += piece.length;
		*used += piece.used;
		free(bytes);
	}
	return status;
}

static void check(enum body_kind kind, uint64_t length, const char *text,
		  enum body_status want, const char *data, size_t used)
{
	static const size_t steps[] = {1, 2, 5, 1000000};
	static char out[ROOM];
	size_t got, taken;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct body body;
		enum body_status status;

		body_init(&body, kind, length);
		status = take(&body, text, strlen(text), steps[i], out, &got,
			      &taken);
		if (status != want)
			fail_msg("'%.60s' by %zu: %d, want %d", text, steps[i],
				 status, want);
		if (want == BODY_BROKEN)
			continue;
		assert_int_equal(got, strlen(data));
		assert_memory_equal(out, data, got);
		assert_int_equal(taken, used);
		assert_int_equal(body.taken, got);
	}
}

static void test_kinds(void **state)
{
	(void)state;
	check(BODY_NONE, 0, "GET ", BODY_ENDED, "", 0);
	check(BODY_LENGTH, 5, "hel", BODY_MORE, "hel", 3);
	check(BODY_LENGTH, 5, "helloGET ", BODY_ENDED, "hello", 5);
	check(BODY_TO_END, 0, "hello", BODY_MORE, "hello", 5);
	check(BODY_CHUNKED, 0, "5\r\nhello\r\n", BODY_MORE, "hello", 10);
	check(BODY_CHUNKED, 0, "5\r\nhello\r\n0\r\n\r\nGET ", BODY_ENDED,
	      "hello", 15);
	check(BODY_CHUNKED, 0, "0\r\nA: b\r\nC:d\r\n\r\nGET ", BODY_ENDED, "",
	      16);
	/* an unfinished trailer section comes again */
	check(BODY_CHUNKED, 0, "0\r\nA: b\r\nC", BODY_MORE, "", 3);
	check(BODY_CHUNKED, 0, "0\r\n\n", BODY_BROKEN, "", 0);
	check(BODY_CHUNKED, 0, "0\r\nA: b\n\r\n", BODY_BROKEN, "", 0);
	check(BODY_CHUNKED, 0, "0\r\nA : b\r\n\r\n", BODY_BROKEN, "", 0);
	check(BODY_CHUNKED, 0, "0\r\n a\r\n\r\n", BODY_BROKEN, "", 0);
	check(BODY_CHUNKED, 0, "0\r\nA: b\r\n c\r\n\r\n", BODY_BROKEN, "", 0);
	check(BODY_CHUNKED, 0, "x", BODY_BROKEN, "", 0);
}

static void test_fields_of_trailers(void **state)
{
	char text[] = "1\r\nx\r\n0\r\nA: b\r\nX-Sum:\t1\r\n\r\nGET ";
	const struct head_field *field = &trailers.fields[1];
	struct body_piece piece;
	struct body body;
	const char *base;

	(void)state;
	body_init(&body, BODY_CHUNKED, 0);
	assert_int_equal(
		body_take(&body, text, strlen(text), &piece, &trailers),
		BODY_ENDED);
	assert_int_equal(trailers.field_count, 2);
	base = text + piece.trailers;
	assert_memory_equal(base + field->name.start, "X-Sum", 5);
	assert_memory_equal(base + field->value.start, "1\r", 2);
}

static void test_limits_of_trailers(void **state)
{
	char text[BODY_MAX_TRAILERS + 16] = "0\r\nA: ";
	const size_t end = 3 + BODY_MAX_TRAILERS;

	(void)state;
	memset(text + 6, 'a', sizeof(text) - 6);
	memcpy(text + end - 4, "\r\n\r\n", 5);
	check(BODY_CHUNKED, 0, text, BODY_ENDED, "", end);
	text[end - 4] = 'a';
	memcpy(text + end - 3, "\r\n\r\n", 5);
	check(BODY_CHUNKED, 0, text, BODY_BROKEN, "", 0);
}

static void test_ends(void **state)
{
	static const struct {
		enum body_kind kind;
		bool may;
	} rows[] = {{BODY_NONE, true},
		    {BODY_LENGTH, false},
		    {BODY_CHUNKED, false},
		    {BODY_TO_END, true}};
	struct body body;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		body_init(&body, rows[i].kind, 5);
		assert_int_equal(body_may_end(&body), rows[i].may);
	}
}

static void test_frames(void **state)
{
	static const size_t sizes[] = {1, 15, 16, 255, 256, 4096};
	char room[BODY_FRONT + 4096 + BODY_BACK], want[16];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int last = 0; last < 2; last++) {
			size_t length, n;
			char *p;

			memset(room, 'x', sizeof(room));
			p = body_frame(room + BODY_FRONT, sizes[i], last != 0,
				       &length);
			n = (size_t)snprintf(want, sizeof(want), "%zx\r\n",
					     sizes[i]);
			assert_memory_equal(p, want, n);
			assert_ptr_equal(p + n, room + BODY_FRONT);
			assert_memory_equal(p + n + sizes[i], "\r\n0\r\n",
					    last != 0 ? 5 : 2);
			assert_int_equal(length,
					 n + sizes[i] + (last != 0 ? 5 : 2));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_fields_of_trailers),
		cmocka_unit_test(test_limits_of_trailers),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
