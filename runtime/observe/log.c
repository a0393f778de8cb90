/* log.c - see log.h.
 * The hard part is not to block and not to mix lines.  O_NONBLOCK belongs to
 * the open file, which the shell that started us shares, so we open our own
 * through /proc; sockets have MSG_DONTWAIT; what is left is asked by poll() and
 * given PIPE_BUF bytes at a time, which a writable pipe takes whole. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void log_sink_init(struct log_sink *sink, int fd)
{
	char path[32];
	struct stat st;
	int own;

	pthread_mutex_init(&sink->lock, NULL);
	sink->fd = fd;
	sink->fd_is_ours = false;
	sink->rest_length = 0;
	sink->kind = SINK_POLLED;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
		sink->kind = SINK_SOCKET;
		return;
	}
	/* reopening a regular file would give it a second offset: unless it
	 * appends, lines and whatever else is written there would overlap */
	if (S_ISREG(st.st_mode)) {
		sink->kind = SINK_NONBLOCKING;
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path,
		   O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC | O_NOCTTY);
	if (own < 0)
		return;
	sink->fd = own;
	sink->fd_is_ours = true;
	sink->kind = SINK_NONBLOCKING;
}

void log_sink_init_function(struct log_sink *sink, log_take *take,
			    void *closure)
{
	pthread_mutex_init(&sink->lock, NULL);
	sink->fd = -1;
	sink->fd_is_ours = false;
	sink->rest_length = 0;
	sink->kind = SINK_FUNCTION;
	sink->take = take;
	sink->closure = closure;
}

void log_sink_fini(struct log_sink *sink)
{
	if (sink->fd_is_ours)
		close(sink->fd);
	pthread_mutex_destroy(&sink->lock);
}

/* The first line at P, which always is a whole one. */
static ssize_t give_line(struct log_sink *sink, const char *p, size_t n)
{
	const char *end = memchr(p, '\n', n);

	sink->take(sink->closure, p, (size_t)(end - p));
	return end + 1 - p;
}

/* One write that does not wait: bytes written, 0 when it would have to wait.
 * A sink that fails for good (a reader that is gone) swallows everything. */
static size_t sink_write(struct log_sink *sink, const char *p, size_t n)
{
	struct pollfd ready = {.fd = sink->fd, .events = POLLOUT};
	ssize_t done = -1;

	do {
		switch (sink->kind) {
		case SINK_SOCKET:
			done = send(sink->fd, p, n,
				    MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		case SINK_POLLED:
			if (poll(&ready, 1, 0) != 1)
				return 0;
			done = write(sink->fd, p, n < PIPE_BUF ? n : PIPE_BUF);
			break;
		case SINK_NONBLOCKING:
			done = write(sink->fd, p, n);
			break;
		case SINK_FUNCTION:
			done = give_line(sink, p, n);
			break;
		}
	} while (done < 0 && errno == EINTR);
	if (done >= 0)
		return (size_t)done;
	return errno == EAGAIN || errno == ENOBUFS ? 0 : n;
}

/* Write all of P or as much as goes; what was written. */
static size_t sink_put(struct log_sink *sink, const char *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t step = sink_write(sink, p + done, n - done);

		if (step == 0)
			break;
		done += step;
	}
	return done;
}

struct log *log_new(struct log_sink *sink)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->sink = sink;
	log->buffer = malloc(LOG_BUFFER_BYTES);
	log->capacity = LOG_BUFFER_BYTES;
	if (log->buffer != NULL)
		return log;
	free(log);
	return NULL;
}

void log_free(struct log *log)
{
	if (log == NULL)
		return;
	free(log->buffer);
	free(log);
}

/* A second as text, which is longer than 19 bytes from the year 10000 on.  Most
 * times that a thread writes are of the same one. */
#define SECOND_MAX 32
struct second {
	time_t when;
	size_t length; /* 0: none yet */
	char text[SECOND_MAX];
};

/* Apart, so that what is usual needs no room on the stack. */
__attribute__((noinline)) static void find_second(struct second *second,
						  time_t when)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	second->when = when;
	second->length = strftime(second->text, sizeof(second->text),
				  "%Y-%m-%dT%H:%M:%S", &tm);
}

struct str log_time(const struct timespec *when, bool fraction,
		    char out[LOG_TIME_MAX])
{
	static _Thread_local struct second latest;
	size_t n;

	if (latest.length == 0 || latest.when != when->tv_sec)
		find_second(&latest, when->tv_sec);
	n = latest.length;
	/* what is behind it is written over: a size that the compiler knows
	 * needs no loop */
	memcpy(out, latest.text, sizeof(latest.text));
	if (fraction) {
		out[n] = '.';
		str_put_six_digits(out + n + 1,
				   (uint32_t)(when->tv_nsec / 1000));
		n += 7;
	}
	out[n++] = 'Z';
	out[n] = '\0';
	return str_make(out, n);
}

