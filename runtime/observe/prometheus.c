/* prometheus.c - see prometheus.h. */
#include "prometheus.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *kind_text(enum metrics_kind kind)
{
	switch (kind) {
	case METRICS_COUNTER:
		return "counter";
	case METRICS_GAUGE:
		return "gauge";
	case METRICS_HISTOGRAM:
		return "histogram";
	}
	return "untyped";
}

static void put_head(struct text *out, const char *name, enum metrics_kind kind,
		     const char *help)
{
	text_put(out, "# HELP ");
	text_put(out, name);
	text_put(out, " ");
	text_put(out, help);
	text_put(out, "\n# TYPE ");
	text_put(out, name);
	text_put(out, " ");
	text_put(out, kind_text(kind));
	text_put(out, "\n");
}

void prometheus_put_value(struct text *out, const char *value)
{
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\n')
			text_put(out, "\\n");
		else if (*p == '\\' || *p == '"')
			text_add(out, str_make((const char[2]){'\\', *p}, 2));
		else
			text_add(out, str_make(p, 1));
	}
}

/* --- what is counted --------------------------------------------------------
 */

struct writing {
	struct text *out;
	const char *last; /* the family whose head is written */
};

/* BOUND of a bucket in units of SCALE; NULL for all else, UINT64_MAX for the
 * bucket without one. */
static void put_tags(struct text *out, const struct metrics_sample *sample,
		     const uint64_t *bound, uint64_t scale)
{
	const char *before = "{";

	for (unsigned i = 0; i < sample->tag_count; i++) {
		text_put(out, before);
		text_put(out, sample->tags[i].key);
		text_put(out, "=\"");
		prometheus_put_value(out, sample->tags[i].value);
		text_put(out, "\"");
		before = ",";
	}
	if (bound != NULL) {
		text_put(out, before);
		text_put(out, "le=\"");
		if (*bound == UINT64_MAX)
			text_put(out, "+Inf");
		else
			text_put_fraction(out, *bound, scale);
		text_put(out, "\"");
		before = ",";
	}
	if (*before == ',')
		text_put(out, "}");
}

static uint64_t scale_of(enum metrics_scale scale)
{
	switch (scale) {
	case SCALE_MILLISECONDS:
		return 1000;
	case SCALE_SECONDS:
	case SCALE_DURATION:
		return 1000000;
	case SCALE_BYTES:
	case SCALE_NONE:
		break;
	}
	return 1;
}

static void put_histogram(struct text *out, const struct metrics_sample *sample)
{
	static const uint64_t none = UINT64_MAX;
	const char *name = sample->family->prometheus;
	uint64_t scale = scale_of(sample->family->scale), count = 0;

	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		count += sample->bucket[i];
		text_put(out, name);
		text_put(out, "_bucket");
		put_tags(out, sample,
			 i < METRICS_BUCKETS - 1 ? &sample->bounds[i] : &none,
			 scale);
		text_put(out, " ");
		text_put_unsigned(out, count);
		text_put(out, "\n");
	}
	text_put(out, name);
	text_put(out, "_sum");
	put_tags(out, sample, NULL, 1);
	text_put(out, " ");
	text_put_fraction(out, sample->sum, scale);
	text_put(out, "\n");
	text_put(out, name);
	text_put(out, "_count");
	put_tags(out, sample, NULL, 1);
	text_put(out, " ");
	text_put_unsigned(out, count);
	text_put(out, "\n");
}

static void visit(void *context, const struct metrics_sample *sample)
{
	const struct metrics_family *family = sample->family;
	struct writing *writing = context;
	struct text *out = writing->out;

	if (writing->last == NULL ||
	    strcmp(writing->last, family->prometheus) != 0)
		put_head(out, family->prometheus, family->kind, family->help);
	writing->last = family->prometheus;
	if (family->kind == METRICS_HISTOGRAM) {
		put_histogram(out, sample);
		return;
	}
	text_put(out, family->prometheus);
	put_tags(out, sample, NULL, 1);
	text_put(out, " ");
	text_put_unsigned(out, sample->value);
	text_put(out, "\n");
}

