/* fuzz_ranges.c - address tables.  The first byte tells what the rest is: 0, an
 * image from who knows where, which is refused or answers every question; 1,
 * rules, whose table must agree with the slow way. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/policy/ranges.h"
#include "runtime/policy/ranges_build.h"
#include "tests/unit/ranges_naive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

#define RULE_SIZE 20 /* address, length, port, action */
#define MAX_RULES 12

static void ask_image(const uint8_t *data, size_t size)
{
	uint8_t *image = malloc(size ? size : 1);
	struct ranges view;
	struct addr addr = {{0}};

	REQUIRE(image);
	memcpy(image, data, size);
	if (ranges_open(&view, image, size)) {
		/* the image's own words make good questions */
		for (size_t at = 0; at + 16 <= size; at += 12) {
			memcpy(addr.bytes, image + at, 16);
			REQUIRE(ranges_classify(&view, &addr, image[at]).class <
				ADDR_CLASS_COUNT);
			addr = addr_from_v4(image + at);
			REQUIRE(ranges_classify(&view, &addr, 443).class <
				ADDR_CLASS_COUNT);
		}
	} else {
		REQUIRE(!addr_class_allows(
			ranges_classify(&view, &addr, 443).class));
	}
	free(image);
}

static void compare(const struct naive *policy, const struct ranges *view,
		    const struct addr *addr, uint16_t port)
{
	struct classification want = naive_classify(policy, addr, port);
	struct classification got = ranges_classify(view, addr, port);

	REQUIRE(want.class == got.class && want.rule == got.rule);
}

static struct addr_prefix read_prefix(const uint8_t *data)
{
	struct addr_prefix prefix = {addr_from_v6(data), data[16]};

	if (prefix.length > 128)
		prefix.length = 128;
	for (int bit = prefix.length; bit < 128; bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	return prefix;
}

static void ask_rules(const uint8_t *data, size_t size)
{
	struct range_rule rules[MAX_RULES];
	struct ranges_options options = {0};
	struct naive policy = {rules, 0, &options};
	struct ranges view;
	size_t length;
	void *image;

	for (; size >= RULE_SIZE && policy.count < MAX_RULES;
	     data += RULE_SIZE, size -= RULE_SIZE) {
		struct addr_prefix prefix = read_prefix(data);
		uint16_t port = (uint16_t)(data[17] | data[18] << 8);

		/* actions beyond 1 are options */
		if (data[19] == 2)
			options.allow_private = true;
		else if (data[19] == 3 && ranges_nat64_is_valid(&prefix) &&
			 options.nat64_count < RANGES_MAX_NAT64)
			options.nat64[options.nat64_count++] = prefix;
		else
			rules[policy.count++] =
				(struct range_rule){prefix, port, data[19] & 1};
	}
	image = ranges_build(rules, policy.count, &options, &length);
	REQUIRE(image);
	REQUIRE(ranges_open(&view, image, length));
	for (size_t i = 0; i < policy.count; i++) {
		struct addr addr = rules[i].prefix.addr;

		compare(&policy, &view, &addr, rules[i].port);
		addr.bytes[15] ^= 1;
		compare(&policy, &view, &addr, rules[i].port);
		for (int bit = rules[i].prefix.length; bit < 128; bit++)
			addr.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
		compare(&policy, &view, &addr, rules[i].port);
		compare(&policy, &view, &addr, 443);
	}
	free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 0)
		ask_image(data + 1, size - 1);
	else
		ask_rules(data + 1, size - 1);
	return 0;
}
