/* hosts.c - see hosts.h.  From the top label down: hash the label, find its
 * bucket by the hash, let the bucket's signature end most misses, compare ten
 * bits and the length of all children at once, then the label in full. */
#include "hosts.h"

#include "blob.h"
#include "hosts-internal.h"
#include "label.h"

/* Where what is constant in the caller decides what code there is. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#ifdef LABEL_SSE2
static inline uint64_t dots_of_16(const char *p)
{
	__m128i v = _mm_cmpeq_epi8(label_load((const uint8_t *)p),
				   _mm_set1_epi8('.'));

	return (uint32_t)_mm_movemask_epi8(v);
}
#endif

/* Bit I is set when P[I] is a dot. */
static uint64_t dots_of_64(const char *p)
{
#ifdef LABEL_SSE2
	return dots_of_16(p) | dots_of_16(p + 16) << 16 |
	       dots_of_16(p + 32) << 32 | dots_of_16(p + 48) << 48;
#else
	uint64_t mask = 0;

	for (unsigned i = 0; i < 8; i++) {
		const uint64_t low = 0x7f7f7f7f7f7f7f7f;
		uint64_t v = get_u64le((const uint8_t *)p + 8 * i) ^
			     0x2e2e2e2e2e2e2e2e;

		/* the top bit of each byte that became zero, exactly */
		v = ~(((v & low) + low) | v | low);
		/* gather the eight of them */
		mask |= (v >> 7) * 0x0102040810204080 >> 56 << 8 * i;
	}
	return mask;
#endif
}

/* The longest text looked up: hosts_has() adds a dot. */
#define TEXT_MAX (HOSTNAME_MAX + 1)
#define BLOCKS ((TEXT_MAX + 63) / 64)

_Static_assert(BLOCKS * 64 <= HOSTNAME_MAX + 1 + HOSTNAME_PAD,
	       "whole blocks of a host can be read");

/* The dots of a text from its end to its start. */
struct cursor {
	uint64_t mask; /* those of BLOCK that are still to come */
	size_t block;  /* 64 bytes each */
	const char *text;
};

static inline void cursor_init(struct cursor *c, const char *text, size_t n)
{
	c->text = text;
	c->block = (n - 1) / 64;
	c->mask = dots_of_64(text + 64 * c->block) &
		  UINT64_MAX >> (63 - (n - 1) % 64);
}

/* Where the label starts that ends where the last one's dot was. */
static inline size_t cursor_next(struct cursor *c)
{
	while (c->mask == 0) {
		if (c->block == 0)
			return 0;
		c->block--;
		c->mask = dots_of_64(c->text + 64 * c->block);
	}

	unsigned dot = 63u - (unsigned)__builtin_clzll(c->mask);

	c->mask ^= (uint64_t)1 << dot;
	return 64 * c->block + dot + 1;
}

/* What is looked for in a node: one label, or in the root perhaps two. */
struct key {
	uint64_t hash;
	const uint8_t *label;
	size_t length;      /* 1..FORMAT_LABEL_MAX */
	const uint8_t *top; /* NULL: one label */
	size_t top_length;
};

ALWAYS_INLINE bool top_equal(const struct hosts *hosts, uint32_t code,
			     const struct key *key)
{
	if (code == TOPS_NONE || key->top == NULL)
		return code == TOPS_NONE && key->top == NULL;

	const uint8_t *top = top_at(hosts, code);

	return top_length(hosts, top) == key->top_length &&
	       label_equal(top, key->top, key->top_length);
}

/* Child I of B has the right fingerprint: its value if it is KEY, else 0. */
ALWAYS_INLINE uint32_t child_value(const struct hosts *hosts,
				   const struct hosts_bucket *b, uint32_t i,
				   const uint8_t *label, const struct key *key)
{
	if (!label_equal(label, key->label, key->length) ||
	    (b->codes != NULL && !top_equal(hosts, bucket_code(b, i), key)))
		return 0;
	return bucket_value(b, i);
}

/* One print after the other: for a machine that cannot compare more at once,
 * and for the rare bucket that is longer than what is compared at once.  No
 * structures: they would be written down on the usual way, too. */
static __attribute__((noinline)) uint32_t
children_scan(const struct hosts *hosts, const uint8_t *prints, uint32_t n,
	      size_t owners, bool codes, uint64_t hash, const uint8_t *text,
	      size_t length, const uint8_t *top, size_t top_length)
{
	struct key key = {hash, text, length, top, top_length};
	struct hosts_bucket b = bucket_arrays(prints, n, owners, codes);
	uint16_t print = key_print(hash, length);
	const uint8_t *label = b.labels;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t here = bucket_print(&b, i);

		if (here == print) {
			uint32_t value = child_value(hosts, &b, i, label, &key);

			if (value != 0)
				return value;
		}
		label += here & PRINT_LENGTH;
	}
	return 0;
}

/* The value of the child KEY among N, 0 when there is none: no value is 0, for
 * the root is nobody's child.  OWNERS bytes lie between prints and values. */
