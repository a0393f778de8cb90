/* metrics_walk.c - see metrics.h: the names of what is counted, and the cells
 * of all threads added up. */
#include <ctype.h>
#include <string.h>

#include "metrics-internal.h"

#define LOWER_MAX 48

/* --- names ------------------------------------------------------------------
 */

static const struct row {
	struct metrics_family family;
	struct metrics_tag tag;
} rows[METRIC_COUNT] = {
#define ROW(id, kind, statsd, tag, value, prometheus, help)                    \
	[METRIC_##id] = {{kind, SCALE_NONE, statsd, "", prometheus, help},     \
			 {tag, value}},
#define COUNTER(id, statsd, tag, value, prometheus, help)                      \
	ROW(id, METRICS_COUNTER, statsd, tag, value, prometheus, help)
#define GAUGE(id, statsd, tag, value, prometheus, help)                        \
	ROW(id, METRICS_GAUGE, statsd, tag, value, prometheus, help)
#include "metrics.def"
};

const struct metrics_family metrics_histograms[HISTOGRAM_COUNT] = {
#define HISTOGRAM(id, statsd, type, prometheus, scale, help)                   \
	[HISTOGRAM_##id] = {METRICS_HISTOGRAM, SCALE_##scale, statsd, type,    \
			    prometheus,        help},
#include "metrics.def"
};

static const struct set_row {
	struct metrics_family family;
	bool has_rule;
} set_rows[SET_COUNTER_COUNT] = {
#define SET_COUNTER(id, statsd, prometheus, tags, help)                        \
	[SET_##id] = {                                                         \
		{METRICS_COUNTER, SCALE_NONE, statsd, "", prometheus, help},   \
		tags},
#include "metrics.def"
};

const struct metrics_family metrics_set_histograms[SET_HISTOGRAM_COUNT] = {
#define SET_HISTOGRAM(id, statsd, type, prometheus, scale, help)               \
	[SET_##id] = {METRICS_HISTOGRAM, SCALE_##scale, statsd, type,          \
		      prometheus,        help},
#include "metrics.def"
};

static const struct metrics_family decisions = {
	.statsd = "decisions",
	.prometheus = "smokescreen_decisions_total",
	.help = "Requests decided, by verdict and reason.",
};

static const struct metrics_family dials = {
	.statsd = "dials",
	.prometheus = "smokescreen_dials_total",
	.help = "Attempts to connect, by class of the address and result.",
};

/* In microseconds: what lookups and connects take, and how long tunnels last.
 */
#define LATENCIES                                                              \
	{                                                                      \
		250, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,    \
			500000, 1000000, 2500000, 10000000                     \
	}
#define SECONDS(n) (UINT64_C(1000000) * (n))

const uint64_t metrics_bounds[METRICS_SCALES][METRICS_BUCKETS - 1] = {
	[SCALE_NONE] = LATENCIES,
	[SCALE_MILLISECONDS] = LATENCIES,
	[SCALE_SECONDS] = LATENCIES,
	[SCALE_DURATION] = {10000, 100000, SECONDS(1), SECONDS(5), SECONDS(15),
			    SECONDS(60), SECONDS(300), SECONDS(900),
			    SECONDS(3600), SECONDS(14400), SECONDS(43200),
			    SECONDS(86400), SECONDS(604800)},
	[SCALE_BYTES] = {256, 1024, 4096, 16384, 65536, 262144, 1048576,
			 4194304, 16777216, 67108864, 268435456, 1073741824,
			 17179869184},
};

static const char *const cause_names[CAUSE_COUNT] = {
	[CAUSE_INVALID_HOST] = "invalid_host",
	[CAUSE_NO_ACL] = "no_acl",
	[CAUSE_NO_ROLE] = "no_role",
	[CAUSE_IPV6_HOST] = "ipv6_host",
	[CAUSE_BAD_PROXY_HEADER] = "bad_proxy_header",
	[CAUSE_MITM] = "mitm",
#define REASON(name, text) [CAUSE_REASON + REASON_##name] = #name,
#include "runtime/policy/reasons.def"
#undef REASON
#define CLASS(name, allowed, text)                                             \
	[CAUSE_ADDRESS + ADDR_##name] = "ADDRESS_" #name,
#include "runtime/policy/classes.def"
#undef CLASS
};

static const char *const class_names[ADDR_CLASS_COUNT] = {
#define CLASS(name, allowed, text) [ADDR_##name] = #name,
#include "runtime/policy/classes.def"
#undef CLASS
};

static const char *const dial_names[DIAL_COUNT] = {
	[DIAL_CONNECTED] = "connected",     [DIAL_TIMEOUT] = "timeout",
	[DIAL_REFUSED] = "refused",         [DIAL_RESET] = "reset",
	[DIAL_UNREACHABLE] = "unreachable", [DIAL_OTHER] = "other",
};

/* The names of enumerators, as labels have them. */
static const char *lower(const char *name, char out[LOWER_MAX])
{
	size_t n = strnlen(name, LOWER_MAX - 1);

	for (size_t i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	out[n] = '\0';
	return out;
}

/* --- adding up --------------------------------------------------------------
 */

struct walk {
	struct metrics_registry *registry;
	metrics_visit *visit;
	void *context;
	struct metrics_sample sample;
};

static uint64_t read_cell(metrics_cell *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

static uint64_t sum_fixed(struct metrics_registry *registry, size_t at)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < registry->thread_count; i++)
		sum += read_cell(&registry->threads[i]->fixed[at]);
	return sum;
}

static void begin_sample(struct walk *walk, const struct metrics_family *family)
{
	walk->sample = (struct metrics_sample){.family = family};
}

static void tag(struct walk *walk, const char *key, const char *value)
{
	walk->sample.tags[walk->sample.tag_count++] =
		(struct metrics_tag){key, value};
}

static void end_sample(struct walk *walk)
{
	walk->visit(walk->context, &walk->sample);
}

static void add_histogram(struct walk *walk,
			  struct metrics_histogram *histogram)
{
	for (size_t i = 0; i < METRICS_BUCKETS; i++)
		walk->sample.bucket[i] += read_cell(&histogram->bucket[i]);
	walk->sample.sum += read_cell(&histogram->sum);
	walk->sample.bounds = metrics_bounds[walk->sample.family->scale];
}

static void walk_rows(struct walk *walk)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		begin_sample(walk, &rows[i].family);
		if (rows[i].tag.key[0] != '\0')
			tag(walk, rows[i].tag.key, rows[i].tag.value);
		walk->sample.value = sum_fixed(walk->registry, i);
		walk->sample.place = i;
		end_sample(walk);
	}
}

