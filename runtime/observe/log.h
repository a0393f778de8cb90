/* log.h - the log: one JSON object a line on standard error, nothing else; or
 * to a function, which gets the same lines.
 * A thread formats into its own buffer and flushes it once per turn of its
 * loop.  Writing never waits: when the reader stalls, lines stay in the buffer,
 * and when that is full they are dropped and counted, and the count is logged
 * as soon as the reader takes lines again. Not here: what the lines of the
 * proxy say, events.h. */
#ifndef OBSERVE_LOG_H
#define OBSERVE_LOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "json.h"

#define LOG_BUFFER_BYTES (64u << 10) /* while the reader keeps up */
#define LOG_BUFFER_MAX (4u << 20)    /* a thread's share when it does not */
#define LOG_LINE_MAX (48u << 10)
#define LOG_RETRY_MS 50 /* a stalled reader is tried again after that */

enum log_level { LOG_INFO = 0, LOG_WARNING, LOG_ERROR };

/* Takes a line of LENGTH bytes, without its newline.  It must not wait. */
typedef void log_take(void *closure, const char *line, size_t length);

/* Where the lines of all threads go. */
struct log_sink {
	pthread_mutex_t lock; /* held for one write(), which does not wait */
	int fd;
	enum {
		SINK_NONBLOCKING = 0,
		SINK_SOCKET,
		SINK_POLLED,
		SINK_FUNCTION,
	} kind;
	log_take *take; /* of SINK_FUNCTION; one call at a time */
	void *closure;
	bool fd_is_ours;
	size_t rest_length; /* the end of a line that was written in part: goes
			     * before any other line */
	char rest[LOG_LINE_MAX];
};

/* One thread's side. */
struct log {
	struct log_sink *sink; /* borrowed */
	char *buffer;          /* owned */
	size_t length;
	size_t capacity;  /* LOG_BUFFER_BYTES, or more for as long as the
			   * reader is behind */
	struct json line; /* in BUFFER, between log_begin() and log_end() */
	uint64_t dropped; /* since the last line that said so */
	_Atomic uint64_t dropped_ever; /* any thread may read it */
};

/* Write to FD, left as it is: where a second descriptor without blocking can be
 * had from /proc, that one is used. */
void log_sink_init(struct log_sink *sink, int fd);
/* Give every line to TAKE, on the thread that flushes it. */
void log_sink_init_function(struct log_sink *sink, log_take *take,
			    void *closure);
void log_sink_fini(struct log_sink *sink);

struct log *log_new(struct log_sink *sink);
void log_free(struct log *log);

/* Begin a line: time, level and msg are there.  Then members, then log_end(),
 * with no other line of this log in between.  What is returned is LOG's own. */
struct json *log_begin(struct log *log, enum log_level level, const char *msg);
/* The same for who has asked for the time already. */
struct json *log_begin_at(struct log *log, enum log_level level, struct str msg,
			  const struct timespec *now);
void log_end(struct log *log);

/* A line with nothing but its message. */
void log_message(struct log *log, enum log_level level, const char *msg);

/* Write what there is, as far as it can be written now.  True: all is out. */
bool log_flush(struct log *log);

/* The same, waiting up to TIMEOUT_MS: for the end of the program. */
bool log_flush_wait(struct log *log, unsigned timeout_ms);

/* WHEN as "2026-01-02T15:04:05Z", with FRACTION as "...05.123456Z". */
#define LOG_TIME_MAX 40
struct str log_time(const struct timespec *when, bool fraction,
		    char out[LOG_TIME_MAX]);

#endif
