/* timeouts.h - many timeouts of one length: a queue in order of their ends and
 * one timer for the first, instead of a timer in the event loop's heap for each
 * connection. */
#ifndef PROXY_TIMEOUTS_H
#define PROXY_TIMEOUTS_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct timeout {
	TAILQ_ENTRY(timeout) link;
	struct timeouts *queue; /* NULL: not armed */
	uint64_t end;           /* timeouts_now() at which it expires */
};

TAILQ_HEAD(timeout_list, timeout);

/* Called with the timeout disarmed. */
typedef void timeout_expired(struct timeout *timeout);

struct timeouts {
	struct timeout_list list;
	struct event timer;
	bool timer_set;
	unsigned ms; /* 0: never; arming does nothing */
	timeout_expired *expired;
};

/* Milliseconds of a clock that only goes forward. */
uint64_t timeouts_now(void);

void timeouts_init(struct timeouts *queue, struct event_base *base, unsigned ms,
		   timeout_expired *expired);
/* Every timeout is disarmed. */
void timeouts_fini(struct timeouts *queue);

/* Start TIMEOUT, or start it again, on QUEUE. */
void timeout_arm(struct timeout *timeout, struct timeouts *queue);
/* The same; it is NOW. */
void timeout_arm_at(struct timeout *timeout, struct timeouts *queue,
		    uint64_t now);
/* Idempotent. */
void timeout_disarm(struct timeout *timeout);

#endif
