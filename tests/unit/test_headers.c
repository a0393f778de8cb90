/* test_headers.c - heads on their way through, to the byte; and that the room
 * they may need is enough at its worst. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/proxy/headers.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static struct request request;
static struct response response;

/* The head that goes by WAY, whose host is the target's; at most its room is
 * written. */
static size_t to_origin(const char *text, struct headers_way way, char **out)
{
	struct head_progress progress = {0};
	struct request_url url;
	size_t room, length;

	assert_int_equal(request_scan(&progress, text, strlen(text), &request),
			 HEAD_DONE);
	assert_true(request_split_url(text + request.target.start,
				      request.target.length, &url));
	way.host = str_make(text + request.target.start + url.authority.start,
			    url.authority.length);
	room = headers_origin_max(&request, &way);
	*out = malloc(room + 1);
	assert_non_null(*out);
	length = headers_to_origin(*out, &request, text, &url, &way);
	assert_true(length <= room);
	(*out)[length] = '\0';
	return length;
}

static void check_way(const char *text, struct headers_way way,
		      const char *want)
{
	char *out;

	to_origin(text, way, &out);
	assert_string_equal(out, want);
	free(out);
}

static void check_origin(const char *text, bool upgrade, const char *want)
{
	check_way(text, (struct headers_way){.upgrade = upgrade}, want);
}

