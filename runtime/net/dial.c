/* dial.c - the race of RFC 8305 section 5 over vetted addresses: see dial.h.
 *
 *   next ->  addrs[0..count)    in order, never skipped, never repeated
 *   open     attempts[0..slots) connects that have not ended
 *
 * The stagger timer starts the next address; so does a failure, at once.  When
 * DIAL_MAX_OPEN connects are open and one more is due, the oldest of them has
 * had its time and is given up: a name with many dead addresses holds only so
 * many descriptors.  dial_start() starts the first connect and tells nothing,
 * everything else happens in callbacks of the event loop. */
#include "dial.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "endpoint.h"

#define DIAL_MAGIC 0x6469616cU    /* "dial" */
#define ATTEMPT_MAGIC 0x61747074U /* "atpt" */

struct attempt {
	uint32_t magic;
	int fd;             /* owned; -1: the slot is free */
	uint64_t number;    /* order of starting */
	struct addr addr;   /* connected to */
	struct dial *dial;  /* borrowed: the one around it */
	struct event event; /* readable, writable; valid while fd is not -1 */
};

struct dial {
	uint32_t magic;
	uint16_t port;
	struct event_base *base; /* borrowed */
	dial_done *done;
	void *context;           /* borrowed, for done */
	struct event next_timer; /* start the next address, */
	bool waiting;            /* for which it is set */
	uint64_t started;        /* attempts so far */
	struct addr failed;      /* the failure that will be told */
	int error;
	size_t next; /* in addrs */
	size_t count;
	struct addr *addrs; /* behind the attempts */
	size_t slots;       /* no more than there are addresses: mostly one */
	struct attempt attempts[];
};

static struct dial *dial_cast(void *context)
{
	struct dial *dial = context;

	assert(dial != NULL && dial->magic == DIAL_MAGIC);
	return dial;
}

static void attempt_close(struct attempt *attempt)
{
	if (attempt->fd < 0)
		return;
	/* Before the descriptor, or epoll would keep it. */
	event_del(&attempt->event);
	close(attempt->fd);
	attempt->fd = -1;
}

/* Mostly there is one address, and no timer is ever needed. */
static void stop_waiting(struct dial *dial)
{
	if (dial->waiting)
		event_del(&dial->next_timer);
	dial->waiting = false;
}

/* Nothing of it happens any more; only its memory is left. */
static void dial_stop(struct dial *dial)
{
	for (size_t i = 0; i < dial->slots; i++)
		attempt_close(&dial->attempts[i]);
	stop_waiting(dial);
	dial->magic = 0;
}

/* Tell the outcome.  The dial is stopped before DONE runs, so that DONE may do
 * what it likes. */
static void dial_finish(struct dial *dial, struct dial_result *result)
{
	dial_done *done = dial->done;
	void *context = dial->context;

	if (result->fd < 0) {
		char where[ENDPOINT_TEXT_MAX];
		const char *what = strerrordesc_np(result->error);

		result->timed_out = result->error == ETIMEDOUT;
		endpoint_format(&result->addr, dial->port, where);
		snprintf(result->text, sizeof(result->text), "connect %s: %s",
			 where, what != NULL ? what : "unknown error");
	}
	dial_stop(dial);
	done(context, result);
	free(dial);
}

/* Errors by which this host says that it did not even try.  With IPv4 only,
 * every IPv6 address ends so; it would hide what the others said. */
static bool never_left(int error)
{
	return error == ENETUNREACH || error == EADDRNOTAVAIL ||
	       error == EAFNOSUPPORT;
}

static void note_failure(struct dial *dial, const struct addr *addr, int error)
{
	if (dial->error != 0 && never_left(error) && !never_left(dial->error))
		return;
	dial->failed = *addr;
	dial->error = error;
}

static struct attempt *oldest_open(struct dial *dial)
{
	struct attempt *oldest = NULL;

	for (size_t i = 0; i < dial->slots; i++) {
		struct attempt *attempt = &dial->attempts[i];

		if (attempt->fd >= 0 &&
		    (oldest == NULL || attempt->number < oldest->number))
			oldest = attempt;
	}
	return oldest;
}

static struct attempt *free_slot(struct dial *dial)
{
	for (size_t i = 0; i < dial->slots; i++) {
		if (dial->attempts[i].fd < 0)
			return &dial->attempts[i];
	}

	struct attempt *oldest = oldest_open(dial);

	note_failure(dial, &oldest->addr, ETIMEDOUT);
	attempt_close(oldest);
	return oldest;
}

