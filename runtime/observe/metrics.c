/* metrics.c - see metrics.h: counting.  Adding up is metrics_walk.c's. */
#include "metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metrics-internal.h"
#include "statsd.h"

/* --- the registry -----------------------------------------------------------
 */

void metrics_label(struct str text, char *out)
{
	size_t n = text.n < METRICS_LABEL_MAX ? text.n : METRICS_LABEL_MAX;

	/* no character may be cut in two */
	if (n < text.n)
		while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		out[i] = c < 0x20 || c == 0x7f || strchr("|@#:\"}{\\,", c)
				 ? '_'
				 : (char)c;
	}
	out[n] = '\0';
}

static struct metrics_labels *labels_at(struct metrics_registry *registry,
					unsigned at)
{
	return atomic_load_explicit(&registry->sets[at], memory_order_acquire);
}

/* The set of these labels, new if need be.  LOCK is held. */
static unsigned find_set(struct metrics_registry *registry,
			 const struct metrics_labels *wanted)
{
	unsigned count = atomic_load(&registry->set_count), pair = count;
	struct metrics_labels *labels;

	for (unsigned i = 0; i < count; i++) {
		labels = labels_at(registry, i);
		if (strcmp(labels->role, wanted->role) != 0 ||
		    strcmp(labels->project, wanted->project) != 0)
			continue;
		if (labels->default_rule == wanted->default_rule)
			return i;
		if (pair == count)
			pair = i;
	}
	labels = count < METRICS_MAX_SETS ? malloc(sizeof(*labels)) : NULL;
	if (labels == NULL)
		return METRICS_SET_OTHER;
	*labels = *wanted;
	labels->pair = (uint16_t)pair;
	atomic_store_explicit(&registry->sets[count], labels,
			      memory_order_release);
	atomic_store(&registry->set_count, count + 1);
	return count;
}

bool metrics_init(struct metrics_registry *registry)
{
	const struct metrics_labels none = {.default_rule = false};
	const struct metrics_labels other = {.role = "_other",
					     .project = "_other"};

	*registry = (struct metrics_registry){.thread_count = 0};
	pthread_mutex_init(&registry->lock, NULL);
	if (find_set(registry, &none) == METRICS_SET_NONE &&
	    find_set(registry, &other) == METRICS_SET_OTHER &&
	    labels_at(registry, METRICS_SET_OTHER) != NULL)
		return true;
	metrics_fini(registry);
	return false;
}

void metrics_fini(struct metrics_registry *registry)
{
	for (unsigned i = 0; i < registry->thread_count; i++) {
		for (unsigned k = 0; k < METRICS_MAX_SETS; k++)
			free(registry->threads[i]->sets[k]);
		free(registry->threads[i]);
	}
	for (unsigned k = 0; k < METRICS_MAX_SETS; k++)
		free(registry->sets[k]);
	registry->thread_count = 0;
	pthread_mutex_destroy(&registry->lock);
}

struct metrics *metrics_add_thread(struct metrics_registry *registry)
{
	struct metrics *metrics = NULL;

	if (registry->thread_count < METRICS_MAX_THREADS)
		metrics = calloc(1, sizeof(*metrics));
	if (metrics == NULL)
		return NULL;
	metrics->registry = registry;
	registry->threads[registry->thread_count++] = metrics;
	return metrics;
}

/* --- counting ---------------------------------------------------------------
 */

static void observe(struct metrics_histogram *histogram,
		    enum metrics_scale scale, uint64_t value)
{
	const uint64_t *bounds = metrics_bounds[scale];
	size_t at = 0;

	while (at < METRICS_BUCKETS - 1 && value > bounds[at])
		at++;
	metrics_cell_add(&histogram->bucket[at], 1);
	metrics_cell_add(&histogram->sum, value);
}

void metrics_observe(struct metrics *metrics, enum metric_histogram histogram,
		     uint64_t value)
{
	const struct metrics_family *family = &metrics_histograms[histogram];

	observe(&metrics->histogram[histogram], family->scale, value);
	if (metrics->statsd != NULL && family->statsd[0] != '\0')
		statsd_sample(metrics->statsd, family, NULL, value);
}

void metrics_decision(struct metrics *metrics, enum verdict verdict,
		      unsigned cause)
{
	metrics_cell_add(
		&metrics->fixed[METRICS_DECISIONS +
				(unsigned)verdict * CAUSE_COUNT + cause],
		1);
}

void metrics_class(struct metrics *metrics, enum addr_class class)
{
	static const enum metric by_class[] = {
		[ADDR_NOT_GLOBAL_UNICAST] = METRIC_DENY_NOT_UNICAST,
		[ADDR_PRIVATE_RANGE] = METRIC_DENY_PRIVATE,
		[ADDR_USER_DENIED] = METRIC_DENY_USER,
		[ADDR_CGNAT_RANGE] = METRIC_DENY_CGNAT,
		[ADDR_IPV6_EMBEDDING] = METRIC_DENY_EMBEDDING,
		[ADDR_SPECIAL_PURPOSE] = METRIC_DENY_SPECIAL,
		[ADDR_SELF_CONNECTION] = METRIC_DENY_SELF,
		[ADDR_DEFAULT] = METRIC_ALLOW_DEFAULT,
		[ADDR_USER_ALLOWED] = METRIC_ALLOW_USER,
	};

	_Static_assert(sizeof(by_class) / sizeof(by_class[0]) ==
			       ADDR_CLASS_COUNT,
		       "every class has a counter");
	metrics_count(metrics, by_class[class]);
}

