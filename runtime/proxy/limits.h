/* limits.h - how many requests and tunnels there may be, for all workers
 * together: each question is one atomic step, so that the answer is exact
 * however many ask at once.
 * Not here: what is said to those who are too many, answer.h. */
#ifndef PROXY_LIMITS_H
#define PROXY_LIMITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* --- so many at once --- */

struct slots {
	unsigned max; /* 0: any number, and nobody counts */
	atomic_uint used;
};

/* False: all are taken. */
bool slots_take(struct slots *slots);
/* Give back what slots_take() gave. */
void slots_release(struct slots *slots);

/* --- so many a second --- */

/* A bucket of BURST tokens, full at first, that gains RATE tokens a second; a
 * request takes one.  Kept as the time at which it would be full again. */
struct bucket {
	uint64_t interval;  /* between two tokens, in BUCKET_TICK_NS; 0: any
			     * number, and nobody asks the clock */
	uint64_t tolerance; /* how far FULL may lie ahead of now */
	atomic_uint_fast64_t full;
};

#define BUCKET_TICKS_PER_NS 64

/* RATE 0: no limit.  BURST is at least 1. */
void bucket_init(struct bucket *bucket, double rate, unsigned burst);
/* At NOW_NS, nanoseconds since some moment near the bucket's start.  False: it
 * is empty. */
bool bucket_take(struct bucket *bucket, uint64_t now_ns);

/* --- the proxy's --- */

struct settings;

struct limits {
	struct bucket rate;
	struct slots requests;
	struct slots tunnels;
	uint64_t began_ns;
};

void limits_init(struct limits *limits, const struct settings *settings);

enum limits_answer {
	LIMITS_OVER_RATE = 0,
	LIMITS_OVER_REQUESTS,
	LIMITS_ADMITTED, /* one of the requests' slots is the caller's now */
};

/* A request head is complete: may it go on? */
enum limits_answer limits_admit(struct limits *limits);

#endif