static void advance(struct dial *dial);

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	struct attempt *attempt = context;
	int error = 0;
	socklen_t length = sizeof(error);

	assert(attempt->magic == ATTEMPT_MAGIC && attempt->fd == fd);
	/* a failure is told as readable and writable; so is a peer that speaks
	 * first */
	if ((what & EV_READ) != 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		error = errno;

	struct dial *dial = dial_cast(attempt->dial);

	if (error == 0) {
		struct dial_result won = {.fd = fd,
					  .watch = &attempt->event,
					  .addr = attempt->addr};

		attempt->fd = -1; /* handed on */
		dial_finish(dial, &won);
		return;
	}
	note_failure(dial, &attempt->addr, error);
	attempt_close(attempt);
	advance(dial);
}

/* 0: under way.  Otherwise the errno. */
static int attempt_start(struct dial *dial, const struct addr *addr)
{
	struct attempt *attempt = free_slot(dial);
	struct sockaddr_storage to;
	socklen_t length = endpoint_to_sockaddr(addr, dial->port, &to);
	int fd = socket(to.ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return errno;
	/* Best effort: without it the tunnel is slower, not wrong. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&to, length) != 0 &&
	    errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		return error;
	}

	/* Connected at once is writable at once: the same path for both. */
	if (event_assign(&attempt->event, dial->base, fd,
			 EV_READ | EV_WRITE | EV_PERSIST, on_ready,
			 attempt) != 0 ||
	    event_add(&attempt->event, NULL) != 0) {
		close(fd);
		return ENOMEM;
	}
	attempt->magic = ATTEMPT_MAGIC;
	attempt->fd = fd;
	attempt->number = dial->started++;
	attempt->addr = *addr;
	attempt->dial = dial;
	return 0;
}

static void on_next(evutil_socket_t fd, short what, void *context);

static void wait_for_next(struct dial *dial)
{
	struct timeval stagger = clock_timeval(DIAL_STAGGER_MS);

	stop_waiting(dial);
	evtimer_assign(&dial->next_timer, dial->base, on_next, dial);
	dial->waiting = event_add(&dial->next_timer, &stagger) == 0;
}

/* Start the next address.  False: it failed at once. */
static bool start_next(struct dial *dial)
{
	const struct addr *addr = &dial->addrs[dial->next++];
	int error = attempt_start(dial, addr);

	if (error != 0) {
		note_failure(dial, addr, error);
		return false;
	}
	if (dial->next < dial->count)
		wait_for_next(dial);
	else
		stop_waiting(dial);
	return true;
}

/* Start the next address; past those that fail at once.  Ends the dial when
 * nothing is left to wait for. */
static void advance(struct dial *dial)
{
	while (dial->next < dial->count)
		if (start_next(dial))
			return;
	stop_waiting(dial);
	if (oldest_open(dial) != NULL)
		return;

	struct dial_result lost = {
		.fd = -1, .addr = dial->failed, .error = dial->error};

	dial_finish(dial, &lost);
}

static void on_next(evutil_socket_t fd, short what, void *context)
{
	struct dial *dial = dial_cast(context);

	(void)fd;
	(void)what;
	dial->waiting = false;
	advance(dial);
}

void dial_expire(struct dial *dial)
{
	struct attempt *oldest = oldest_open(dial);
	struct dial_result late = {.fd = -1,
				   .addr = oldest != NULL ? oldest->addr
							  : dial->addrs[0],
				   .error = ETIMEDOUT};

	dial_finish(dial_cast(dial), &late);
}

struct dial *dial_start(struct event_base *base, const struct addr *addrs,
			size_t count, uint16_t port, dial_done *done,
			void *context)
{
	size_t slots = count < DIAL_MAX_OPEN ? count : DIAL_MAX_OPEN;
	struct dial *dial;

	assert(base != NULL && count >= 1 && done != NULL);
	if (count > SIZE_MAX / sizeof(addrs[0]) / 2) {
		errno = ENOMEM;
		return NULL;
	}
	dial = malloc(sizeof(*dial) + slots * sizeof(dial->attempts[0]) +
		      count * sizeof(addrs[0]));
	if (dial == NULL)
		return NULL;
	dial->magic = DIAL_MAGIC;
	dial->base = base;
	dial->port = port;
	dial->done = done;
	dial->context = context;
	dial->waiting = false;
	dial->started = 0;
	dial->error = 0;
	dial->next = 0;
	dial->count = count;
	dial->slots = slots;
	dial->addrs = (struct addr *)&dial->attempts[slots];
	memcpy(dial->addrs, addrs, count * sizeof(addrs[0]));
	for (size_t i = 0; i < slots; i++)
		dial->attempts[i].fd = -1;

	if (start_next(dial))
		return dial;
	/* not from inside: what comes of it waits for the loop */
	evtimer_assign(&dial->next_timer, base, on_next, dial);
	dial->waiting = true;
	event_active(&dial->next_timer, EV_TIMEOUT, 0);
	return dial;
}

void dial_cancel(struct dial *dial)
{
	if (dial == NULL)
		return;
	dial_stop(dial_cast(dial));
	free(dial);
}
