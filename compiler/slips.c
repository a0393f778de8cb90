/* slips.c - see slips.h.
 *
 * Two texts are one slip apart only if they are equal or become so by leaving
 * out at most one character of each.  So every label is put down under its own
 * hash and under those of its shortened forms, and labels that meet are
 * compared.  Most hashes occur once, and those of a family of names many times:
 * a first pass over four bits for each finds the others, and only these are
 * kept, so that a million labels take little memory. */
#include "slips.h"

#include <stdbool.h>
#include <stdlib.h>

#include "buffer.h"
#include "grammar/arena.h"
#include "runtime/policy/hostname.h"

/* More labels than this with one shortened form are a family, not slips. */
#define MAX_FAMILY 3

/* Hashes that occur more often belong to families.  Others can share their
 * counter by chance, so it is more than MAX_FAMILY: that so many do is less
 * likely than one in a million. */
#define MAX_COUNT 8

/* Counters of four bits for each hash, and no fewer than this. */
#define MIN_COUNTERS 1024u
#define COUNTERS_PER_HASH 4u

/* So many hashes are kept between the passes; more are made again. */
#define MAX_KEPT 16384u

/* HASH_BASE * HASH_INVERSE is 1 modulo 2^64. */
#define HASH_BASE 0x9e3779b97f4a7c15u
#define HASH_INVERSE 0xf1de83e19937733du

/* A hash that may be shared. */
struct slot {
	uint64_t hash;
	uint32_t label; /* who was there first */
	uint32_t count; /* of labels; 0: empty */
};

static uint64_t mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	return hash ^ hash >> 29;
}

/* A form of LABEL leaves out the character at AT.  Of a run of equal ones only
 * the last before TO: the others give the same form. */
static bool is_form(struct str label, uint32_t at, uint32_t to)
{
	return at + 1 == to || label.p[at] != label.p[at + 1];
}

/* The positions of LABEL that SEARCH is about end before this one. */
static uint32_t end_of(struct str label, const struct slip_search *search)
{
	return search->to < label.n ? search->to : (uint32_t)label.n;
}

/* The hash of LABEL and of its forms that SEARCH wants.  The hash of a text is
 * a polynomial of its characters, so leaving one out costs no second look at
 * the others.  Returns their number. */
static uint32_t hashes_of(struct str label, const struct slip_search *search,
			  uint64_t hashes[HOSTNAME_LABEL_MAX + 1])
{
	const unsigned char *p = (const unsigned char *)label.p;
	uint32_t n = (uint32_t)label.n;
	uint32_t to = end_of(label, search);
	uint32_t count = 0;
	uint64_t after = 0; /* hash of the characters behind i */
	uint64_t power = 1; /* of the base, for their number */
	uint64_t whole = 0;

	for (uint32_t i = 0; i < n; i++)
		whole = whole * HASH_BASE + p[i];
	hashes[count++] = mix(whole);
	for (uint32_t i = n; i > to; i--) {
		after += p[i - 1] * power;
		power *= HASH_BASE;
	}
	for (uint32_t i = to; i > search->from; i--) {
		/* whole is before * base^(k+1) + p[i-1] * base^k + after */
		uint64_t before = whole - p[i - 1] * power - after;

		/* division by the base is multiplication by its inverse */
		if (is_form(label, i - 1, to))
			hashes[count++] = mix(before * HASH_INVERSE + after);
		after += p[i - 1] * power;
		power *= HASH_BASE;
	}
	return count;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool same_rest(struct str a, size_t i, struct str b, size_t k)
{
	return a.n - i == b.n - k && memcmp(a.p + i, b.p + k, a.n - i) == 0;
}

/* A character that is a word of its own: "app-a". */
static bool is_word(struct str text, size_t i)
{
	return (i == 0 || text.p[i - 1] == '-') &&
	       (i + 1 == text.n || text.p[i + 1] == '-');
}

/* One slip of the finger turns A into B; names that count ("cdn1" and "cdn2",
 * "app-a" and "app-b") do not slip. */
static bool is_slip(struct str a, struct str b)
{
	size_t i = 0;

	if (a.n > b.n) {
		struct str swap = a;

		a = b;
		b = swap;
	}
	while (i < a.n && a.p[i] == b.p[i])
		i++;
	if (a.n < b.n)
		return same_rest(a, i, b, i + 1) && !is_digit(b.p[i]);
	if (i == a.n || (is_digit(a.p[i]) && is_digit(b.p[i])))
		return false;
	if (same_rest(a, i + 1, b, i + 1))
		return !is_word(a, i);
	return i + 1 < a.n && a.p[i] == b.p[i + 1] && a.p[i + 1] == b.p[i] &&
	       same_rest(a, i + 2, b, i + 2);
}

/* Count HASH, up to MAX_COUNT + 1; returns the count before. */
static unsigned count_hash(struct slips *slips, uint64_t hash)
{
	uint64_t at = hash & slips->counter_mask;
	unsigned shift = (unsigned)(at % 2) * 4;
	uint8_t *counter = &slips->counters[at / 2];
	unsigned before = *counter >> shift & 15;

	if (before <= MAX_COUNT)
		*counter = (uint8_t)(*counter + (1u << shift));
	return before;
}

static bool is_shared(const struct slips *slips, uint64_t hash)
{
	uint64_t at = hash & slips->counter_mask;
	unsigned count = slips->counters[at / 2] >> at % 2 * 4 & 15;

	return count > 1 && count <= MAX_COUNT;
}

static void add_pair(struct slips *slips, uint32_t a, uint32_t b, uint32_t slot)
{
	if (slips->pair_count == slips->pair_capacity) {
		uint32_t capacity = slips->pair_capacity > 0
					    ? 2 * slips->pair_capacity
					    : 64;

		slips->pairs = reallocarray(slips->pairs, capacity,
					    sizeof(*slips->pairs));
		if (slips->pairs == NULL)
			arena_out_of_memory();
		slips->pair_capacity = capacity;
	}
	slips->pairs[slips->pair_count++] = (struct slip){a, b, slot};
}

/* Label number I has HASH: compare it with who had it first. */
static void meet(struct slips *slips, const struct str *labels, uint64_t hash,
		 uint32_t i)
{
	uint64_t at = hash >> 20 & slips->slot_mask;

	while (slips->slots[at].count > 0 && slips->slots[at].hash != hash)
		at = (at + 1) & slips->slot_mask;

	struct slot *slot = &slips->slots[at];

	if (slot->count++ == 0)
		*slot = (struct slot){hash, i, 1};
	else if (slot->count <= MAX_FAMILY &&
		 is_slip(labels[slot->label], labels[i]))
		add_pair(slips, slot->label, i, (uint32_t)at);
}

/* Families become known at the end. */
static void drop_families(struct slips *slips)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < slips->pair_count; i++)
		if (slips->slots[slips->pairs[i].slot].count <= MAX_FAMILY)
			slips->pairs[kept++] = slips->pairs[i];
	slips->pair_count = kept;
}

