/* expiring.c - see expiring.h. */
#include "expiring.h"

#include <time.h>

#include "runtime/net/clock.h"
#include "runtime/tls/expiry.h"

static void say(void *context, const char *text)
{
	struct expiring *expiring = context;

	log_message(expiring->log, LOG_WARNING, text);
}

static void look_again(struct expiring *expiring, int64_t now)
{
	int64_t left = expiry_next(expiring->store->current->tls, now) - now;
	struct timeval tv = clock_timeval(left < EXPIRING_LOOK_MS / 1000
						  ? (uint64_t)left * 1000
						  : EXPIRING_LOOK_MS);

	event_add(&expiring->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct expiring *expiring = context;
	int64_t now = (int64_t)time(NULL);

	(void)fd;
	(void)what;
	expiry_warn_since(expiring->store->current->tls, expiring->then, now,
			  say, expiring);
	/* what was said is not said again when the clock is set back */
	if (now > expiring->then)
		expiring->then = now;
	look_again(expiring, now);
	expiring->said(expiring->context);
}

void expiring_init(struct expiring *expiring, struct event_base *base,
		   const struct store *store, struct log *log,
		   expiring_said *said, void *context)
{
	expiring->store = store;
	expiring->log = log;
	expiring->said = said;
	expiring->context = context;
	evtimer_assign(&expiring->timer, base, on_timer, expiring);
}

void expiring_fini(struct expiring *expiring)
{
	if (event_initialized(&expiring->timer))
		event_del(&expiring->timer);
}

void expiring_loaded(struct expiring *expiring)
{
	const struct tls_context *tls = expiring->store->current->tls;

	event_del(&expiring->timer);
	if (tls == NULL)
		return;
	expiring->then = (int64_t)time(NULL);
	expiry_warn(tls, expiring->then, say, expiring);
	look_again(expiring, expiring->then);
}
