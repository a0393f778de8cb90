/* verify_hosts.c - the host table: postings, then every node in one pass from
 * front to back.  After it a walk from the root stays inside the section, ends,
 * and finds every child where the hash of its label says. */
#include "blob.h"
#include "format.h"
#include "hosts-internal.h"
#include "label.h"
#include "verify.h"

static bool map_bit(const uint8_t *map, uint64_t i)
{
	return map[i / 8] >> i % 8 & 1;
}

/* Without the instruction the compiler would call its library. */
static uint32_t bits_of(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555u;
	v = (v & 0x3333333333333333u) + (v >> 2 & 0x3333333333333333u);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (uint32_t)(v * 0x0101010101010101u >> 56);
}

static uint64_t map_count(const struct blob_section *map)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i + 8 <= map->length; i += 8)
		n += bits_of(get_u64le(map->p + i));
	return n;
}

/* A map has one bit for each 4-byte unit, in whole words of 8 bytes. */
static bool map_fits(const struct blob_section *map, uint64_t bytes)
{
	return map->length == (bytes / 4 + 63) / 64 * 8;
}

static const char *check_ids(const uint8_t *p, uint32_t n, uint32_t bytes,
			     uint32_t lists)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = bytes == 2 ? get_u16le(p + 2 * (size_t)i)
					 : get_u32le(p + 4 * (size_t)i);

		if (id >= lists || (i > 0 && id <= last))
			return "POST: order of a posting";
		last = id;
	}
	if (bytes == 2 && n % 2 != 0 && get_u16le(p + 2 * (size_t)n) != 0)
		return "POST: padding";
	return NULL;
}

static const char *check_bitmap(const uint8_t *p, uint32_t n, uint32_t lists)
{
	uint32_t words = (lists + 31) / 32;
	uint32_t set = 0;

	for (uint32_t i = 0; i < words; i++)
		set += bits_of(get_u32le(p + 4 * (size_t)i));
	if (set != n)
		return "POST: bits of a bitmap";
	if (lists % 32 != 0 &&
	    get_u32le(p + 4 * (size_t)(words - 1)) >> lists % 32 != 0)
		return "POST: bits beyond the last list";
	return NULL;
}

/* see verify.h */
const char *verify_postings(const struct blob *blob)
{
	const struct blob_section *post = &blob->section[SECTION_POST];
	const struct blob_section *map = &blob->section[SECTION_POSTMAP];
	const struct hosts *hosts = &blob->hosts;
	uint64_t words = post->length / 4, at = 0;
	uint32_t postings = 0;

	if (post->length % 4 != 0 || words > OWNER_PAYLOAD)
		return "POST: size";
	if (!map_fits(map, post->length))
		return "POSTMAP: size";
	for (; at < words; postings++) {
		uint32_t head = get_u32le(post->p + 4 * at);
		uint32_t n = head & ~POST_BITMAP;
		uint64_t size =
			head & POST_BITMAP
				? ((uint64_t)hosts->lists + 31) / 32
				: ((uint64_t)n * hosts->id_bytes + 3) / 4;

		if (!map_bit(map->p, at))
			return "POSTMAP: a posting is not marked";
		if (n < 2 || n > hosts->lists)
			return "POST: size of a posting";
		if (size > words - at - 1)
			return "POST: a posting beyond the end";

		const uint8_t *p = post->p + 4 * (at + 1);
		const char *damage = head & POST_BITMAP
					     ? check_bitmap(p, n, hosts->lists)
					     : check_ids(p, n, hosts->id_bytes,
							 hosts->lists);

		if (damage != NULL)
			return damage;
		at += 1 + size;
	}
	if (postings != post->count)
		return "POST: count";
	if (map_count(map) != postings)
		return "POSTMAP: a mark without a posting";
	return NULL;
}

