/* test_request.c - request heads and targets: what passes, what does not and
 * why, at the limits and one beyond, whole and byte by byte, with the input
 * ending at an unmapped page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "grammar/request.h"
#include "runtime/policy/str.h"

#define ROOM (REQUEST_MAX_HEAD + 8192)

/* ROOM bytes before a page that must not be read. */
static char *guard;

static int map_guard(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, ROOM + page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (p == MAP_FAILED || mprotect(p + ROOM, page, PROT_NONE) != 0)
		return -1;
	guard = p + ROOM;
	return 0;
}

static const char *at_guard(const char *bytes, size_t length)
{
	assert_true(length <= ROOM);
	memcpy(guard - length, bytes, length);
	return guard - length;
}

static enum head_status scan_once(const char *bytes, size_t length,
				  struct request *out)
{
	struct head_progress progress = {0};

	return request_scan(&progress, at_guard(bytes, length), length, out);
}

/* Byte by byte; the answer must be that of the whole, and must not come back
 * from an error. */
static enum head_status scan_bytewise(const char *bytes, size_t length,
				      struct request *out)
{
	struct head_progress progress = {0};
	enum head_status status = HEAD_MORE;

	for (size_t n = 0; n <= length && status == HEAD_MORE; n++)
		status = request_scan(&progress, at_guard(bytes, n), n, out);
	return status;
}

static struct request request;

static void check(const char *text, size_t length, enum head_status want)
{
	struct request twice;
	enum head_status once = scan_once(text, length, &request);
	enum head_status slow = scan_bytewise(text, length, &twice);

	if (once != want || slow != want)
		fail_msg("'%.*s': whole %d, bytewise %d, want %d",
			 (int)(length < 200 ? length : 200), text, once, slow,
			 want);
	if (want == HEAD_DONE) {
		assert_int_equal(request.head.length, twice.head.length);
		assert_int_equal(request.head.field_count,
				 twice.head.field_count);
	} else if (want != HEAD_MORE) {
		assert_non_null(request.head.error);
	}
}

static void check_text(const char *text, enum head_status want)
{
	check(text, strlen(text), want);
}

static struct str span(const char *base, struct head_span s)
{
	return str_make(base + s.start, s.length);
}

static void test_a_connect(void **state)
{
	static const char text[] = "CONNECT a.test:443 HTTP/1.1\r\n"
				   "Host: a.test:443\r\n"
				   "X-SMOKESCREEN-trace-ID: \t id 1 \t\r\n"
				   "Empty:\r\n"
				   "Blank:  \t\r\n"
				   "\r\nearly";
	const struct head_field *field;

	(void)state;
	check(text, sizeof(text) - 1, HEAD_DONE);
	assert_int_equal(request.head.length, sizeof(text) - 6);
	assert_true(request.is_connect);
	assert_int_equal(request.head.minor, 1);
	assert_true(str_equal(span(text, request.method), STR("CONNECT")));
	assert_true(str_equal(span(text, request.target), STR("a.test:443")));
	assert_int_equal(request.head.field_count, 4);
	field = head_field(&request.head, FIELD_TRACE_ID);
	assert_non_null(field);
	assert_true(str_equal(span(text, field->value), STR("id 1")));
	assert_int_equal(request.head.fields[2].value.length, 0);
	assert_int_equal(request.head.fields[3].value.length, 0);
	assert_null(head_field(&request.head, FIELD_ROLE));
	assert_false(request.head.has_length);
}

