/* test_log.c - lines on their way to a reader that stalls, comes back or goes
 * away. */
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

#include "runtime/observe/log.h"

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
	struct json *line = log_begin(log, LOG_INFO, "line");

	memset(filler, 'x', sizeof(filler) - 1);
	json_put_unsigned(line, "number", number);
	json_put_text(line, "filler", filler);
	log_end(log);
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
		cmocka_unit_test(test_a_stalled_pipe),
		cmocka_unit_test(test_a_stalled_socket),
		cmocka_unit_test(test_a_reader_that_is_gone),
		cmocka_unit_test(test_the_open_file_is_left_as_it_was),
		cmocka_unit_test(test_partial_lines_stay_whole),
		cmocka_unit_test(test_a_function_gets_whole_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
