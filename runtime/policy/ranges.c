/* ranges.c - see ranges.h; ranges-format.h has the layout.  ranges_verify.c has
 * walked the image: every position below comes from a verified word and every
 * loop halves or walks a span, so that a lookup needs no checks of its own. */
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

/* --- lookup --- */

/* Up to so many entries are counted rather than searched: their keys are all
 * compared at the same time, and a step of a search waits for the one before.
 */
#define COUNTED 24

/* The last of the N entries at P whose key is not above KEY; the one before P
 * when there is none. */
static inline const uint8_t *last_not_above(const uint8_t *p, size_t n,
					    size_t size, uint64_t key)
{
	size_t below = 0;

	/* No branches on the keys, which nobody can predict: a mask instead. */
	while (n > COUNTED) {
		size_t half = n / 2;
		size_t skip = size * half;
		bool right = ranges_key(p + skip - size, size) <= key;

		p += skip & -(size_t)right;
		n -= half;
	}
	for (size_t i = 0; i < n; i++)
		below += ranges_key(p + size * i, size) <= key;
	return p + size * below - size;
}

/* The verdict of the table whose positions begin at PART. */
static inline uint32_t find(const struct ranges *view, int part, size_t size,
			    uint64_t key)
{
	const uint8_t *image = view->image;
	const uint64_t *at = view->part + part;
	uint32_t shift = (uint32_t)at[PART_SHIFT];
	uint64_t distance = ranges_distance(key, at[PART_BASE], at[PART_LIMIT]);
	uint32_t top = ranges_get32(image + at[PART_TOPS] +
				    4 * (size_t)(distance >> shift));
	const uint8_t *word = image + at[PART_WORDS] +
			      4 * (size_t)ranges_bucket(distance, shift, top);
	size_t first = ranges_get32(word);
	size_t end = ranges_get32(word + 4);
	const uint8_t *entry = image + at[PART_ENTRIES] + size * first;
	size_t n = end - first;

	if (n > 2) {
		entry = last_not_above(entry, n, size, key);
		return ranges_get32(entry + size - 4);
	}
	/* Most buckets: no loop whose end would have to be predicted.  What
	 * lies behind the last entry is read and ignored; the image goes on
	 * there. */
	first = (n > 0) & (ranges_key(entry, size) <= key);
	first += (n > 1) & (ranges_key(entry + size, size) <= key);
	return ranges_get32(entry + size * first - 4);
}

/* What RECORD says of PORT.  Few ranges have one. */
static __attribute__((noinline)) uint32_t
record_verdict(const struct ranges *view, uint32_t record, uint16_t port)
{
	const uint8_t *spans = view->image + view->part[PART_REC];
	const uint8_t *words = view->image + view->part[PART_REC_WORDS];
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
	return resolve(view, find(view, PART_V4, V4_ENTRY, key), port);
}

static uint32_t v6_verdict(const struct ranges *view, uint64_t high,
			   uint64_t low, uint16_t port)
{
	uint32_t verdict = find(view, PART_V6, V6_ENTRY, high);

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

/* --- IPv4 inside IPv6 --- */

static bool is_isatap(uint64_t low)
{
	return ((uint32_t)(low >> 32) & ~ISATAP_FLAGS) == ISATAP_ID;
}

/* The IPv4 address that RFC 6052 2.2 puts behind a prefix of LENGTH.  But for
 * /96, bits 64 to 71 are no part of it and must be zero: false if they are
 * not. */
static bool inner_address(uint64_t high, uint64_t low, uint32_t length,
			  uint32_t *out)
{
	if (length != 96 && low >> 56 != 0)
		return false;
	switch (length) {
	case 32:
		*out = (uint32_t)high;
		return true;
	case 40:
	case 48:
	case 56:
		/* the end of the upper half, and what follows the octet */
		*out = (uint32_t)(high << (length - 32) |
				  (low << 8) >> (96 - length));
		return true;
	case 64:
		*out = (uint32_t)(low >> 24);
		return true;
	case 96:
		*out = (uint32_t)low;
		return true;
	default:
		return false;
	}
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

/* Is there any chance that this IPv6 address has an IPv4 address inside?  There
 * is none for nearly every address, and that costs no branch but one. */
static inline bool may_embed(const struct ranges *view, uint64_t high,
			     uint64_t low)
{
	uint32_t top = (uint32_t)(high >> 32);

	return (top == 0) | (top == 0x0064ff9b) | (top == 0x20010000) |
	       (top >> 16 == 0x2002) | is_isatap(low) | (view->nat64_count > 0);
}

/* Does this IPv6 address lead to a metadata address, by any known embedding?
 * *V4 is that address. */
static bool embeds_metadata(const struct ranges *view, uint64_t high,
			    uint64_t low, uint32_t *v4)
{
	static const uint32_t local_lengths[] = {48, 56, 64, 96};
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
	for (size_t i = 0; i < view->nat64_count; i++) {
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

/* What an IPv6 address gets that a range, but no entry for the address itself,
 * allows: that does not open a metadata service behind an embedding. */
static __attribute__((noinline)) struct classification
allowed_by_range(const struct ranges *view, uint64_t high, uint64_t low,
		 uint16_t port, uint32_t verdict)
{
	uint32_t v4;

	if (embeds_metadata(view, high, low, &v4))
		return answer(v4_verdict(view, v4, port));
	return answer(verdict);
}

static __attribute__((noinline)) struct classification
inside_nat64(const struct ranges *view, uint64_t high, uint64_t low,
	     uint16_t port, uint32_t length)
{
	uint32_t v4;

	if (!inner_address(high, low, length, &v4))
		return built_in(ADDR_IPV6_EMBEDDING);
	return answer(v4_verdict(view, v4, port));
}

static struct classification classify_v6(const struct ranges *view,
					 uint64_t high, uint64_t low,
					 uint16_t port)
{
	uint32_t verdict = v6_verdict(view, high, low, port);

	switch (verdict_code(verdict)) {
	case RANGES_INNER:
		return inside_nat64(view, high, low, port,
				    verdict & VERDICT_RULE);
	case ADDR_USER_ALLOWED:
		if (may_embed(view, high, low))
			return allowed_by_range(view, high, low, port, verdict);
		return answer(verdict);
	case ADDR_DEFAULT:
		if (is_isatap(low))
			return built_in(ADDR_SPECIAL_PURPOSE);
		return answer(verdict);
	default:
		return answer(verdict);
	}
}

struct classification ranges_classify(const struct ranges *view,
				      const struct addr *addr, uint16_t port)
{
	uint64_t high = ranges_half(addr->bytes);
	uint64_t low = ranges_half(addr->bytes + 8);

	if (!view->image)
		return built_in(ADDR_NOT_GLOBAL_UNICAST);
	if (high == 0 && low >> 32 == V4_MAPPED_HIGH)
		return answer(v4_verdict(view, (uint32_t)low, port));
	return classify_v6(view, high, low, port);
}

/* --- words --- */

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