static const char *verify_tops(const struct blob *blob)
{
	const struct blob_section *tops = &blob->section[SECTION_TOPS];
	const struct hosts *hosts = &blob->hosts;
	struct str last = {NULL, 0};

	if ((tops->stride & (tops->stride - 1)) != 0 ||
	    tops->stride > TOPS_MAX_BYTES || tops->count > TOPS_MAX)
		return "TOPS: size";
	for (uint32_t i = 0; i < tops->count; i++) {
		const uint8_t *p = top_at(hosts, i);
		uint32_t n = top_length(hosts, p);

		if (n < 1 || n >= tops->stride)
			return "TOPS: length of a label";
		if (!label_is_clean(p, n))
			return "TOPS: a label";
		for (uint32_t j = n; j < tops->stride - 1; j++)
			if (p[j] != 0)
				return "TOPS: padding";

		struct str label = str_make((const char *)p, n);

		if (i > 0 && str_compare(last, label) >= 0)
			return "TOPS: order";
		last = label;
	}
	return NULL;
}

/* Hashes of the first top labels, which are nearly all there ever are. */
#define TOP_HASHES 1024

/* What a pass over the nodes carries along. */
struct pass {
	const struct blob *blob;
	const uint8_t *map;
	const uint8_t *post_map;
	uint32_t top_count;
	uint32_t lists;
	uint32_t good_owner; /* seen before; 0: none yet */
	uint64_t units;      /* of nodes */
	uint64_t post_words;
	uint64_t unit; /* the node being read */
	uint32_t singles;
	uint32_t nodes;
	uint64_t top_hash[TOP_HASHES];
};

static const char *check_owner(struct pass *pass, uint32_t owner)
{
	uint32_t payload = owner & OWNER_PAYLOAD;

	if (owner == 0 || owner > VALUE_MASK)
		return "NODE: an owner of nothing";
	switch (owner_type(owner)) {
	case OWNER_NOBODY:
		if (payload != 0)
			return "NODE: an owner's payload";
		break;
	case OWNER_SINGLE:
		if (payload >= pass->lists)
			return "NODE: an owner's list";
		break;
	case OWNER_POSTING:
		if (payload >= pass->post_words ||
		    !map_bit(pass->post_map, payload))
			return "NODE: an owner's posting";
		break;
	default:
		return "NODE: an owner's type";
	}
	pass->good_owner = owner;
	return NULL;
}

/* True for nearly every value there is, found without a branch on which kind it
 * is, for that cannot be foreseen: a node further on, or a leaf whose owner has
 * been seen before. */
static inline bool value_is_plain(const struct pass *pass, uint32_t value)
{
	uint32_t rest = value & VALUE_MASK;
	bool is_node = value >> VALUE_SHIFT == VALUE_NODE;
	uint64_t unit = is_node ? rest : 0;
	bool ahead = (unit > pass->unit) & (unit < pass->units);
	bool marked = map_bit(pass->map, ahead ? unit : 0);
	bool known = (rest != 0) & (rest == pass->good_owner);

	return is_node ? ahead & marked : known;
}

static const char *check_value(struct pass *pass, uint32_t value)
{
	if (value >> VALUE_SHIFT == VALUE_NODE)
		return "NODE: a child that is no node further on";
	return check_owner(pass, value & VALUE_MASK);
}

