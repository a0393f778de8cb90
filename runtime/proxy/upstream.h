/* upstream.h - connections to origins that wait to be used again, for plain
 * HTTP.  One pool per worker: no locks.
 *
 * A connection is used again only for the same role, scheme, host, port,
 * upstream proxy and address, under the same policy: what it was vetted for.
 * Who comes with another policy than the pool's finds it emptied.  While it
 * waits a connection is listened to; whatever is heard, bytes or the end, makes
 * it useless. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "runtime/policy/addr.h"
#include "runtime/policy/str.h"
#include "stream.h"
#include "timeouts.h"

struct policy;
struct proxy_address;
struct idle;

#define UPSTREAM_BUCKETS 256u
/* When the configuration says 0. */
#define UPSTREAM_MAX_IDLE 1024u        /* a worker */
#define UPSTREAM_MAX_IDLE_PER_HOST 64u /* a worker and host */
#define UPSTREAM_IDLE_MS 90000u

LIST_HEAD(idle_list, idle);
TAILQ_HEAD(idle_queue, idle);

struct upstreams {
	struct event_base *base; /* borrowed */
	struct policy *policy;   /* counted: of all that wait; or NULL */
	unsigned count;
	unsigned max;
	unsigned max_per_host;
	struct idle_queue queue; /* the one that waits longest first */
	struct idle_list buckets[UPSTREAM_BUCKETS];
	struct timeouts timeouts;
};

/* What a connection was opened for. */
struct upstream_key {
	struct str role;
	struct str scheme;
	struct str host; /* normalised */
	uint16_t port;
	/* The one of the settings, by its identity; NULL: none. */
	const struct proxy_address *proxy;
};

/* MAX, MAX_PER_HOST and IDLE_MS: 0 means the defaults above. */
void upstreams_init(struct upstreams *pool, struct event_base *base,
		    unsigned max, unsigned max_per_host, unsigned idle_ms);
/* Closes all of them.  Zeroed: nothing happens. */
void upstreams_fini(struct upstreams *pool);

/* POLICY is in force now: what waits was vetted under it, or is closed. */
void upstreams_follow(struct upstreams *pool, struct policy *policy);

/* A connection. */
struct upstream {
	struct stream stream; /* owned */
	struct addr remote;
	struct addr local;
	uint16_t local_port;
};

/* A connection for KEY to one of the COUNT addresses at ADDRS, decided upon
 * under POLICY, which is the one in force; it is still the pool's.  NULL: none.
 * SURE: the kernel is asked whether it has ended, for a request that cannot be
 * repeated; else what the event loop knows will do. */
struct upstream *upstreams_find(struct upstreams *pool, struct policy *policy,
				const struct upstream_key *key,
				const struct addr *addrs, size_t count,
				bool sure);

/* FOUND just now, by upstreams_find(), a socket without TLS, is lent: its
 * stream is the caller's, the listening goes on.  READY is called with CONTEXT
 * when there is something to read. */
void upstreams_lend(struct upstream *found, event_callback_fn ready,
		    void *context);

/* LENT may wait here again, like upstreams_put() for what it was opened for.
 * False: no, LENT is gone and its stream the caller's. */
bool upstreams_return(struct upstreams *pool, struct policy *policy,
		      struct upstream *lent);

/* FOUND just now, or lent, is of no more use to the pool: its stream is the
 * caller's, who may be listening to it already, or closes it next.  It is gone.
 */
void upstreams_take(struct upstream *found);

/* UPSTREAM, connected for KEY under POLICY, which is the one in force, may wait
 * here: its stream is the pool's.  False: no, it is still the caller's. */
bool upstreams_put(struct upstreams *pool, struct policy *policy,
		   const struct upstream_key *key,
		   const struct upstream *upstream);

#endif
