/* test_respond.c - our own answers: their length is what they say, and nothing
 * that a client or a setting contains can end a header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/proxy/respond.h"
#include "runtime/settings.h"

static char out[RESPOND_MAX];

/* The head ends where its first empty line is, and the body is BODY long. */
static void check(uint32_t length, uint32_t body)
{
	const char *end = memmem(out, length, "\r\n\r\n", 4);

	assert_non_null(end);
	assert_int_equal(out + length - (end + 4), body);
	for (const char *p = out; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\r')
			assert_int_equal(p[1], '\n');
		else if (c == '\n')
			assert_int_equal(p[-1], '\r');
		else
			assert_true(c >= 0x20 && c != 0x7f);
	}
}

static void test_line_breaks_stay_out_of_headers(void **state)
{
	uint32_t body;
	uint32_t length = respond_connect(out, 1, 407, "a\r\nX: y",
					  "b\nc\r\n\r\n", &body);

	(void)state;
	check(length, body);
	assert_non_null(strstr(out, "X-Smokescreen-Error: a  X: y  b c"));
	assert_non_null(strstr(out, "\r\n\r\na\r\nX: y\n\nb\nc\r\n\r\n\n\n"));
}

static void test_the_longest_answer_fits(void **state)
{
	static char message[RESPOND_MESSAGE_MAX + 100];
	static char extra[RESPOND_EXTRA_MAX + 100];
	uint32_t body, length;

	(void)state;
	assert_int_equal(RESPOND_EXTRA_MAX, SETTINGS_EXTRA_MAX);
	memset(message, 'm', sizeof(message) - 1);
	memset(extra, 'e', sizeof(extra) - 1);
	length = respond_connect(out, 1, 407, message, extra, &body);
	check(length, body);
	assert_int_equal(body, RESPOND_MESSAGE_MAX + RESPOND_EXTRA_MAX + 4);
	length = respond_connect(out, 0, 504, message, NULL, &body);
	check(length, body);
	assert_int_equal(body, RESPOND_MESSAGE_MAX + 1);
	length = respond_plain(out, 400, message, true, &body);
	check(length, body);
}

static void test_no_body(void **state)
{
	uint32_t body, length = respond_plain(out, 200, "", false, &body);

	(void)state;
	check(length, 0);
	assert_int_equal(body, 0);
	assert_null(strstr(out, "X-Smokescreen-Error"));
}

static void test_printable(void **state)
{
	char text[16];

	(void)state;
	assert_string_equal(respond_printable(STR("a~ b"), text, 16), "a~ b");
	assert_string_equal(respond_printable(STR("\r\n"), text, 16),
			    "\\x0d\\x0a");
	assert_string_equal(respond_printable(STR("\xff\x7f"), text, 16),
			    "\\xff\\x7f");
	assert_string_equal(respond_printable(STR(""), text, 16), "");
	/* whatever the size, it ends inside */
	for (size_t size = 8; size <= sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		respond_printable(STR("abcdefghijklmnopqrstuvw\n"), text, size);
		assert_true(strlen(text) < size);
		assert_non_null(strstr(text, "..."));
		respond_printable(STR("\n\n\n\n\n\n\n\n\n"), text, size);
		assert_true(strlen(text) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_breaks_stay_out_of_headers),
		cmocka_unit_test(test_the_longest_answer_fits),
		cmocka_unit_test(test_no_body),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
