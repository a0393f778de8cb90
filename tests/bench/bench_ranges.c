/* bench_ranges.c - how long an address takes to judge and a table to build.
 * Prints one JSON object.  Latency is that of a chain of lookups, each waiting
 * for the one before; the same chain over a plain sorted array of the same
 * ranges with the same answers, searched without branches, is the yardstick. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/policy/hostname.h"
#include "runtime/policy/ranges.h"
#include "runtime/policy/ranges_build.h"

#define QUERIES                                                                \
	65536   /* powers of two: the table is only partly in the caches */
#define HOT 256 /* few enough for all that they touch to be there */
#define ROUNDS 25
#define NAMES 4096

static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int compare_doubles(const void *left, const void *right)
{
	const double *a = left;
	const double *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* The middle says what to expect, the best what the machine can do when nobody
 * else is on it. */
struct figure {
	double median, best;
};

static struct figure figure(double samples[ROUNDS])
{
	qsort(samples, ROUNDS, sizeof(*samples), compare_doubles);
	return (struct figure){samples[ROUNDS / 2], samples[0]};
}

static void *must(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		exit(3);
	}
	return p;
}

/* --- synthetic policies --- */

/* IPv4: /16 to /32 all over the unicast space, most of them /24, in clusters as
 * registries hand them out. */
static struct addr_prefix draw_v4(bool crowded)
{
	static uint32_t cluster;
	struct addr_prefix prefix;
	uint64_t r = draw();
	uint32_t address;
	uint8_t octets[4];

	if (!crowded || (r >> 40) % 8 == 0)
		cluster = (uint32_t)(draw() >> 32);
	address = cluster ^ (uint32_t)(draw() >> 48) << 4;
	address = 0x01000000 + address % 0xde000000;
	prefix.length = (uint8_t)(r >> 60 < 10 ? 120 : 112 + (r >> 32) % 17);
	address &= UINT32_MAX << (128 - prefix.length);
	for (int i = 0; i < 4; i++)
		octets[i] = (uint8_t)(address >> (24 - 8 * i));
	prefix.addr = addr_from_v4(octets);
	return prefix;
}

/* IPv6: /32 to /64 in the blocks that the registries really use. */
static struct addr_prefix draw_v6(bool crowded)
{
	static const uint16_t blocks[] = {
		0x2001, 0x2400, 0x2403, 0x2404, 0x2600, 0x2604, 0x2606, 0x2620,
		0x2800, 0x2804, 0x2a00, 0x2a02, 0x2a03, 0x2a0e, 0x2c0f, 0x240e};
	static uint64_t cluster;
	struct addr_prefix prefix = {{{0}}, 0};
	uint64_t r = draw();
	uint64_t high;

	if (!crowded || (r >> 40) % 8 == 0)
		cluster = (uint64_t)blocks[draw() >> 60] << 48 | (draw() >> 32)
									 << 16;
	high = cluster ^ draw() >> 28;
	prefix.length = (uint8_t)(r >> 60 < 8 ? 48 : 32 + (r >> 32) % 33);
	high &= UINT64_MAX << (64 - prefix.length);
	for (int i = 0; i < 8; i++)
		prefix.addr.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
	return prefix;
}

static struct range_rule *draw_rules(size_t v4, size_t v6)
{
	struct range_rule *rules =
		must(calloc(v4 + v6, sizeof(struct range_rule)));
	/* a list written by hand has little to do with registries */
	bool crowded = v4 + v6 > 1000;

	for (size_t i = 0; i < v4 + v6; i++)
		rules[i] = (struct range_rule){i < v4 ? draw_v4(crowded)
						      : draw_v6(crowded),
					       0, (uint8_t)(draw() >> 63)};
	return rules;
}

/* Addresses inside and near the rules. */
static struct addr *draw_queries(const struct range_rule *rules, size_t count)
{
	struct addr *queries = must(calloc(QUERIES, sizeof(struct addr)));

	for (size_t i = 0; i < QUERIES; i++) {
		uint64_t noise = draw();
		struct addr *addr = &queries[i];
		int changed;

		*addr = rules[(draw() >> 16) % count].prefix.addr;
		changed = addr_is_v4(addr) ? 2 : 10;
		for (int j = 0; j < changed; j++)
			addr->bytes[15 - j] ^= (uint8_t)(noise >> 4 * j);
	}
	return queries;
}

/* --- measurements --- */