static void test_heads_that_pass(void **state)
{
	static const char *const texts[] = {
		"CONNECT a:1 HTTP/1.0\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\n\r\n",
		"\r\nCONNECT a:1 HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET /\xff HTTP/1.1\r\nhOsT: [::1]:80\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:a\r\nConnection: ,, close\t,x\r\n\r\n",
		"CONNECT a:1:2 HTTP/1.1\r\nHost: a:1:2\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [fe80::1%25lo]:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: [v1.a:b]\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a_b%c3%a4,c:\t\r\n\r\n",
		"connect a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
		"P!#$%&'*+-.^_`|~9 / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 010\r\n\r\n",
		("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		 "CHUNKED\t\r\n\r\n"),
		"CONNECT a:1 HTTP/1.9\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\nA: b\t \tc\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_text(texts[i], HEAD_DONE);
	check_text("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
		   "18446744073709551615\r\n\r\n",
		   HEAD_DONE);
	assert_true(request.head.has_length);
	assert_true(request.head.content_length == UINT64_MAX);
}

static void test_every_prefix_of_a_good_head_waits(void **state)
{
	static const char text[] = "\r\nCONNECT a.test:443 HTTP/1.1\r\n"
				   "A: b\r\nC:  d \r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		check(text, n, HEAD_MORE);
	check(text, sizeof(text) - 1, HEAD_DONE);
}

static void test_heads_that_do_not(void **state)
{
	static const struct {
		const char *text;
		enum head_status want;
	} rows[] = {
		{"\n", HEAD_BAD},
		{"\r\n\r\n", HEAD_BAD},
		{" CONNECT a:1 HTTP/1.1\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\n\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA: b\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA: b\rc\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA: b\r\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\n A: b\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA : b\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\n: b\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA b: c\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\n\xc3\xa4: c\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA: \x01\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nA: \x7f\r\n\r\n", HEAD_BAD},
		{"CONNECT  a:1 HTTP/1.1\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1  HTTP/1.1\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1 \r\n\r\n", HEAD_BAD},
		{"CONNECT\ta:1 HTTP/1.1\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 http/1.1\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.10\r\n\r\n", HEAD_BAD},
		{"CON(ECT a:1 HTTP/1.1\r\n\r\n", HEAD_BAD},
		{"\x16\x03\x01", HEAD_BAD},
		{"CONNECT a:1\r\nA: b", HEAD_BAD},
		{"GET / HTTP/2.0\r\nA: b", HEAD_BAD_VERSION},
		{"CONNECT a:1 HTTP/2.0\r\n\r\n", HEAD_BAD_VERSION},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HEAD_BAD_VERSION},
		{"GET / HTTP/0.9\r\n\r\n", HEAD_BAD_VERSION},
		{"GET / HTTP/1.1\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.0\r\nContent-Length:\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.0\r\nContent-Length: +1\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.0\r\nContent-Length: 1, 1\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.0\r\nContent-Length: "
		 "18446744073709551616\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.0\r\nContent-Length: 1\r\n"
		 "Content-Length: 1\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\n"
		 "Transfer-Encoding: gzip, chunked\r\n\r\n",
		 HEAD_BAD_CODING},
		{"GET / HTTP/1.1\r\nHost: a\r\n"
		 "Transfer-Encoding: xchunked\r\n\r\n",
		 HEAD_BAD_CODING},
		{"GET / HTTP/1.1\r\nHost: a\r\n"
		 "Transfer-Encoding: chunked, gzip\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\n"
		 "Transfer-Encoding: gzip, deflate\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\n"
		 "Transfer-Encoding: chunked , chunked\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\n"
		 "Transfer-Encoding: chunked;q=1\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", HEAD_BAD},
		{"GET a:b HTTP/1.1\r\nHost: a:b\r\n\r\n", HEAD_BAD},
		{"CONNECT a:1 HTTP/1.1\r\nHost: a:1:2\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: [a.test]\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: [::1%1]\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: a;b\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\n"
		 "Transfer-Encoding: chunked\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n",
		 HEAD_BAD},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		 HEAD_BAD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_text(rows[i].text, rows[i].want);
	check("CONNECT a\0b:1 HTTP/1.1\r\n\r\n", 26, HEAD_BAD);
	check("CONNECT a:1 HTTP/1.1\r\nA: \0\r\n\r\n", 30, HEAD_BAD);
}

/* "FIRST" N times 'a' "REST" */
static void check_padded(const char *first, size_t n, const char *rest,
			 enum head_status want)
{
	size_t a = strlen(first), b = strlen(rest);
	char *text = malloc(a + n + b + 1);

	assert_non_null(text);
	memcpy(text, first, a);
	memset(text + a, 'a', n);
	memcpy(text + a + n, rest, b);
	check(text, a + n + b, want);
	free(text);
}

static void test_limits(void **state)
{
	static const char end[] = " HTTP/1.1\r\n\r\n";
	static const char head[] = "CONNECT a:1 HTTP/1.1\r\nA: ";
	/* what HEAD and its end leave for the value */
	const size_t value = REQUEST_MAX_HEAD - (sizeof(head) - 1) - 4;

	(void)state;
	check_padded("CONNECT ", REQUEST_MAX_TARGET, end, HEAD_DONE);
	check_padded("CONNECT ", REQUEST_MAX_TARGET + 1, end,
		     HEAD_TARGET_TOO_LONG);
	check_padded("CONNECT ", REQUEST_MAX_TARGET, "", HEAD_MORE);
	check_padded("CONNECT ", REQUEST_MAX_TARGET + 1, "",
		     HEAD_TARGET_TOO_LONG);
	check_padded("", REQUEST_MAX_METHOD, " / HTTP/1.0\r\n\r\n", HEAD_DONE);
	check_padded("", REQUEST_MAX_METHOD + 1, " / HTTP/1.0\r\n\r\n",
		     HEAD_BAD_METHOD);
	check_padded("", REQUEST_MAX_METHOD + 1, "", HEAD_BAD_METHOD);
	check_padded("\xff", REQUEST_MAX_METHOD + 1, "", HEAD_BAD);
	check_padded("GET / HTTP/1.", 100, "", HEAD_BAD);
	check_padded(head, value, "\r\n\r\n", HEAD_DONE);
	check_padded(head, value + 1, "\r\n\r\n", HEAD_TOO_LARGE);
	check_padded(head, value + 100, "", HEAD_TOO_LARGE);
}

static void test_field_count(void **state)
{
	char text[64 + (HEAD_MAX_FIELDS + 1) * 6] = "CONNECT a:1 "
						    "HTTP/1.1\r\n";
	size_t at = strlen(text);

	(void)state;
	for (unsigned i = 0; i < HEAD_MAX_FIELDS; i++, at += 6)
		memcpy(text + at, "A: b\r\n", 6);
	memcpy(text + at, "\r\n", 2);
	check(text, at + 2, HEAD_DONE);
	assert_int_equal(request.head.field_count, HEAD_MAX_FIELDS);
	memcpy(text + at, "A: b\r\n\r\n", 8);
	check(text, at + 8, HEAD_TOO_LARGE);
}

static void test_what_follows_a_head_is_not_looked_at(void **state)
{
	static const char head[] = "CONNECT a:1 HTTP/1.1\r\n\r\n";
	char text[REQUEST_MAX_HEAD + 4096];

	(void)state;
	memset(text, 0, sizeof(text));
	memcpy(text, head, sizeof(head) - 1);
	assert_int_equal(scan_once(text, sizeof(text), &request), HEAD_DONE);
	assert_int_equal(request.head.length, sizeof(head) - 1);
}

static void test_targets(void **state)
{
	static const struct {
		const char *text;
		enum request_target want;
	} rows[] = {
		{"a.test:443", TARGET_AUTHORITY},
		{"a.test", TARGET_AUTHORITY},
		{"a:", TARGET_AUTHORITY},
		{":80", TARGET_AUTHORITY},
		{"1:2:3", TARGET_AUTHORITY},
		{"2001:db8::1:443", TARGET_AUTHORITY},
		{"a:99999999999999999999", TARGET_AUTHORITY},
		{"[::1]:443", TARGET_AUTHORITY},
		{"[::ffff:1.2.3.4]", TARGET_AUTHORITY},
		{"[fe80::1%25lo]:443", TARGET_AUTHORITY},
		{"\xc3\xa4.test:443", TARGET_AUTHORITY},
		{"%C3%bc.test:443", TARGET_AUTHORITY},
		{"*.a.test:443", TARGET_AUTHORITY},
		{"a_b:1", TARGET_AUTHORITY},
		{"", TARGET_BAD},
		{"a@b:1", TARGET_BAD},
		{"a:1/", TARGET_BAD},
		{"a:1?x", TARGET_BAD},
		{"a:1#x", TARGET_BAD},
		{"a:b", TARGET_BAD},
		{"a:b:c", TARGET_BAD},
		{"2001:db8::a", TARGET_BAD},
		{"a:+1", TARGET_BAD},
		{"a:-1", TARGET_BAD},
		{"a%41:1", TARGET_BAD},
		{"a%00:1", TARGET_BAD},
		{"a%:1", TARGET_BAD},
		{"a%c:1", TARGET_BAD},
		{"a%zz:1", TARGET_BAD},
		{"a|b:1", TARGET_BAD},
		{"a\\b:1", TARGET_BAD},
		{"a^b:1", TARGET_BAD},
		{"[a.test]:1", TARGET_BAD},
		{"[[::1]]:1", TARGET_BAD},
		{"[::1:1", TARGET_BAD},
		{"::1]:1", TARGET_BAD},
		{"[]:1", TARGET_BAD},
		{"[::1]x:1", TARGET_BAD},
		{"[fe80::1%lo]:1", TARGET_BAD},
		{"http://a/", TARGET_ABSOLUTE},
		{"HTTPS://u:p@a:1/?x#y", TARGET_ABSOLUTE},
		{"http://", TARGET_BAD},
		{"/", TARGET_ORIGIN},
		{"/a?b", TARGET_ORIGIN},
		{"*", TARGET_ASTERISK},
		{"**", TARGET_AUTHORITY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);
		enum request_target got =
			request_target(at_guard(rows[i].text, n), n);

		if (got != rows[i].want)
			fail_msg("'%s': %d, want %d", rows[i].text, got,
				 rows[i].want);
	}
	assert_int_equal(request_target("a\n:1", 4), TARGET_BAD);
	assert_int_equal(request_target("a\0:1", 4), TARGET_BAD);
}

static void test_decoding(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a.test:443", "a.test:443"},
		{"%C3%bc.test:1", "\xc3\xbc.test:1"},
		{"%ff", "\xff"},
		{"[fe80::1%25lo]:1", "[fe80::1%25lo]:1"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);

		memcpy(text, rows[i].text, n);
		n = request_decode_host(text, n);
		assert_true(
			str_equal(str_make(text, n), str_from(rows[i].want)));
	}
}

static void test_urls(void **state)
{
	static const struct {
		const char *text, *scheme, *authority, *host, *port, *path;
	} rows[] = {
		{"http://a/", "http", "a", "a", "", "/"},
		{"http://a", "http", "a", "a", "", ""},
		{"http://a?q", "http", "a", "a", "", "?q"},
		{"HTTP://A.test:80/b?c=/d", "HTTP", "A.test:80", "A.test", "80",
		 "/b?c=/d"},
		{"http://a:/b", "http", "a:", "a", "", "/b"},
		{"http://u:p@a:1/@b", "http", "a:1", "a", "1", "/@b"},
		{"http://@a/", "http", "a", "a", "", "/"},
		{"https://[::1]:8/", "https", "[::1]:8", "[::1]", "8", "/"},
		{"http://[::1]", "http", "[::1]", "[::1]", "", ""},
		{"ftp://a:99999999/x", "ftp", "a:99999999", "a", "99999999",
		 "/x"},
		{"http://\xc3\xa4.test/\xc3\xa4", "http", "\xc3\xa4.test",
		 "\xc3\xa4.test", "", "/\xc3\xa4"},
		{"http://%C3%a4.test/%41%00", "http", "%C3%a4.test",
		 "%C3%a4.test", "", "/%41%00"},
		{"http://a/b|c{d}\"\\^`<>[]?%zz", "http", "a", "a", "",
		 "/b|c{d}\"\\^`<>[]?%zz"},
	};
	static const char *const wrong[] = {
		"",
		"a",
		"/",
		"*",
		"http:",
		"http:/a",
		"http://",
		"http:///a",
		"http://:80/",
		"http://u@/",
		"http://?a",
		"http://a#b",
		"http://a/#b",
		"http://a/?#b",
		"http://a/%",
		"http://a/%4",
		"http://a/%zz",
		"http://a:b/",
		"http://a:1:2/",
		"http://a@b@c/",
		"http://a/b@c:1@d#",
		"http://a\\@b/",
		"http://a|b/",
		"http://a%41/",
		"http://a%2fb/",
		"http://a b/",
		"http://a/ b",
		"http://[g]/",
		"http://[::1/",
		"http://[::1]x/",
		"http://::1/",
		"1http://a/",
	};
	struct request_url url;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);
		const char *text = at_guard(rows[i].text, n);

		if (!request_split_url(text, n, &url) ||
		    !str_equal(span(text, url.scheme),
			       str_from(rows[i].scheme)) ||
		    !str_equal(span(text, url.authority),
			       str_from(rows[i].authority)) ||
		    !str_equal(span(text, url.host), str_from(rows[i].host)) ||
		    !str_equal(span(text, url.port), str_from(rows[i].port)) ||
		    !str_equal(span(text, url.path), str_from(rows[i].path)))
			fail_msg("'%s'", rows[i].text);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t n = strlen(wrong[i]);

		if (request_split_url(at_guard(wrong[i], n), n, &url))
			fail_msg("'%s'", wrong[i]);
	}
}

