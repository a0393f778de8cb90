/* ranges.c - see ranges.h; ranges-format.h has the layout.  An image is walked
 * once by ranges_open(); what it accepts can be looked up without any check:
 * every position comes from a verified word, and every loop halves a span. */
#include "ranges.h"

#include "ranges-format.h"

#define V4_MAPPED_HIGH 0xffffu /* upper 32 of the lower 64 bits */
#define ISATAP_ID 0x00005efeu  /* RFC 5214 6.1 */
#define ISATAP_FLAGS 0x03000000u

static const uint32_t metadata_v4[] = {
#define SPECIAL(prefix, class, why)
#define METADATA4(a, b, c, d)                                                  \
	(uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d),
#define METADATA6(text)
#include "special.def"
#undef SPECIAL
#undef METADATA4
#undef METADATA6
};

/* --- verification -------------------------------------------------------- */

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
	const uint8_t *dir;
	const uint8_t *entries;
	size_t size; /* of an entry */
	uint64_t base;
	uint32_t buckets, count, shift;
};

static struct table read_table(const uint8_t *image, size_t at, size_t size)
{
	const uint8_t *p = image + at;

	return (struct table){
		.dir = image + ranges_get32(p + TABLE_DIR),
		.entries = image + ranges_get32(p + TABLE_ENTRIES),
		.size = size,
		.base = ranges_get64(p + TABLE_BASE),
		.buckets = ranges_get32(p + TABLE_BUCKETS),
		.count = ranges_get32(p + TABLE_COUNT),
		.shift = ranges_get32(p + TABLE_SHIFT),
	};
}

static uint64_t entry_key(const uint8_t *entry, size_t size)
{
	return size == V4_ENTRY ? ranges_get32(entry) : ranges_get64(entry);
}

/* Strict order from 0, neighbours that differ, and a directory that is exactly
 * what these keys make it. */
static bool keys_are_valid(const struct table *table)
{
	const uint8_t *entry = table->entries;
	uint64_t last_key = 0;
	uint32_t last_verdict = 0;
	uint32_t filled = 0; /* directory words below this one are checked */

	if (entry_key(entry, table->size) != 0)
		return false;
	for (uint32_t i = 0; i < table->count; i++, entry += table->size) {
		uint64_t key = entry_key(entry, table->size);
		uint32_t verdict = ranges_get32(entry + table->size - 4);
		uint32_t bucket = ranges_bucket(key, table->base, table->shift,
						table->buckets);

		if (i > 0 && (key <= last_key || verdict == last_verdict))
			return false;
		last_key = key;
		last_verdict = verdict;
		for (; filled <= bucket; filled++)
			if (ranges_get32(table->dir + 4 * (size_t)filled) != i)
				return false;
	}
	for (; filled <= table->buckets; filled++)
		if (ranges_get32(table->dir + 4 * (size_t)filled) !=
		    table->count)
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
	uint32_t buckets = ranges_get32(p + TABLE_BUCKETS);
	uint32_t count = ranges_get32(p + TABLE_COUNT);

	return buckets > 0 && count > 0 && ranges_get32(p + TABLE_SHIFT) < 64 &&
	       ranges_get32(p + TABLE_ZERO) == 0 &&
	       take_part(cursor, image, ranges_get32(p + TABLE_DIR),
			 (uint64_t)buckets + 1, 4) &&
	       take_part(cursor, image, ranges_get32(p + TABLE_ENTRIES), count,
			 size);
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
	    (uintptr_t)image % 8 != 0 ||
	    memcmp(image, RANGES_MAGIC, RANGES_MAGIC_SIZE) != 0 ||
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
	part[PART_WORDS] = ranges_get32(image + RANGES_AT_WORDS);
	part[PART_NAT64] = ranges_get32(image + RANGES_AT_NAT64_COUNT);
	v4 = read_table(image, RANGES_AT_V4, V4_ENTRY);
	v6 = read_table(image, RANGES_AT_V6, V6_ENTRY);
	if (!records_are_valid(image + part[PART_REC], records,
			       image + part[PART_WORDS], words) ||
	    !v4_is_valid(&v4, records) || !v6_is_valid(&v6, records, subs) ||
	    !subs_are_valid(image + part[PART_SUB], subs,
			    image + part[PART_LOW], low_count, records) ||
	    !nat64_is_valid(image)) {
		memset(view, 0, sizeof(*view));
		return false;
	}
	part[PART_V4_DIR] = (uint64_t)(v4.dir - image);
	part[PART_V4_ENTRIES] = (uint64_t)(v4.entries - image);
	part[PART_V4_BASE] = v4.base;
	part[PART_V4_SHIFT] = v4.shift;
	part[PART_V4_BUCKETS] = v4.buckets;
	part[PART_V6_DIR] = (uint64_t)(v6.dir - image);
	part[PART_V6_ENTRIES] = (uint64_t)(v6.entries - image);
	part[PART_V6_BASE] = v6.base;
	part[PART_V6_SHIFT] = v6.shift;
	part[PART_V6_BUCKETS] = v6.buckets;
	view->image = image;
	view->length = length;
	return true;
}

