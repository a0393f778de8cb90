/* test_ranges_image.c - every rule that ranges-format.h states about an image
 * has an image here that breaks it, and that one alone, and is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/policy/ranges-format.h"
#include "runtime/policy/ranges_build.h"

#define ROOM 32 /* bytes kept free behind the image */

/* An image with all there is: records, sub-tables, a NAT64 prefix. */
struct image {
	uint8_t *bytes;
	size_t length;
};

static void add(struct range_rule *rules, size_t *count, const char *prefix,
		uint16_t port, enum range_action action)
{
	struct range_rule *rule = &rules[(*count)++];

	assert_true(addr_parse_cidr(str_from(prefix), &rule->prefix));
	rule->port = port;
	rule->action = (uint8_t)action;
}

static int setup(void **state)
{
	static struct image image;
	struct range_rule rules[16] = {0};
	struct ranges_options options = {.nat64_count = 1};
	size_t count = 0;
	void *built;

	assert_true(addr_parse_cidr(STR("64:ff9b::/96"), &options.nat64[0]));
	/* neighbours that fall into one bucket */
	add(rules, &count, "8.8.8.1/32", 0, RANGE_DENY);
	add(rules, &count, "8.8.8.2/32", 0, RANGE_ALLOW);
	add(rules, &count, "8.8.8.3/32", 0, RANGE_DENY);
	add(rules, &count, "9.9.9.9/32", 53, RANGE_ALLOW);
	add(rules, &count, "9.9.9.9/32", 853, RANGE_ALLOW);
	add(rules, &count, "9.9.9.10/32", 53, RANGE_ALLOW);
	add(rules, &count, "2606:4700::1/128", 0, RANGE_DENY);
	built = ranges_build(rules, count, &options, &image.length);
	assert_non_null(built);
	image.bytes = calloc(1, image.length + ROOM);
	assert_non_null(image.bytes);
	memcpy(image.bytes, built, image.length);
	free(built);
	*state = &image;
	return 0;
}

static int teardown(void **state)
{
	struct image *image = *state;

	free(image->bytes);
	return 0;
}

static uint32_t get(const struct image *image, size_t at)
{
	return ranges_get32(image->bytes + at);
}

static void put(struct image *image, size_t at, uint32_t word)
{
	ranges_put32(image->bytes + at, word);
}

static bool opens(const struct image *image)
{
	struct ranges view;

	return ranges_open(&view, image->bytes, image->length);
}

/* Refused with WORD at AT, and accepted again without it. */
static void refuse(struct image *image, size_t at, uint32_t word)
{
	uint32_t old = get(image, at);

	assert_true(opens(image));
	assert_int_not_equal(old, word);
	put(image, at, word);
	if (opens(image))
		fail_msg("word at %zu: %#x instead of %#x", at, word, old);
	put(image, at, old);
	assert_true(opens(image));
}

static size_t entries(const struct image *image, size_t table)
{
	return get(image, table + TABLE_ENTRIES);
}

static void test_header(void **state)
{
	struct image *image = *state;
	struct ranges view;

	refuse(image, 0, 0);
	refuse(image, 4, 0x324c4254); /* the next version of the magic */
	refuse(image, RANGES_AT_LENGTH, (uint32_t)image->length + 8);
	refuse(image, RANGES_AT_LENGTH + 4, 1);
	refuse(image, RANGES_AT_ZERO, 1);
	refuse(image, RANGES_AT_NAT64_COUNT, 9);
	refuse(image, RANGES_AT_NAT64_COUNT, 2);
	refuse(image, RANGES_AT_NAT64_COUNT, 0);
	refuse(image, RANGES_AT_NAT64 + 16, 97);
	refuse(image, RANGES_AT_NAT64 + 20, 1);
	for (size_t at = RANGES_AT_V4; at < RANGES_AT_NAT64_COUNT; at += 4) {
		if (at != RANGES_AT_V4 + TABLE_BASE &&
		    at != RANGES_AT_V6 + TABLE_BASE) {
			refuse(image, at, UINT32_MAX);
			refuse(image, at, get(image, at) + 1);
			refuse(image, at, get(image, at) - 1);
		}
	}
	assert_false(ranges_open(&view, image->bytes, image->length - 8));
	assert_false(ranges_open(&view, image->bytes, image->length - 1));
	assert_false(ranges_open(&view, image->bytes, RANGES_HEADER_SIZE - 8));
	assert_false(ranges_open(&view, image->bytes, 0));
	assert_false(ranges_open(&view, NULL, image->length));
	assert_null(view.image);
}

