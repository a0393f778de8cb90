/* ranges-format.h - the bytes of an address table.  Written by ranges_build.c,
 * read by ranges.c; private to them.
 *
 * All integers are little endian.  An image is 8-byte aligned, its length is a
 * multiple of 8, unused bytes are zero, offsets count from its start, and the
 * parts follow each other in this order without gaps but for padding to 8:
 *
 *	0   magic        "ADDRTBL1"
 *	8   length       u64, of the image
 *	16  v4           struct table, 32 bytes
 *	48  v6           struct table, 32 bytes
 *	80  sub_offset   u32   spans of the sub-tables: sub_count + 1 of u32
 *	84  sub_count    u32
 *	88  low_offset   u32   entries of the sub-tables, 12 bytes each
 *	92  low_count    u32
 *	96  rec_offset   u32   spans of the records: rec_count + 1 of u32
 *	100 rec_count    u32
 *	104 word_offset  u32   the words of the records, u32 each
 *	108 word_count   u32
 *	112 nat64_count  u32   0..8
 *	116 zero         u32
 *	120 nat64        8 times {prefix, 16 bytes; length, u64}
 *	312 the parts: v4 entries, v4 directory, v6 entries, v6 directory,
 *	    sub-table spans, low entries, record spans, record words
 *
 * struct table:
 *	0   offset       u32   entries
 *	4   count        u32   at least 1
 *	8   dir_offset   u32   the directory: 2^top_bits tops, buckets + 1 words
 *	12  buckets      u32
 *	16  base         u64   where the directory's window begins
 *	24  shift        u32   0..63: a top covers 2^shift keys
 *	28  top_bits     u32   0..16; shift + top_bits is 64 at most
 *
 * An entry is {key, verdict}: the addresses from this key to before the next
 * one have this verdict.  Keys rise strictly; the first is 0, so that every
 * address is in exactly one range, and neighbours differ in their verdict.
 *
 *	v4 entry   8 bytes:   key u32 (the address as a number), verdict u32
 *	v6 entry  12 bytes:   key u64 (the upper half of the address), verdict
 *	low entry 12 bytes:   key u64 (the lower half), verdict
 *
 * The directory has two levels, because real tables crowd into small parts of
 * the space.  A key is brought into the window: d is key - base, but at least 0
 * and at most 2^(shift + top_bits) - 1.  Top d >> shift is
 *
 *	split, 5 bits | first, 27 bits
 *
 * and says that its keys are spread over 2^split buckets of equal width, the
 * first of which has number `first`; split is at most shift.  Buckets are
 * numbered through, without gaps, in the order of the tops.  Word b is the
 * number of entries whose keys fall in buckets before b; word `buckets` is the
 * count.  So the entry for a key is the last one not above it among those of
 * its bucket, or the one before them.
 *
 *	key ─► tops ─► words ─► entries of one bucket ─► verdict
 *
 * A verdict is a word:
 *
 *	0 | class, 4 bits | rule, 27 bits      the class; rule all ones: none
 *	10 | record, 30 bits                   in any entry
 *	11 | sub-table, 30 bits                in v6 entries only
 *
 * The classes are those of classes.def by position, and two more:
 * RANGES_ALLOWED_EXACT, allowed by an entry for this very address; and
 * RANGES_INNER, whose rule field is the length of a NAT64 prefix: the IPv4
 * address inside is to be judged instead.
 *
 * Record r is the words span[r]..span[r + 1] - 1: {verdict for other ports},
 * then {port, verdict} at least once, ports rising, verdicts plain.  The writer
 * makes no two equal records.  Spans begin with 0, rise strictly and end with
 * the number of words; those of the sub-tables likewise.
 *
 * Sub-table s judges the lower half of the addresses whose upper half is the
 * key of the one entry that names it; its entries are low entries
 * span[s]..span[s + 1] - 1, at least one, the first with key 0, verdicts plain
 * or records.  Sub-tables are in the order of the entries that name them. */
#ifndef POLICY_RANGES_FORMAT_H
#define POLICY_RANGES_FORMAT_H

#include <stdint.h>
#include <string.h>

#include "ranges.h"

#define RANGES_MAGIC 0x314c425452444441u /* "ADDRTBL1" */