/* Always 0, but only the machine knows, once GOT is there: a comparison could
 * become a branch, which it would foresee and not wait. */
static inline size_t wait_for(struct classification got)
{
	uint64_t rule = got.rule;

	__asm__("" : "+r"(rule));
	return (size_t)(rule >> 32);
}

static struct figure measure_latency(const struct ranges *view,
				     const struct addr *queries,
				     size_t distinct)
{
	double samples[ROUNDS];
	size_t next = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now();

		for (size_t i = 0; i < QUERIES; i++) {
			struct classification got = ranges_classify(
				view, &queries[next & (distinct - 1)], 443);

			next += 1 + wait_for(got);
		}
		samples[round] = (now() - start) / QUERIES;
	}
	return figure(samples);
}

static struct figure measure_throughput(const struct ranges *view,
					const struct addr *queries)
{
	double samples[ROUNDS];
	unsigned sum = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now();

		for (size_t i = 0; i < QUERIES; i++)
			sum += ranges_classify(view, &queries[i], 443).class;
		samples[round] = (now() - start) / QUERIES;
	}
	if (sum == 0)
		fputs("everything is denied\n", stderr);
	return figure(samples);
}

static uint64_t key_of(const struct addr *addr)
{
	uint64_t half[2];

	memcpy(half, addr->bytes, sizeof(half));
	if (addr_is_v4(addr))
		return __builtin_bswap64(half[1]) & UINT32_MAX;
	return __builtin_bswap64(half[0]);
}

/* --- the yardstick: a plain sorted array that gives the same answers --- */

struct plain {
	uint64_t *keys; /* where ranges begin; the upper half of IPv6 */
	struct classification *answers;
	size_t count;
};

static int compare_keys(const void *left, const void *right)
{
	const uint64_t *a = left;
	const uint64_t *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Where PREFIX begins and where it has ended, if it is of the family. */
static void add_bounds(struct plain *plain, const struct addr_prefix *prefix,
		       bool v4)
{
	unsigned end = v4 ? 128 : 64;

	if (addr_is_v4(&prefix->addr) != v4 || prefix->length > end)
		return;

	uint64_t first = key_of(&prefix->addr);
	unsigned free_bits = end - prefix->length;

	plain->keys[plain->count++] = first;
	if (free_bits < 64 && first + ((uint64_t)1 << free_bits) > first)
		plain->keys[plain->count++] =
			first + ((uint64_t)1 << free_bits);
}

static struct classification ask(const struct ranges *view, uint64_t key,
				 bool v4)
{
	struct addr addr = {{0}};

	for (int i = 0; i < 8; i++)
		addr.bytes[(v4 ? 15 : 7) - i] = (uint8_t)(key >> 8 * i);
	if (v4)
		addr = addr_from_v4(addr.bytes + 12);
	return ranges_classify(view, &addr, 443);
}

static struct plain make_plain(const struct ranges *view,
			       const struct range_rule *rules, size_t count,
			       bool v4)
{
	static const char *const special[] = {
#define SPECIAL(prefix, class, why) prefix,
#define METADATA4(a, b, c, d)
#define METADATA6(text)
#include "runtime/policy/special.def"
#undef SPECIAL
#undef METADATA4
#undef METADATA6
	};
	size_t specials = sizeof(special) / sizeof(special[0]);
	struct plain plain = {
		.keys = must(calloc(2 * (count + specials) + 1, 8)),
	};
	struct addr_prefix prefix;
	size_t n = 0;

	plain.count = 1; /* everything begins at 0 */
	for (size_t i = 0; i < count; i++)
		add_bounds(&plain, &rules[i].prefix, v4);
	for (size_t i = 0; i < specials; i++)
		if (addr_parse_cidr(str_from(special[i]), &prefix))
			add_bounds(&plain, &prefix, v4);
	qsort(plain.keys, plain.count, sizeof(*plain.keys), compare_keys);
	plain.answers = must(calloc(plain.count, sizeof(*plain.answers)));
	for (size_t i = 0; i < plain.count; i++) {
		struct classification here = ask(view, plain.keys[i], v4);

		if (n > 0 && plain.answers[n - 1].class == here.class &&
		    plain.answers[n - 1].rule == here.rule)
			continue;
		plain.keys[n] = plain.keys[i];
		plain.answers[n++] = here;
	}
	plain.count = n;
	return plain;
}

/* The last key not above, searched without branches. */
static inline struct classification plain_find(const struct plain *plain,
					       const struct addr *addr)
{
	uint64_t key = key_of(addr);
	const uint64_t *base = plain->keys;
	size_t n = plain->count;

	while (n > 1) {
		size_t half = n / 2;

		base += half & -(size_t)(base[half] <= key);
		n -= half;
	}
	return plain->answers[base - plain->keys];
}

static struct figure measure_plain(const struct plain *plain,
				   const struct addr *queries, size_t distinct)
{
	double samples[ROUNDS];
	uint64_t next = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now();

		for (size_t i = 0; i < QUERIES; i++) {
			struct classification got = plain_find(
				plain, &queries[next & (distinct - 1)]);

			next += 1 + wait_for(got);
		}
		samples[round] = (now() - start) / QUERIES;
	}
	return figure(samples);
}