static void test_alignment(void **state)
{
	struct image *image = *state;
	struct ranges view;
	uint8_t *shifted = image->bytes + 4;

	memmove(shifted, image->bytes, image->length);
	assert_false(ranges_open(&view, shifted, image->length));
	memmove(image->bytes, shifted, image->length);
	memset(image->bytes + image->length, 0, 4);
	assert_true(opens(image));
}

/* More bytes than the parts fill. */
static void test_trailer(void **state)
{
	struct image *image = *state;

	image->length += 8;
	put(image, RANGES_AT_LENGTH, (uint32_t)image->length);
	assert_false(opens(image));
	image->length -= 8;
	put(image, RANGES_AT_LENGTH, (uint32_t)image->length);
	assert_true(opens(image));
}

static void test_keys(void **state)
{
	struct image *image = *state;

	for (size_t table = RANGES_AT_V4; table <= RANGES_AT_V6;
	     table += RANGES_AT_V6 - RANGES_AT_V4) {
		size_t size = table == RANGES_AT_V4 ? V4_ENTRY : V6_ENTRY;
		size_t first = entries(image, table);
		uint32_t count = get(image, table + TABLE_COUNT);

		/* the first is zero */
		refuse(image, first, 1);
		for (size_t i = 1; i < count; i++) {
			size_t at = first + size * i;

			/* they rise */
			if (size == V4_ENTRY)
				refuse(image, at, get(image, at - size));
			/* neighbours differ */
			refuse(image, at + size - 4, get(image, at - 4));
		}
	}
}

/* Two keys of one bucket in the wrong order: the directory cannot tell. */
static void test_order_in_bucket(void **state)
{
	struct image *image = *state;
	size_t first = entries(image, RANGES_AT_V4);
	uint32_t count = get(image, RANGES_AT_V4 + TABLE_COUNT);
	size_t swapped = 0;

	for (size_t i = 1; i < count; i++) {
		size_t at = first + V4_ENTRY * i;
		uint32_t low = get(image, at - V4_ENTRY);
		uint32_t high = get(image, at);

		if (high >> 8 != 0x080808 || low >> 8 != 0x080808)
			continue;
		put(image, at - V4_ENTRY, high);
		put(image, at, low);
		assert_false(opens(image));
		put(image, at - V4_ENTRY, low);
		put(image, at, high);
		swapped++;
	}
	assert_true(swapped > 0);
	assert_true(opens(image));
}

static void test_directory(void **state)
{
	struct image *image = *state;

	for (size_t table = RANGES_AT_V4; table <= RANGES_AT_V6;
	     table += RANGES_AT_V6 - RANGES_AT_V4) {
		size_t dir = get(image, table + TABLE_DIR);
		size_t tops = (size_t)1 << get(image, table + TABLE_TOP_BITS);
		size_t words = get(image, table + TABLE_BUCKETS) + 1;

		for (size_t i = 0; i < tops + words; i++) {
			size_t at = dir + 4 * i;

			refuse(image, at, get(image, at) + 1);
			refuse(image, at, get(image, at) - 1);
			refuse(image, at, get(image, at) ^ 1u << 31);
		}
	}
}

static void test_verdicts(void **state)
{
	struct image *image = *state;
	const uint32_t wrong[] = {
		(uint32_t)RANGES_CODES << VERDICT_RULE_BITS,
		0x7fffffff,
		(uint32_t)RANGES_INNER << VERDICT_RULE_BITS | 33,
		(uint32_t)RANGES_INNER << VERDICT_RULE_BITS,
		VERDICT_INDIRECT | get(image, RANGES_AT_REC + 4),
		VERDICT_INDIRECT | VERDICT_INDEX,
		VERDICT_INDIRECT | VERDICT_SUB | get(image, RANGES_AT_SUB + 4),
		UINT32_MAX,
	};
	size_t v4 = entries(image, RANGES_AT_V4);
	size_t v6 = entries(image, RANGES_AT_V6);
	size_t low = get(image, RANGES_AT_LOW);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		refuse(image, v4 + V4_ENTRY - 4, wrong[i]);
		refuse(image, v6 + V6_ENTRY - 4, wrong[i]);
		refuse(image, low + V6_ENTRY - 4, wrong[i]);
	}
	/* sub-tables belong to IPv6, and do not nest */
	refuse(image, v4 + V4_ENTRY - 4, VERDICT_INDIRECT | VERDICT_SUB);
	refuse(image, low + V6_ENTRY - 4, VERDICT_INDIRECT | VERDICT_SUB);
}

