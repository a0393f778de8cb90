/* test_ranges_random.c - address tables against the slow way on random rules,
 * and damaged tables: they are refused, or answer without a fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ranges_naive.h"

#define ROUNDS 240
#define MAX_RULES 64

static uint64_t state = 0x9e3779b97f4a7c15;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

static const char *const places[] = {
	"10.0.0.0",
	"10.128.0.1",
	"169.254.169.254",
	"168.63.129.16",
	"100.100.100.200",
	"8.8.8.8",
	"0.0.0.0",
	"255.255.255.255",
	"192.168.1.1",
	"203.0.113.7",
	"::",
	"::1",
	"::a9fe:a9fe",
	"::ffff:0:a9fe:a9fe",
	"64:ff9b::a9fe:a9fe",
	"64:ff9b::808:808",
	"64:ff9b:1::a9fe:a9fe",
	"64:ff9b:1:a9fe:a9:fe00::",
	"64:ff9b:1:808:8:800::",
	"2001:0:1:2:3:4:5601:5601",
	"2001:db8::1",
	"2002:a9fe:a9fe::1",
	"2606:4700::1",
	"2606:4700:808:808::",
	"2606:4700:a9fe:a9fe::",
	"2606:4700:a9:fea9:fe::",
	"2606:4700:0:a9fe:a9:fe00::",
	"2606:4700:0:a9:fe:a9fe::",
	"2606:4700::a9:fea9:fe00:0",
	"2606:4700::ffff:a9fe:a9fe",
	"2606:4700::5efe:a9fe:a9fe",
	"2606:4700::5efe:808:808",
	"fd00:ec2::254",
	"fd00::5efe:a00:1",
	"fe80::1",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

static const char *const translators[] = {
	"64:ff9b::/96",           "2606:4700::/32", "2606:4700::/40",
	"2606:4700::/48",         "2606:4700::/56", "2606:4700::/64",
	"2606:4700::ffff:0:0/96", "64:ff9b:1::/48", "fd00:ec2::/96",
};

static const uint16_t ports[] = {0, 0, 0, 1, 80, 443, 65535};

static struct addr draw_addr(void)
{
	struct addr addr;
	uint32_t flips = draw(4);

	assert_true(addr_parse(
		str_from(places[draw(sizeof(places) / sizeof(places[0]))]),
		&addr));
	for (; flips > 1; flips--) {
		uint32_t bit = draw(addr_is_v4(&addr) ? 32 : 128);

		addr.bytes[15 - bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	return addr;
}

static struct addr_prefix draw_prefix(void)
{
	struct addr_prefix prefix = {draw_addr(), 128};
	uint32_t bits = addr_is_v4(&prefix.addr) ? 32 : 128;

	if (draw(3) != 0)
		prefix.length = (uint8_t)(128 - draw(bits + 1));
	for (int bit = prefix.length; bit < 128; bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return prefix;
}

static size_t draw_rules(struct range_rule *rules)
{
	size_t count = draw(MAX_RULES + 1);

	for (size_t i = 0; i < count; i++)
		rules[i] = (struct range_rule){draw_prefix(),
					       ports[draw(sizeof(ports) / 2)],
					       (uint8_t)draw(2)};
	return count;
}

static void draw_options(struct ranges_options *options)
{
	*options = (struct ranges_options){.allow_private = draw(2)};
	while (options->nat64_count < RANGES_MAX_NAT64 && draw(2)) {
		const char *text = translators[draw(sizeof(translators) /
						    sizeof(translators[0]))];

		assert_true(addr_parse_cidr(
			str_from(text), &options->nat64[options->nat64_count]));
		options->nat64_count++;
	}
}

static void step(struct addr *addr, int by)
{
	for (int i = 15; i >= 0; i--) {
		addr->bytes[i] = (uint8_t)(addr->bytes[i] + by);
		if (addr->bytes[i] != (by > 0 ? 0 : 0xff))
			return;
	}
}

static size_t asked;

static void compare(const struct naive *policy, const struct ranges *view,
		    const struct addr *addr)
{
	for (size_t i = 2; i < sizeof(ports) / sizeof(ports[0]); i++) {
		uint16_t port = i == 2 ? 22 : ports[i];
		struct classification want = naive_classify(policy, addr, port);
		struct classification got = ranges_classify(view, addr, port);

		if (want.class != got.class || want.rule != got.rule) {
			char text[ADDR_TEXT_MAX];

			addr_format(addr, text);
			fail_msg("%s port %u: wanted %s by %d, got %s by %d",
				 text, port, addr_class_text(want.class),
				 (int)want.rule, addr_class_text(got.class),
				 (int)got.rule);
		}
		asked++;
	}
}

/* First and last address of PREFIX and their outer neighbours. */
static void compare_edges(const struct naive *policy, const struct ranges *view,
			  const struct addr_prefix *prefix)
{
	struct addr addr = prefix->addr;

	compare(policy, view, &addr);
	step(&addr, -1);
	compare(policy, view, &addr);
	addr = prefix->addr;
	for (int bit = prefix->length; bit < 128; bit++)
		addr.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	compare(policy, view, &addr);
	step(&addr, 1);
	compare(policy, view, &addr);
}