/* Which fields a Connection field names, what it says otherwise. */
static void test_connection(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n"
				   "Host: a\r\n"
				   "X-A: 1\r\n"
				   "Connection: x-a,UPGRADE , Keep-Alive\r\n"
				   "X-B: 2\r\n"
				   "Upgrade: WebSocket\r\n"
				   "TE: gzip, Trailers;q=0.5\r\n"
				   "TE: trailers\r\n"
				   "Connection: x-b\r\n"
				   "\r\n";
	static const bool hop[] = {false, true,  false, true,
				   true,  false, false, false};
	char many[64 + (HEAD_MAX_OPTIONS + 1) * 2] =
		"GET / HTTP/1.0\r\nConnection: ";
	size_t at = strlen(many);

	(void)state;
	check_text(text, HEAD_DONE);
	assert_int_equal(request.head.field_count, 8);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(request.head.fields[i].hop, hop[i]);
	assert_true(request.head.upgrade && request.head.keep_alive &&
		    !request.head.close && request.head.websocket &&
		    request.head.trailers);
	check_text("GET / HTTP/1.0\r\nUpgrade: websocket\r\n"
		   "Upgrade: websocket\r\nTE: xtrailers\r\n\r\n",
		   HEAD_DONE);
	assert_false(request.head.websocket || request.head.trailers);
	check_text("GET / HTTP/1.0\r\nUpgrade: websocket, h2c\r\n\r\n",
		   HEAD_DONE);
	assert_false(request.head.websocket);
	for (unsigned i = 0; i < HEAD_MAX_OPTIONS; i++, at += 2)
		memcpy(many + at, "a,", 2);
	memcpy(many + at, "\r\n\r\n", 4);
	check(many, at + 4, HEAD_DONE);
	memcpy(many + at, "a\r\n\r\n", 5);
	check(many, at + 5, HEAD_TOO_LARGE);
}

