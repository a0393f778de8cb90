/* format.h - THE layout of a compiled policy: what compiler/emit.c writes and
 * runtime/policy reads.  Offsets and limits stand here and nowhere else; the
 * manual smokescreen-blob(5) says the same in words.
 *
 *	+----------------------------+ 0
 *	| header, 128 bytes          | magic, version, length, digests
 *	+----------------------------+ 128
 *	| section table              | 32 bytes a section, hot before cold
 *	+----------------------------+ 64-byte aligned, as is every section
 *	| META RULE ROLE TOPS NODE   | hot: all that a decision touches
 *	| POST MITM ... ADDR STRS    |
 *	+----------------------------+
 *	| NODEMAP POSTMAP ORDER      | cold: checks, tools, places in the source
 *	| FILES LINES ...            |
 *	+----------------------------+ total length
 *
 * Integers are little-endian, padding and unused fields are zero, offsets are
 * relative to their section.  Nothing in here is a pointer or a time. */
#ifndef POLICY_FORMAT_H
#define POLICY_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FORMAT_MAGIC "EGRPOL\r\n"
#define FORMAT_MAGIC_BYTES 8
#define FORMAT_MAJOR 1
#define FORMAT_MINOR 1 /* 1: FEATURE_NARROW_LINES */
#define FORMAT_BYTE_ORDER 0x01020304u
#define FORMAT_FEATURES FEATURE_NARROW_LINES /* that this program knows */
#define FEATURE_NARROW_LINES 1u /* words of LINES have less than 8 bytes */

#define FORMAT_ALIGN 64 /* of every section */
#define FORMAT_MAX_BYTES ((uint64_t)1 << 30)
#define FORMAT_MAX_SECTIONS 64

/* --- header -------------------------------------------------------------- */

enum {
	HEADER_MAGIC = 0,
	HEADER_MAJOR = 8,       /* u16 */
	HEADER_MINOR = 10,      /* u16 */
	HEADER_BYTE_ORDER = 12, /* u32 */
	HEADER_LENGTH = 16,     /* u64, of the whole file */
	HEADER_REQUIRED = 24,   /* u64, features a reader must know */
	HEADER_OPTIONAL = 32,   /* u64, features it may ignore */
	HEADER_SECTIONS = 40,   /* u32 */
	HEADER_CRC = 44,        /* u32, header and table, itself as zero */
	HEADER_SERIAL = 48,     /* u64, 0: unset */
	HEADER_SEMANTIC = 56,   /* SHA-256 over the hot sections */
	HEADER_FULL = 88,       /* SHA-256 over that and the cold ones */
	HEADER_RESERVED = 120,  /* u64 */
	HEADER_BYTES = 128,
};

#define FORMAT_DIGEST_BYTES 32

/* --- section table -------------------------------------------------------- */

enum {
	ENTRY_TYPE = 0,    /* u32 */
	ENTRY_FLAGS = 4,   /* u16 */
	ENTRY_ALIGN = 6,   /* u16, log2 */
	ENTRY_OFFSET = 8,  /* u64, from the start of the file */
	ENTRY_LENGTH = 16, /* u64 */
	ENTRY_COUNT = 24,  /* u32, of records */
	ENTRY_CRC = 28,    /* u32, CRC32C of the section */
	ENTRY_BYTES = 32,
};

#define SECTION_REQUIRED 1u   /* a reader that does not know it must refuse */
#define SECTION_COLD 2u       /* no decision touches it */
#define SECTION_UNDIGESTED 4u /* not part of any digest: signatures */

enum section_type {
	SECTION_META = 1,
	SECTION_RULE = 2,
	SECTION_ROLE = 3,
	SECTION_TOPS = 4,
	SECTION_NODE = 5,
	SECTION_POST = 6,
	SECTION_MITM = 7,
	SECTION_MITM_ORDER = 8,
	SECTION_HEAD = 9,
	SECTION_ADDR = 10,
	SECTION_RANGE = 11,
	SECTION_NAT64 = 12,
	SECTION_STRS = 13,
	/* cold */
	SECTION_NODEMAP = 14,
	SECTION_POSTMAP = 15,
	SECTION_ORDER = 16,
	SECTION_FILES = 17,
	SECTION_LINES = 18,
	SECTION_RULE_LINES = 19,
	SECTION_RANGE_LINES = 20,
	SECTION_KNOWN = 21, /* one more than the last */
};

#define NO_INDEX UINT32_MAX /* no rule, no list, no file */

/* --- META: one record ------------------------------------------------------
 */

