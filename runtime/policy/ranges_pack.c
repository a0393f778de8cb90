/* ranges_pack.c - see ranges_pack.h. */
#include "ranges_pack.h"

#include "ranges-format.h"

#define MIN_TOP_BITS 5
#define MAX_TOP_BITS 12
#define MAX_SPLIT 20

/* --- IPv6: upper halves, and sub-tables where the lower half matters --- */

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

/* --- directories --- */

struct keys {
	const uint8_t *entries;
	size_t count, size;
};

struct window {
	uint64_t base;
	uint32_t shift, top_bits;
};

static uint64_t key_at(const struct keys *keys, size_t i)
{
	return ranges_key(keys->entries + keys->size * i, keys->size);
}

static uint64_t distance_at(const struct keys *keys, size_t i,
			    const struct window *window)
{
	return ranges_distance(key_at(keys, i), window->base,
			       ranges_limit(window->shift, window->top_bits));
}

static unsigned log2_floor(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n | 1);
}

/* One top for two to four entries, but never very many or few. */
static uint32_t top_bits_for(size_t count)
{
	unsigned bits = log2_floor(count) - 1;

	if (count < (size_t)2 << MIN_TOP_BITS)
		return MIN_TOP_BITS;
	return bits < MAX_TOP_BITS ? bits : MAX_TOP_BITS;
}

/* One bucket for one or two of the COUNT entries under a top. */
static uint32_t split_for(size_t count, uint32_t shift)
{
	unsigned bits = log2_floor(count);

	if (bits > MAX_SPLIT)
		bits = MAX_SPLIT;
	return bits < shift ? bits : shift;
}

/* How many of the keys from FIRST on fall under the same top. */
static size_t count_under_top(const struct keys *keys, size_t first,
			      const struct window *window)
{
	uint64_t top = distance_at(keys, first, window) >> window->shift;
	size_t n = 1;

	while (first + n < keys->count &&
	       distance_at(keys, first + n, window) >> window->shift == top)
		n++;
	return n;
}

/* How much there is to search with this window: for each entry the number of
 * steps in its bucket. */
static uint64_t window_cost(const struct keys *keys,
			    const struct window *window)
{
	uint64_t cost = 0;

	for (size_t i = 0; i < keys->count;) {
		size_t end = i + count_under_top(keys, i, window);
		uint32_t split = split_for(end - i, window->shift);
		uint64_t run = 0;
		uint32_t current = 0;

		for (; i < end; i++) {
			uint32_t bucket = ranges_bucket(
				distance_at(keys, i, window), window->shift,
				split << TOP_SPLIT_SHIFT);

			if (bucket != current) {
				cost += run * (log2_floor(run) + 1);
				run = 0;
			}
			current = bucket;
			run++;
		}
		cost += run * (log2_floor(run) + 1);
	}
	return cost;
}

/* Real tables crowd into a part of the space, IPv6 into a few /12s of 2000::/3:
 * so the directory gets the aligned window around the middle entry that leaves
 * least to search. */
static struct window choose_window(const struct keys *keys, unsigned key_bits)
{
	uint64_t middle = key_at(keys, keys->count / 2);
	uint32_t top_bits = top_bits_for(keys->count);
	struct window best = {0, key_bits - top_bits, top_bits};
	uint64_t best_cost = window_cost(keys, &best);
	int worse = 0;

	for (unsigned width = key_bits - 1; width > top_bits && worse < 4;
	     width--) {
		struct window window = {middle >> width << width,
					width - top_bits, top_bits};
		uint64_t cost = window_cost(keys, &window);

		worse++;
		if (cost < best_cost) {
			best = window;
			best_cost = cost;
			worse = 0;
		}
	}
	return best;
}

/* Write the directory of WINDOW to DIR; returns the number of buckets. */
static uint32_t put_directory(const struct keys *keys,
			      const struct window *window, uint8_t *dir)
{
	size_t tops = (size_t)1 << window->top_bits;
	uint8_t *words = dir + 4 * tops;
	uint32_t filled = 0; /* words written */
	size_t i = 0;

	for (size_t top = 0; top < tops; top++) {
		bool used =
			i < keys->count &&
			distance_at(keys, i, window) >> window->shift == top;
		size_t end = i + (used ? count_under_top(keys, i, window) : 0);
		uint32_t split = split_for(end - i, window->shift);
		uint32_t packed = split << TOP_SPLIT_SHIFT | filled;
		uint32_t after = filled + (1u << split);

		ranges_put32(dir + 4 * top, packed);
		for (; i < end; i++) {
			uint32_t bucket =
				ranges_bucket(distance_at(keys, i, window),
					      window->shift, packed);

			for (; filled <= bucket; filled++)
				ranges_put32(words + 4 * (size_t)filled,
					     (uint32_t)i);
		}
		for (; filled < after; filled++)
			ranges_put32(words + 4 * (size_t)filled, (uint32_t)i);
	}
	ranges_put32(words + 4 * (size_t)filled, (uint32_t)keys->count);
	return filled;
}