/* Both must say the same, or the comparison means nothing. */
static void check_plain(const struct plain *plain, const struct ranges *view,
			const struct addr *queries)
{
	for (size_t i = 0; i < QUERIES; i++) {
		struct classification a = plain_find(plain, &queries[i]);
		struct classification b =
			ranges_classify(view, &queries[i], 443);

		if (a.class != b.class || a.rule != b.rule) {
			fputs("the yardstick answers otherwise\n", stderr);
			exit(1);
		}
	}
}

static void print_figure(const char *name, struct figure figure)
{
	printf("\"%s_ns\": %.1f, \"%s_best_ns\": %.1f, ", name, figure.median,
	       name, figure.best);
}

static void print_row(const char *family, size_t v4, size_t v6)
{
	struct ranges_options options = {0};
	struct range_rule *rules = draw_rules(v4, v6);
	struct addr *queries = draw_queries(rules, v4 + v6);
	struct ranges view;
	size_t length;
	void *image = must(ranges_build(rules, v4 + v6, &options, &length));

	if (!ranges_open(&view, image, length))
		exit(1);

	struct plain plain = make_plain(&view, rules, v4 + v6, v4 > 0);

	check_plain(&plain, &view, queries);
	printf("  \"%s_%zu\": {", family, v4 + v6);
	print_figure("latency", measure_latency(&view, queries, HOT));
	print_figure("latency_random",
		     measure_latency(&view, queries, QUERIES));
	print_figure("throughput", measure_throughput(&view, queries));
	print_figure("bsearch", measure_plain(&plain, queries, HOT));
	print_figure("bsearch_random", measure_plain(&plain, queries, QUERIES));
	printf("\"bytes_per_rule\": %.1f},\n",
	       (double)length / (double)(v4 + v6));
	free(plain.keys);
	free(plain.answers);
	free(image);
	free(queries);
	free(rules);
}

static void print_build(void)
{
	struct ranges_options options = {0};
	struct range_rule *rules = draw_rules(500000, 500000);
	struct ranges view;
	double start = now();
	double built, opened;
	size_t length;
	void *image = must(ranges_build(rules, 1000000, &options, &length));

	built = now();
	if (!ranges_open(&view, image, length))
		exit(1);
	opened = now();
	printf("  \"build_500k_500k\": {\"build_ms\": %.0f, "
	       "\"verify_ms\": %.1f, \"bytes\": %zu},\n",
	       (built - start) / 1e6, (opened - built) / 1e6, length);
	free(image);
	free(rules);
}

static void print_hostnames(void)
{
	static const char *const names[] = {
		"api.example.com", "a-rather-long-name.eu-west-1.example.org",
		"WWW.Example.COM", "10.1.2.3", "xn--4ca.example"};

	printf("  \"hostname_ns\": {");
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		struct str name = str_from(names[n]);
		double samples[ROUNDS];
		struct hostname host;

		for (int round = 0; round < ROUNDS; round++) {
			double start = now();

			for (int i = 0; i < NAMES; i++)
				if (hostname_normalize(name, &host) != HOST_OK)
					exit(1);
			samples[round] = (now() - start) / NAMES;
		}
		printf("%s\"%s\": %.1f", n ? ", " : "", names[n],
		       figure(samples).median);
	}
	printf("}\n");
}

int main(void)
{
	printf("{\n");
	print_row("v4", 20, 0);
	print_row("v4", 10000, 0);
	print_row("v4", 385000, 0);
	print_row("v6", 0, 30);
	print_row("v6", 0, 3000);
	print_row("v6", 0, 277000);
	print_build();
	print_hostnames();
	printf("}\n");
	return 0;
}