enum {
	META_DEFAULT_RULE = 0,  /* u32, NO_INDEX */
	META_LISTS = 4,         /* u32, how many lists */
	META_ID_BYTES = 8,      /* u32, of a list id in POST: 2 or 4 */
	META_HASH = 12,         /* u32, FORMAT_HASH */
	META_FLAGS = 16,        /* u32 */
	META_SINGLES = 20,      /* u32, keys of one label in the root */
	META_GLOBS = 24,        /* u64, distinct */
	META_ENTRIES = 32,      /* u64, (list, glob) pairs */
	META_GLOBAL_DENY = 40,  /* u32, entries of the global deny list */
	META_GLOBAL_ALLOW = 44, /* u32 */
	META_RESERVED = 48,     /* 16 bytes */
	META_BYTES = 64,
};

#define META_ALLOW_PRIVATE 1u /* flag: --unsafe-allow-private-ranges */

#define FORMAT_HASH 1

/* --- RULE: services by name, then the default rule ------------------------ */

enum {
	RULE_NAME = 0,         /* u32, offset in STRS */
	RULE_PROJECT = 4,      /* u32 */
	RULE_LIST = 8,         /* u32, NO_INDEX: empty */
	RULE_PROXIES = 12,     /* u32, NO_INDEX: empty */
	RULE_MITM_FIRST = 16,  /* u32 */
	RULE_MITM_COUNT = 20,  /* u32 */
	RULE_NAME_LEN = 24,    /* u16 */
	RULE_PROJECT_LEN = 26, /* u16 */
	RULE_ACTION = 28,      /* u8, enum rule_action */
	RULE_FLAGS = 29,       /* u8 */
	RULE_RESERVED = 30,    /* u16 */
	RULE_BYTES = 32,
};

#define RULE_IS_DEFAULT 1u

/* --- ROLE: name -> rule ----------------------------------------------------
 * u32 buckets; u32 first[buckets + 1]; then count pairs {u32 hash, u32 rule}
 * in order of (hash, rule). */

#define ROLE_PAIR_BYTES 8
#define ROLE_PER_BUCKET 2

/* --- TOPS: the last labels that two-label keys of the root end with -------
 * A record is the label, zero-padded, and in its last byte the length.  All
 * have one size, a power of two: the least that the longest label leaves room
 * in. */

#define TOPS_MIN_BYTES 16
#define TOPS_MAX_BYTES 64
#define TOPS_MAX 65535u
#define TOPS_NONE 0xffffu /* code of a key that is one label */

/* --- NODE: the trie -------------------------------------------------------
 * Nodes follow each other, each 4-byte aligned; a reference counts 4-byte
 * units; children stand after their parents, the root at 0.  After the last
 * node come FORMAT_NODE_PAD zero bytes, for wide loads.
 *
 *	without a directory           with one (NODE_DIRECTORY)
 *	u8  kind                      u8  kind
 *	u8  n                         u8  0, u16 0
 *	u16 print[n]                  u32 exact owner  (NODE_EXACT)
 *	u32 exact owner (NODE_EXACT)  u32 wild owner   (NODE_WILD)
 *	u32 wild owner (NODE_WILD)    u32 buckets
 *	u32 value[n]                  {u32 start, u32 signature}[buckets]
 *	u16 code[n]     (NODE_CODES)  u32 end
 *	labels                        then the buckets, each
 *	                                u8 n, u16 print[n], u32 value[n],
 *	                                u16 code[n] (NODE_CODES), labels
 *
 * START and END count bytes from the node's start. */

#define NODE_EXACT 1u     /* the name itself is an entry of some list */
#define NODE_WILD 2u      /* "*." and the name is */
#define NODE_CODES 4u     /* the root: keys may have two labels */
#define NODE_DIRECTORY 8u /* children are found by bucket */
#define NODE_KIND_MASK 15u

#define NODE_UNIT 4
#define FORMAT_NODE_PAD 64
#define NODE_SMALL_MAX 16 /* children of a node without directory */
#define NODE_PER_BUCKET 6 /* children a bucket, on average */
#define NODE_BUCKET_MAX 255
#define NODE_MAX_BUCKETS (1u << 24)
#define NODE_DIR_BYTES 8
#define FORMAT_LABEL_MAX 63
#define FORMAT_NAME_MAX 253
#define FORMAT_LABELS_MAX 127

/* A child's value: bits 31..30 say what the other 30 are. */
#define VALUE_SHIFT 30
#define VALUE_MASK ((1u << VALUE_SHIFT) - 1)
#define VALUE_NODE 0u  /* a node, in units */
#define VALUE_EXACT 1u /* a leaf: owner of the name */
#define VALUE_WILD 2u  /* a leaf: owner of "*." and the name */
#define VALUE_BOTH 3u  /* a leaf: one owner for both */