static bool flush_locked(struct log *log)
{
	struct log_sink *sink = log->sink;
	size_t done, line;

	if (sink->rest_length != 0) {
		done = sink_put(sink, sink->rest, sink->rest_length);
		sink->rest_length -= done;
		memmove(sink->rest, sink->rest + done, sink->rest_length);
		if (sink->rest_length != 0)
			return false;
	}
	done = sink_put(sink, log->buffer, log->length);
	if (done != 0 && done < log->length && log->buffer[done - 1] != '\n') {
		/* cut inside a line: its end goes first, whoever comes next */
		const char *end =
			memchr(log->buffer + done, '\n', log->length - done);

		line = (size_t)(end - (log->buffer + done)) + 1;
		memcpy(sink->rest, log->buffer + done, line);
		sink->rest_length = line;
		done += line;
	}
	log->length -= done;
	memmove(log->buffer, log->buffer + done, log->length);
	return log->length == 0 && sink->rest_length == 0;
}

static bool write_buffer(struct log *log)
{
	bool all;

	pthread_mutex_lock(&log->sink->lock);
	all = flush_locked(log);
	pthread_mutex_unlock(&log->sink->lock);
	return all;
}

/* Give LOG a buffer of CAPACITY; when memory is short it keeps the old one. */
static void resize(struct log *log, size_t capacity)
{
	char *buffer = realloc(log->buffer, capacity);

	if (buffer == NULL)
		return;
	log->buffer = buffer;
	log->capacity = capacity;
}

/* Room for the longest line: by writing, else by growing. */
static void make_room(struct log *log)
{
	if (log->capacity - log->length >= LOG_LINE_MAX)
		return;
	write_buffer(log);
	if (log->capacity - log->length < LOG_LINE_MAX &&
	    log->capacity < LOG_BUFFER_MAX)
		resize(log, log->capacity * 2);
}

static void put_time(struct json *line, const struct timespec *now)
{
	char *p;

	if (json_open_plain(line, "time", LOG_TIME_MAX, &p))
		json_finish_plain(line, p + log_time(now, false, p).n);
}

static void put_level(struct json *line, enum log_level level)
{
	switch (level) {
	case LOG_INFO:
		json_put_fixed(line, "level", "\"info\",");
		return;
	case LOG_WARNING:
		json_put_fixed(line, "level", "\"warning\",");
		return;
	case LOG_ERROR:
		break;
	}
	json_put_fixed(line, "level", "\"error\",");
}

static struct json *begin(struct log *log, enum log_level level, struct str msg,
			  const struct timespec *now)
{
	size_t room = log->capacity - log->length;
	struct json *line = &log->line;

	if (room > LOG_LINE_MAX)
		room = LOG_LINE_MAX;
	/* one byte is the newline's */
	json_begin(line, log->buffer + log->length, room > 0 ? room - 1 : 0);
	put_time(line, now);
	put_level(line, level);
	json_put_string(line, "msg", msg);
	return line;
}

struct json *log_begin_at(struct log *log, enum log_level level, struct str msg,
			  const struct timespec *now)
{
	make_room(log);
	return begin(log, level, msg, now);
}

struct json *log_begin(struct log *log, enum log_level level, const char *msg)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return log_begin_at(log, level, str_from(msg), &now);
}

void log_end(struct log *log)
{
	struct json *line = &log->line;

	json_end(line);
	if (line->overflow) {
		log->dropped++;
		atomic_fetch_add_explicit(&log->dropped_ever, 1,
					  memory_order_relaxed);
		return;
	}
	log->length += json_length(line);
	log->buffer[log->length++] = '\n';
}

void log_message(struct log *log, enum log_level level, const char *msg)
{
	log_begin(log, level, msg);
	log_end(log);
}

/* Lines were lost, and there is room again: say how many. */
static void report_dropped(struct log *log)
{
	uint64_t dropped = log->dropped;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	begin(log, LOG_WARNING, STR("log lines were dropped"), &now);
	log->dropped = 0;
	json_put_unsigned(&log->line, "dropped", dropped);
	log_end(log);
	if (log->dropped != 0)
		log->dropped = dropped;
}

static bool flush(struct log *log)
{
	bool all;

	if (log->dropped != 0 && log->capacity - log->length >= LOG_LINE_MAX)
		report_dropped(log);
	all = write_buffer(log);
	if (log->length == 0 && log->capacity > LOG_BUFFER_BYTES)
		resize(log, LOG_BUFFER_BYTES);
	return all && log->dropped == 0;
}

bool log_flush(struct log *log)
{
	return (log->length == 0 && log->dropped == 0) || flush(log);
}

bool log_flush_wait(struct log *log, unsigned timeout_ms)
{
	struct timespec nap = {.tv_nsec = 5 * 1000 * 1000};
	unsigned waited = 0;

	while (!flush(log)) {
		if (waited >= timeout_ms)
			return false;
		nanosleep(&nap, NULL);
		waited += 5;
	}
	return true;
}
