/* bench_decide.c - the policy library measured: bytes, compile, verify and load
 * times, and decisions in nanoseconds, hot, random and cold, beside a linear
 * scan in the same run.  One JSON object on stdout.
 *
 * Names are synthetic with the shape of a large block list: 20 bytes on
 * average, two labels 48 %, three 36 %, four and more 16 %. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/policy/format.h"
#include "tests/unit/policy_fixture.h"

#define HOT 256
#define RANDOM_QUERIES 200000
#define REPEATS 9

static double clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Of this process: others on the machine do not count. */
static double now(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* For what is too short to ask the kernel about. */
static double instant(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The middle one; the machine's other work shows in the slow ones. */
static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}

/* --- names ---------------------------------------------------------------- */

static void put_label(char *out, size_t *at, uint64_t id, unsigned least,
		      unsigned most)
{
	static const char letters[] = "etaoinshrdlucmfwypvbgkqjxz-0123456789";
	uint64_t r = id * 0x9e3779b97f4a7c15u;
	unsigned n;

	r ^= r >> 29;
	n = least + (unsigned)(r % (most - least + 1));
	for (unsigned i = 0; i < n; i++) {
		r = r * 0xd6e8feb86659fd93u + 1;

		unsigned pick = (unsigned)(r >> 40) % (i == 0 ? 26 : 37);

		out[(*at)++] = letters[pick];
	}
}

/* The Ith name: 2 labels, or more below domains that others share. */
static void bench_name(uint64_t i, char *out)
{
	static const char *const tops[] = {"com", "com",  "com", "com",
					   "net", "org",  "io",  "ru",
					   "de",  "info", "xyz", "co.uk"};
	/* 0..127, the same for all names of a domain */
	uint64_t shape = i / 4 * 0x9e3779b97f4a7c15u >> 57;
	uint64_t domain = shape < 61 ? i : i / 4 + ((uint64_t)1 << 40);
	uint64_t top = domain * 0xd6e8feb86659fd93u >> 33;
	size_t at = 0;

	if (shape >= 107) {
		put_label(out, &at, i + 3, 2, 6);
		out[at++] = '.';
	}
	if (shape >= 61) {
		put_label(out, &at, i + 7, 3, 9);
		out[at++] = '.';
	}
	put_label(out, &at, domain, 6, 18);
	out[at++] = '.';
	if (top % 5 == 0) {
		put_label(out, &at, top / 5 % 800 + 99, 2, 6);
		out[at] = '\0';
	} else {
		const char *text = tops[top / 5 % 12];

		memcpy(out + at, text, strlen(text) + 1);
	}
}

/* --- policies --------------------------------------------------------------
 */

static uint32_t zipf(uint64_t *seed, const double *cumulative, uint32_t n)
{
	double r = (double)(fixture_random(seed) >> 11) / 9007199254740992.0 *
		   cumulative[n - 1];
	uint32_t low = 0, high = n - 1;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (cumulative[mid] < r)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void add_bench_glob(struct fixture *f, uint32_t rule,
			   enum fixture_kind kind, uint64_t name, uint32_t line)
{
	char text[300] = "*.";

	bench_name(name, text + 2);
	fixture_glob(f, rule, kind, name % 5 < 2 ? text : text + 2, line);
}

static void build_one_role(struct fixture *f, uint32_t globs)
{
	fixture_rule(f, "svc", "project", RULE_ENFORCE);
	for (uint32_t i = 0; i < globs; i++)
		add_bench_glob(f, 0, FIXTURE_DOMAIN, i, i + 10);
}

static void build_roles(struct fixture *f, uint32_t roles, uint32_t each,
			uint32_t pool, uint32_t deny, uint32_t allow)
{
	double *cumulative = calloc(pool, sizeof(double));
	uint32_t *taken = calloc(pool, sizeof(*taken)); /* by which role */
	uint64_t seed = 99;

	if (cumulative == NULL || taken == NULL)
		abort();
	for (uint32_t i = 0; i < pool; i++)
		cumulative[i] = (i ? cumulative[i - 1] : 0) + 1.0 / (i + 1);
	for (uint32_t r = 0; r < roles; r++) {
		char name[32];

		snprintf(name, sizeof(name), "service-%05u", r);
		fixture_rule(f, name, "project", RULE_ENFORCE);
		for (uint32_t i = 0; i < each;) {
			uint32_t pick = zipf(&seed, cumulative, pool);

			if (taken[pick] == r + 1)
				continue;
			taken[pick] = r + 1;
			add_bench_glob(f, r, FIXTURE_DOMAIN, pick,
				       r * each + i++ + 10);
		}
	}
	for (uint32_t i = 0; i < deny; i++)
		add_bench_glob(f, 0, FIXTURE_DENY, pool + i, i);
	for (uint32_t i = 0; i < allow; i++)
		add_bench_glob(f, 0, FIXTURE_ALLOW, pool + deny + i, i);
	free(cumulative);
	free(taken);
}

/* --- queries -----------------------------------------------------------------
 */

enum query_kind {
	QUERY_HIT,
	QUERY_MISS,
	QUERY_ABSENT,
	QUERY_DEEP,
	QUERY_KINDS
};

static const char *const kind_names[] = {"hit", "miss", "absent", "deep"};

/* hit: in the list; miss: a known name, but not the entry; absent: nothing like
 * it; deep: six labels more than the policy knows. */
static void make_query(const struct fixture *f, enum query_kind kind,
		       uint64_t *seed, struct hostname *host)
{
	const struct canonical *c = &f->canonical;
	const struct canonical_entry *e =
		&c->entries[fixture_random(seed) % c->entry_count];
	char text[600] = "";
	char name[300];

	snprintf(name, sizeof(name), "%.*s", (int)e->length, e->name);
	switch (kind) {
	case QUERY_HIT:
		snprintf(text, sizeof(text), "%s%s", e->wildcard ? "www." : "",
			 name);
		break;
	case QUERY_MISS:
		snprintf(text, sizeof(text), "%s%s", e->wildcard ? "" : "www.",
			 name);
		break;
	case QUERY_ABSENT:
		bench_name(fixture_random(seed) >> 8 | (uint64_t)1 << 50, text);
		break;
	case QUERY_DEEP:
		snprintf(text, sizeof(text), "a.bb.ccc.dddd.eeeee.ffffff.%s",
			 name);
		break;
	case QUERY_KINDS:
		break;
	}
	if (strlen(text) > HOSTNAME_MAX)
		snprintf(text, sizeof(text), "example.com");
	memset(host, 0, sizeof(*host));
	*host = fixture_host(text);
}

static volatile unsigned sink;

/* The lookup alone, its list known: a role that is already resolved.
 */
static double measure_find(const struct blob *blob, const struct fixture *f,
			   const struct hostname *hosts, size_t count,
			   size_t rounds)
{
	double times[REPEATS];
	uint32_t list = f->canonical.rules[0].list;

	for (size_t repeat = 0; repeat < REPEATS; repeat++) {
		double start = now();
		unsigned sum = 0;

		for (size_t r = 0; r < rounds; r++)
			for (size_t i = 0; i < count; i++) {
				struct hosts_answer answer;

				hosts_find(&blob->hosts, &hosts[i], list,
					   &answer);

				sum += answer.list.found + answer.deny.found;
			}
		sink += sum;
		times[repeat] = (now() - start) / (double)(rounds * count);
	}
	return median(times, REPEATS);
}

/* Hosts as packed as a caller would have them: one after the other. */
static double measure(const struct blob *blob, const struct fixture *f,
		      const struct hostname *hosts, size_t count, size_t rounds)
{
	double times[REPEATS];
	struct str role = f->canonical.rules[0].name;

	for (size_t repeat = 0; repeat < REPEATS; repeat++) {
		double start = now();
		unsigned sum = 0;

		for (size_t r = 0; r < rounds; r++)
			for (size_t i = 0; i < count; i++) {
				struct query query = {.role = role,
						      .host = &hosts[i]};

				sum += decide(blob, &query).verdict;
			}
		sink += sum;
		times[repeat] = (now() - start) / (double)(rounds * count);
	}
	return median(times, REPEATS);
}

#define EVICT ((size_t)192 << 20)
#define COLD_QUERIES 128

static double measure_cold(const struct blob *blob, const struct fixture *f,
			   const struct hostname *hosts, uint8_t *eviction)
{
	double times[COLD_QUERIES];
	struct str role = f->canonical.rules[0].name;
	size_t taken = 0;

	for (size_t i = 0; i < COLD_QUERIES; i++) {
		/* once for eight: they land in different places */
		if (i % 8 == 0)
			for (size_t k = 0; k < EVICT; k += 64)
				eviction[k]++;

		struct hostname host = hosts[i];
		struct query query = {.role = role, .host = &host};

		sink += (unsigned char)host.text[host.length / 2];

		double start = instant();

		sink += decide(blob, &query).verdict;
		times[taken++] = instant() - start;
	}
	return median(times, taken);
}

static double timer_cost(void)
{
	double start = instant();

	for (int i = 0; i < 1000; i++)
		sink += (unsigned)instant();
	return (instant() - start) / 1000;
}

#define MISS_BYTES ((size_t)32 << 20)

/* What one access to memory costs that is in no cache, pages included, and has
 * to wait for one before it: the unit of what is cold. */
static double measure_miss(uint8_t *eviction)
{
	uint8_t *memory = malloc(MISS_BYTES);
	double times[COLD_QUERIES];
	uint64_t seed = 9;

	if (memory == NULL)
		abort();
	memset(memory, 1, MISS_BYTES);
	for (size_t i = 0; i < COLD_QUERIES; i++) {
		if (i % 8 == 0)
			for (size_t k = 0; k < EVICT; k += 64)
				eviction[k]++;

		const volatile uint8_t *p =
			memory + fixture_random(&seed) % (MISS_BYTES - 1);
		const volatile uint8_t *q =
			memory + fixture_random(&seed) % (MISS_BYTES - 1);
		double start = instant();

		sink += q[*p];
		times[i] = (instant() - start) / 2;
	}
	free(memory);
	return median(times, COLD_QUERIES) - timer_cost() / 2;
}

/* What it costs to ask each entry of the list in turn. */
static double measure_scan(const struct fixture *f,
			   const struct hostname *hosts)
{
	const struct canonical *c = &f->canonical;
	double start = now();
	size_t n = c->entry_count > 100000 ? 4 : 64;
	unsigned found = 0;

	for (size_t q = 0; q < n; q++) {
		const struct hostname *host = &hosts[q];

		for (uint32_t i = 0; i < c->entry_count; i++) {
			const struct canonical_entry *e = &c->entries[i];
			size_t at = (size_t)host->length - e->length;

			if (e->list != c->rules[0].list ||
			    host->length < e->length ||
			    memcmp(host->text + at, e->name, e->length) != 0)
				continue;
			if (e->wildcard ? at > 0 && host->text[at - 1] == '.'
					: at == 0)
				found++;
		}
	}
	sink += found;
	return (now() - start) / (double)n;
}

/* --- one policy
 * ---------------------------------------------------------------- */

static void print_section_sizes(const struct blob *blob)
{
	static const char *const names[] = {
		"",           "META",  "RULE",  "ROLE",       "TOPS",
		"NODE",       "POST",  "MITM",  "MITM_ORDER", "HEAD",
		"ADDR",       "RANGE", "NAT64", "STRS",       "NODEMAP",
		"POSTMAP",    "ORDER", "FILES", "LINES",      "RULE_LINES",
		"RANGE_LINES"};

	printf(" \"sections\": {");
	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		printf("%s\"%s\": %llu", i > 1 ? ", " : "", names[i],
		       (unsigned long long)blob->section[i].length);
	printf("},\n");
}

static void print_times(struct fixture *f, const uint8_t *bytes, size_t length)
{
	double emit[3], verify[REPEATS], load[REPEATS];
	char path[] = "/tmp/bench_decide.XXXXXX";
	struct blob blob;
	const char *why;
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
		abort();
	close(fd);
	for (size_t i = 0; i < 3; i++) {
		double start = now();
		size_t n;

		free(emit_blob(&f->canonical, false, &n, &why));
		emit[i] = now() - start;
	}
	for (size_t i = 0; i < REPEATS; i++) {
		double start = now();

		if (blob_wrap(&blob, bytes, length) != BLOB_OK)
			abort();
		verify[i] = now() - start;
		start = now();
		if (blob_load(&blob, path) != BLOB_OK)
			abort();
		load[i] = now() - start;
		blob_unmap(&blob);
	}
	unlink(path);
	printf(" \"emit_ms\": %.2f, \"verify_ms\": %.3f, \"load_ms\": %.3f,\n",
	       median(emit, 3) / 1e6, median(verify, REPEATS) / 1e6,
	       median(load, REPEATS) / 1e6);
}

static void bench(const char *name, struct fixture *f, uint8_t *eviction)
{
	size_t length;
	uint8_t *bytes = fixture_emit(f, false, &length);
	struct hostname *hosts = calloc(RANDOM_QUERIES, sizeof(*hosts));
	struct blob blob;
	struct blob_info info;
	uint64_t seed = 12345, name_bytes = 0;

	if (hosts == NULL || blob_wrap(&blob, bytes, length) != BLOB_OK)
		abort();
	blob_info(&blob, &info);
	for (uint32_t i = 0; i < f->canonical.entry_count; i++)
		name_bytes += f->canonical.entries[i].length;
	printf("{\"policy\": \"%s\", \"rules\": %u, \"globs\": %llu, "
	       "\"entries\": %llu, \"nodes\": %llu, \"name_bytes\": %.1f,\n",
	       name, f->canonical.rule_count, (unsigned long long)info.globs,
	       (unsigned long long)info.entries, (unsigned long long)info.nodes,
	       (double)name_bytes / f->canonical.entry_count);
	printf(" \"bytes\": %llu, \"hot_bytes\": %llu, "
	       "\"hot_per_glob\": %.2f, \"hot_per_entry\": %.2f, "
	       "\"source_map_per_entry\": %.2f,\n",
	       (unsigned long long)info.length,
	       (unsigned long long)info.hot_bytes,
	       (double)info.hot_bytes / (double)info.globs,
	       (double)info.hot_bytes / (double)info.entries,
	       (double)blob.section[SECTION_LINES].length /
		       (double)info.entries);
	print_section_sizes(&blob);
	print_times(f, bytes, length);
	printf(" \"cold_miss_ns\": %.0f,\n", measure_miss(eviction));
	for (int kind = 0; kind < QUERY_KINDS; kind++) {
		for (size_t i = 0; i < RANDOM_QUERIES; i++)
			make_query(f, (enum query_kind)kind, &seed, &hosts[i]);

		double hot = measure(&blob, f, hosts, HOT, 400);
		double random = measure(&blob, f, hosts, RANDOM_QUERIES, 1);
		double cold = measure_cold(&blob, f, hosts, eviction);

		double find = measure_find(&blob, f, hosts, HOT, 400);

		printf(" \"%s_find_ns\": %.1f, ", kind_names[kind], find);
		printf("\"%s_hot_ns\": %.1f, \"%s_random_ns\": %.1f, "
		       "\"%s_cold_ns\": %.0f, \"%s_scan_ns\": %.0f,\n",
		       kind_names[kind], hot, kind_names[kind], random,
		       kind_names[kind], cold - timer_cost(), kind_names[kind],
		       measure_scan(f, hosts));
		fflush(stdout);
	}
	printf(" \"end\": true}");
	free(hosts);
	free(bytes);
	fixture_free(f);
}

/* All of them, or those that the command line names. */
static bool named(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint32_t roles, globs, pool, deny, allow;
	} policies[] = {
		{"10", 1, 10, 0, 0, 0},
		{"100", 1, 100, 0, 0, 0},
		{"1k", 1, 1000, 0, 0, 0},
		{"10k", 1, 10000, 0, 0, 0},
		{"100k", 1, 100000, 0, 0, 0},
		{"1M", 1, 1000000, 0, 0, 0},
		{"50x20", 50, 20, 500, 20, 10},
		{"10x100", 10, 100, 100000, 10000, 200},
		{"100x100", 100, 100, 100000, 10000, 200},
		{"1kx100", 1000, 100, 100000, 10000, 200},
		{"10kx100", 10000, 100, 100000, 10000, 200},
	};
	uint8_t *eviction = calloc(EVICT, 1);
	bool first = true;

	if (eviction == NULL)
		abort();
	printf("[");
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct fixture f = {0};

		if (!named(policies[i].name, argc, argv))
			continue;
		if (policies[i].roles > 1)
			build_roles(&f, policies[i].roles, policies[i].globs,
				    policies[i].pool, policies[i].deny,
				    policies[i].allow);
		else
			build_one_role(&f, policies[i].globs);
		printf("%s", first ? "" : ",\n");
		bench(policies[i].name, &f, eviction);
		first = false;
	}
	printf("]\n");
	free(eviction);
	return 0;
}
