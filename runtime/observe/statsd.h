/* statsd.h - metrics to a DogStatsD server: UDP datagrams of several lines,
 * each no longer than an Ethernet frame holds.  Samples of histograms are sent
 * as they are taken, counters as what they grew by.  Nothing here waits: what
 * the kernel does not take is dropped and counted.
 * Not here: what is counted, metrics.h. */
#ifndef OBSERVE_STATSD_H
#define OBSERVE_STATSD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics.h"

#define STATSD_DATAGRAM                                                        \
	1432 /* 1500 less the headers, with room for tunnels                   \
	      */
#define STATSD_FLUSH_MS 100
#define STATSD_GAUGE_TURNS                                                     \
	10 /* of STATSD_FLUSH_MS; gauges are sent so often                     \
	    */
#define STATSD_WHY_MAX 256

/* One thread's datagram in the making. */
struct statsd {
	int fd;                  /* borrowed: connected, non-blocking */
	struct metrics *metrics; /* borrowed: what could not be sent */
	uint32_t dice;           /* for samples that are sent in part */
	size_t length;
	char bytes[STATSD_DATAGRAM];
};

/* A socket connected to "HOST:PORT" or "[IPV6]:PORT", whose name is looked up
 * here.  -1: WHY, of STATSD_WHY_MAX bytes, says why not. */
int statsd_open(const char *address, char *why);

void statsd_init(struct statsd *statsd, int fd, struct metrics *metrics);

/* LABELS may be NULL.  VALUE is in microseconds or bytes. */
void statsd_sample(struct statsd *statsd, const struct metrics_family *family,
		   const struct metrics_labels *labels, uint64_t value);

/* Send what there is. */
void statsd_flush(struct statsd *statsd);

/* What has been told of the counters so far. */
struct statsd_sent {
	unsigned turn;
	uint64_t value[METRICS_PLACES];
};

/* Send what the counters of all threads grew by since the last time, and every
 * so often the gauges.  True: the gauges' turn, and the caller's own. */
bool statsd_send_counters(struct statsd *statsd, struct statsd_sent *sent,
			  struct metrics_registry *registry);

/* A gauge with the tag KEY, or without one if that is NULL. */
void statsd_gauge(struct statsd *statsd, const char *name, const char *key,
		  const char *tag, uint64_t value);

#endif
