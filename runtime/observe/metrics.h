/* metrics.h - numbers: counters, gauges and histograms, one set of cells a
 * thread.  A cell has one writer, so that counting is a plain load and store;
 * whoever reads adds up the cells of all threads.
 * Not here: how numbers are told, prometheus.h and statsd.h. */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"
#include "runtime/policy/ranges.h"

struct statsd;

/* Roles and projects that occur get cells of their own up to this many; later
 * ones share those of "_other". */
#define METRICS_MAX_SETS 4096
#define METRICS_LABEL_MAX 128
#define METRICS_MAX_THREADS 257
#define METRICS_BUCKETS 14 /* the last one has no bound */

enum metric {
#define COUNTER(id, statsd, tag, value, prometheus, help) METRIC_##id,
#define GAUGE COUNTER
#include "metrics.def"
	METRIC_COUNT
};

enum metric_histogram {
#define HISTOGRAM(id, statsd, type, prometheus, scale, help) HISTOGRAM_##id,
#include "metrics.def"
	HISTOGRAM_COUNT
};

enum metric_set_counter {
#define SET_COUNTER(id, statsd, prometheus, tags, help) SET_##id,
#include "metrics.def"
	SET_COUNTER_COUNT
};

enum metric_set_histogram {
#define SET_HISTOGRAM(id, statsd, type, prometheus, scale, help) SET_##id,
#include "metrics.def"
	SET_HISTOGRAM_COUNT
};

/* Why a request was decided as it was.  The reasons of the policy and the
 * classes of addresses follow after the causes of our own. */
enum metric_cause {
	CAUSE_INVALID_HOST = 0, /* nothing else was said */
	CAUSE_NO_ACL,
	CAUSE_NO_ROLE,
	CAUSE_IPV6_HOST,
	CAUSE_BAD_PROXY_HEADER,
	CAUSE_MITM,
	CAUSE_REASON,
	CAUSE_ADDRESS = CAUSE_REASON + REASON_COUNT,
	CAUSE_COUNT = CAUSE_ADDRESS + ADDR_CLASS_COUNT
};

enum metric_dial {
	DIAL_CONNECTED = 0,
	DIAL_TIMEOUT,
	DIAL_REFUSED,
	DIAL_RESET,
	DIAL_UNREACHABLE,
	DIAL_OTHER,
	DIAL_COUNT
};

/* All cells that are there from the start, in a row. */
#define METRICS_DECISIONS METRIC_COUNT
#define METRICS_DIALS (METRICS_DECISIONS + 3 * CAUSE_COUNT)
#define METRICS_FIXED (METRICS_DIALS + ADDR_CLASS_COUNT * DIAL_COUNT)

typedef _Atomic uint64_t metrics_cell;

struct metrics_histogram {
	metrics_cell bucket[METRICS_BUCKETS];
	metrics_cell sum; /* microseconds, or bytes */
};

/* The cells of one role and project. */
struct metrics_set {
	metrics_cell counter[SET_COUNTER_COUNT];
	struct metrics_histogram histogram[SET_HISTOGRAM_COUNT];
};

/* One thread's cells. */
struct metrics {
	struct statsd *statsd; /* borrowed: told of every sample; may be NULL */
	struct metrics_registry *registry; /* borrowed */
	metrics_cell fixed[METRICS_FIXED];
	struct metrics_histogram histogram[HISTOGRAM_COUNT];
	struct metrics_set none;                              /* set 0 */
	_Atomic(struct metrics_set *) sets[METRICS_MAX_SETS]; /* owned */
};

/* One role and project, as labels: cleaned of what statsd's syntax is made of.
 */
struct metrics_labels {
	bool default_rule;
	uint16_t pair; /* the first set with this role and this project */
	char role[METRICS_LABEL_MAX + 1];
	char project[METRICS_LABEL_MAX + 1];
};

#define METRICS_SET_NONE 0  /* no rule */
#define METRICS_SET_OTHER 1 /* one rule too many */

struct metrics_registry {
	pthread_mutex_t lock;                         /* for SETS to grow */
	struct metrics *threads[METRICS_MAX_THREADS]; /* owned */
	unsigned thread_count; /* fixed before the second thread starts */
	_Atomic(struct metrics_labels *) sets[METRICS_MAX_SETS]; /* owned */
	atomic_uint set_count;
};

