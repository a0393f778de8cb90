/* test_lines.c - what the log says of requests, to the byte: ids and times as
 * the plainest writer has them, and each kind of line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy_fixture.h"
#include "runtime/observe/events.h"
#include "runtime/observe/log.h"

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* --- ids and times --- */

static void test_ids(void **state)
{
	struct id_source source = {{1, 2, 3, 4, 5}, 0xfffffe};
	char first[ID_TEXT + 1], second[ID_TEXT + 1], later[ID_TEXT + 1];
	struct id id;

	(void)state;
	id = id_next(&source, 1000);
	id_format(&id, first);
	id = id_next(&source, 1000);
	id_format(&id, second);
	id = id_next(&source, 1001);
	id_format(&id, later);
	assert_int_equal(strlen(first), ID_TEXT);
	assert_int_equal(strspn(first, "0123456789abcdefghijklmnopqrstuv"),
			 ID_TEXT);
	assert_true(strcmp(first, second) < 0);
	assert_true(strcmp(second, later) < 0);
	/* the known answer: 12 zero bytes, then all ones */
	id = (struct id){{0}};
	id_format(&id, first);
	assert_string_equal(first, "00000000000000000000");
	memset(&id, 0xff, sizeof(id));
	id_format(&id, first);
	assert_string_equal(first, "vvvvvvvvvvvvvvvvvvvg");
}

static void test_time(void **state)
{
	const struct timespec when = {.tv_sec = 1767366245, .tv_nsec = 1234567};
	char out[LOG_TIME_MAX];

	(void)state;
	log_time(&when, false, out);
	assert_string_equal(out, "2026-01-02T15:04:05Z");
	log_time(&when, true, out);
	assert_string_equal(out, "2026-01-02T15:04:05.001234Z");
	/* not the second that was asked for last */
	log_time(&(struct timespec){.tv_nsec = 999999999}, true, out);
	assert_string_equal(out, "1970-01-01T00:00:00.999999Z");
	log_time(&(struct timespec){.tv_sec = -1}, true, out);
	assert_string_equal(out, "1969-12-31T23:59:59.000000Z");
	log_time(&when, true, out);
	assert_string_equal(out, "2026-01-02T15:04:05.001234Z");
}

/* Digit by digit, bit by bit. */
static void format_slowly(const struct id *id, char out[ID_TEXT + 1])
{
	for (unsigned i = 0; i < ID_TEXT; i++) {
		unsigned digit = 0;

		for (unsigned bit = 5 * i; bit < 5 * i + 5; bit++) {
			unsigned byte = bit < 96 ? id->bytes[bit / 8] : 0;

			digit = digit << 1 | (byte >> (7 - bit % 8) & 1);
		}
		out[i] = "0123456789abcdefghijklmnopqrstuv"[digit];
	}
	out[ID_TEXT] = '\0';
}

static void check_id(const struct id *id)
{
	char want[ID_TEXT + 1], got[ID_TEXT + 1];

	format_slowly(id, want);
	id_format(id, got);
	assert_string_equal(got, want);
}

static void test_ids_bit_by_bit(void **state)
{
	struct id id = {{0}};

	(void)state;
	for (unsigned bit = 0; bit < 96; bit++) {
		id.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		check_id(&id);
	}
	for (unsigned at = 0; at < sizeof(id.bytes); at++) {
		for (unsigned byte = 0; byte < 0x100; byte++) {
			id.bytes[at] = (uint8_t)byte;
			check_id(&id);
		}
	}
	for (int i = 0; i < 20000; i++) {
		for (unsigned at = 0; at < sizeof(id.bytes); at++)
			id.bytes[at] = (uint8_t)(next_random() >> 32);
		check_id(&id);
	}
}

/* Where each part of an id is, whatever the counter's upper byte. */
static void test_the_parts_of_an_id(void **state)
{
	struct id_source source = {{1, 2, 3, 4, 5}, 0x12345678};
	static const uint8_t want[2][12] = {
		{0xab, 0xcd, 0xef, 0x01, 1, 2, 3, 4, 5, 0x34, 0x56, 0x78},
		{0xab, 0xcd, 0xef, 0x01, 1, 2, 3, 4, 5, 0x34, 0x56, 0x79},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct id id = id_next(&source, 0xabcdef01);

		assert_memory_equal(id.bytes, want[i], sizeof(id.bytes));
	}
}

