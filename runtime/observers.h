/* observers.h - how the main thread lets the outside look in: the metrics of
 * all threads to statsd and Prometheus, open tunnels to the stats socket.
 * Each is there when it is asked for, and all at the same time. */
#ifndef RUNTIME_OBSERVERS_H
#define RUNTIME_OBSERVERS_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

#include "runtime/observe/log.h"
#include "runtime/observe/metrics.h"
#include "runtime/observe/small_server.h"
#include "runtime/observe/stats_socket.h"
#include "runtime/observe/statsd.h"
#include "runtime/proxy/worker.h"
#include "settings.h"

#define OBSERVERS_WHY_MAX 1024

struct observers {
	const struct settings *settings; /* borrowed */
	struct shared *shared;           /* borrowed */
	struct log *log;                 /* borrowed: the main thread's */
	struct worker **workers;         /* borrowed, COUNT of them */
	unsigned count;
	uint64_t started; /* seconds since 1970 */
	struct metrics_registry registry;
	struct metrics *metrics; /* the main thread's cells */
	struct statsd statsd;
	struct statsd_sent *sent; /* owned; NULL: no statsd */
	struct event statsd_tick;
	struct small_server prometheus;
	struct listen_address address; /* Prometheus's, as bound */
	struct stats_socket stats;
};

/* Before the workers are made: what they will need is in SHARED then.  False:
 * WHY, of OBSERVERS_WHY_MAX bytes, says why; observers_fini() is due. */
bool observers_init(struct observers *observers, struct shared *shared,
		    struct log *log, char *why);

/* After that: open the sockets, on BASE.  WORKERS are there until
 * observers_fini(). */
bool observers_start(struct observers *observers, struct event_base *base,
		     struct worker **workers, unsigned count, char *why);

/* Log where metrics are served. */
void observers_log(struct observers *observers);

/* Send what statsd has not been told yet.  The workers have ended. */
void observers_finish(struct observers *observers);

/* The workers are still there, but no longer run. */
void observers_fini(struct observers *observers);

#endif