#define RANGES_AT_LENGTH 8
#define RANGES_AT_V4 16
#define RANGES_AT_V6 48
#define RANGES_AT_SUB 80
#define RANGES_AT_LOW 88
#define RANGES_AT_REC 96
#define RANGES_AT_WORDS 104
#define RANGES_AT_NAT64_COUNT 112
#define RANGES_AT_ZERO 116
#define RANGES_AT_NAT64 120
#define RANGES_NAT64_SIZE 24
#define RANGES_NAT64_SLOTS 8
#define RANGES_HEADER_SIZE                                                     \
	(RANGES_AT_NAT64 + RANGES_NAT64_SLOTS * RANGES_NAT64_SIZE)

#define TABLE_ENTRIES 0
#define TABLE_COUNT 4
#define TABLE_DIR 8
#define TABLE_BUCKETS 12
#define TABLE_BASE 16
#define TABLE_SHIFT 24
#define TABLE_TOP_BITS 28

#define TOP_BITS_MAX 16
#define TOP_SPLIT_SHIFT 27
#define TOP_FIRST 0x07ffffffu

#define V4_ENTRY 8
#define V6_ENTRY 12

#define VERDICT_INDIRECT 0x80000000u
#define VERDICT_SUB 0x40000000u /* with VERDICT_INDIRECT */
#define VERDICT_INDEX 0x3fffffffu
#define VERDICT_RULE 0x07ffffffu
#define VERDICT_RULE_BITS 27

#define RANGES_ALLOWED_EXACT (ADDR_CLASS_COUNT + 0)
#define RANGES_INNER (ADDR_CLASS_COUNT + 1)
#define RANGES_CODES (ADDR_CLASS_COUNT + 2)

/* What stands in view->part: for each table these, then the rest. */
enum {
	PART_ENTRIES,
	PART_TOPS,
	PART_WORDS,
	PART_BASE,
	PART_LIMIT, /* greatest distance from base */
	PART_SHIFT,
	PART_TABLE_SIZE,

	PART_V4 = 0,
	PART_V6 = PART_TABLE_SIZE,
	PART_SUB = 2 * PART_TABLE_SIZE,
	PART_LOW,
	PART_REC,
	PART_REC_WORDS,
};

_Static_assert(RANGES_CODES <= 16, "a class code has four bits");
_Static_assert(RANGES_HEADER_SIZE % 8 == 0, "the parts are aligned");

static inline uint32_t ranges_get32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap32(value);
#endif
	return value;
}

static inline uint64_t ranges_get64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

static inline void ranges_put32(uint8_t *p, uint32_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap32(value);
#endif
	memcpy(p, &value, sizeof(value));
}

static inline void ranges_put64(uint8_t *p, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	memcpy(p, &value, sizeof(value));
}

/* The upper and lower half of an address as numbers. */
static inline uint64_t ranges_half(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

static inline uint32_t verdict_plain(uint32_t code, uint32_t rule)
{
	return code << VERDICT_RULE_BITS | (rule & VERDICT_RULE);
}

static inline uint32_t verdict_code(uint32_t verdict)
{
	return verdict >> VERDICT_RULE_BITS;
}

/* The key of an entry of SIZE, V4_ENTRY or V6_ENTRY. */
static inline uint64_t ranges_key(const uint8_t *entry, size_t size)
{
	return size == V4_ENTRY ? ranges_get32(entry) : ranges_get64(entry);
}

/* The greatest distance from the base of a window. */
static inline uint64_t ranges_limit(uint32_t shift, uint32_t top_bits)
{
	return UINT64_MAX >> (64 - shift - top_bits);
}

/* How far KEY is into a window, kept within it. */
static inline uint64_t ranges_distance(uint64_t key, uint64_t base,
				       uint64_t limit)
{
	uint64_t distance = key < base ? 0 : key - base;

	return distance < limit ? distance : limit;
}

/* The bucket at DISTANCE, which falls under TOP. */
static inline uint32_t ranges_bucket(uint64_t distance, uint32_t shift,
				     uint32_t top)
{
	uint64_t rest = distance & (((uint64_t)1 << shift) - 1);

	return (top & TOP_FIRST) +
	       (uint32_t)(rest >> (shift - (top >> TOP_SPLIT_SHIFT)));
}

#endif