/* An owner says which lists have the entry; zero: none. */
#define OWNER_DENY (1u << 29)  /* the global deny list */
#define OWNER_ALLOW (1u << 28) /* the global allow list */
#define OWNER_TYPE_SHIFT 26
#define OWNER_TYPE_MASK 3u
#define OWNER_NOBODY 0u  /* no list beyond those */
#define OWNER_SINGLE 1u  /* the list with this id */
#define OWNER_POSTING 2u /* the lists at this word of POST */
#define OWNER_PAYLOAD ((1u << OWNER_TYPE_SHIFT) - 1)
#define FORMAT_MAX_LISTS OWNER_PAYLOAD

/* --- POST: postings, 4-byte words ------------------------------------------
 * u32 n, then n ascending ids of META_ID_BYTES each, padded to a word; or
 * u32 POST_BITMAP | n, then one bit a list. */

#define POST_BITMAP 0x80000000u

/* --- MITM, HEAD ------------------------------------------------------------
 */

enum {
	MITM_DOMAIN = 0,      /* u32, offset in STRS */
	MITM_DOMAIN_LEN = 4,  /* u16 */
	MITM_FLAGS = 6,       /* u8 */
	MITM_RESERVED = 7,    /* u8 */
	MITM_HEAD_FIRST = 8,  /* u32, add_headers in HEAD */
	MITM_HEAD_COUNT = 12, /* u32 */
	MITM_FULL_FIRST = 16, /* u32, detailed_http_logs_full_headers */
	MITM_FULL_COUNT = 20, /* u32 */
	MITM_BYTES = 24,
};

#define MITM_DETAILED_LOGS 1u

enum {
	HEAD_NAME = 0,       /* u32, offset in STRS */
	HEAD_VALUE = 4,      /* u32 */
	HEAD_NAME_LEN = 8,   /* u16 */
	HEAD_VALUE_LEN = 10, /* u16 */
	HEAD_BYTES = 12,
};

#define FORMAT_STRING_MAX 65535u

/* --- RANGE, NAT64: the address rules as configured ------------------------ */

enum {
	RANGE_ADDR = 0,    /* 16 bytes, IPv4 as ::ffff:a.b.c.d */
	RANGE_PREFIX = 16, /* u8, 0..128 */
	RANGE_ACTION = 17, /* u8, enum range_action */
	RANGE_PORT = 18,   /* u16, 0: any */
	RANGE_BYTES = 20,
};

/* NAT64 records have the same form, with action and port zero. */

/* --- ORDER: children of nodes with a directory in order of their names -----
 * count pairs {u32 node, u32 first}, ascending, then the handles. */

#define ORDER_PAIR_BYTES 8
#define HANDLE_SLOT_BITS 8

/* --- FILES, LINES ------------------------------------------------------------
 * FILES: u32 offset[count + 1] into the bytes that follow, each name with its
 * NUL.  RULE_LINES: u32 a rule.  RANGE_LINES: {u32 file, u32 line} a rule.
 * LINES: u64 salt, u32 line bits, u32 width, u32 first[lists + 3], padding to
 * 8, then words in ascending order in each list: hash << line bits | line.  The
 * last two lists are the global ones, deny before allow.  Words have WIDTH
 * bytes, LINES_MIN_WIDTH to 7, or 8 where it is zero. */

enum {
	LINES_SALT = 0,
	LINES_BITS = 8,
	LINES_WIDTH = 12,
	LINES_FIRST = 16, /* where first[] starts */
};
#define LINES_MIN_WIDTH 4

/* --- bytes ---------------------------------------------------------------- */