static void test_sub_tables(void **state)
{
	struct image *image = *state;
	size_t v6 = entries(image, RANGES_AT_V6);
	uint32_t count = get(image, RANGES_AT_V6 + TABLE_COUNT);
	size_t low = get(image, RANGES_AT_LOW);
	size_t spans = get(image, RANGES_AT_SUB);
	size_t at = 0;

	for (size_t i = 0; i < count; i++)
		if (get(image, v6 + V6_ENTRY * i + 8) >=
		    (VERDICT_INDIRECT | VERDICT_SUB))
			at = v6 + V6_ENTRY * i;
	assert_true(at != 0);
	/* unused; used twice; used for more than one key */
	refuse(image, at + 8, verdict_plain(ADDR_USER_ALLOWED, VERDICT_RULE));
	refuse(image, at + V6_ENTRY + 8, VERDICT_INDIRECT | VERDICT_SUB);
	refuse(image, at + V6_ENTRY, get(image, at + V6_ENTRY) + 1);
	refuse(image, spans, 1);
	refuse(image, spans + 4, get(image, spans + 4) - 1);
	refuse(image, spans + 4, 0);
	/* keys and verdicts of its entries */
	refuse(image, low, 1);
	refuse(image, low + V6_ENTRY, 0);
	refuse(image, low + V6_ENTRY + 8, get(image, low + 8));
}

static void test_records(void **state)
{
	struct image *image = *state;
	size_t spans = get(image, RANGES_AT_REC);
	size_t words = get(image, RANGES_AT_WORDS);

	/* the first: default, {53, v}, {853, v}; the second: default, {53, v}
	 */
	assert_int_equal(get(image, spans + 4), 5);
	assert_int_equal(get(image, spans + 8), 8);
	refuse(image, spans, 1);
	refuse(image, spans + 4, 0);
	refuse(image, spans + 4, 1);
	refuse(image, spans + 4, 4);
	refuse(image, spans + 4, 7);
	refuse(image, spans + 4, 8);
	refuse(image, spans + 8, 7);
	refuse(image, spans + 8, UINT32_MAX);
	refuse(image, words, VERDICT_INDIRECT);
	refuse(image, words + 4, 853);
	refuse(image, words + 4, 65536);
	refuse(image, words + 8, VERDICT_INDIRECT | 1);
	refuse(image, words + 8, 0x7fffffff);
	refuse(image, words + 12, 53);
	refuse(image, words + 12, 65536);
}

static void test_padding(void **state)
{
	struct image *image = *state;
	size_t parts[] = {
		get(image, RANGES_AT_V4 + TABLE_DIR),
		get(image, RANGES_AT_V6 + TABLE_ENTRIES),
		get(image, RANGES_AT_V6 + TABLE_DIR),
		get(image, RANGES_AT_SUB),
		get(image, RANGES_AT_LOW),
		get(image, RANGES_AT_REC),
		get(image, RANGES_AT_WORDS),
		image->length,
	};
	size_t ends[] = {
		entries(image, RANGES_AT_V4) +
			V4_ENTRY * get(image, RANGES_AT_V4 + TABLE_COUNT),
		parts[0] + 4 * (((size_t)1
				 << get(image, RANGES_AT_V4 + TABLE_TOP_BITS)) +
				get(image, RANGES_AT_V4 + TABLE_BUCKETS) + 1),
		parts[1] + V6_ENTRY * get(image, RANGES_AT_V6 + TABLE_COUNT),
		parts[2] + 4 * (((size_t)1
				 << get(image, RANGES_AT_V6 + TABLE_TOP_BITS)) +
				get(image, RANGES_AT_V6 + TABLE_BUCKETS) + 1),
		parts[3] + 4 * (get(image, RANGES_AT_SUB + 4) + 1),
		parts[4] + V6_ENTRY * get(image, RANGES_AT_LOW + 4),
		parts[5] + 4 * (get(image, RANGES_AT_REC + 4) + 1),
		parts[6] + 4 * get(image, RANGES_AT_WORDS + 4),
	};
	size_t padded = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		assert_true(ends[i] <= parts[i] && parts[i] - ends[i] < 8);
		for (size_t at = ends[i]; at < parts[i]; at++, padded++) {
			image->bytes[at] = 1;
			assert_false(opens(image));
			image->bytes[at] = 0;
		}
	}
	assert_true(padded > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_trailer),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_order_in_bucket),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_sub_tables),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_padding),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
