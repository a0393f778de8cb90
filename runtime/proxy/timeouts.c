/* timeouts.c - see timeouts.h.
 * The timer is left alone when the first timeout goes or moves: it fires early,
 * finds nothing to do and is set for whoever is first then. */
#include "timeouts.h"

#include <time.h>

uint64_t timeouts_now(void)
{
	struct timespec now;

	/* a clock of some milliseconds' grain is all that is needed */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_timer(struct timeouts *queue, uint64_t now)
{
	const struct timeout *first = TAILQ_FIRST(&queue->list);
	uint64_t ms = first->end > now ? first->end - now : 1;
	struct timeval tv = {.tv_sec = (time_t)(ms / 1000),
			     .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	queue->timer_set = event_add(&queue->timer, &tv) == 0;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct timeouts *queue = context;
	uint64_t now = timeouts_now();
	struct timeout *first;

	(void)fd;
	(void)what;
	queue->timer_set = false;
	while ((first = TAILQ_FIRST(&queue->list)) != NULL) {
		if (first->end > now) {
			set_timer(queue, now);
			return;
		}
		timeout_disarm(first);
		queue->expired(first);
	}
}

void timeouts_init(struct timeouts *queue, struct event_base *base, unsigned ms,
		   timeout_expired *expired)
{
	TAILQ_INIT(&queue->list);
	queue->ms = ms;
	queue->expired = expired;
	queue->timer_set = false;
	evtimer_assign(&queue->timer, base, on_timer, queue);
}

void timeouts_fini(struct timeouts *queue)
{
	event_del(&queue->timer);
}

void timeout_arm_at(struct timeout *timeout, struct timeouts *queue,
		    uint64_t now)
{
	timeout_disarm(timeout);
	if (queue->ms == 0)
		return;
	timeout->end = now + queue->ms;
	timeout->queue = queue;
	TAILQ_INSERT_TAIL(&queue->list, timeout, link);
	if (!queue->timer_set)
		set_timer(queue, now);
}

void timeout_arm(struct timeout *timeout, struct timeouts *queue)
{
	timeout_arm_at(timeout, queue, queue->ms != 0 ? timeouts_now() : 0);
}

void timeout_disarm(struct timeout *timeout)
{
	if (timeout->queue == NULL)
		return;
	TAILQ_REMOVE(&timeout->queue->list, timeout, link);
	timeout->queue = NULL;
}
