/* test_log.c - log lines: valid JSON whatever the bytes, and a reader that
 * stalls, comes back or goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>

#include "runtime/observe/events.h"
#include "runtime/observe/json.h"
#include "runtime/observe/log.h"

/* The value that a JSON reader gets for BYTES; the caller's reference. */
static json_t *through_json(const char *bytes, size_t n)
{
	static char buffer[16 << 10];
	struct json line;
	json_error_t error;
	json_t *object;

	json_begin(&line, buffer, sizeof(buffer));
	json_put_string(&line, "a", str_make(bytes, n));
	json_end(&line);
	assert_false(line.overflow);
	object = json_loadb(buffer, line.length, 0, &error);
	if (object == NULL)
		fail_msg("%s: %.*s", error.text, (int)line.length, buffer);
	return object;
}

static void check(const char *bytes, size_t n, const char *want)
{
	json_t *object = through_json(bytes, n);

	assert_string_equal(json_string_value(json_object_get(object, "a")),
			    want);
	json_decref(object);
}

static void test_text(void **state)
{
	static const char controls[] = "\x01\x1f\x7f\b\t\n\r\"\\/";

	(void)state;
	check("", 0, "");
	check("plain", 5, "plain");
	check("\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x90", 9, "ä€🔐");
	check(controls, sizeof(controls) - 1, controls);
}

#define REPLACED "\xef\xbf\xbd"

static void test_bytes_that_are_no_text(void **state)
{
	(void)state;
	check("a\xff\xfe", 3, "a" REPLACED REPLACED);
	check("\x80", 1, REPLACED);
	check("\xc0\xaf", 2, REPLACED REPLACED); /* overlong */
	check("\xe0\x80\xaf", 3, REPLACED REPLACED REPLACED);
	check("\xed\xa0\x80", 3, REPLACED REPLACED REPLACED); /* surrogate */
	check("\xf4\x90\x80\x80", 4, REPLACED REPLACED REPLACED REPLACED);
	check("\xe2\x82", 2, REPLACED REPLACED); /* cut */
	check("\xc3(", 2, REPLACED "(");
}

static void test_every_pair_of_bytes_is_valid_json(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 0x10000; i++) {
		const char pair[2] = {(char)(i >> 8), (char)(i & 0xff)};

		/* jansson does not take \u0000 unless asked */
		if (pair[0] != 0 && pair[1] != 0)
			json_decref(through_json(pair, 2));
	}
}

/* Long texts are looked at eight bytes at a time. */
static void test_every_byte_in_every_place(void **state)
{
	char text[20], want[24];

	(void)state;
	for (unsigned c = 1; c < 0x100; c++) {
		for (size_t at = 0; at < sizeof(text); at++) {
			const char *shown = c < 0x80 ? "" : REPLACED;
			size_t n = strlen(shown);

			memset(text, ' ', sizeof(text));
			text[at] = (char)c;
			memset(want, ' ', sizeof(want));
			want[at] = (char)c;
			memcpy(want + at, shown, n);
			want[sizeof(text) + (n > 0 ? n - 1 : 0)] = '\0';
			check(text, sizeof(text), want);
		}
	}
}

static void test_a_long_value_is_cut_between_characters(void **state)
{
	char text[JSON_VALUE_MAX + 10], want[JSON_VALUE_MAX + 10];
	json_t *object;
	size_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	object = through_json(text, JSON_VALUE_MAX);
	n = json_string_length(json_object_get(object, "a"));
	assert_int_equal(n, JSON_VALUE_MAX);
	json_decref(object);
	memset(want, 'a', JSON_VALUE_MAX);
	memcpy(want + JSON_VALUE_MAX, "...", 4);
	check(text, JSON_VALUE_MAX + 1, want);
	/* the last character straddles the limit: it is whole or not there */
	memcpy(text + JSON_VALUE_MAX - 1, "\xe2\x82\xac", 3);
	memcpy(want + JSON_VALUE_MAX - 1, "\xe2\x82\xac...", 7);
	check(text, JSON_VALUE_MAX + 4, want);
}