/* Bytes of a directory over COUNT entries, at most: tops, as many buckets for
 * the empty ones, one bucket an entry for the others, the end. */
static uint64_t directory_bound(size_t count)
{
	return 4 * (((uint64_t)2 << top_bits_for(count)) + count + 1);
}

/* --- the image --- */

static void put_pair(uint8_t *p, uint64_t offset, uint64_t count)
{
	ranges_put32(p, (uint32_t)offset);
	ranges_put32(p + 4, (uint32_t)count);
}

static void put_nat64(uint8_t *image, const struct ranges_options *options)
{
	size_t count = 0;

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
	ranges_put32(image + RANGES_AT_NAT64_COUNT, (uint32_t)count);
}

static uint64_t padded(uint64_t n)
{
	return (n + 7) & ~(uint64_t)7;
}

size_t ranges_pack_bound(const struct ranges_parts *parts)
{
	struct v6_shape v6 = split_v6(parts, (struct v6_out){0});
	uint64_t bound = RANGES_HEADER_SIZE;

	/* Counts are those of arrays in memory: no overflow in 64 bits. */
	bound += padded(V4_ENTRY * (uint64_t)parts->v4_count);
	bound += padded(directory_bound(parts->v4_count));
	bound += padded(V6_ENTRY * (uint64_t)v6.entries);
	bound += padded(directory_bound(v6.entries));
	bound += padded(4 * ((uint64_t)v6.subs + 1));
	bound += padded(V6_ENTRY * (uint64_t)v6.low);
	bound += padded(4 * ((uint64_t)parts->record_count + 1));
	bound += padded(4 * (uint64_t)parts->word_count);
	/* So many entries need fewer buckets than a top can number. */
	return bound <= RANGES_SIZE_MAX ? (size_t)bound : 0;
}

/* Head and directory of the table whose COUNT entries are at ENTRIES, which is
 * where the image ends so far; returns where it ends now. */
static uint64_t put_table(uint8_t *image, size_t at, uint64_t entries,
			  size_t count, size_t size)
{
	struct keys keys = {image + entries, count, size};
	struct window window = choose_window(&keys, size == V4_ENTRY ? 32 : 64);
	uint64_t dir = padded(entries + size * count);
	uint32_t buckets = put_directory(&keys, &window, image + dir);

	put_pair(image + at + TABLE_ENTRIES, entries, count);
	put_pair(image + at + TABLE_DIR, dir, buckets);
	ranges_put64(image + at + TABLE_BASE, window.base);
	ranges_put32(image + at + TABLE_SHIFT, window.shift);
	ranges_put32(image + at + TABLE_TOP_BITS, window.top_bits);
	return padded(dir +
		      4 * (((uint64_t)1 << window.top_bits) + buckets + 1));
}

static uint64_t put_words(uint8_t *image, uint64_t at, const uint32_t *words,
			  size_t count)
{
	for (size_t i = 0; i < count; i++)
		ranges_put32(image + at + 4 * i, words[i]);
	return padded(at + 4 * (uint64_t)count);
}

size_t ranges_pack(const struct ranges_parts *parts, uint8_t *image)
{
	struct v6_shape v6 = split_v6(parts, (struct v6_out){0});
	uint64_t at = RANGES_HEADER_SIZE;
	struct v6_out out;

	ranges_put64(image, RANGES_MAGIC);
	put_nat64(image, parts->options);

	for (size_t i = 0; i < parts->v4_count; i++) {
		uint8_t *p = image + at + V4_ENTRY * i;

		ranges_put32(p, (uint32_t)parts->v4[i].start.low);
		ranges_put32(p + 4, parts->v4[i].verdict);
	}
	at = put_table(image, RANGES_AT_V4, at, parts->v4_count, V4_ENTRY);

	/* The entries first: the length of their directory, and so the place of
	 * what follows, depends on them. */
	out = (struct v6_out){.entries = image + at};
	split_v6(parts, out);
	at = put_table(image, RANGES_AT_V6, at, v6.entries, V6_ENTRY);
	out = (struct v6_out){.spans = image + at};
	put_pair(image + RANGES_AT_SUB, at, v6.subs);
	at = padded(at + 4 * ((uint64_t)v6.subs + 1));
	out.low = image + at;
	split_v6(parts, out);
	put_pair(image + RANGES_AT_LOW, at, v6.low);
	at = padded(at + V6_ENTRY * (uint64_t)v6.low);

	put_pair(image + RANGES_AT_REC, at, parts->record_count);
	at = put_words(image, at, parts->spans, parts->record_count + 1);
	put_pair(image + RANGES_AT_WORDS, at, parts->word_count);
	at = put_words(image, at, parts->words, parts->word_count);
	ranges_put64(image + RANGES_AT_LENGTH, at);
	return (size_t)at;
}