/* --- lookup -------------------------------------------------------------- */

/* The last of the N entries at P whose key is not above KEY; the one before P
 * when there is none. */
static inline const uint8_t *last_not_above(const uint8_t *p, size_t n,
					    size_t size, uint64_t key)
{
	/* Without branches on the keys: they cannot be predicted. */
	while (n > 0) {
		size_t half = (n + 1) / 2;
		const uint8_t *middle = p + size * half;

		p = entry_key(middle - size, size) <= key ? middle : p;
		n -= half;
	}
	return p - size;
}

static inline uint32_t find(const struct ranges *view, int part, size_t size,
			    uint64_t key)
{
	const uint8_t *dir = view->image + view->part[part + PART_V4_DIR];
	uint32_t bucket =
		ranges_bucket(key, view->part[part + PART_V4_BASE],
			      (uint32_t)view->part[part + PART_V4_SHIFT],
			      (uint32_t)view->part[part + PART_V4_BUCKETS]);
	size_t first = ranges_get32(dir + 4 * (size_t)bucket);
	size_t end = ranges_get32(dir + 4 * ((size_t)bucket + 1));
	const uint8_t *entries =
		view->image + view->part[part + PART_V4_ENTRIES];
	const uint8_t *entry =
		last_not_above(entries + size * first, end - first, size, key);

	return ranges_get32(entry + size - 4);
}

/* What RECORD says of PORT. */
static uint32_t record_verdict(const struct ranges *view, uint32_t record,
			       uint16_t port)
{
	const uint8_t *spans = view->image + view->part[PART_REC];
	const uint8_t *words = view->image + view->part[PART_WORDS];
	size_t first = ranges_get32(spans + 4 * (size_t)record);
	size_t end = ranges_get32(spans + 4 * ((size_t)record + 1));
	const uint8_t *pairs = words + 4 * (first + 1);
	size_t n = (end - first) / 2;

	while (n > 1) {
		size_t half = n / 2;

		if (ranges_get32(pairs + 8 * half) <= port)
			pairs += 8 * half;
		n -= half;
	}
	if (ranges_get32(pairs) == port)
		return ranges_get32(pairs + 4);
	return ranges_get32(words + 4 * first);
}

static inline uint32_t resolve(const struct ranges *view, uint32_t verdict,
			       uint16_t port)
{
	if (!(verdict & VERDICT_INDIRECT))
		return verdict;
	return record_verdict(view, verdict & VERDICT_INDEX, port);
}

static uint32_t v4_verdict(const struct ranges *view, uint32_t key,
			   uint16_t port)
{
	return resolve(view, find(view, PART_V4_DIR, V4_ENTRY, key), port);
}

static uint32_t v6_verdict(const struct ranges *view, uint64_t high,
			   uint64_t low, uint16_t port)
{
	uint32_t verdict = find(view, PART_V6_DIR, V6_ENTRY, high);

	if (verdict >= (VERDICT_INDIRECT | VERDICT_SUB)) {
		const uint8_t *span = view->image + view->part[PART_SUB] +
				      4 * (size_t)(verdict & VERDICT_INDEX);
		size_t first = ranges_get32(span);
		size_t end = ranges_get32(span + 4);

		verdict = ranges_get32(
			last_not_above(view->image + view->part[PART_LOW] +
					       V6_ENTRY * first,
				       end - first, V6_ENTRY, low) +
			8);
	}
	return resolve(view, verdict, port);
}

static struct classification answer(uint32_t verdict)
{
	uint32_t code = verdict_code(verdict);
	uint32_t rule = verdict & VERDICT_RULE;

	if (code == RANGES_ALLOWED_EXACT)
		code = ADDR_USER_ALLOWED;
	/* An inner address within an inner address: no writer makes that. */
	if (code >= ADDR_CLASS_COUNT)
		return (struct classification){ADDR_IPV6_EMBEDDING,
					       RANGE_RULE_NONE};
	return (struct classification){(enum addr_class)code,
				       rule == VERDICT_RULE ? RANGE_RULE_NONE
							    : rule};
}

static struct classification built_in(enum addr_class class)
{
	return (struct classification){class, RANGE_RULE_NONE};
}

/* --- IPv4 inside IPv6 ----------------------------------------------------- */

static bool is_isatap(uint64_t low)
{
	return ((uint32_t)(low >> 32) & ~ISATAP_FLAGS) == ISATAP_ID;
}

/* The IPv4 address that RFC 6052 2.2 puts behind a prefix of LENGTH; bits 64 to
 * 71 are skipped, and must be zero but for /96.  False if they are not. */