static void test_to_origins(void **state)
{
	(void)state;
	check_origin("GET http://u:p@a.test:80/b?c HTTP/1.1\r\n"
		     "Host: other\r\nA:b\r\n\r\n",
		     false,
		     "GET /b?c HTTP/1.1\r\nHost: a.test:80\r\nA: b\r\n\r\n");
	check_origin("GET http://a HTTP/1.0\r\nExpect: x\r\nTE: trailers\r\n"
		     "Connection: keep-alive\r\n\r\n",
		     false, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	check_origin("OPTIONS http://a HTTP/1.1\r\nHost: b\r\n\r\n", false,
		     "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
	check_origin("POST http://a?\xc3\xa4 HTTP/1.1\r\nHost: a\r\n"
		     "content-length: 007\r\n\r\n",
		     false,
		     "POST /?%C3%A4 HTTP/1.1\r\nHost: a\r\n"
		     "Content-Length: 7\r\n\r\n");
	check_origin("POST http://a/ HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n"
		     "Expect: 100-continue\r\nTransfer-Encoding: CHUNKED\r\n"
		     "TE: trailers\r\nUpgrade: websocket\r\n\r\n",
		     true,
		     "POST / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n"
		     "Expect: 100-continue\r\n"
		     "Transfer-Encoding: chunked\r\nTE: trailers\r\n"
		     "Upgrade: websocket\r\nConnection: TE, Upgrade\r\n\r\n");
	check_origin("GET http://a/ HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n"
		     "Proxy-Connection: a\r\nPROXY-authorization: b\r\n"
		     "Keep-Alive: c\r\nX-Smokescreen-Role: d\r\n"
		     "X-Smokescreen-Trace-ID: e\r\n"
		     "X-Upstream-Https-Proxy: https://u:p@proxy.test\r\n"
		     "Connection: X-A,close\r\nx-a: f\r\nx-ab: g\r\n"
		     "Upgrade: h2c\r\n\r\n",
		     false, "GET / HTTP/1.1\r\nHost: a\r\nx-ab: g\r\n\r\n");
}

/* What the policy sets takes the place of all that the client says of it,
 * whatever the case, be it named by Connection or not. */
static void test_set(void **state)
{
	const struct headers_set set[] = {
		{STR("Authorization"), STR("Bearer xyz")},
		{STR("X-Empty"), STR("")},
	};
	const struct headers_way way = {
		.set = set, .set_count = sizeof(set) / sizeof(set[0])};

	(void)state;
	check_way("POST http://a/ HTTP/1.1\r\nHost: a\r\nX: y\r\n"
		  "AUTHORIZATION: mine\r\nAuthorization: mine, too\r\n"
		  "Content-Length: 5\r\nTE: trailers\r\n"
		  "Connection: authorization, x-empty\r\nx-empty: z\r\n\r\n",
		  way,
		  "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n"
		  "Authorization: Bearer xyz\r\nX-Empty: \r\n"
		  "Content-Length: 5\r\nTE: trailers\r\n"
		  "Connection: TE\r\n\r\n");
	assert_true(headers_may_set(STR("Authorization")));
	assert_true(headers_may_set(STR("TEE")));
	assert_false(headers_may_set(STR("TE")));
	assert_false(headers_may_set(STR("connection")));
	assert_false(headers_may_set(STR("HOST")));
	assert_false(headers_may_set(STR("content-LENGTH")));
}

static void test_to_proxies(void **state)
{
	const struct headers_way way = {.absolute = true, .basic = STR("Yg==")};
	const struct headers_way nobody = {.absolute = true};

	(void)state;
	check_way("GET http://u:p@a.test:80/b?c HTTP/1.1\r\nHost: other\r\n"
		  "Proxy-Authorization: Basic Yw==\r\nA:b\r\n\r\n",
		  way,
		  "GET http://a.test:80/b?c HTTP/1.1\r\nHost: a.test:80\r\n"
		  "Proxy-Authorization: Basic Yg==\r\nA: b\r\n\r\n");
	check_way("GET http://[::1]?c HTTP/1.1\r\nHost: a\r\n\r\n", nobody,
		  "GET http://[::1]/?c HTTP/1.1\r\nHost: [::1]\r\n\r\n");
	check_way("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", nobody,
		  "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n");
	/* its answer shows what was asked */
	check_way("TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", way,
		  "TRACE http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
}

static size_t add(char *text, size_t at, const char *more)
{
	memcpy(text + at, more, strlen(more));
	return at + strlen(more);
}

/* Every byte of the target escaped, every field a byte longer, all that can be
 * added. */
static void test_the_most_room(void **state)
{
	char *text = malloc(REQUEST_MAX_HEAD + 1), *out;
	size_t at;

	(void)state;
	assert_non_null(text);
	at = add(text, 0, "P http://a/");
	memset(text + at, 0xff, REQUEST_MAX_TARGET - 9);
	at += REQUEST_MAX_TARGET - 9;
	at = add(text, at,
		 " HTTP/1.1\r\nHost:a\r\n"
		 "Content-Length:18446744073709551615\r\nTE:trailers\r\n"
		 "Connection:upgrade\r\nUpgrade:websocket\r\n");
	for (unsigned i = 5; i < HEAD_MAX_FIELDS; i++)
		at = add(text, at, "A:\r\n");
	at = add(text, at, "\r\n");
	text[at] = '\0';
	to_origin(text, (struct headers_way){.upgrade = true}, &out);
	free(out);
	to_origin(text,
		  (struct headers_way){.upgrade = true,
				       .absolute = true,
				       .basic = STR("dTpw")},
		  &out);
	free(out);
	free(text);
}

static void check_client(const char *text, const struct headers_answer *answer,
			 const char *want)
{
	struct head_progress progress = {0};
	size_t length;
	char *out;

	assert_int_equal(
		response_scan(&progress, text, strlen(text), &response),
		HEAD_DONE);
	out = malloc(response.head.length + HEADERS_CLIENT_MORE + 1);
	assert_non_null(out);
	length = headers_to_client(out, &response, text, answer);
	assert_true(length <= response.head.length + HEADERS_CLIENT_MORE);
	out[length] = '\0';
	if (want != NULL)
		assert_string_equal(out, want);
	free(out);
}

static void test_to_clients(void **state)
{
	const struct headers_answer length = {.minor = 1,
					      .kind = BODY_LENGTH,
					      .has_length = true,
					      .length = 5,
					      .date = DATE};
	const struct headers_answer chunked = {
		.minor = 1, .kind = BODY_CHUNKED, .close = true, .date = DATE};
	const struct headers_answer end = {
		.minor = 0, .kind = BODY_TO_END, .date = DATE};
	const struct headers_answer websocket = {.minor = 1, .websocket = true};

	(void)state;
	check_client("HTTP/1.0 200 Fine\r\nA:b\r\nDate: x\r\n"
		     "content-length: 05\r\n\r\n",
		     &length,
		     "HTTP/1.1 200 Fine\r\nA: b\r\nDate: x\r\n"
		     "Content-Length: 5\r\n\r\n");
	check_client("HTTP/1.1 404\r\nTransfer-Encoding: chunked\r\n"
		     "Trailer: X\r\nConnection: y\r\nY: z\r\n\r\n",
		     &chunked,
		     "HTTP/1.1 404 \r\nTrailer: X\r\nDate: " DATE "\r\n"
		     "Transfer-Encoding: chunked\r\n"
		     "Connection: close\r\n\r\n");
	check_client("HTTP/1.1 200 OK\r\nTrailer: X\r\nKeep-Alive: a\r\n"
		     "Proxy-Authenticate: b\r\nTE: c\r\nUpgrade: h2c\r\n"
		     "X-Smokescreen-Error: d\r\nHost: e\r\n\r\n",
		     &end,
		     "HTTP/1.0 200 OK\r\nHost: e\r\nDate: " DATE "\r\n\r\n");
	check_client("HTTP/1.1 101 Go\r\nUpgrade: WebSocket\r\n"
		     "Connection: upgrade\r\nX: y\r\n\r\n",
		     &websocket,
		     "HTTP/1.1 101 Go\r\nX: y\r\nUpgrade: websocket\r\n"
		     "Connection: Upgrade\r\n\r\n");
	check_client("HTTP/1.1 103 Hint\r\nLink: a\r\n\r\n", &length,
		     "HTTP/1.1 103 Hint\r\nLink: a\r\n"
		     "Content-Length: 5\r\n\r\n");
}

static void test_the_most_room_to_clients(void **state)
{
	const struct headers_answer answer = {.minor = 1,
					      .kind = BODY_LENGTH,
					      .has_length = true,
					      .length = UINT64_MAX,
					      .close = true,
					      .date = DATE};
	char text[64 + HEAD_MAX_FIELDS * 4] = "HTTP/1.1 200\r\n";
	size_t at = strlen(text);

	(void)state;
	for (unsigned i = 0; i < HEAD_MAX_FIELDS; i++, at += 4)
		memcpy(text + at, "A:\r\n", 4);
	memcpy(text + at, "\r\n", 3);
	check_client(text, &answer, NULL);
}

static void test_trailers(void **state)
{
	static const char text[] = "A:b\r\nX-Sum:  1 \r\nContent-Length: 3\r\n"
				   "Transfer-Encoding: chunked\r\nHost: h\r\n"
				   "Trailer: t\r\nConnection: c\r\n"
				   "X-Smokescreen-Error: e\r\n\r\n";
	char out[sizeof(text) + HEAD_MAX_FIELDS];
	struct head_progress progress = {0};
	struct head head;
	size_t length;

	(void)state;
	head_clear(&head);
	assert_int_equal(
		head_find_end(&progress, text, sizeof(text) - 1, 1000, &head),
		HEAD_DONE);
	assert_int_equal(head_scan_fields(text, 0, head.length, &head),
			 HEAD_DONE);
	length = headers_trailers(out, &head, text);
	assert_int_equal(length, strlen("A: b\r\nX-Sum: 1\r\n\r\n"));
	assert_memory_equal(out, "A: b\r\nX-Sum: 1\r\n\r\n", length);
	head_clear(&head);
	assert_int_equal(headers_trailers(out, &head, ""), 2);
}

static void test_dates(void **state)
{
	char out[HEADERS_DATE_MAX];

	(void)state;
	headers_date(784111777, out);
	assert_string_equal(out, DATE);
	headers_date(951782400, out);
	assert_string_equal(out, "Tue, 29 Feb 2000 00:00:00 GMT");
	headers_date(4102444799, out);
	assert_string_equal(out, "Thu, 31 Dec 2099 23:59:59 GMT");
}

static void test_a_date_is_kept_for_its_second(void **state)
{
	struct headers_date kept = {0};

	(void)state;
	assert_string_equal(headers_date_kept(&kept, 0),
			    "Thu, 01 Jan 1970 00:00:00 GMT");
	assert_string_equal(headers_date_kept(&kept, 784111777), DATE);
	assert_string_equal(headers_date_kept(&kept, 784111777), DATE);
	assert_string_equal(headers_date_kept(&kept, 784111778),
			    "Sun, 06 Nov 1994 08:49:38 GMT");
	/* the clock may be set back */
	assert_string_equal(headers_date_kept(&kept, 784111777), DATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_to_origins),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_to_proxies),
		cmocka_unit_test(test_the_most_room),
		cmocka_unit_test(test_to_clients),
		cmocka_unit_test(test_the_most_room_to_clients),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_a_date_is_kept_for_its_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