static void count_error(struct metrics *metrics, enum metric_dial *how,
			bool timeout, int error)
{
	if (timeout)
		error = ETIMEDOUT;
	switch (error) {
	case ETIMEDOUT:
		metrics_count(metrics, METRIC_CONNECT_TIMEOUT);
		*how = DIAL_TIMEOUT;
		break;
	case ECONNREFUSED:
		metrics_count(metrics, METRIC_CONNECT_REFUSED);
		*how = DIAL_REFUSED;
		break;
	case ECONNRESET:
		metrics_count(metrics, METRIC_CONNECT_RESET);
		*how = DIAL_RESET;
		break;
	case ECONNABORTED:
		metrics_count(metrics, METRIC_CONNECT_ABORTED);
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
		/* upstream has no word for it */
		metrics_count(metrics, METRIC_CONNECT_UNKNOWN);
		*how = DIAL_UNREACHABLE;
		break;
	default:
		metrics_count(metrics, METRIC_CONNECT_UNKNOWN);
		break;
	}
}

void metrics_dial(struct metrics *metrics, enum addr_class class, bool timeout,
		  int error)
{
	bool ok = !timeout && error == 0;
	enum metric_dial how = ok ? DIAL_CONNECTED : DIAL_OTHER;

	metrics_count(metrics, ok ? METRIC_CONNECT_OK : METRIC_CONNECT_FAILED);
	if (!ok)
		count_error(metrics, &how, timeout, error);
	metrics_cell_add(
		&metrics->fixed[METRICS_DIALS + (unsigned)class * DIAL_COUNT +
				(unsigned)how],
		1);
}

/* --- roles and projects -----------------------------------------------------
 */

bool metrics_rules_init(struct metrics_rules *rules, uint32_t count)
{
	rules->sets = calloc((size_t)count + 1, sizeof(*rules->sets));
	rules->count = rules->sets != NULL ? count : 0;
	return rules->sets != NULL;
}

void metrics_rules_fini(struct metrics_rules *rules)
{
	free(rules->sets);
	*rules = (struct metrics_rules){0};
}

static uint16_t set_of(struct metrics *metrics, struct metrics_rules *rules,
		       const struct decision *decision)
{
	struct metrics_registry *registry = metrics->registry;
	struct metrics_labels wanted;
	unsigned set;

	/* RULE_NONE is beyond every count */
	if (decision->rule >= rules->count)
		return METRICS_SET_NONE;
	set = atomic_load_explicit(&rules->sets[decision->rule],
				   memory_order_relaxed);
	if (set != 0)
		return (uint16_t)(set - 1);
	wanted.default_rule = decision->default_rule;
	metrics_label(decision->rule_name, wanted.role);
	metrics_label(decision->project, wanted.project);
	pthread_mutex_lock(&registry->lock);
	set = find_set(registry, &wanted);
	pthread_mutex_unlock(&registry->lock);
	atomic_store_explicit(&rules->sets[decision->rule], (uint16_t)(set + 1),
			      memory_order_relaxed);
	return (uint16_t)set;
}

/* This thread's cells of SET, allocated when it is first counted. */
static struct metrics_set *cells_of(struct metrics *metrics, uint16_t set)
{
	struct metrics_set *cells;

	if (set == METRICS_SET_NONE)
		return &metrics->none;
	cells = atomic_load_explicit(&metrics->sets[set], memory_order_relaxed);
	if (cells != NULL)
		return cells;
	cells = calloc(1, sizeof(*cells));
	if (cells == NULL)
		return &metrics->none;
	atomic_store_explicit(&metrics->sets[set], cells, memory_order_release);
	return cells;
}

uint16_t metrics_acl(struct metrics *metrics, struct metrics_rules *rules,
		     const struct decision *decision)
{
	static const enum metric_set_counter by_verdict[] = {
		[VERDICT_DENY] = SET_ACL_DENY,
		[VERDICT_REPORT] = SET_ACL_REPORT,
		[VERDICT_ALLOW] = SET_ACL_ALLOW,
	};
	uint16_t set = set_of(metrics, rules, decision);
	struct metrics_set *cells = cells_of(metrics, set);

	if (decision->reason == REASON_CORRUPT)
		metrics_count(metrics, METRIC_DECIDE_ERROR);
	metrics_cell_add(&cells->counter[by_verdict[decision->verdict]], 1);
	return set;
}

/* CELLS are those of SET. */
static void observe_set(struct metrics *metrics, struct metrics_set *cells,
			uint16_t set, enum metric_set_histogram histogram,
			uint64_t value)
{
	const struct metrics_family *family =
		&metrics_set_histograms[histogram];

	observe(&cells->histogram[histogram], family->scale, value);
	if (metrics->statsd != NULL)
		statsd_sample(metrics->statsd, family,
			      labels_at(metrics->registry, set), value);
}

void metrics_tunnel_closed(struct metrics *metrics, uint16_t set,
			   bool at_termination, uint64_t duration_us,
			   uint64_t bytes_in, uint64_t bytes_out)
{
	struct metrics_set *cells;

	/* a tunnel has a role and a project and no more: sets that differ in
	 * their rule alone are one */
	set = labels_at(metrics->registry, set)->pair;
	cells = cells_of(metrics, set);
	metrics_cell_add(&cells->counter[SET_CLOSED], 1);
	if (at_termination)
		metrics_cell_add(&cells->counter[SET_AT_TERMINATION], 1);
	observe_set(metrics, cells, set, SET_DURATION, duration_us);
	observe_set(metrics, cells, set, SET_BYTES_IN, bytes_in);
	observe_set(metrics, cells, set, SET_BYTES_OUT, bytes_out);
}