static void test_proxy_urls(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: none */
		const char *port, *userinfo;
	} rows[] = {
		{"https://google.com", "google.com", "", NULL},
		{"https://u-p:pw@my.test:12345", "my.test", "12345", "u-p:pw"},
		{"http://[::1]:80/", "::1", "80", NULL},
		{"http://a.test/path?q", "a.test", "", NULL},
		{"http://a:/", "a", "", NULL},
		{"http://@a", "a", "", ""},
		{"http://%41:%zz@a", NULL, NULL, NULL},
		{"http://%41%2f:@a:1", "a", "1", "%41%2f:"},
		{"google.com", NULL, NULL, NULL},
		{"", NULL, NULL, NULL},
		{"http://", NULL, NULL, NULL},
		{"http://:80", NULL, NULL, NULL},
		{"http://a@b@c", NULL, NULL, NULL},
		{"http://a b", NULL, NULL, NULL},
		{"http://a:b", NULL, NULL, NULL},
		{"://a", NULL, NULL, NULL},
	};
	struct request_proxy proxy;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);
		const char *text = at_guard(rows[i].text, n);
		bool found = request_split_proxy(text, n, &proxy);

		if (found != (rows[i].want != NULL) ||
		    (found &&
		     (!str_equal(span(text, proxy.host),
				 str_from(rows[i].want)) ||
		      !str_equal(span(text, proxy.port),
				 str_from(rows[i].port)) ||
		      proxy.has_userinfo != (rows[i].userinfo != NULL) ||
		      (proxy.has_userinfo &&
		       !str_equal(span(text, proxy.userinfo),
				  str_from(rows[i].userinfo))))))
			fail_msg("'%s'", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_connect),
		cmocka_unit_test(test_heads_that_pass),
		cmocka_unit_test(test_every_prefix_of_a_good_head_waits),
		cmocka_unit_test(test_heads_that_do_not),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_field_count),
		cmocka_unit_test(test_what_follows_a_head_is_not_looked_at),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_decoding),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_proxy_urls),
	};

	return cmocka_run_group_tests(tests, map_guard, NULL);
}
