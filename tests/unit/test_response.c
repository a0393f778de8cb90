/* test_response.c - the heads of origins' answers: what passes, what does not,
 * at the limits and one beyond, whole and byte by byte, with the input ending
 * at an unmapped page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grammar/response.h"
#include "page_end.h"
#include "runtime/policy/str.h"

static struct response response;

static void check(const char *text, size_t length, enum head_status want)
{
	struct page_end copy = page_end_copy(text, length);
	const char *bytes = (const char *)copy.bytes;
	struct head_progress whole = {0}, slow = {0};
	enum head_status status = HEAD_MORE;
	size_t n = 0;

	while (status == HEAD_MORE && n < length) {
		/* whatever lies behind the first N bytes is not looked at */
		struct page_end part = page_end_copy(text, ++n);

		status = response_scan(&slow, (const char *)part.bytes, n,
				       &response);
		page_end_free(&part);
	}
	if (status != want)
		fail_msg("'%.*s' bytewise: %d, want %d",
			 (int)(length < 200 ? length : 200), text, status,
			 want);
	status = response_scan(&whole, bytes, length, &response);
	page_end_free(&copy);
	if (status != want)
		fail_msg("'%.*s': %d, want %d",
			 (int)(length < 200 ? length : 200), text, status,
			 want);
	if (want != HEAD_DONE && want != HEAD_MORE)
		assert_non_null(response.head.error);
}

static void check_text(const char *text, enum head_status want)
{
	check(text, strlen(text), want);
}

static void test_an_answer(void **state)
{
	static const char text[] = "HTTP/1.1 200 All is well\r\n"
				   "Content-Length: 5\r\n"
				   "x-smokescreen-ERROR: no\r\n"
				   "Connection: close\r\n"
				   "\r\nhello";
	const struct head_field *field;

	(void)state;
	check(text, sizeof(text) - 1, HEAD_DONE);
	assert_int_equal(response.status, 200);
	assert_true(str_equal(
		str_make(text + response.reason.start, response.reason.length),
		STR("All is well")));
	assert_int_equal(response.head.length, sizeof(text) - 6);
	assert_int_equal(response.head.minor, 1);
	assert_true(response.head.has_length && response.head.close);
	assert_true(response.head.content_length == 5);
	field = head_field(&response.head, FIELD_ERROR);
	assert_non_null(field);
}

static void test_heads(void **state)
{
	static const struct {
		const char *text;
		enum head_status want;
	} rows[] = {
		{"", HEAD_MORE},
		{"HTTP/1.", HEAD_MORE},
		{"HTTP/1.1 200 OK\r\nA: b\r\n", HEAD_MORE},
		{"HTTP/1.0 404 Not Found\r\n\r\n", HEAD_DONE},
		{"HTTP/1.1 200 \r\n\r\n", HEAD_DONE},
		{"HTTP/1.1 200\r\n\r\n", HEAD_DONE},
		{"HTTP/1.1 999 \xff\t!\r\n\r\n", HEAD_DONE},
		{"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\n\r\n",
		 HEAD_DONE},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		 HEAD_DONE},
		{"x", HEAD_BAD},
		{"220 mail.test ESMTP\r\n", HEAD_BAD},
		{"\r\nHTTP/1.1 200 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/2.0 200 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 20 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 2000 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 020 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 -10 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1  200 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1\t200 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.10 200 OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200OK\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 a\x01z\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 a\rb\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\n\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nA: b\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\n: b\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		 "Content-Length: 1\r\n\r\n",
		 HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n", HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n",
		 HEAD_BAD},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		 HEAD_BAD},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		 HEAD_BAD_CODING},
		{"HTTP/1.1 200 OK\r\nConnection: a b\r\n\r\n", HEAD_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_text(rows[i].text, rows[i].want);
	check("HTTP/1.1 200 a\0b\r\n\r\n", 20, HEAD_BAD);
}

static void test_limits(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nA: ";
	const size_t fill = RESPONSE_MAX_HEAD - (sizeof(head) - 1) - 4;
	char *text = malloc(RESPONSE_MAX_HEAD + 2);
	struct head_progress progress = {0};
	struct page_end copy;

	(void)state;
	assert_non_null(text);
	memcpy(text, head, sizeof(head) - 1);
	memset(text + sizeof(head) - 1, 'a', fill + 1);
	memcpy(text + sizeof(head) - 1 + fill, "\r\n\r\n", 4);
	copy = page_end_copy(text, RESPONSE_MAX_HEAD);
	assert_int_equal(response_scan(&progress, (const char *)copy.bytes,
				       RESPONSE_MAX_HEAD, &response),
			 HEAD_DONE);
	page_end_free(&copy);
	memcpy(text + sizeof(head) - 1 + fill, "a\r\n\r\n", 5);
	copy = page_end_copy(text, RESPONSE_MAX_HEAD + 1);
	progress = (struct head_progress){0};
	assert_int_equal(response_scan(&progress, (const char *)copy.bytes,
				       RESPONSE_MAX_HEAD + 1, &response),
			 HEAD_TOO_LARGE);
	page_end_free(&copy);
	free(text);
}

static void test_field_count(void **state)
{
	char text[64 + (HEAD_MAX_FIELDS + 1) * 6] = "HTTP/1.1 200 OK\r\n";
	size_t at = strlen(text);

	(void)state;
	for (unsigned i = 0; i < HEAD_MAX_FIELDS; i++, at += 6)
		memcpy(text + at, "A: b\r\n", 6);
	memcpy(text + at, "\r\n", 2);
	check(text, at + 2, HEAD_DONE);
	memcpy(text + at, "A: b\r\n\r\n", 8);
	check(text, at + 8, HEAD_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_field_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