static bool inner_address(uint64_t high, uint64_t low, uint32_t length,
			  uint32_t *out)
{
	if (length == 96) {
		*out = (uint32_t)low;
		return true;
	}
	if (low >> 56 != 0)
		return false;
	/* Take the u-octet out: 32 bits from LENGTH on, of high and what
	 * follows it. */
	if (length == 32)
		*out = (uint32_t)high;
	else if (length == 64)
		*out = (uint32_t)(low >> 24);
	else
		*out = (uint32_t)(high << (length - 32) |
				  (low << 8) >> (96 - length));
	return true;
}

static bool is_metadata(uint32_t v4)
{
	for (size_t i = 0; i < sizeof(metadata_v4) / sizeof(metadata_v4[0]);
	     i++)
		if (metadata_v4[i] == v4)
			return true;
	return false;
}

static bool in_prefix(uint64_t high, uint64_t low, const uint8_t *prefix,
		      uint64_t length)
{
	uint64_t high_diff = high ^ ranges_half(prefix);
	uint64_t low_diff = low ^ ranges_half(prefix + 8);

	if (length <= 64)
		return length == 0 || high_diff >> (64 - length) == 0;
	return high_diff == 0 && low_diff >> (128 - length) == 0;
}

/* Does this IPv6 address lead to a metadata address, by any known embedding?
 * *V4 is that address. */
static bool embeds_metadata(const struct ranges *view, uint64_t high,
			    uint64_t low, uint32_t *v4)
{
	static const uint32_t local_lengths[] = {48, 56, 64, 96};
	uint64_t nat64_count = view->part[PART_NAT64];

	*v4 = (uint32_t)low;
	/* NAT64; IPv4-compatible; IPv4-translated; ISATAP */
	if ((high == 0x0064ff9b00000000 && low >> 32 == 0) ||
	    (high == 0 && (low >> 32 == 0 || low >> 32 == 0xffff0000)) ||
	    is_isatap(low))
		if (is_metadata(*v4))
			return true;
	/* Teredo hides the client behind a complement, RFC 4380 4 */
	*v4 = ~(uint32_t)low;
	if (high >> 32 == 0x20010000 && is_metadata(*v4))
		return true;
	/* 6to4, RFC 3056 2 */
	*v4 = (uint32_t)(high >> 16);
	if (high >> 48 == 0x2002 && is_metadata(*v4))
		return true;
	/* RFC 8215 leaves the length to the site */
	if (high >> 16 == 0x0064ff9b0001)
		for (size_t i = 0; i < 4; i++)
			if (inner_address(high, low, local_lengths[i], v4) &&
			    is_metadata(*v4))
				return true;
	for (uint64_t i = 0; i < nat64_count; i++) {
		const uint8_t *slot =
			view->image + RANGES_AT_NAT64 + RANGES_NAT64_SIZE * i;
		uint64_t length = ranges_get64(slot + 16);

		if (in_prefix(high, low, slot, length) &&
		    inner_address(high, low, (uint32_t)length, v4) &&
		    is_metadata(*v4))
			return true;
	}
	return false;
}

struct classification ranges_classify(const struct ranges *view,
				      const struct addr *addr, uint16_t port)
{
	uint64_t high = ranges_half(addr->bytes);
	uint64_t low = ranges_half(addr->bytes + 8);
	uint32_t verdict, v4;

	if (!view->image)
		return built_in(ADDR_NOT_GLOBAL_UNICAST);
	if (high == 0 && low >> 32 == V4_MAPPED_HIGH)
		return answer(v4_verdict(view, (uint32_t)low, port));

	verdict = v6_verdict(view, high, low, port);
	switch (verdict_code(verdict)) {
	case RANGES_INNER:
		if (!inner_address(high, low, verdict & VERDICT_RULE, &v4))
			return built_in(ADDR_IPV6_EMBEDDING);
		return answer(v4_verdict(view, v4, port));
	case ADDR_USER_ALLOWED:
		/* Allowed by a range: that does not open what the address
		 * leads to when it is a metadata service. */
		if (!embeds_metadata(view, high, low, &v4))
			break;
		return answer(v4_verdict(view, v4, port));
	case ADDR_DEFAULT:
		if (is_isatap(low))
			return built_in(ADDR_SPECIAL_PURPOSE);
		break;
	default:
		break;
	}
	return answer(verdict);
}

/* --- words -----------------------------------------------------------------
 */

bool addr_class_allows(enum addr_class class)
{
	switch (class) {
#define CLASS(name, allowed, text)                                             \
	case ADDR_##name:                                                      \
		return allowed;
#include "classes.def"
#undef CLASS
	case ADDR_CLASS_COUNT:
		break;
	}
	return false;
}

const char *addr_class_text(enum addr_class class)
{
	switch (class) {
#define CLASS(name, allowed, text)                                             \
	case ADDR_##name:                                                      \
		return text;
#include "classes.def"
#undef CLASS
	case ADDR_CLASS_COUNT:
		break;
	}
	return "Deny: unknown class";
}