static void test_against_naive(void **unused)
{
	struct range_rule rules[MAX_RULES];
	struct ranges_options options;

	(void)unused;
	asked = 0;
	for (int round = 0; round < ROUNDS; round++) {
		size_t count = draw_rules(rules);
		struct naive policy = {rules, count, &options};
		struct ranges view;
		size_t length;
		void *image;

		draw_options(&options);
		image = ranges_build(rules, count, &options, &length);
		assert_non_null(image);
		assert_true(ranges_open(&view, image, length));
		for (size_t i = 0; i < count; i++)
			compare_edges(&policy, &view, &rules[i].prefix);
		for (size_t i = 0; i < options.nat64_count; i++)
			compare_edges(&policy, &view, &options.nat64[i]);
		for (int i = 0; i < 60; i++) {
			struct addr addr = draw_addr();

			compare(&policy, &view, &addr);
		}
		free(image);
	}
	assert_true(asked >= 100000);
}

#define MANY 20000

/* A prefix in a crowd: IPv4 in two /12s, IPv6 in a few /32s or in one /64. */
static struct addr_prefix draw_crowded(void)
{
	static const char *const crowds[] = {
		"52.16.0.0", "13.64.0.0",
		"2a00:1450::", "2606:4700::", "2600:1f18:1:2::"};
	uint32_t crowd = draw(5);
	struct addr_prefix prefix = {{{0}}, 128};
	uint32_t free_bits;

