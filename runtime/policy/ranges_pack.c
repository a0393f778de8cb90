/* ranges_pack.c - see ranges_pack.h. */
#include "ranges_pack.h"

#include "ranges-format.h"

#define MIN_DIR_BITS 3
#define MAX_DIR_BITS 18

/* --- IPv6: upper halves, and sub-tables where the lower half matters
 * ----------- */

struct v6_shape {
	size_t entries, subs, low;
};

/* Where to write; NULL counts only. */
struct v6_out {
	uint8_t *entries, *spans, *low;
};

static void put_entry(uint8_t *base, size_t index, uint64_t key,
		      uint32_t verdict)
{
	if (!base)
		return;
	ranges_put64(base + V6_ENTRY * index, key);
	ranges_put32(base + V6_ENTRY * index + 8, verdict);
}

static struct v6_shape split_v6(const struct ranges_parts *parts,
				struct v6_out out)
{
	const struct boundary *at = parts->v6;
	struct v6_shape shape = {0};
	uint32_t before = 0; /* what holds up to the next boundary */
	size_t i = 0;

	while (i < parts->v6_count) {
		uint64_t high = at[i].start.high;
		size_t n = 1;

		while (i + n < parts->v6_count && at[i + n].start.high == high)
			n++;
		if (n == 1 && at[i].start.low == 0) {
			before = at[i++].verdict;
			put_entry(out.entries, shape.entries++, high, before);
			continue;
		}
		put_entry(out.entries, shape.entries++, high,
			  VERDICT_INDIRECT | VERDICT_SUB |
				  (uint32_t)shape.subs);
		if (out.spans)
			ranges_put32(out.spans + 4 * shape.subs,
				     (uint32_t)shape.low);
		shape.subs++;
		if (at[i].start.low != 0)
			put_entry(out.low, shape.low++, 0, before);
		for (; n > 0; n--, i++) {
			before = at[i].verdict;
			put_entry(out.low, shape.low++, at[i].start.low,
				  before);
		}
		/* The last verdict holds on behind this upper half. */
		if (high != UINT64_MAX &&
		    (i == parts->v6_count || at[i].start.high > high + 1))
			put_entry(out.entries, shape.entries++, high + 1,
				  before);
	}
	if (out.spans)
		ranges_put32(out.spans + 4 * shape.subs, (uint32_t)shape.low);
	return shape;
}

/* --- layout
 * ------------------------------------------------------------------------ */

/* One bucket for two to four entries. */
static unsigned directory_bits(size_t count)
{
	unsigned bits = 0;

	while (count >> (bits + 1))
		bits++;
	if (bits < MIN_DIR_BITS + 1)
		return MIN_DIR_BITS;
	return bits - 1 < MAX_DIR_BITS ? bits - 1 : MAX_DIR_BITS;
}

struct layout {
	struct v6_shape v6;
	uint64_t v4_dir, v4_entries, v6_dir, v6_entries;
	uint64_t subs, low, records, words, length;
};

static uint64_t place(uint64_t *at, uint64_t count, uint64_t size)
{
	uint64_t here = *at;

	*at = (here + count * size + 7) & ~(uint64_t)7;
	return here;
}

static struct layout plan(const struct ranges_parts *parts)
{
	struct layout layout = {.v6 = split_v6(parts, (struct v6_out){0})};
	uint64_t at = RANGES_HEADER_SIZE;

	/* Counts are those of arrays in memory: no overflow in 64 bits. */
	layout.v4_dir = place(
		&at, ((uint64_t)1 << directory_bits(parts->v4_count)) + 1, 4);
	layout.v4_entries = place(&at, parts->v4_count, V4_ENTRY);
	layout.v6_dir = place(
		&at, ((uint64_t)1 << directory_bits(layout.v6.entries)) + 1, 4);
	layout.v6_entries = place(&at, layout.v6.entries, V6_ENTRY);
	layout.subs = place(&at, layout.v6.subs + 1, 4);
	layout.low = place(&at, layout.v6.low, V6_ENTRY);
	layout.records = place(&at, parts->record_count + 1, 4);
	layout.words = place(&at, parts->word_count, 4);
	layout.length = at;
	return layout;
}

size_t ranges_pack_size(const struct ranges_parts *parts)
{
	uint64_t length = plan(parts).length;

	return length <= UINT32_MAX ? (size_t)length : 0;
}

/* --- directories
 * ---------------------------------------------------------------------- */

struct keys {
	const uint8_t *entries;
	size_t count, size;
};

static uint64_t key_at(const struct keys *keys, size_t i)
{
	return ranges_key(keys->entries + keys->size * i, keys->size);
}

/* How much there is to search with this window: for each entry the number of
 * steps in its bucket. */
static uint64_t window_cost(const struct keys *keys, uint64_t base,
			    uint32_t shift, uint32_t buckets)
{
	uint64_t cost = 0;
	uint64_t run = 0;
	uint32_t current = 0;

	for (size_t i = 0; i <= keys->count; i++) {
		uint32_t bucket = i == keys->count
					  ? UINT32_MAX
					  : ranges_bucket(key_at(keys, i), base,
							  shift, buckets);

		if (bucket != current && run > 0) {
			cost += run * (64 - (unsigned)__builtin_clzll(run));
			run = 0;
		}
		current = bucket;
		run++;
	}
	return cost;
}

