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

static void assert_answer(uint32_t length, const char *expected)
{
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(out, expected, length);
}

static void test_the_words(void **state)
{
	const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";
	uint32_t body;

	(void)state;
	assert_answer(respond_connect(out, 1, 407, "no", NULL, &body),
		      "HTTP/1.1 407 Request rejected by proxy\r\n"
		      "Content-Length: 3\r\n"
		      "Content-Type: text/plain\r\n"
		      "Connection: close\r\n"
		      "X-Smokescreen-Error: no\r\n"
		      "\r\n"
		      "no\n");
	assert_answer(respond_connect(out, 0, 429, "no", "ask us", &body),
		      "HTTP/1.0 429 Too Many Requests\r\n"
		      "Content-Length: 12\r\n"
		      "Content-Type: text/plain\r\n"
		      "Connection: close\r\n"
		      "Retry-After: 1\r\n"
		      "X-Smokescreen-Error: no  ask us \r\n"
		      "\r\n"
		      "no\n\nask us\n\n");
	assert_answer(
		respond_forward(out, 1, 502, "no", NULL, date, true, &body),
		"HTTP/1.1 502 Bad Gateway\r\n"
		"Content-Length: 3\r\n"
		"Content-Type: text/plain\r\n"
		"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"X-Smokescreen-Error: no\r\n"
		"\r\n"
		"no\n");
	assert_answer(
		respond_forward(out, 0, 503, "", NULL, date, false, &body),
		"HTTP/1.0 503 Service Unavailable\r\n"
		"Content-Length: 1\r\n"
		"Content-Type: text/plain\r\n"
		"Connection: close\r\n"
		"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"X-Smokescreen-Error: \r\n"
		"\r\n"
		"\n");
	assert_answer(respond_plain(out, 405, "no\tway", true, &body),
		      "HTTP/1.1 405 Method Not Allowed\r\n"
		      "Content-Length: 7\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n"
		      "Connection: close\r\n"
		      "Allow: OPTIONS\r\n"
		      "X-Smokescreen-Error: no way\r\n"
		      "X-Content-Type-Options: nosniff\r\n"
		      "\r\n"
		      "no way\n");
	assert_answer(respond_plain(out, 503, "no", false, &body),
		      "HTTP/1.1 503 Service Unavailable\r\n"
		      "Content-Length: 3\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n"
		      "Connection: close\r\n"
		      "Retry-After: 1\r\n"
		      "X-Content-Type-Options: nosniff\r\n"
		      "\r\n"
		      "no\n");
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

static void test_denials(void **state)
{
	static char why[RESPOND_MESSAGE_MAX + 100];
	char message[RESPOND_MESSAGE_MAX + 1];
	uint32_t length;

	(void)state;
	length = respond_denial(message, STR("a:1"), "so");
	assert_string_equal(message,
			    "Egress proxying is denied to host 'a:1': so.");
	assert_int_equal(length, strlen(message));
	length = respond_denial(message, STR("a:1"), NULL);
	assert_string_equal(message,
			    "Egress proxying is denied to host 'a:1'.");
	assert_int_equal(length, strlen(message));
	/* however long, it ends inside */
	message[RESPOND_MESSAGE_MAX] = '#';
	memset(why, 'w', sizeof(why) - 1);
	for (size_t n = sizeof(why) - 200; n < sizeof(why); n++) {
		length = respond_denial(message, STR("a:1"),
					why + sizeof(why) - 1 - n);
		assert_true(length < RESPOND_MESSAGE_MAX);
		assert_int_equal(length, strlen(message));
		assert_int_equal(message[RESPOND_MESSAGE_MAX], '#');
	}
	assert_int_equal(length, RESPOND_MESSAGE_MAX - 1);
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
		cmocka_unit_test(test_the_words),
		cmocka_unit_test(test_line_breaks_stay_out_of_headers),
		cmocka_unit_test(test_the_longest_answer_fits),
		cmocka_unit_test(test_denials),
		cmocka_unit_test(test_no_body),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