	assert_true(addr_parse(str_from(crowds[crowd]), &prefix.addr));
	free_bits = crowd < 2 ? 20 : crowd < 4 ? 96 : 64;
	for (uint32_t i = 0; i < 14; i++) {
		/* near the top of what is free, so that prefixes overlap */
		uint32_t bit = crowd == 4 ? draw(64) : free_bits - 1 - draw(20);

		if (draw(2))
			prefix.addr.bytes[15 - bit / 8] |=
				(uint8_t)(1u << bit % 8);
	}
	if (draw(4) != 0)
		prefix.length = (uint8_t)(128 - draw(free_bits));
	for (int bit = prefix.length; bit < 128; bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return prefix;
}

/* Tables large enough for every level of the directory. */
static void test_many_rules(void **unused)
{
	struct range_rule *rules = calloc(MANY, sizeof(*rules));
	struct ranges_options options = {0};
	struct naive policy = {rules, MANY, &options};
	struct ranges view;
	size_t length;
	void *image;

	(void)unused;
	assert_non_null(rules);
	for (size_t i = 0; i < MANY; i++)
		rules[i] = (struct range_rule){
			draw_crowded(), draw(20) ? 0 : 443, (uint8_t)draw(2)};
	image = ranges_build(rules, MANY, &options, &length);
	assert_non_null(image);
	assert_true(ranges_open(&view, image, length));
	for (int i = 0; i < 60; i++)
		compare_edges(&policy, &view, &rules[draw(MANY)].prefix);
	for (int i = 0; i < 60; i++) {
		struct addr addr = draw_crowded().addr;

		compare(&policy, &view, &addr);
	}
	free(image);
	free(rules);
}

/* The order of the rules moves indexes and nothing else; the same rules give
 * the same bytes. */
static void test_order_and_determinism(void **unused)
{
	struct range_rule rules[MAX_RULES], reversed[MAX_RULES];
	struct ranges_options options;

	(void)unused;
	for (int round = 0; round < 40; round++) {
		size_t count = draw_rules(rules);
		size_t length, other_length, again_length;
		struct ranges view, other_view;
		void *image, *other, *again;

		draw_options(&options);
		for (size_t i = 0; i < count; i++)
			reversed[i] = rules[count - 1 - i];
		image = ranges_build(rules, count, &options, &length);
		again = ranges_build(rules, count, &options, &again_length);
		other = ranges_build(reversed, count, &options, &other_length);
		assert_non_null(image);
		assert_non_null(again);
		assert_non_null(other);
		assert_int_equal(length, again_length);
		assert_memory_equal(image, again, length);
		assert_true(ranges_open(&view, image, length));
		assert_true(ranges_open(&other_view, other, other_length));
		for (int i = 0; i < 300; i++) {
			struct addr addr = draw_addr();
			uint16_t port = ports[draw(sizeof(ports) / 2)];

			assert_int_equal(
				ranges_classify(&view, &addr, port).class,
				ranges_classify(&other_view, &addr, port)
					.class);
		}
		free(image);
		free(again);
		free(other);
	}
}

/* --- damage --- */

struct fence {
	uint8_t *map;
	size_t length; /* of the readable part */
	size_t page;
};

/* LENGTH bytes, the last of them before an unmapped page. */
static uint8_t *fence_in(struct fence *fence, size_t length)
{
	fence->page = (size_t)sysconf(_SC_PAGESIZE);
	fence->length = (length + fence->page - 1) / fence->page * fence->page;
	fence->map =
		mmap(NULL, fence->length + fence->page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(fence->map != MAP_FAILED);
	assert_int_equal(
		mprotect(fence->map + fence->length, fence->page, PROT_NONE),
		0);
	return fence->map + fence->length - length;
}

static void fence_off(struct fence *fence)
{
	munmap(fence->map, fence->length + fence->page);
}

static size_t opened;

/* Whatever the image says, questions are answered. */
static void question(const uint8_t *image, size_t length)
{
	struct ranges view;

	if (!ranges_open(&view, image, length)) {
		struct addr addr = draw_addr();

		assert_false(addr_class_allows(
			ranges_classify(&view, &addr, 443).class));
		return;
	}
	opened++;
	for (int i = 0; i < 24; i++) {
		struct addr addr = draw_addr();
		struct classification got = ranges_classify(
			&view, &addr, ports[draw(sizeof(ports) / 2)]);

		assert_true(got.class < ADDR_CLASS_COUNT);
	}
}

static void test_damaged_words(void **unused)
{
	static const uint32_t values[] = {
		0, 1, 2, 0x7fffffff, 0x80000000, 0xc0000000, UINT32_MAX};
	struct range_rule rules[MAX_RULES];
	struct ranges_options options;

	(void)unused;
	opened = 0;
	for (int round = 0; round < 6; round++) {
		size_t count = draw_rules(rules);
		size_t length;
		struct fence fence;
		uint8_t *image, *copy;

		draw_options(&options);
		image = ranges_build(rules, count, &options, &length);
		assert_non_null(image);
		copy = fence_in(&fence, length);
		for (size_t at = 0; at < length; at += 4) {
			for (size_t i = 0;
			     i < sizeof(values) / sizeof(values[0]) + 2; i++) {
				uint32_t word;

				memcpy(copy, image, length);
				memcpy(&word, copy + at, 4);
				word = i < 7    ? values[i]
				       : i == 7 ? word + 1
						: word - 1;
				memcpy(copy + at, &word, 4);
				question(copy, length);
			}
		}
		for (size_t cut = 0; cut < length; cut++) {
			memcpy(copy + length - cut, image, cut);
			if (cut % 8 == 0) {
				struct ranges view;

				assert_false(ranges_open(
					&view, copy + length - cut, cut));
			}
		}
		fence_off(&fence);
		free(image);
	}
	/* Some changes only change what the table says. */
	assert_true(opened > 0);
}

static void test_damaged_bytes(void **unused)
{
	struct range_rule rules[MAX_RULES];
	struct ranges_options options;

	(void)unused;
	for (int round = 0; round < 20; round++) {
		size_t count = draw_rules(rules);
		size_t length;
		struct fence fence;
		uint8_t *image, *copy;

		draw_options(&options);
		image = ranges_build(rules, count, &options, &length);
		assert_non_null(image);
		copy = fence_in(&fence, length);
		for (int i = 0; i < 2000; i++) {
			memcpy(copy, image, length);
			for (uint32_t n = draw(4) + 1; n > 0; n--)
				copy[draw((uint32_t)length)] ^=
					(uint8_t)(1u << draw(8));
			question(copy, length);
		}
		fence_off(&fence);
		free(image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_order_and_determinism),
		cmocka_unit_test(test_damaged_words),
		cmocka_unit_test(test_damaged_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