/* Real tables crowd into a part of the space (IPv6 into a few /12s of
 * 2000::/3), so the directory gets the aligned window around the middle entry
 * that leaves least to search. */
static void choose_window(const struct keys *keys, unsigned key_bits,
			  unsigned dir_bits, uint64_t *base, uint32_t *shift)
{
	uint64_t middle = key_at(keys, keys->count / 2);
	uint64_t best = UINT64_MAX;
	int worse = 0;

	*base = 0;
	*shift = key_bits - dir_bits;
	for (unsigned width = key_bits; width >= dir_bits && worse < 3;
	     width--) {
		uint64_t start = width == 64 ? 0 : middle >> width << width;
		uint64_t cost = window_cost(keys, start, width - dir_bits,
					    1u << dir_bits);

		if (cost < best) {
			best = cost;
			*base = start;
			*shift = width - dir_bits;
			worse = 0;
		} else {
			worse++;
		}
	}
}

/* The directory over the entries already written at ENTRIES, and the table's
 * header at AT. */
static void put_table(uint8_t *image, size_t at, uint64_t dir, uint64_t entries,
		      size_t count, size_t size)
{
	struct keys keys = {image + entries, count, size};
	unsigned dir_bits = directory_bits(count);
	uint32_t buckets = 1u << dir_bits;
	uint32_t filled = 0;
	uint64_t base;
	uint32_t shift;

	choose_window(&keys, size == V4_ENTRY ? 32 : 64, dir_bits, &base,
		      &shift);
	for (size_t i = 0; i < count; i++) {
		uint32_t bucket =
			ranges_bucket(key_at(&keys, i), base, shift, buckets);

		for (; filled <= bucket; filled++)
			ranges_put32(image + dir + 4 * (size_t)filled,
				     (uint32_t)i);
	}
	for (; filled <= buckets; filled++)
		ranges_put32(image + dir + 4 * (size_t)filled, (uint32_t)count);

	ranges_put32(image + at + TABLE_DIR, (uint32_t)dir);
	ranges_put32(image + at + TABLE_BUCKETS, buckets);
	ranges_put32(image + at + TABLE_ENTRIES, (uint32_t)entries);
	ranges_put32(image + at + TABLE_COUNT, (uint32_t)count);
	ranges_put64(image + at + TABLE_BASE, base);
	ranges_put32(image + at + TABLE_SHIFT, shift);
}

/* --- the image
 * ----------------------------------------------------------------------------
 */

static void put_pair(uint8_t *p, uint64_t offset, uint64_t count)
{
	ranges_put32(p, (uint32_t)offset);
	ranges_put32(p + 4, (uint32_t)count);
}

static void put_nat64(uint8_t *image, const struct ranges_options *options)
{
	uint32_t count = 0;

	for (size_t i = 0; i < options->nat64_count && i < RANGES_MAX_NAT64;
	     i++) {
		uint8_t *slot =
			image + RANGES_AT_NAT64 + RANGES_NAT64_SIZE * count;

		if (!ranges_nat64_is_valid(&options->nat64[i]))
			continue;
		memcpy(slot, options->nat64[i].addr.bytes, 16);
		ranges_put64(slot + 16, options->nat64[i].length);
		count++;
	}
	ranges_put32(image + RANGES_AT_NAT64_COUNT, count);
}

void ranges_pack(const struct ranges_parts *parts, uint8_t *image)
{
	struct layout layout = plan(parts);

	memcpy(image, RANGES_MAGIC, RANGES_MAGIC_SIZE);
	ranges_put64(image + RANGES_AT_LENGTH, layout.length);
	put_pair(image + RANGES_AT_SUB, layout.subs, layout.v6.subs);
	put_pair(image + RANGES_AT_LOW, layout.low, layout.v6.low);
	put_pair(image + RANGES_AT_REC, layout.records, parts->record_count);
	put_pair(image + RANGES_AT_WORDS, layout.words, parts->word_count);
	put_nat64(image, parts->options);

	for (size_t i = 0; i < parts->v4_count; i++) {
		uint8_t *p = image + layout.v4_entries + V4_ENTRY * i;

		ranges_put32(p, (uint32_t)parts->v4[i].start.low);
		ranges_put32(p + 4, parts->v4[i].verdict);
	}
	split_v6(parts,
		 (struct v6_out){image + layout.v6_entries, image + layout.subs,
				 image + layout.low});
	for (size_t i = 0; i <= parts->record_count; i++)
		ranges_put32(image + layout.records + 4 * i, parts->spans[i]);
	for (size_t i = 0; i < parts->word_count; i++)
		ranges_put32(image + layout.words + 4 * i, parts->words[i]);
	put_table(image, RANGES_AT_V4, layout.v4_dir, layout.v4_entries,
		  parts->v4_count, V4_ENTRY);
	put_table(image, RANGES_AT_V6, layout.v6_dir, layout.v6_entries,
		  layout.v6.entries, V6_ENTRY);
}
