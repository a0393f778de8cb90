/* ranges_verify.c - ranges_open(): walk an address table once, trusting no byte
 * of it, so that lookups (ranges.c) can trust them all.  Linear in the image,
 * whatever it says. */
#include "ranges.h"

#include "ranges-format.h"

/* Where the next part begins; every part ends on a multiple of 8. */
struct cursor {
	uint64_t at;
	uint64_t length;
};

/* Is the next part COUNT things of SIZE bytes at OFFSET?  Its padding must be
 * zero. */
static bool take_part(struct cursor *cursor, const uint8_t *image,
		      uint32_t offset, uint64_t count, uint64_t size)
{
	uint64_t end, padded;

	/* COUNT is below 2^33 and SIZE small: no overflow. */
	end = cursor->at + count * size;
	padded = (end + 7) & ~(uint64_t)7;
	if (offset != cursor->at || padded > cursor->length)
		return false;
	for (; end < padded; end++)
		if (image[end] != 0)
			return false;
	cursor->at = padded;
	return true;
}

static bool plain_is_valid(uint32_t verdict)
{
	uint32_t code = verdict_code(verdict);

	if (code >= RANGES_CODES)
		return false;
	if (code != RANGES_INNER)
		return true;
	switch (verdict & VERDICT_RULE) {
	case 32:
	case 40:
	case 48:
	case 56:
	case 64:
	case 96:
		return true;
	default:
		return false;
	}
}

/* COUNT + 1 words at P that begin with 0, rise strictly and end with TOTAL. */
static bool spans_are_valid(const uint8_t *p, uint32_t count, uint32_t total)
{
	if (ranges_get32(p) != 0 ||
	    ranges_get32(p + 4 * (size_t)count) != total)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (ranges_get32(p + 4 * (size_t)i) >=
		    ranges_get32(p + 4 * ((size_t)i + 1)))
			return false;
	return true;
}