static void walk_histograms(struct walk *walk)
{
	for (size_t i = 0; i < HISTOGRAM_COUNT; i++) {
		begin_sample(walk, &metrics_histograms[i]);
		for (unsigned k = 0; k < walk->registry->thread_count; k++)
			add_histogram(
				walk,
				&walk->registry->threads[k]->histogram[i]);
		end_sample(walk);
	}
}

/* Of all that could be, those that have been. */
static void walk_decisions(struct walk *walk)
{
	char name[LOWER_MAX];

	for (size_t i = 0; i < 3 * CAUSE_COUNT; i++) {
		size_t place = METRICS_DECISIONS + i;
		uint64_t sum = sum_fixed(walk->registry, place);

		if (sum == 0)
			continue;
		begin_sample(walk, &decisions);
		tag(walk, "verdict",
		    verdict_text((enum verdict)(i / CAUSE_COUNT)));
		tag(walk, "reason", lower(cause_names[i % CAUSE_COUNT], name));
		walk->sample.value = sum;
		walk->sample.place = place;
		end_sample(walk);
	}
}

static void walk_dials(struct walk *walk)
{
	char name[LOWER_MAX];

	for (size_t i = 0; i < ADDR_CLASS_COUNT * DIAL_COUNT; i++) {
		size_t place = METRICS_DIALS + i;
		uint64_t sum = sum_fixed(walk->registry, place);

		if (sum == 0)
			continue;
		begin_sample(walk, &dials);
		tag(walk, "class", lower(class_names[i / DIAL_COUNT], name));
		tag(walk, "result", dial_names[i % DIAL_COUNT]);
		walk->sample.value = sum;
		walk->sample.place = place;
		end_sample(walk);
	}
}

static struct metrics_set *cells(struct metrics_registry *registry,
				 unsigned thread, unsigned set)
{
	struct metrics *metrics = registry->threads[thread];

	if (set == METRICS_SET_NONE)
		return &metrics->none;
	return atomic_load_explicit(&metrics->sets[set], memory_order_acquire);
}

static void tag_set(struct walk *walk, const struct metrics_labels *labels,
		    bool has_rule)
{
	tag(walk, "role", labels->role);
	if (has_rule)
		tag(walk, "def_rule", labels->default_rule ? "true" : "false");
	tag(walk, "project", labels->project);
}

static void walk_set_counter(struct walk *walk, unsigned counter, unsigned sets)
{
	struct metrics_registry *registry = walk->registry;

	for (unsigned set = 0; set < sets; set++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < registry->thread_count; i++) {
			struct metrics_set *own = cells(registry, i, set);

			if (own != NULL)
				sum += read_cell(&own->counter[counter]);
		}
		if (sum == 0)
			continue;
		begin_sample(walk, &set_rows[counter].family);
		tag_set(walk, atomic_load(&registry->sets[set]),
			set_rows[counter].has_rule);
		walk->sample.value = sum;
		walk->sample.place =
			METRICS_FIXED + set * SET_COUNTER_COUNT + counter;
		end_sample(walk);
	}
}

static void walk_set_histogram(struct walk *walk, unsigned histogram,
			       unsigned sets)
{
	struct metrics_registry *registry = walk->registry;

	for (unsigned set = 0; set < sets; set++) {
		uint64_t count = 0;

		begin_sample(walk, &metrics_set_histograms[histogram]);
		for (unsigned i = 0; i < registry->thread_count; i++) {
			struct metrics_set *own = cells(registry, i, set);

			if (own != NULL)
				add_histogram(walk, &own->histogram[histogram]);
		}
		for (size_t i = 0; i < METRICS_BUCKETS; i++)
			count += walk->sample.bucket[i];
		if (count == 0)
			continue;
		tag_set(walk, atomic_load(&registry->sets[set]), false);
		end_sample(walk);
	}
}

void metrics_walk(struct metrics_registry *registry, bool with_histograms,
		  metrics_visit *visit, void *context)
{
	struct walk walk = {registry, visit, context, {.family = NULL}};
	unsigned sets = atomic_load(&registry->set_count);

	walk_rows(&walk);
	walk_decisions(&walk);
	walk_dials(&walk);
	for (unsigned i = 0; i < SET_COUNTER_COUNT; i++)
		walk_set_counter(&walk, i, sets);
	if (!with_histograms)
		return;
	walk_histograms(&walk);
	for (unsigned i = 0; i < SET_HISTOGRAM_COUNT; i++)
		walk_set_histogram(&walk, i, sets);
}