static void test_numbers(void **state)
{
	char buffer[256];
	struct json line;

	(void)state;
	json_begin(&line, buffer, sizeof(buffer));
	json_put_milli(&line, "a", 0);
	json_put_milli(&line, "b", 1);
	json_put_milli(&line, "c", 1500);
	json_put_milli(&line, "d", 12340);
	json_put_micro(&line, "g", 0);
	json_put_micro(&line, "h", 1000001);
	json_put_micro(&line, "i", 1500);
	json_put_unsigned(&line, "e", UINT64_MAX);
	json_put_bool(&line, "f", true);
	json_end(&line);
	assert_true(
		str_equal(str_make(buffer, line.length),
			  str_from("{\"a\":0,\"b\":0.001,\"c\":1.5,\"d\":12.34,"
				   "\"g\":0,\"h\":1.000001,\"i\":0.0015,"
				   "\"e\":18446744073709551615,\"f\":true}")));
}

static void test_what_does_not_fit_says_so(void **state)
{
	char buffer[64];

	(void)state;
	for (size_t capacity = 0; capacity < sizeof(buffer); capacity++) {
		struct json line;

		memset(buffer, '#', sizeof(buffer));
		json_begin(&line, buffer, capacity);
		json_put_text(&line, "key", "0123456789\"\xff");
		json_end(&line);
		/* {"key":"0123456789\"\ufffd"} */
		assert_int_equal(line.overflow, capacity < 28);
		for (size_t i = capacity; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
}

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

/* --- the sink --- */

struct pipes {
	int fd[2];
	struct log_sink *sink;
	struct log *log;
};

static void open_log(struct pipes *pipes, bool socket)
{
	if (socket)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pipes->fd),
				 0);
	else
		assert_int_equal(pipe(pipes->fd), 0);
	pipes->sink = malloc(sizeof(*pipes->sink));
	assert_non_null(pipes->sink);
	log_sink_init(pipes->sink, pipes->fd[1]);
	pipes->log = log_new(pipes->sink);
	assert_non_null(pipes->log);
}

static void close_log(struct pipes *pipes)
{
	log_free(pipes->log);
	log_sink_fini(pipes->sink);
	free(pipes->sink);
	close(pipes->fd[0]);
	if (pipes->fd[1] >= 0)
		close(pipes->fd[1]);
}

static void write_line(struct log *log, uint64_t number)
{
	static char filler[900];
	struct json line = log_begin(log, LOG_INFO, "line");

	memset(filler, 'x', sizeof(filler) - 1);
	json_put_unsigned(&line, "number", number);
	json_put_text(&line, "filler", filler);
	log_end(log, &line);
}

/* Read lines until N of them and the dropped ones make WANT. */
static uint64_t read_lines(FILE *in, uint64_t want, uint64_t *dropped)
{
	static char text[LOG_LINE_MAX];
	uint64_t count = 0, last = 0;

	*dropped = 0;
	while (count + *dropped < want && fgets(text, sizeof(text), in)) {
		json_t *line = json_loads(text, 0, NULL);
		const char *msg;

		assert_non_null(line);
		msg = json_string_value(json_object_get(line, "msg"));
		if (strcmp(msg, "line") == 0) {
			uint64_t number = (uint64_t)json_integer_value(
				json_object_get(line, "number"));

			assert_true(count == 0 || number > last);
			last = number;
			count++;
		} else {
			*dropped += (uint64_t)json_integer_value(
				json_object_get(line, "dropped"));
		}
		json_decref(line);
	}
	return count;
}

static void stalled(bool socket)
{
	const uint64_t all = 2 * (LOG_BUFFER_MAX / 1000);
	struct pipes pipes;
	uint64_t dropped, count;
	FILE *in;
	pid_t child;

	open_log(&pipes, socket);
	/* nobody reads: this must return all the same */
	for (uint64_t i = 0; i < all; i++) {
		write_line(pipes.log, i);
		log_flush(pipes.log);
	}
	assert_true(pipes.log->dropped > 0);
	assert_true(pipes.log->capacity <= LOG_BUFFER_MAX);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* what is left is written by another, so that this process
		 * can be the reader */
		bool out = log_flush_wait(pipes.log, 20000);

		_exit(out && pipes.log->capacity == LOG_BUFFER_BYTES ? 0 : 1);
	}
	close(pipes.fd[1]);
	pipes.fd[1] = -1;
	in = fdopen(dup(pipes.fd[0]), "r");
	assert_non_null(in);
	count = read_lines(in, all, &dropped);
	fclose(in);
	assert_true(dropped > 0);
	assert_int_equal(count + dropped, all);
	close_log(&pipes);
}

static void test_a_stalled_pipe(void **state)
{
	(void)state;
	stalled(false);
}