static inline uint16_t get_u16le(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_u32le(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline uint64_t get_u64le(const uint8_t *p)
{
	return get_u32le(p) | (uint64_t)get_u32le(p + 4) << 32;
}

static inline void put_u16le(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_u32le(uint8_t *p, uint32_t v)
{
	put_u16le(p, (uint16_t)v);
	put_u16le(p + 2, (uint16_t)(v >> 16));
}

static inline void put_u64le(uint8_t *p, uint64_t v)
{
	put_u32le(p, (uint32_t)v);
	put_u32le(p + 4, (uint32_t)(v >> 32));
}

/* --- hashing, version 1 -----------------------------------------------------
 * 64 bits over the 16-byte blocks of a text, the last one zero-padded: a label
 * is rarely longer than one.  Public and unkeyed: keys are fixed when a policy
 * is compiled, every hit is compared in full, and buckets are small whatever is
 * asked. */

#define HASH_LENGTH 0x9e3779b97f4a7c15u
#define HASH_LOW 0xd6e8feb86659fd93u
#define HASH_HIGH 0xa0761d6478bd642fu
#define HASH_PAIR 0xff51afd7ed558ccdu
#define HASH_BLOCK 16

static inline uint64_t hash_rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static inline uint64_t hash_block(uint64_t state, uint64_t low, uint64_t high)
{
	state = hash_rotate((state ^ low) * HASH_LOW, 32) ^
		(state ^ high) * HASH_HIGH;
	return state ^ state >> 29;
}

/* The first N <= 8 bytes of P as a word; nothing beyond them is read. */
static inline uint64_t hash_part(const uint8_t *p, size_t n)
{
	if (n >= 8)
		return get_u64le(p);
	if (n >= 4)
		return get_u32le(p) | (uint64_t)get_u32le(p + n - 4)
					      << 8 * (n - 4);
	if (n >= 2)
		return get_u16le(p) | (uint64_t)get_u16le(p + n - 2)
					      << 8 * (n - 2);
	return n > 0 ? *p : 0;
}

static inline uint64_t format_hash(const void *text, size_t n)
{
	const uint8_t *p = text;
	uint64_t state = n * HASH_LENGTH;

	for (; n > HASH_BLOCK; p += HASH_BLOCK, n -= HASH_BLOCK)
		state = hash_block(state, get_u64le(p), get_u64le(p + 8));
	if (n > 8)
		return hash_block(state, get_u64le(p), hash_part(p + 8, n - 8));
	return hash_block(state, hash_part(p, n), 0);
}

/* The key of a child: its label's hash, and for two labels also the top one's.
 */
static inline uint64_t key_hash_one(uint64_t label)
{
	return label * HASH_PAIR;
}

static inline uint64_t key_hash_two(uint64_t label, uint64_t top)
{
	return (label ^ hash_rotate(top, 23)) * HASH_PAIR;
}

/* Which of BUCKETS, by the upper half. */
static inline uint32_t key_bucket(uint64_t key, uint32_t buckets)
{
	return (uint32_t)((key >> 32) * buckets >> 32);
}

/* Fingerprint: 10 bits of the hash, then the length of the label. */
static inline uint16_t key_print(uint64_t key, size_t length)
{
	return (uint16_t)((key >> 16 & 0x3ff) << 6 | length);
}

#define PRINT_LENGTH 63u /* mask */

/* The two bits that a child sets in its bucket's signature. */
static inline uint32_t key_signature(uint64_t key)
{
	return 1u << (key & 31) | 1u << (key >> 5 & 31);
}

/* True when SIGNATURE has the bits of KEY. */
static inline int signature_has(uint32_t signature, uint64_t key)
{
	return signature >> (key & 31) & signature >> (key >> 5 & 31) & 1;
}

/* Of an entry, for LINES. */
static inline uint64_t entry_hash(const void *name, size_t n, int wildcard,
				  uint64_t salt)
{
	return hash_block(format_hash(name, n), salt, wildcard ? 2 : 1) *
	       HASH_PAIR;
}

/* Where the words of LINES start. */
static inline size_t lines_head(uint32_t lists)
{
	return (LINES_FIRST + 4 * ((size_t)lists + 3) + 7) / 8 * 8;
}

static inline uint32_t lines_width(const uint8_t *lines)
{
	uint32_t width = get_u32le(lines + LINES_WIDTH);

	return width != 0 ? width : 8;
}

/* Word I of WIDTH bytes in the upper part of the result; below it is what lies
 * before the word, be it the section's head. */
static inline uint64_t lines_word(const uint8_t *words, uint32_t width,
				  uint32_t i)
{
	return get_u64le(words + width * ((size_t)i + 1) - 8);
}

_Static_assert(HEADER_RESERVED + 8 == HEADER_BYTES, "header");
_Static_assert(ENTRY_CRC + 4 == ENTRY_BYTES, "section entry");
_Static_assert(META_RESERVED + 16 == META_BYTES, "META");
_Static_assert(RULE_RESERVED + 2 == RULE_BYTES, "RULE");
_Static_assert(MITM_FULL_COUNT + 4 == MITM_BYTES, "MITM");
_Static_assert(HEAD_VALUE_LEN + 2 == HEAD_BYTES, "HEAD");
_Static_assert(RANGE_PORT + 2 == RANGE_BYTES, "RANGE");
_Static_assert(FORMAT_LABEL_MAX < TOPS_MAX_BYTES, "a label fits");
_Static_assert(FORMAT_LABEL_MAX == PRINT_LENGTH, "a length fits a print");
_Static_assert(NODE_BUCKET_MAX < 1 << HANDLE_SLOT_BITS, "a slot fits");
_Static_assert(NODE_MAX_BUCKETS - 1 <= UINT32_MAX >> HANDLE_SLOT_BITS,
	       "a bucket fits");
_Static_assert(VALUE_EXACT == NODE_EXACT && VALUE_WILD == NODE_WILD &&
		       VALUE_BOTH == (NODE_EXACT | NODE_WILD),
	       "a leaf's type is what it has");
_Static_assert(FORMAT_MAX_BYTES / NODE_UNIT <= VALUE_MASK, "a node fits");

#endif