/* True when LABEL is among TOPS. */
static bool is_top(const struct pass *pass, const uint8_t *label, uint32_t n)
{
	const struct hosts *hosts = &pass->blob->hosts;
	struct str wanted = str_make((const char *)label, n);
	uint32_t low = 0, count = pass->top_count;

	while (count > 0) {
		uint32_t half = count / 2;
		const uint8_t *top = top_at(hosts, low + half);
		int order = str_compare(
			str_make((const char *)top, top_length(hosts, top)),
			wanted);

		if (order == 0)
			return true;
		if (order < 0) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return false;
}

/* A child of the root with a key of one label, its value already checked.  If
 * it has children, they are all that is looked for below it: no key of two
 * labels may end with it. */
static const char *check_single(struct pass *pass, const uint8_t *label,
				uint32_t n, uint32_t value)
{
	const uint8_t *p = pass->blob->hosts.node + NODE_UNIT * (size_t)value;

	pass->singles++;
	if (value >> VALUE_SHIFT == VALUE_NODE &&
	    (p[0] & NODE_DIRECTORY || p[1] > 0) && is_top(pass, label, n))
		return "NODE: a top label with a code and with children";
	return NULL;
}

static uint64_t hash_top(const struct hosts *hosts, uint32_t code)
{
	const uint8_t *top = top_at(hosts, code);

	return label_hash(top, top_length(hosts, top));
}

static inline uint64_t top_hash(const struct pass *pass, uint32_t code)
{
	return code < TOP_HASHES ? pass->top_hash[code]
				 : hash_top(&pass->blob->hosts, code);
}

/* Children I-1 and I of one bucket, whose prints are equal, stand in order: by
 * label, then by code. */
static bool twins_in_order(const struct hosts_bucket *b, uint32_t i,
			   const uint8_t *label, uint32_t n)
{
	int order = memcmp(label - n, label, n);

	return order < 0 ||
	       (order == 0 && bucket_code(b, i - 1) < bucket_code(b, i));
}

/* The children of one bucket; BUCKETS is 0 in a small node.  All must end
 * before LIMIT.  Their signature goes to *SIGNATURE, their end to *END. */
static const char *check_bucket(struct pass *pass, const struct hosts_bucket *b,
				uint32_t bucket, uint32_t buckets,
				const uint8_t *limit, uint32_t *signature,
				const uint8_t **end)
{
	const uint8_t *label = b->labels;
	uint32_t bits = 0, last = 0;

	/* the arrays lie before the labels */
	if (label > limit)
		return "NODE: children beyond the end";
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t print = bucket_print(b, i);
		uint32_t n = print & PRINT_LENGTH;
		uint32_t code = bucket_code(b, i);
		uint32_t value = bucket_value(b, i);
		uint64_t hash;

		if (n > (uint64_t)(limit - label))
			return "NODE: children beyond the end";
		if (n == 0 || !label_is_clean(label, n))
			return "NODE: a label";
		hash = label_hash(label, n);
		if (code == TOPS_NONE) {
			hash = key_hash_one(hash);
		} else if (code < pass->top_count) {
			hash = key_hash_two(hash, top_hash(pass, code));
		} else {
			return "NODE: a top label's code";
		}
		if (print != key_print(hash, n))
			return "NODE: a fingerprint";
		if (buckets > 0 && key_bucket(hash, buckets) != bucket)
			return "NODE: a child in the wrong bucket";
		if (print <= last &&
		    (print < last || !twins_in_order(b, i, label, n)))
			return "NODE: order of children";
		if (!value_is_plain(pass, value)) {
			const char *damage = check_value(pass, value);

			if (damage != NULL)
				return damage;
		}
		if (b->codes != NULL && code == TOPS_NONE) {
			const char *damage =
				check_single(pass, label, n, value);

			if (damage != NULL)
				return damage;
		}
		bits |= key_signature(hash);
		last = print;
		label += n;
	}
	*signature = bits;
	*end = label;
	return NULL;
}

/* A node with a directory; LIMIT is the end of all nodes. */
static const char *check_directory(struct pass *pass,
				   const struct hosts_node *node,
				   const uint8_t *limit, const uint8_t **end)
{
	uint64_t room = (uint64_t)(limit - node->directory);
	uint64_t size = (uint64_t)(limit - node->p);

	if (node->p[1] != 0 || node->p[2] != 0 || node->p[3] != 0)
		return "NODE: padding";
	if (node->buckets == 0 || node->buckets > NODE_MAX_BUCKETS ||
	    NODE_DIR_BYTES * (uint64_t)node->buckets + 4 > room)
		return "NODE: size of a directory";
	*end = directory_entry(node->directory, node->buckets) + 4;
	for (uint32_t i = 0; i < node->buckets; i++) {
		const uint8_t *entry = directory_entry(node->directory, i);
		uint32_t start = get_u32le(entry), signature;

		if (start != (uint64_t)(*end - node->p))
			return "NODE: a bucket's place";
		/* one byte says how many children, the arrays follow */
		if (start >= size)
			return "NODE: a bucket beyond the end";

		struct hosts_bucket b =
			bucket_read(node->p + start, node->kind & NODE_CODES);

		const char *damage = check_bucket(pass, &b, i, node->buckets,
						  limit, &signature, end);

		if (damage != NULL)
			return damage;
		if (signature != get_u32le(entry + 4))
			return "NODE: a bucket's signature";
	}
	if (get_u32le(directory_entry(node->directory, node->buckets)) !=
	    (uint64_t)(*end - node->p))
		return "NODE: end of the buckets";
	return NULL;
}