ALWAYS_INLINE uint32_t children_find(const struct hosts *hosts,
				     const uint8_t *prints, uint32_t n,
				     size_t owners, bool codes,
				     const struct key *key)
{
#ifdef LABEL_SSE2
	if (__builtin_expect(n > 16, 0))
		return children_scan(hosts, prints, n, owners, codes, key->hash,
				     key->label, key->length, key->top,
				     key->top_length);

	/* All at once, so that neither how many there are nor which of them it
	 * is makes a branch.  What is read beyond the last lies in the arrays
	 * that follow or in the section's pad. */
	struct hosts_bucket b = bucket_arrays(prints, n, owners, codes);
	const __m128i wanted =
		_mm_set1_epi16((short)key_print(key->hash, key->length));
	__m128i low = label_load(prints), high = label_load(prints + 16);
	uint32_t hits = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(
		_mm_cmpeq_epi16(low, wanted), _mm_cmpeq_epi16(high, wanted)));

	for (hits &= (1u << n) - 1; hits != 0; hits &= hits - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(hits);
		const uint8_t *label = b.labels + prints_lengths(low, high, i);
		uint32_t value = child_value(hosts, &b, i, label, key);

		if (value != 0)
			return value;
	}
	return 0;
#else
	return children_scan(hosts, prints, n, owners, codes, key->hash,
			     key->label, key->length, key->top,
			     key->top_length);
#endif
}

/* The bucket for KEY of the node at P, NULL when its signature says no. */
ALWAYS_INLINE const uint8_t *directory_find(const uint8_t *p,
					    const uint8_t *directory,
					    uint32_t buckets,
					    const struct key *key)
{
	const uint8_t *entry =
		directory_entry(directory, key_bucket(key->hash, buckets));

	if (!signature_has(get_u32le(entry + 4), key->hash))
		return NULL;
	p += get_u32le(entry);
	/* where its labels are, often: not after its prints have come, but at
	 * once */
	__builtin_prefetch(p + 64);
	return p;
}

ALWAYS_INLINE uint32_t root_find(const struct hosts *hosts,
				 const struct key *key)
{
	const uint8_t *p = hosts->node;

	if (hosts->root_directory == NULL)
		return children_find(hosts, p + 2, p[1], 0, true, key);
	p = directory_find(p, hosts->root_directory, hosts->root_buckets, key);
	return p ? children_find(hosts, p + 1, *p, 0, true, key) : 0;
}

ALWAYS_INLINE uint32_t node_find(const struct hosts *hosts, const uint8_t *p,
				 const struct key *key)
{
	size_t owners = node_owners(p[0]);

	if (!(p[0] & NODE_DIRECTORY))
		return children_find(hosts, p + 2, p[1], owners, false, key);
	p = directory_find(p, p + 4 + owners + 4, get_u32le(p + 4 + owners),
			   key);
	return p ? children_find(hosts, p + 1, *p, 0, false, key) : 0;
}

/* True when there is anything to find below P. */
static bool node_has_children(const uint8_t *p)
{
	return p != NULL && (p[0] & NODE_DIRECTORY || p[1] > 0);
}