static bool records_are_valid(const uint8_t *spans, uint32_t count,
			      const uint8_t *words, uint32_t word_count)
{
	if (!spans_are_valid(spans, count, word_count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *p =
			words + 4 * (size_t)ranges_get32(spans + 4 * (size_t)i);
		const uint8_t *end =
			words +
			4 * (size_t)ranges_get32(spans + 4 * ((size_t)i + 1));
		int64_t last = -1;

		/* One word, then at least one pair. */
		if ((end - p) / 4 % 2 != 1 || end - p < 12 ||
		    !plain_is_valid(ranges_get32(p)))
			return false;
		for (p += 4; p < end; p += 8) {
			uint32_t port = ranges_get32(p);

			if (port > UINT16_MAX || (int64_t)port <= last ||
			    !plain_is_valid(ranges_get32(p + 4)))
				return false;
			last = port;
		}
	}
	return true;
}

struct table {
	const uint8_t *entries;
	const uint8_t *tops;
	const uint8_t *words;
	size_t size; /* of an entry */
	uint64_t base, limit;
	uint32_t count, buckets, shift, top_bits;
};

static struct table read_table(const uint8_t *image, size_t at, size_t size)
{
	const uint8_t *p = image + at;
	struct table table = {
		.entries = image + ranges_get32(p + TABLE_ENTRIES),
		.tops = image + ranges_get32(p + TABLE_DIR),
		.size = size,
		.base = ranges_get64(p + TABLE_BASE),
		.count = ranges_get32(p + TABLE_COUNT),
		.buckets = ranges_get32(p + TABLE_BUCKETS),
		.shift = ranges_get32(p + TABLE_SHIFT),
		.top_bits = ranges_get32(p + TABLE_TOP_BITS),
	};

	table.words = table.tops + ((size_t)4 << table.top_bits);
	table.limit = ranges_limit(table.shift, table.top_bits);
	return table;
}

/* Buckets are numbered through, and there are as many as the table says. */
static bool tops_are_valid(const struct table *table)
{
	uint64_t first = 0;

	for (size_t i = 0; i < (size_t)1 << table->top_bits; i++) {
		uint32_t top = ranges_get32(table->tops + 4 * i);
		uint32_t split = top >> TOP_SPLIT_SHIFT;

		if ((top & TOP_FIRST) != first || split > table->shift)
			return false;
		first += (uint64_t)1 << split;
	}
	return first == table->buckets;
}

/* Strict order from 0, neighbours that differ, and a directory that is exactly
 * what these keys make it. */
static bool keys_are_valid(const struct table *table)
{
	const uint8_t *entry = table->entries;
	uint64_t last_key = 0;
	uint32_t last_verdict = 0;
	size_t filled = 0; /* directory words below this one are checked */

	if (!tops_are_valid(table) || ranges_key(entry, table->size) != 0)
		return false;
	for (uint32_t i = 0; i < table->count; i++, entry += table->size) {
		uint64_t key = ranges_key(entry, table->size);
		uint32_t verdict = ranges_get32(entry + table->size - 4);
		uint64_t distance =
			ranges_distance(key, table->base, table->limit);
		uint32_t top = ranges_get32(
			table->tops + 4 * (size_t)(distance >> table->shift));
		uint32_t bucket = ranges_bucket(distance, table->shift, top);

		if (i > 0 && (key <= last_key || verdict == last_verdict))
			return false;
		last_key = key;
		last_verdict = verdict;
		for (; filled <= bucket; filled++)
			if (ranges_get32(table->words + 4 * filled) != i)
				return false;
	}
	for (; filled <= table->buckets; filled++)
		if (ranges_get32(table->words + 4 * filled) != table->count)
			return false;
	return true;
}

/* VERDICT is plain or one of COUNT records. */
static bool verdict_is_valid(uint32_t verdict, uint32_t records)
{
	if (!(verdict & VERDICT_INDIRECT))
		return plain_is_valid(verdict);
	return !(verdict & VERDICT_SUB) && (verdict & VERDICT_INDEX) < records;
}

static bool v4_is_valid(const struct table *table, uint32_t records)
{
	if (!keys_are_valid(table))
		return false;
	for (uint32_t i = 0; i < table->count; i++)
		if (!verdict_is_valid(ranges_get32(table->entries +
						   V4_ENTRY * (size_t)i + 4),
				      records))
			return false;
	return true;
}

/* Sub-tables are named once each, in order, by entries for a single key. */
static bool v6_is_valid(const struct table *table, uint32_t records,
			uint32_t subs)
{
	uint32_t next_sub = 0;

	if (!keys_are_valid(table))
		return false;
	for (uint32_t i = 0; i < table->count; i++) {
		const uint8_t *entry = table->entries + V6_ENTRY * (size_t)i;
		uint32_t verdict = ranges_get32(entry + 8);
		uint64_t key = ranges_get64(entry);
		bool alone;

		if ((verdict & (VERDICT_INDIRECT | VERDICT_SUB)) !=
		    (VERDICT_INDIRECT | VERDICT_SUB)) {
			if (!verdict_is_valid(verdict, records))
				return false;
			continue;
		}
		alone = i + 1 < table->count
				? ranges_get64(entry + V6_ENTRY) - key == 1
				: key == UINT64_MAX;
		if (!alone || (verdict & VERDICT_INDEX) != next_sub++)
			return false;
	}
	return next_sub == subs;
}

static bool subs_are_valid(const uint8_t *spans, uint32_t subs,
			   const uint8_t *low, uint32_t low_count,
			   uint32_t records)
{
	if (!spans_are_valid(spans, subs, low_count))
		return false;
	for (uint32_t s = 0; s < subs; s++) {
		uint32_t first = ranges_get32(spans + 4 * (size_t)s);
		uint32_t end = ranges_get32(spans + 4 * ((size_t)s + 1));

		for (uint32_t i = first; i < end; i++) {
			const uint8_t *entry = low + V6_ENTRY * (size_t)i;
			uint64_t key = ranges_get64(entry);
			uint32_t verdict = ranges_get32(entry + 8);

			if (!verdict_is_valid(verdict, records))
				return false;
			if (i == first
				    ? key != 0
				    : key <= ranges_get64(entry - V6_ENTRY) ||
					      verdict ==
						      ranges_get32(entry - 4))
				return false;
		}
	}
	return true;
}

static bool nat64_is_valid(const uint8_t *image)
{
	uint32_t count = ranges_get32(image + RANGES_AT_NAT64_COUNT);

	if (count > RANGES_NAT64_SLOTS ||
	    ranges_get32(image + RANGES_AT_ZERO) != 0)
		return false;
	for (uint32_t i = 0; i < RANGES_NAT64_SLOTS; i++) {
		const uint8_t *slot =
			image + RANGES_AT_NAT64 + RANGES_NAT64_SIZE * (size_t)i;

		if (i < count) {
			uint64_t length = ranges_get64(slot + 16);

			if (length > 96 ||
			    !plain_is_valid(verdict_plain(RANGES_INNER,
							  (uint32_t)length)))
				return false;
			continue;
		}
		for (size_t j = 0; j < RANGES_NAT64_SIZE; j++)
			if (slot[j] != 0)
				return false;
	}
	return true;
}

static bool table_fits(struct cursor *cursor, const uint8_t *image, size_t at,
		       size_t size)
{
	const uint8_t *p = image + at;
	uint32_t count = ranges_get32(p + TABLE_COUNT);
	uint32_t shift = ranges_get32(p + TABLE_SHIFT);
	uint32_t top_bits = ranges_get32(p + TABLE_TOP_BITS);

	return count > 0 && shift < 64 && top_bits <= TOP_BITS_MAX &&
	       shift + top_bits > 0 && shift + top_bits <= 64 &&
	       take_part(cursor, image, ranges_get32(p + TABLE_ENTRIES), count,
			 size) &&
	       take_part(cursor, image, ranges_get32(p + TABLE_DIR),
			 ((uint64_t)1 << top_bits) +
				 ranges_get32(p + TABLE_BUCKETS) + 1,
			 4);
}

/* Where lookups find the parts of TABLE. */
static void set_parts(uint64_t *part, const struct table *table,
		      const uint8_t *image)
{
	part[PART_ENTRIES] = (uint64_t)(table->entries - image);
	part[PART_TOPS] = (uint64_t)(table->tops - image);
	part[PART_WORDS] = (uint64_t)(table->words - image);
	part[PART_BASE] = table->base;
	part[PART_LIMIT] = table->limit;
	part[PART_SHIFT] = table->shift;
}

bool ranges_open(struct ranges *view, const void *bytes, size_t length)
{
	const uint8_t *image = bytes;
	struct cursor cursor = {RANGES_HEADER_SIZE, length};
	uint32_t subs, low_count, records, words;
	uint64_t *part = view->part;
	struct table v4, v6;

	memset(view, 0, sizeof(*view));
	if (!image || length < RANGES_HEADER_SIZE || length % 8 != 0 ||
	    (uintptr_t)image % 8 != 0 || ranges_get64(image) != RANGES_MAGIC ||
	    ranges_get64(image + RANGES_AT_LENGTH) != length)
		return false;
	subs = ranges_get32(image + RANGES_AT_SUB + 4);
	low_count = ranges_get32(image + RANGES_AT_LOW + 4);
	records = ranges_get32(image + RANGES_AT_REC + 4);
	words = ranges_get32(image + RANGES_AT_WORDS + 4);
	if (!table_fits(&cursor, image, RANGES_AT_V4, V4_ENTRY) ||
	    !table_fits(&cursor, image, RANGES_AT_V6, V6_ENTRY) ||
	    !take_part(&cursor, image, ranges_get32(image + RANGES_AT_SUB),
		       (uint64_t)subs + 1, 4) ||
	    !take_part(&cursor, image, ranges_get32(image + RANGES_AT_LOW),
		       low_count, V6_ENTRY) ||
	    !take_part(&cursor, image, ranges_get32(image + RANGES_AT_REC),
		       (uint64_t)records + 1, 4) ||
	    !take_part(&cursor, image, ranges_get32(image + RANGES_AT_WORDS),
		       words, 4) ||
	    cursor.at != length)
		return false;
	part[PART_SUB] = ranges_get32(image + RANGES_AT_SUB);
	part[PART_LOW] = ranges_get32(image + RANGES_AT_LOW);
	part[PART_REC] = ranges_get32(image + RANGES_AT_REC);
	part[PART_REC_WORDS] = ranges_get32(image + RANGES_AT_WORDS);
	v4 = read_table(image, RANGES_AT_V4, V4_ENTRY);
	v6 = read_table(image, RANGES_AT_V6, V6_ENTRY);
	if (!records_are_valid(image + part[PART_REC], records,
			       image + part[PART_REC_WORDS], words) ||
	    !v4_is_valid(&v4, records) || !v6_is_valid(&v6, records, subs) ||
	    !subs_are_valid(image + part[PART_SUB], subs,
			    image + part[PART_LOW], low_count, records) ||
	    !nat64_is_valid(image)) {
		memset(view, 0, sizeof(*view));
		return false;
	}
	set_parts(part + PART_V4, &v4, image);
	set_parts(part + PART_V6, &v6, image);
	view->nat64_count = ranges_get32(image + RANGES_AT_NAT64_COUNT);
	view->image = image;
	view->length = length;
	return true;
}