/* Bytes before the children of the node at P: enough to node_read() it. */
static size_t node_head(const uint8_t *p)
{
	return (size_t)(node_owners_at(p) - p) + node_owners(p[0]) +
	       (p[0] & NODE_DIRECTORY ? 4 : 0);
}

/* The node at pass->unit; its size in units goes to *SIZE. */
static const char *check_node(struct pass *pass, uint64_t *size)
{
	const uint8_t *nodes = pass->blob->hosts.node;
	const uint8_t *p = nodes + NODE_UNIT * pass->unit;
	const uint8_t *limit = nodes + NODE_UNIT * pass->units;
	const uint8_t *end = NULL;
	const char *damage = NULL;
	uint32_t signature;

	if (p[0] & ~NODE_KIND_MASK ||
	    ((p[0] & NODE_CODES) != 0) != (pass->unit == 0))
		return "NODE: kind";
	if (node_head(p) > (uint64_t)(limit - p))
		return "NODE: a node beyond the end";

	struct hosts_node node = node_read(p);

	if (node.kind & NODE_EXACT)
		damage = check_owner(pass, node.exact);
	if (damage == NULL && node.kind & NODE_WILD)
		damage = check_owner(pass, node.wild);
	if (damage != NULL)
		return damage;
	if (pass->unit == 0 && node.kind & (NODE_EXACT | NODE_WILD))
		return "NODE: the root is an entry";
	if (node.kind & NODE_DIRECTORY) {
		damage = check_directory(pass, &node, limit, &end);
	} else {
		damage = check_bucket(pass, &node.small, 0, 0, limit,
				      &signature, &end);
	}
	if (damage != NULL)
		return damage;

	/* the pad behind the last node can be read */
	uint32_t bytes = (uint32_t)(p - end) % NODE_UNIT;

	if (get_u32le(end) & (((uint32_t)1 << 8 * bytes) - 1))
		return "NODE: padding";
	*size = (uint64_t)(end + bytes - p) / NODE_UNIT;
	return NULL;
}

/* see verify.h */
const char *verify_hosts(const struct blob *blob)
{
	const struct blob_section *node = &blob->section[SECTION_NODE];
	const struct blob_section *map = &blob->section[SECTION_NODEMAP];
	const struct blob_section *tops = &blob->section[SECTION_TOPS];
	struct pass pass = {
		.blob = blob,
		.map = map->p,
		.top_count = tops->count,
		.post_words = blob->section[SECTION_POST].length / 4,
		.post_map = blob->section[SECTION_POSTMAP].p,
		.lists = blob->hosts.lists,
	};
	const char *damage = verify_tops(blob);

	if (damage != NULL)
		return damage;
	for (uint32_t i = 0; i < TOP_HASHES && i < tops->count; i++)
		pass.top_hash[i] = hash_top(&blob->hosts, i);
	if (node->length < NODE_UNIT + FORMAT_NODE_PAD ||
	    node->length % NODE_UNIT != 0)
		return "NODE: size";
	pass.units = (node->length - FORMAT_NODE_PAD) / NODE_UNIT;
	if (pass.units > VALUE_MASK)
		return "NODE: size";
	if (!map_fits(map, NODE_UNIT * pass.units))
		return "NODEMAP: size";
	for (uint32_t i = 0; i < FORMAT_NODE_PAD; i++)
		if (node->p[NODE_UNIT * pass.units + i] != 0)
			return "NODE: padding";
	while (pass.unit < pass.units) {
		uint64_t size;

		if (!map_bit(map->p, pass.unit))
			return "NODEMAP: a node is not marked";
		damage = check_node(&pass, &size);
		if (damage != NULL)
			return damage;
		pass.unit += size;
		pass.nodes++;
	}
	if (pass.unit != pass.units)
		return "NODE: the last node is cut short";
	if (pass.nodes != node->count)
		return "NODE: count";
	if (map_count(map) != pass.nodes)
		return "NODEMAP: a mark without a node";
	if (pass.singles != blob->hosts.singles)
		return "META: keys of one label";
	return NULL;
}