/* --- what is so now ---------------------------------------------------------
 */

static void put_now(struct text *out, const char *name, enum metrics_kind kind,
		    const char *help, uint64_t value)
{
	put_head(out, name, kind, help);
	text_put(out, name);
	text_put(out, " ");
	text_put_unsigned(out, value);
	text_put(out, "\n");
}

void prometheus_put_expiry(struct text *out, const char *crl_issuer,
			   uint64_t at, bool first)
{
	static const char crl[] =
		"smokescreen_tls_crl_next_update_timestamp_seconds";

	if (crl_issuer == NULL) {
		put_now(out,
			"smokescreen_tls_certificate_expiry_timestamp_seconds",
			METRICS_GAUGE,
			"When the server's certificate expires, the first of "
			"them.",
			at);
		return;
	}
	if (first)
		put_head(out, crl, METRICS_GAUGE,
			 "When the CRLs of an issuer are overdue, the first "
			 "of them.");
	text_put(out, crl);
	text_put(out, "{issuer=\"");
	prometheus_put_value(out, crl_issuer);
	text_put(out, "\"} ");
	text_put_unsigned(out, at);
	text_put(out, "\n");
}

static void put_info(struct text *out, const char *name, const char *help,
		     const char *key, const char *value)
{
	put_head(out, name, METRICS_GAUGE, help);
	text_put(out, name);
	text_put(out, "{");
	text_put(out, key);
	text_put(out, "=\"");
	prometheus_put_value(out, value);
	text_put(out, "\"} 1\n");
}

static uint64_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	/* ".", ".." and DIR's own */
	return count > 3 ? count - 3 : 0;
}

static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_process(struct text *out, const struct prometheus_now *now)
{
	static const char cpu[] = "process_cpu_seconds_total";
	struct rlimit limit = {0};
	struct rusage used = {0};

	getrusage(RUSAGE_SELF, &used);
	put_head(out, cpu, METRICS_COUNTER,
		 "Processor time spent, user's and system's.");
	text_put(out, cpu);
	text_put(out, " ");
	text_put_fraction(out,
			  ((uint64_t)used.ru_utime.tv_sec +
			   (uint64_t)used.ru_stime.tv_sec) *
					  1000000 +
				  (uint64_t)used.ru_utime.tv_usec +
				  (uint64_t)used.ru_stime.tv_usec,
			  1000000);
	text_put(out, "\n");
	put_now(out, "process_open_fds", METRICS_GAUGE,
		"Descriptors that are open.", open_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		put_now(out, "process_max_fds", METRICS_GAUGE,
			"Descriptors that may be open.", limit.rlim_cur);
	put_now(out, "process_resident_memory_bytes", METRICS_GAUGE,
		"Memory in use.", resident_bytes());
	put_now(out, "process_start_time_seconds", METRICS_GAUGE,
		"When the process started, since 1970.", now->started);
}

void prometheus_write(struct text *out, struct metrics_registry *registry,
		      const struct prometheus_now *now)
{
	struct writing writing = {.out = out};

	metrics_walk(registry, true, visit, &writing);
	put_now(out, "smokescreen_clients", METRICS_GAUGE,
		"Clients connected now.", now->clients);
	put_now(out, "smokescreen_log_lines_dropped_total", METRICS_COUNTER,
		"Log lines that nobody read in time.", now->log_dropped);
	put_now(out, "smokescreen_draining", METRICS_GAUGE,
		"1 while the program is about to end.", now->draining);
	put_now(out, "smokescreen_policy_loaded_timestamp_seconds",
		METRICS_GAUGE, "When the policy in force was loaded.",
		now->loaded);
	put_info(out, "smokescreen_policy_info",
		 "The policy in force, as in the log.", "policy", now->policy);
	put_info(out, "smokescreen_build_info", "The version that runs.",
		 "version", now->version);
	put_process(out, now);
}