static void check_time(time_t second, long nanosecond)
{
	const struct timespec when = {second, nanosecond};
	char want[64], got[LOG_TIME_MAX];
	struct str text;
	struct tm tm;
	size_t n;

	assert_non_null(gmtime_r(&second, &tm));
	n = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(want + n, sizeof(want) - n, "Z");
	text = log_time(&when, false, got);
	assert_string_equal(got, want);
	assert_int_equal(text.n, strlen(want));
	snprintf(want + n, sizeof(want) - n, ".%06ldZ", nanosecond / 1000);
	text = log_time(&when, true, got);
	assert_string_equal(got, want);
	assert_int_equal(text.n, strlen(want));
}

static void test_times_as_libc_writes_them(void **state)
{
	static const time_t seconds[] = {
		0,
		951782399,    /* the last of 28 February 2000 */
		951782400,    /* the first of a leap day */
		2147483648,   /* beyond 31 bits */
		4102444799,   /* the last of 2099 */
		253402300799, /* the last of 9999 */
		253402300800,
		67767976233532799, /* the last that has a year of 31 bits */
		-1,
		-62135596801, /* the last of the year 0 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		check_time(seconds[i], 0);
		check_time(seconds[i], 999999999);
	}
	for (int i = 0; i < 20000; i++)
		check_time((time_t)(next_random() >> 32),
			   (long)(next_random() % 1000000000));
	for (long micro = 0; micro < 1000000; micro += 7)
		check_time(1767366245, micro * 1000 + 999);
}

/* --- lines --- */

static char last[LOG_LINE_MAX];

static void keep_line(void *closure, const char *line, size_t length)
{
	(void)closure;
	assert_true(length < sizeof(last));
	memcpy(last, line, length);
	last[length] = '\0';
}

struct lines {
	struct log_sink *sink;
	struct log *log;
};

static int open_lines(void **state)
{
	static struct lines lines;

	lines.sink = malloc(sizeof(*lines.sink));
	if (lines.sink == NULL)
		return -1;
	log_sink_init_function(lines.sink, keep_line, NULL);
	lines.log = log_new(lines.sink);
	*state = &lines;
	return lines.log == NULL;
}

static int close_lines(void **state)
{
	struct lines *lines = *state;

	log_free(lines->log);
	log_sink_fini(lines->sink);
	free(lines->sink);
	return 0;
}

/* The line that was written last, behind the time at its start. */
static const char *line_of(struct log *log)
{
	static const char start[] = "{\"time\":\"0000-00-00T00:00:00Z\",";

	assert_true(log_flush(log));
	for (size_t i = 0; i < sizeof(start) - 1; i++)
		if (start[i] != '0')
			assert_int_equal(last[i], start[i]);
	return last + sizeof(start) - 1;
}

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(str_from(text), &addr));
	return addr;
}

static struct exchange an_exchange(void)
{
	return (struct exchange){
		.id = {{0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0}},
		.peer = addr_of("10.0.200.39"),
		.peer_port = 65535,
		.is_connect = true,
		.start = {1767366245, 1234567},
		.host = STR("example.com:443"),
		.trace_id = STR(""),
		.dns_us = 1500,
		.decision = {.rule = RULE_NONE},
		.class = {.rule = RANGE_RULE_NONE},
		.policy = "",
	};
}

#define ID "vs0fu07v03vg1vo0vs00"

static void test_the_least_that_is_said(void **state)
{
	struct log *log = ((struct lines *)*state)->log;
	struct exchange exchange = an_exchange();

	log_decision(log, &exchange, NULL, NULL);
	assert_string_equal(
		line_of(log),
		"\"level\":\"warning\",\"msg\":\"CANONICAL-PROXY-DECISION\","
		"\"id\":\"" ID "\","
		"\"inbound_remote_addr\":\"10.0.200.39:65535\","
		"\"proxy_type\":\"connect\","
		"\"requested_host\":\"example.com:443\","
		"\"start_time\":\"2026-01-02T15:04:05.001234Z\","
		"\"trace_id\":\"\",\"role\":\"\",\"project\":\"\","
		"\"allow\":false,\"enforce_would_deny\":false,"
		"\"decision_reason\":\"\",\"dns_lookup_time_ms\":1.5,"
		"\"policy\":\"\"}");
}

