/* test_detail.c - what the log has of a request whose policy asks for it, to
 * the byte; and that a request of any size fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy_fixture.h"
#include "runtime/observe/json.h"
#include "runtime/proxy/detail.h"

static struct compiled policy;
static struct request request;
static char out[DETAIL_MAX + 1];

static int setup(void **state)
{
	static struct str full[2];
	struct canonical_mitm *mitm;

	(void)state;
	full[0] = STR("X-Set-Shown");
	full[1] = STR("user-agent");
	fixture_rule(&policy.fixture, "web", "tests", RULE_ENFORCE);
	fixture_glob(&policy.fixture, 0, FIXTURE_DOMAIN, "a.test", 20);
	mitm = fixture_mitm(&policy.fixture, 0, "a.test");
	mitm->detailed_http_logs = true;
	mitm->full_headers = full;
	mitm->full_header_count = 2;
	compile(&policy);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	done(&policy);
	return 0;
}

/* TEXT's request, to a.test. */
static const char *detail_of(const char *text, const struct headers_set *set,
			     size_t set_count)
{
	struct head_progress progress = {0};
	struct detail detail = {
		.request = &request,
		.head = text,
		.host = STR("a.test"),
		.set = set,
		.set_count = set_count,
		.blob = &policy.blob,
		.mitm = 0,
	};
	size_t n;

	assert_int_equal(request_scan(&progress, text, strlen(text), &request),
			 HEAD_DONE);
	detail.path =
		str_make(text + request.target.start, request.target.length);
	n = detail_write(out, &detail);
	assert_true(n <= DETAIL_MAX);
	out[n] = '\0';
	return out;
}

static void test_form(void **state)
{
	const struct headers_set set[] = {
		{STR("authorization"), STR("Bearer secret")},
		{STR("x-set-shown"), STR("policy's")},
	};

	(void)state;
	assert_string_equal(
		detail_of("GET /b?c=\"d HTTP/1.1\r\nHost: a.test\r\n"
			  "USER-AGENT: x\"y\r\nAccept: one\r\nCookie: a\r\n"
			  "accept: two\r\nAuthorization: mine\r\n\r\n",
			  set, 2),
		"\"mitm_req_url\":\"https://a.test/b?c=\\\"d\","
		"\"mitm_req_method\":\"GET\","
		"\"mitm_req_headers\":{\"User-Agent\":[\"x\\\"y\"],"
		"\"Accept\":[\"[REDACTED]\",\"[REDACTED]\"],"
		"\"Cookie\":[\"[REDACTED]\"],"
		"\"Authorization\":[\"[REDACTED]\"],"
		"\"X-Set-Shown\":[\"policy's\"]}");
	assert_string_equal(detail_of("PUT /b HTTP/1.0\r\n\r\n", NULL, 0),
			    "\"mitm_req_url\":\"https://a.test/b\","
			    "\"mitm_req_method\":\"PUT\","
			    "\"mitm_req_headers\":{}");
}

/* A long URL is cut as every value is. */
static void test_long_url(void **state)
{
	char text[5000] = "GET /", *end;
	const char *written;

	(void)state;
	memset(text + 5, 'a', 4000);
	strcpy(text + 4005, " HTTP/1.1\r\nHost: a.test\r\n\r\n");
	written = detail_of(text, NULL, 0);
	end = strstr(written, "...\"");
	assert_non_null(end);
	assert_int_equal(end - written,
			 strlen("\"mitm_req_url\":\"") + JSON_VALUE_MAX);
}

/* More than fits: whole headers, as many as there is room for. */
static void test_too_much(void **state)
{
	static char text[REQUEST_MAX_HEAD + 1];
	const char *written;
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text),
			      "GET / HTTP/1.1\r\nHost: a.test\r\n");
	for (int i = 0; i < 30; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "X-%d: a\r\n",
				      i);
		/* of values shown each byte takes six */
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "User-Agent: ");
		memset(text + n, 0x80, 900);
		n += 900;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	}
	snprintf(text + n, sizeof(text) - n, "\r\n");
	written = detail_of(text, NULL, 0);
	assert_non_null(strstr(written, "\"mitm_req_headers\":{\"X-0\":"));
	assert_null(strstr(written, "User-Agent"));
	n = strlen(written);
	assert_string_equal(written + n - 29,
			    "},\"mitm_req_headers_cut\":true");
}

/* Names may be long, too: each is cut. */
static void test_long_name(void **state)
{
	static char text[20000];

	(void)state;
	strcpy(text, "GET / HTTP/1.1\r\nHost: a.test\r\n");
	memset(text + strlen(text), 'n', 10000);
	strcat(text, ": x\r\n\r\n");
	assert_true(strlen(detail_of(text, NULL, 0)) < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_long_url),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