static bool ids_have(const uint8_t *ids, uint32_t n, uint32_t bytes,
		     uint32_t list)
{
	uint32_t low = 0;

	while (n > 0) {
		uint32_t half = n / 2;
		const uint8_t *p = ids + (size_t)bytes * (low + half);
		uint32_t id = bytes == 2 ? get_u16le(p) : get_u32le(p);

		if (id == list)
			return true;
		if (id < list) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return false;
}

static bool posting_has(const struct hosts *hosts, uint32_t payload,
			uint32_t list)
{
	if (list >= hosts->lists)
		return false;

	const uint8_t *post = hosts->post + 4 * (size_t)payload;
	uint32_t n = get_u32le(post);

	if (n & POST_BITMAP)
		return post[4 + list / 8] >> list % 8 & 1;
	return ids_have(post + 4, n, hosts->id_bytes, list);
}

static inline bool owner_has(const struct hosts *hosts, uint32_t owner,
			     uint32_t list)
{
	uint32_t payload = owner & OWNER_PAYLOAD;

	if (owner_type(owner) == OWNER_SINGLE)
		return payload == list;
	return owner_type(owner) == OWNER_POSTING &&
	       posting_has(hosts, payload, list);
}

struct walk {
	const struct hosts *hosts;
	const uint8_t *text;
	struct hosts_answer *answer;
	uint32_t list;
	bool exact_only;
};

/* An owner of the host's text from START on.  Deeper ones come later and win.
 */
ALWAYS_INLINE void take(struct walk walk, uint32_t owner, size_t start)
{
	struct hosts_entry entry = {true, start != 0, (uint16_t)start};

	if (owner & OWNER_DENY)
		walk.answer->deny = entry;
	if (owner & OWNER_ALLOW)
		walk.answer->allow = entry;
	if (owner_has(walk.hosts, owner, walk.list))
		walk.answer->list = entry;
}

/* Take what VALUE says of the name at START; the node below it, or NULL. */
ALWAYS_INLINE const uint8_t *step(struct walk walk, uint32_t value,
				  size_t start)
{
	/* The name itself counts when it is all of the host, its wildcard when
	 * it is not. */
	uint32_t wanted = start == 0 ? NODE_EXACT : NODE_WILD;
	uint32_t rest = value & VALUE_MASK;
	uint32_t type = value >> VALUE_SHIFT;
	const uint8_t *node = NULL;

	if (type == VALUE_NODE) {
		node = walk.hosts->node + NODE_UNIT * (size_t)rest;
		rest = node_owner(node, wanted);
	} else if (!(type & wanted)) {
		return NULL;
	}
	if (start == 0 || !walk.exact_only)
		take(walk, rest, start);
	return node;
}

/* The key of the label from START to END; false when no label is like it. */
ALWAYS_INLINE bool key_label(struct key *key, const uint8_t *text, size_t start,
			     size_t end)
{
	if (end - start - 1 >= FORMAT_LABEL_MAX)
		return false;
	key->label = text + start;
	key->length = end - start;
	key->hash = label_hash(key->label, key->length);
	key->top = NULL;
	key->top_length = 0;
	return true;
}

/* A key that is the top label alone.  The node below it, or NULL. */
static __attribute__((noinline)) const uint8_t *
walk_single(struct walk walk, struct key key, size_t start)
{
	key.hash = key_hash_one(key.hash);

	uint32_t value = root_find(walk.hosts, &key);

	return value != 0 ? step(walk, value, start) : NULL;
}

/* The first two labels, by the root.  The node to go on from, and in *START
 * how far the text has been read; NULL at the end of the way. */
ALWAYS_INLINE const uint8_t *walk_root(struct walk walk, struct cursor *cursor,
				       size_t *start)
{
	const uint8_t *node = NULL;
	size_t end = *start;
	struct key top, key;

	*start = cursor_next(cursor);
	if (!key_label(&top, walk.text, *start, end))
		return NULL;
	walk.answer->nodes = 1;
	if (walk.hosts->singles > 0)
		node = walk_single(walk, top, *start);
	/* Names below this one stand either under its node or beside it in the
	 * root, never both. */
	if (*start == 0 || node_has_children(node))
		return node;

	end = *start - 1;
	*start = cursor_next(cursor);
	if (!key_label(&key, walk.text, *start, end))
		return NULL;
	key.hash = key_hash_two(key.hash, top.hash);
	key.top = top.label;
	key.top_length = top.length;

	uint32_t value = root_find(walk.hosts, &key);

	return value != 0 ? step(walk, value, *start) : NULL;
}

/* see hosts.h */
void hosts_find(const struct hosts *hosts, const struct hostname *host,
		uint32_t list, struct hosts_answer *answer)
{
	struct walk walk = {hosts, (const uint8_t *)host->text, answer, list,
			    host->form != HOST_NAME};
	struct cursor cursor;
	size_t start = host->length;

	memset(answer, 0, sizeof(*answer));
	if (host->form == HOST_NONE || hosts->node == NULL || start == 0 ||
	    start > TEXT_MAX)
		return;
	cursor_init(&cursor, host->text, start);

	const uint8_t *node = walk_root(walk, &cursor, &start);

	while (node != NULL && start > 0) {
		size_t end = start - 1;
		struct key key;

		start = cursor_next(&cursor);
		if (!key_label(&key, walk.text, start, end))
			break;
		key.hash = key_hash_one(key.hash);
		answer->nodes++;

		uint32_t value = node_find(hosts, node, &key);

		node = value != 0 ? step(walk, value, start) : NULL;
	}
}

/* see hosts.h */
bool hosts_has(const struct hosts *hosts, struct str name, bool wildcard,
	       uint32_t list)
{
	/* A wildcard is found by a host with one more label, which is empty so
	 * that no other entry is. */
	struct hostname host = {.form = HOST_NAME};
	size_t before = wildcard ? 1 : 0;

	if (name.n == 0 || name.n > FORMAT_NAME_MAX)
		return false;
	host.text[0] = '.';
	memcpy(host.text + before, name.p, name.n);
	host.length = (uint16_t)(before + name.n);

	struct hosts_answer answer = {.nodes = 0};

	hosts_find(hosts, &host, list, &answer);

	struct hosts_entry *found = list == LIST_GLOBAL_DENY    ? &answer.deny
				    : list == LIST_GLOBAL_ALLOW ? &answer.allow
								: &answer.list;

	return found->found && found->wildcard == wildcard &&
	       found->start == before;
}

/* see hosts.h */
void hosts_view_root(struct hosts *hosts)
{
	struct hosts_node root = node_read(hosts->node);

	hosts->root_directory = root.directory;
	hosts->root_buckets = root.buckets;
}