static void test_all_that_is_said_of_a_failure(void **state)
{
	struct log *log = ((struct lines *)*state)->log;
	struct exchange exchange = an_exchange();
	const struct id connect_id = {{0}};
	const struct identity identity = {
		.role = STR("r\xc3\xb6le"),
		.source = STR("cn"),
		.cn = STR("c\"n"),
		.ou = STR("o\\u"),
		.why = STR("w\ny"),
		.has_certificate = true,
		.has_role = true,
		.refused = true,
	};
	char detail[] = "\"mitm_req_url\":\"u\"";

	exchange.peer = addr_of("2001:db8::1");
	exchange.peer_port = 7;
	exchange.is_connect = false;
	exchange.connect_id = &connect_id;
	exchange.identity = &identity;
	exchange.detail = detail;
	exchange.status = 502;
	exchange.content_length = 10;
	exchange.would_deny = true;
	exchange.trace_id = STR("\xff");
	exchange.dns_us = UINT32_MAX;
	log_failure(log, &exchange, "a reason", "a message", "an error");
	assert_string_equal(
		line_of(log),
		"\"level\":\"error\",\"msg\":\"a message\",\"id\":\"" ID "\","
		"\"inbound_remote_addr\":\"[2001:db8::1]:7\","
		"\"proxy_type\":\"mitm\","
		"\"connect_id\":\"00000000000000000000\","
		"\"requested_host\":\"example.com:443\","
		"\"start_time\":\"2026-01-02T15:04:05.001234Z\","
		"\"trace_id\":\"\\ufffd\","
		"\"inbound_remote_x509_cn\":\"c\\\"n\","
		"\"inbound_remote_x509_ou\":\"o\\\\u\","
		"\"role\":\"r\xc3\xb6le\",\"role_source\":\"cn\","
		"\"role_error\":\"w\\ny\",\"project\":\"\","
		"\"allow\":false,\"enforce_would_deny\":true,"
		"\"decision_reason\":\"a reason\","
		"\"dns_lookup_time_ms\":4294967.295,\"policy\":\"\","
		"\"mitm_req_url\":\"u\","
		"\"content_length\":10,\"status_code\":502,"
		"\"error\":\"an error\"}");
}

static void test_a_response(void **state)
{
	struct log *log = ((struct lines *)*state)->log;
	struct exchange exchange = an_exchange();
	struct outbound_record outbound = {
		.local = addr_of("192.168.1.100"),
		.remote = addr_of("::"),
		.local_port = 1,
		.remote_port = 443,
		.connect_us = 20,
		.content_length = -1,
	};

	exchange.is_connect = false;
	exchange.allow = true;
	log_response(log, &exchange, "yes", &outbound);
	assert_string_equal(
		line_of(log),
		"\"level\":\"info\",\"msg\":\"CANONICAL-PROXY-DECISION\","
		"\"id\":\"" ID "\","
		"\"inbound_remote_addr\":\"10.0.200.39:65535\","
		"\"proxy_type\":\"http\","
		"\"requested_host\":\"example.com:443\","
		"\"start_time\":\"2026-01-02T15:04:05.001234Z\","
		"\"trace_id\":\"\",\"role\":\"\",\"project\":\"\","
		"\"allow\":true,\"enforce_would_deny\":false,"
		"\"decision_reason\":\"yes\",\"dns_lookup_time_ms\":1.5,"
		"\"policy\":\"\",\"conn_establish_time_ms\":0.02,"
		"\"outbound_local_addr\":\"192.168.1.100:1\","
		"\"outbound_remote_addr\":\"[::]:443\","
		"\"content_length\":-1}");
}

static void test_a_bad_request(void **state)
{
	struct log *log = ((struct lines *)*state)->log;
	struct exchange exchange = an_exchange();

	exchange.host = STR("");
	exchange.status = 400;
	log_bad_request(log, &exchange, "not a request");
	assert_string_equal(line_of(log),
			    "\"level\":\"warning\",\"msg\":\"request refused\","
			    "\"id\":\"" ID "\","
			    "\"inbound_remote_addr\":\"10.0.200.39:65535\","
			    "\"start_time\":\"2026-01-02T15:04:05.001234Z\","
			    "\"content_length\":0,\"status_code\":400,"
			    "\"error\":\"not a request\"}");
}

