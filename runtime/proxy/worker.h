/* worker.h - one event loop in one thread, with everything that its clients
 * share: listener, resolver, log buffer, read buffer, pool.  Nothing in here is
 * touched by another thread but the fields that say so. */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "body.h"
#include "grammar/request.h"
#include "grammar/response.h"
#include "headers.h"
#include "limits.h"
#include "listener.h"
#include "pipes.h"
#include "report.h"
#include "runtime/hooks.h"
#include "runtime/net/resolver.h"
#include "runtime/observe/events.h"
#include "runtime/observe/log.h"
#include "runtime/observe/metrics.h"
#include "runtime/observe/statsd.h"
#include "runtime/settings.h"
#include "runtime/store.h"
#include "self.h"
#include "timeouts.h"
#include "upstream.h"
#include "via.h"

#define WORKER_BUFFER (128u << 10) /* the most that one read takes */
/* A body is read behind so much room: for a rewritten head that is longer than
 * the one that came, and for the size of a chunk. */
#define WORKER_FRONT (HEADERS_CLIENT_MORE + BODY_FRONT)
#define WORKER_POOL_MAX 1024 /* client structs kept for reuse */
#define WORKER_MAX_LISTENERS 16
#define LINGER_MS 2000 /* how long a refused client may take to hear of it */

struct client;
struct secure_worker;

LIST_HEAD(client_list, client);
TAILQ_HEAD(client_queue, client);

/* What all workers share, read-only once they run but where noted. */
struct shared {
	const struct settings *settings;
	const struct hooks *hooks;
	unsigned workers;      /* how many share */
	struct store *store;   /* locks for itself */
	struct log_sink *sink; /* locks for itself */
	struct self_listeners listeners;
	struct limits limits;             /* atomic */
	struct metrics_registry *metrics; /* fixed number of threads */
	int statsd_fd;                    /* -1: no statsd */
	int report_fd;                    /* eventfd: a report is ready */
	atomic_bool draining;             /* take no new clients */
	atomic_bool stopping;             /* end now */
};

struct worker {
	struct shared *shared; /* borrowed */
	struct event_base *base;
	uint64_t turns; /* of its loop */
	struct listener listeners[WORKER_MAX_LISTENERS];
	unsigned listener_count;
	struct resolver *resolver;
	struct log *log;
	struct metrics *metrics; /* the registry's */
	struct statsd *statsd;   /* owned; NULL: no statsd */
	struct event statsd_timer;
	struct report report;
	struct event log_retry;
	struct event wake; /* its descriptor is an eventfd, owned */
	int wake_fd;
	pthread_t thread;
	bool running; /* THREAD is there to be joined */
	struct store_view view;
	struct secure_worker *secure; /* owned */
	struct self_cache self;
	struct via_known declared[VIA_DECLARED]; /* where those proxies are */
	struct id_source ids;
	struct timeouts head_timeouts;
	struct timeouts connect_timeouts; /* of connecting, of upstream proxies
					   * asked, and of TLS on our side */
	struct timeouts keep_timeouts;    /* of who may ask again */
	struct timeouts idle_timeouts;    /* of tunnels */
	struct timeouts read_timeouts;  /* of requests and answers that come */
	struct timeouts write_timeouts; /* of those that are not taken */
	struct timeouts linger_timeouts;
	struct timeouts duration_timeouts; /* of tunnels, from their start */
	struct client_list clients;
	struct client_queue handshakes; /* the first has not got on for longest
					 */
	struct client_list pool;        /* closed, to be used again */
	unsigned pooled;
	struct pipe_pool pipes;
	struct upstreams upstreams;
	/* read by the main thread while draining */
	atomic_uint live;                   /* clients */
	atomic_uint_fast64_t last_activity; /* timeouts_now() */
	/* what is large comes last, so that all the rest is close together */
	struct request request;   /* the one being looked at */
	struct response response; /* likewise */
	struct head trailers;     /* likewise */
	struct headers_date date; /* of now */
	unsigned char buffer[WORKER_BUFFER];
	unsigned char body[WORKER_FRONT + WORKER_BUFFER + BODY_BACK];
	char scratch[RESPONSE_MAX_HEAD + HEADERS_CLIENT_MORE];
};

/* NULL: WHY says why not. */
struct worker *worker_new(struct shared *shared, const char **why);
/* One more listener, before the thread starts: FD becomes the worker's,
 * whatever happens.  IS_SHARED: others accept from the same socket. */
bool worker_listen(struct worker *worker, int fd, bool is_shared);
/* Its listening sockets, still its own, into FDS; how many. */
unsigned worker_listeners(const struct worker *worker,
			  int fds[WORKER_MAX_LISTENERS]);
/* Its thread has ended or was never started. */
void worker_free(struct worker *worker);

/* Start the thread, with every signal blocked.  0, or an errno. */
int worker_start(struct worker *worker);
void worker_join(struct worker *worker);

/* From any thread: look at what changed in struct shared. */
void worker_wake(struct worker *worker);

#endif