static void test_a_stalled_socket(void **state)
{
	(void)state;
	stalled(true);
}

static void test_a_reader_that_is_gone(void **state)
{
	struct pipes pipes;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	open_log(&pipes, false);
	close(pipes.fd[0]);
	pipes.fd[0] = dup(pipes.fd[1]);
	for (uint64_t i = 0; i < 1000; i++)
		write_line(pipes.log, i);
	/* all of it is swallowed, and nothing waits for room */
	assert_true(log_flush(pipes.log));
	close_log(&pipes);
}

static void test_the_open_file_is_left_as_it_was(void **state)
{
	struct pipes pipes;

	(void)state;
	open_log(&pipes, false);
	assert_int_equal(fcntl(pipes.fd[1], F_GETFL) & O_NONBLOCK, 0);
	close_log(&pipes);
}

/* Two logs, one sink: the lines of one never cut those of the other. */
static void test_partial_lines_stay_whole(void **state)
{
	struct pipes pipes;
	struct log *second;
	uint64_t dropped, all = 0;
	char byte[4096];
	FILE *in;

	(void)state;
	open_log(&pipes, true);
	second = log_new(pipes.sink);
	assert_non_null(second);
	for (uint64_t i = 0; i < 400; i++) {
		write_line(pipes.log, i);
		all++;
	}
	log_flush(pipes.log);
	assert_true(pipes.log->length > 0);
	log_message(second, LOG_INFO, "other");
	assert_false(log_flush(second));
	/* let it through in small pieces, the two taking turns */
	in = tmpfile();
	assert_non_null(in);
	for (int i = 0; i < 10000; i++) {
		ssize_t n = recv(pipes.fd[0], byte, 700, MSG_DONTWAIT);

		if (n > 0)
			fwrite(byte, 1, (size_t)n, in);
		bool second_is_out = log_flush(second);
		bool first_is_out = log_flush(pipes.log);

		if (first_is_out && second_is_out && n < 0)
			break;
	}
	rewind(in);
	/* "other" has no count: it adds nothing */
	assert_int_equal(read_lines(in, all, &dropped), all);
	fclose(in);
	log_free(second);
	close_log(&pipes);
}

/* --- a function instead of a file --- */

struct taken {
	char text[8][64];
	unsigned count;
};

static void take_line(void *closure, const char *line, size_t length)
{
	struct taken *taken = closure;
	const char *msg = memmem(line, length, "\"msg\":", 6);

	assert_true(taken->count < 8);
	assert_null(memchr(line, '\n', length));
	assert_int_equal(line[length - 1], '}');
	assert_non_null(msg);
	snprintf(taken->text[taken->count++], sizeof(taken->text[0]), "%.*s",
		 (int)(line + length - msg), msg);
}

static void test_a_function_gets_whole_lines(void **state)
{
	static struct log_sink sink;
	struct taken taken = {.count = 0};
	struct log *one, *two;

	(void)state;
	log_sink_init_function(&sink, take_line, &taken);
	one = log_new(&sink);
	two = log_new(&sink);
	assert_non_null(one);
	assert_non_null(two);
	log_message(one, LOG_INFO, "a");
	log_message(one, LOG_WARNING, "b\nc");
	log_message(two, LOG_ERROR, "d");
	assert_int_equal(taken.count, 0);
	assert_true(log_flush(two));
	assert_true(log_flush(one));
	assert_true(log_flush_wait(one, 0));
	assert_int_equal(taken.count, 3);
	assert_string_equal(taken.text[0], "\"msg\":\"d\"}");
	assert_string_equal(taken.text[1], "\"msg\":\"a\"}");
	assert_string_equal(taken.text[2], "\"msg\":\"b\\nc\"}");
	log_free(one);
	log_free(two);
	log_sink_fini(&sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_every_pair_of_bytes_is_valid_json),
		cmocka_unit_test(test_every_byte_in_every_place),
		cmocka_unit_test(test_a_long_value_is_cut_between_characters),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_what_does_not_fit_says_so),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_a_stalled_pipe),
		cmocka_unit_test(test_a_stalled_socket),
		cmocka_unit_test(test_a_reader_that_is_gone),
		cmocka_unit_test(test_the_open_file_is_left_as_it_was),
		cmocka_unit_test(test_partial_lines_stay_whole),
		cmocka_unit_test(test_a_function_gets_whole_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