/* What a policy adds: where it is written what decided. */
static void test_a_policy(void **state)
{
	struct log *log = ((struct lines *)*state)->log;
	static struct compiled policy;
	struct hostname names[] = {fixture_host("a.test"),
				   fixture_host("x.b.test"),
				   fixture_host("c.test")};
	static const char *const want[] = {
		"\"project\":\"pro\\\"ject\",\"allow\":false,"
		"\"enforce_would_deny\":false,\"decision_reason\":\"\","
		"\"dns_lookup_time_ms\":1.5,\"policy\":\"0123456789abcdef\","
		"\"rule\":\"web\",\"entry\":\"a.test\","
		"\"source\":\"acl.yaml:20\"}",
		"\"project\":\"pro\\\"ject\",\"allow\":false,"
		"\"enforce_would_deny\":false,\"decision_reason\":\"\","
		"\"dns_lookup_time_ms\":1.5,\"policy\":\"0123456789abcdef\","
		"\"rule\":\"web\",\"entry\":\"*.b.test\","
		"\"source\":\"acl.yaml:123456\"}",
		"\"project\":\"pro\\\"ject\",\"allow\":false,"
		"\"enforce_would_deny\":false,\"decision_reason\":\"\","
		"\"dns_lookup_time_ms\":1.5,\"policy\":\"0123456789abcdef\","
		"\"rule\":\"web\",\"source\":\"acl.yaml:10\"}",
	};

	fixture_rule(&policy.fixture, "web", "pro\"ject", RULE_ENFORCE);
	fixture_glob(&policy.fixture, 0, FIXTURE_DOMAIN, "a.test", 20);
	fixture_glob(&policy.fixture, 0, FIXTURE_DOMAIN, "*.b.test", 123456);
	compile(&policy);
	for (size_t i = 0; i < 3; i++) {
		const struct query query = {.role = STR("web"),
					    .host = &names[i]};
		struct exchange exchange = an_exchange();
		const char *project;

		exchange.decision = decide(&policy.blob, &query);
		exchange.blob = &policy.blob;
		exchange.policy = "0123456789abcdef";
		log_decision(log, &exchange, NULL, NULL);
		project = strstr(line_of(log), "\"project\"");
		assert_non_null(project);
		assert_string_equal(project, want[i]);
	}
	done(&policy);
}

static void test_a_close(void **state)
{
	struct log *log = ((struct lines *)*state)->log;
	struct exchange exchange = an_exchange();
	struct tunnel_record tunnel = {
		.local = addr_of("1.22.133.4"),
		.remote = addr_of("fe80::abcd"),
		.local_port = 10,
		.remote_port = 8080,
		.connect_us = 1000,
		.bytes_in = UINT64_MAX,
		.bytes_out = 0,
		.last_activity = {1767366245, 999999999},
		.at_termination = true,
	};
	const char *end, *duration, *rest;

	exchange.allow = true;
	log_close(log, &exchange, "yes", &tunnel, "an error");
	end = strstr(line_of(log), "\"end_time\":\"");
	assert_non_null(end);
	duration = strstr(end, "\"duration\":");
	assert_non_null(duration);
	/* "end_time":"2026-01-02T15:04:05.001234Z", */
	assert_int_equal(duration - end, 41);
	assert_true(strtod(duration + 11, NULL) > 0);
	rest = strchr(duration, ',');
	assert_non_null(rest);
	assert_string_equal(
		rest, ",\"last_activity\":\"2026-01-02T15:04:05.999999Z\","
		      "\"active_at_termination\":true,"
		      "\"error\":\"an error\"}");
	last[end - last] = '\0';
	assert_string_equal(
		line_of(log),
		"\"level\":\"info\",\"msg\":\"CANONICAL-PROXY-CN-CLOSE\","
		"\"id\":\"" ID "\","
		"\"inbound_remote_addr\":\"10.0.200.39:65535\","
		"\"proxy_type\":\"connect\","
		"\"requested_host\":\"example.com:443\","
		"\"start_time\":\"2026-01-02T15:04:05.001234Z\","
		"\"trace_id\":\"\",\"role\":\"\",\"project\":\"\","
		"\"allow\":true,\"enforce_would_deny\":false,"
		"\"decision_reason\":\"yes\",\"dns_lookup_time_ms\":1.5,"
		"\"policy\":\"\",\"conn_establish_time_ms\":1,"
		"\"outbound_local_addr\":\"1.22.133.4:10\","
		"\"outbound_remote_addr\":\"[fe80::abcd]:8080\","
		"\"bytes_in\":18446744073709551615,\"bytes_out\":0,");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_ids_bit_by_bit),
		cmocka_unit_test(test_the_parts_of_an_id),
		cmocka_unit_test(test_times_as_libc_writes_them),
		cmocka_unit_test_setup_teardown(test_the_least_that_is_said,
						open_lines, close_lines),
		cmocka_unit_test_setup_teardown(
			test_all_that_is_said_of_a_failure, open_lines,
			close_lines),
		cmocka_unit_test_setup_teardown(test_a_response, open_lines,
						close_lines),
		cmocka_unit_test_setup_teardown(test_a_bad_request, open_lines,
						close_lines),
		cmocka_unit_test_setup_teardown(test_a_policy, open_lines,
						close_lines),
		cmocka_unit_test_setup_teardown(test_a_close, open_lines,
						close_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