/* False: out of memory. */
bool metrics_init(struct metrics_registry *registry);
void metrics_fini(struct metrics_registry *registry);

/* Cells for one more thread; they belong to REGISTRY.  NULL: no memory. */
struct metrics *metrics_add_thread(struct metrics_registry *registry);

static inline void metrics_cell_add(metrics_cell *cell, uint64_t n)
{
	/* one writer: no other thread's addition can be lost */
	atomic_store_explicit(
		cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static inline void metrics_add(struct metrics *metrics, enum metric metric,
			       uint64_t n)
{
	metrics_cell_add(&metrics->fixed[metric], n);
}

static inline void metrics_count(struct metrics *metrics, enum metric metric)
{
	metrics_add(metrics, metric, 1);
}

/* VALUE is in microseconds. */
void metrics_observe(struct metrics *metrics, enum metric_histogram histogram,
		     uint64_t value);

void metrics_decision(struct metrics *metrics, enum verdict verdict,
		      unsigned cause);
void metrics_class(struct metrics *metrics, enum addr_class class);

/* A connect to an address of CLASS ended with ERROR, 0: it is there. */
void metrics_dial(struct metrics *metrics, enum addr_class class, bool timeout,
		  int error);

/* The sets of a policy's rules, found when a rule is first used. */
struct metrics_rules {
	_Atomic uint16_t *sets; /* owned: set + 1; 0: not looked for yet */
	uint32_t count;
};
bool metrics_rules_init(struct metrics_rules *rules, uint32_t count);
void metrics_rules_fini(struct metrics_rules *rules);

/* Count what DECISION by BLOB says; the set it belongs to. */
uint16_t metrics_acl(struct metrics *metrics, struct metrics_rules *rules,
		     const struct decision *decision);

/* A tunnel of SET has ended, after DURATION_US. */
void metrics_tunnel_closed(struct metrics *metrics, uint16_t set,
			   bool at_termination, uint64_t duration_us,
			   uint64_t bytes_in, uint64_t bytes_out);

/* --- reading ---------------------------------------------------------------
 */

enum metrics_kind { METRICS_COUNTER = 0, METRICS_GAUGE, METRICS_HISTOGRAM };
enum metrics_scale {
	SCALE_NONE = 0,
	SCALE_MILLISECONDS,
	SCALE_SECONDS,
	SCALE_DURATION, /* seconds too, of what may last for days */
	SCALE_BYTES,
};
#define METRICS_SCALES (SCALE_BYTES + 1)

struct metrics_family {
	enum metrics_kind kind;
	enum metrics_scale scale;
	const char *statsd;      /* "": not there */
	const char *statsd_type; /* of a histogram */
	const char *prometheus;
	const char *help;
};

#define METRICS_MAX_TAGS 3

struct metrics_tag {
	const char *key;
	const char *value;
};

struct metrics_sample {
	const struct metrics_family *family;
	struct metrics_tag tags[METRICS_MAX_TAGS];
	unsigned tag_count;
	uint64_t value; /* a gauge's is an int64_t */
	uint64_t sum;   /* of a histogram */
	uint64_t bucket[METRICS_BUCKETS];
	const uint64_t *bounds; /* of the buckets but the last; in the units of
				 * SUM */
	size_t place;           /* of a counter: the same at every walk, below
				 * METRICS_PLACES */
};

#define METRICS_PLACES (METRICS_FIXED + METRICS_MAX_SETS * SET_COUNTER_COUNT)

/* Called with every sample, those of a family in a row.  SAMPLE is borrowed for
 * the call. */
typedef void metrics_visit(void *context, const struct metrics_sample *sample);
/* Histograms make most of the work: who has no use for them leaves them out.
 */
void metrics_walk(struct metrics_registry *registry, bool with_histograms,
		  metrics_visit *visit, void *context);

/* TEXT as a label: what statsd's syntax is made of becomes '_', what is too
 * long is cut.  OUT has room for METRICS_LABEL_MAX + 1. */
void metrics_label(struct str text, char *out);

#endif