static uint64_t power_above(uint64_t n)
{
	uint64_t power = MIN_COUNTERS;

	while (power < n)
		power *= 2;
	return power;
}

static uint32_t count_forms(struct str label, const struct slip_search *search)
{
	uint32_t to = end_of(label, search);
	uint32_t count = 1;

	for (uint32_t i = search->from; i < to; i++)
		count += is_form(label, i, to);
	return count;
}

/* Zeroed counters for TOTAL hashes. */
static void make_counters(struct slips *slips, uint64_t total)
{
	uint64_t bytes = power_above(COUNTERS_PER_HASH * total) / 2;

	if (bytes > slips->counter_room) {
		free(slips->counters);
		slips->counters = allocate(bytes, 1);
		slips->counter_room = bytes;
	} else {
		memset(slips->counters, 0, bytes);
	}
	slips->counter_mask = bytes * 2 - 1;
}

/* Empty slots for COUNT hashes. */
static void make_slots(struct slips *slips, uint64_t count)
{
	uint64_t slots = power_above(count + count / 2);

	if (slots > slips->slot_room) {
		free(slips->slots);
		slips->slots = allocate(slots, sizeof(*slips->slots));
		slips->slot_room = slots;
	} else {
		memset(slips->slots, 0, slots * sizeof(*slips->slots));
	}
	slips->slot_mask = slots - 1;
}

/* First pass: count all hashes, and keep them if KEEP.  Returns how many will
 * be shared, or seem to. */
static uint64_t count_all(struct slips *slips, const struct str *labels,
			  const struct slip_search *search, bool keep)
{
	uint64_t *hashes = slips->hashes;
	uint64_t shared = 0;

	for (uint32_t i = search->first; i < search->end; i++) {
		uint32_t n = hashes_of(labels[i], search, hashes);

		for (uint32_t k = 0; k < n; k++) {
			unsigned before = count_hash(slips, hashes[k]);

			if (before == 1)
				shared += 2; /* the first one, too */
			else if (before > 1 && before < MAX_COUNT)
				shared++;
			else if (before == MAX_COUNT)
				shared -= MAX_COUNT;
		}
		if (keep)
			hashes += n;
	}
	return shared;
}

/* see slips.h */
void slips_init(struct slips *slips)
{
	*slips = (struct slips){.pairs = NULL};
	/* those kept, or those of one label */
	slips->hashes = allocate(MAX_KEPT + HOSTNAME_LABEL_MAX + 1,
				 sizeof(*slips->hashes));
}

/* see slips.h */
void slips_fini(struct slips *slips)
{
	free(slips->pairs);
	free(slips->hashes);
	free(slips->counters);
	free(slips->slots);
	*slips = (struct slips){.pairs = NULL};
}

/* see slips.h */
void slips_find(struct slips *slips, const struct str *labels,
		const struct slip_search *search)
{
	uint64_t *hashes = slips->hashes;
	uint64_t total = 0;

	slips->pair_count = 0;
	for (uint32_t i = search->first; i < search->end; i++)
		total += count_forms(labels[i], search);
	make_counters(slips, total);

	bool keep = total <= MAX_KEPT;
	uint64_t shared = count_all(slips, labels, search, keep);

	if (shared == 0)
		return;
	make_slots(slips, shared);
	for (uint32_t i = search->first; i < search->end; i++) {
		uint32_t n = keep ? count_forms(labels[i], search)
				  : hashes_of(labels[i], search, hashes);

		for (uint32_t k = 0; k < n; k++)
			if (is_shared(slips, hashes[k]))
				meet(slips, labels, hashes[k], i);
		if (keep)
			hashes += n;
	}
	drop_families(slips);
}
