/* lint_typo.c - registered domains one slip of the finger apart.
 *
 * Two texts are one insertion, deletion, replacement or swap of neighbours
 * apart only if they are equal or become so by leaving out at most one
 * character of each.  So every name is put down under its own hash and under
 * those of its shortened forms, and names that meet are compared.  Most hashes
 * occur once: a first pass over two bits for each finds the ones that do not,
 * and only these are kept, so that a million names take little memory.
 *
 * Names are compared with their siblings under one public suffix, which are
 * neighbours in canonical order.  Siblings that differ behind their first
 * PREFIX characters are neighbours again, so that only the forms that are
 * shortened near the start are looked for among all of them. */
#include <stdlib.h>

#include "buffer.h"
#include "lint-internal.h"
#include "lower.h"

/* Shorter names differ by one character all the time. */
#define MIN_LENGTH 6

/* A misspelled name is rare: it has at most this many entries. */
#define MAX_ENTRIES 2

/* More names than this with one shortened form are a family, not slips. */
#define MAX_FAMILY 3

/* What neighbours among siblings share. */
#define PREFIX 2

/* Suffixes with more labels are not looked for. */
#define MAX_SUFFIX_LABELS 4

/* Counters of two bits for each hash, and no fewer than this. */
#define MIN_COUNTERS 1024u
#define COUNTERS_PER_HASH 8u

/* HASH_BASE * HASH_INVERSE is 1 modulo 2^64. */
#define HASH_BASE 0x9e3779b97f4a7c15u
#define HASH_INVERSE 0xf1de83e19937733du

/* A label below the suffix at hand, and all entries that end in it. */
struct sibling {
	const char *label;
	uint32_t first; /* of order.refs */
	uint32_t end;
	uint8_t length; /* of the label */
	bool reported;
};

/* A suffix whose siblings are still to be compared. */
struct pending {
	uint32_t first; /* of order.refs */
	uint32_t end;
	size_t suffix;
	uint32_t labels;
};

/* A hash that may be shared. */
struct slot {
	uint64_t hash;
	uint32_t sibling; /* who was there first */
	uint32_t count;   /* 0: empty */
};

struct pair {
	uint32_t a; /* siblings */
	uint32_t b;
	uint32_t slot;
};

/* Some siblings, and which of their forms to compare: those shortened at one of
 * the positions FROM to TO, and the whole. */
struct search {
	uint32_t first;
	uint32_t end;
	uint32_t from;
	uint32_t to;
};

struct typo {
	struct lint *lint;
	const struct glob_ref *refs;
	struct pending *pending;
	uint32_t pending_count;
	uint32_t pending_capacity;

	/* the suffix at hand */
	size_t suffix; /* bytes of it, with the dot before it */
	struct sibling *siblings;
	uint32_t count;
	uint32_t capacity;

	/* of the search at hand */
	uint8_t *counters;
	uint64_t counter_mask;
	uint64_t counter_room;
	struct slot *slots;
	uint64_t slot_mask;
	uint64_t slot_room;
	struct pair *pairs;
	uint32_t pair_count;
	uint32_t pair_capacity;
};

static struct str label_before(struct str name, size_t suffix)
{
	size_t end = name.n - suffix;
	const char *dot = memrchr(name.p, '.', end);
	const char *start = dot == NULL ? name.p : dot + 1;

	return str_make(start, (size_t)(name.p + end - start));
}

static struct str label_of(const struct typo *typo, uint32_t sibling)
{
	return str_make(typo->siblings[sibling].label,
			typo->siblings[sibling].length);
}

/* The registered domain: the label and the suffix behind it. */
static struct str domain_of(const struct typo *typo, uint32_t sibling)
{
	struct str label = label_of(typo, sibling);

	return str_make(label.p, label.n + typo->suffix);
}

static uint64_t mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	return hash ^ hash >> 29;
}

/* The hash of LABEL and of its forms that SEARCH wants.  The hash of a text is
 * a polynomial of its characters, so leaving one out costs no second look at
 * the others.  Returns their number. */
static uint32_t hashes_of(struct str label, const struct search *search,
			  uint64_t hashes[HOSTNAME_LABEL_MAX + 1])
{
	const unsigned char *p = (const unsigned char *)label.p;
	uint32_t n = (uint32_t)label.n;
	uint32_t to = search->to < n ? search->to : n;
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

/* One more item in a malloc()ed array. */
static void *grow(void *items, uint32_t count, uint32_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity > 0 ? 2 * *capacity : 64;
	items = realloc(items, *capacity * size);
	if (items == NULL)
		arena_out_of_memory();
	return items;
}

/* --- two passes over the hashes --------------------------------------------
 */

/* Count HASH, up to 2; returns the count before. */
static unsigned count_hash(struct typo *typo, uint64_t hash)
{
	uint64_t at = hash & typo->counter_mask;
	unsigned shift = (unsigned)(at % 4) * 2;
	uint8_t *counter = &typo->counters[at / 4];
	unsigned before = *counter >> shift & 3;

	if (before < 2)
		*counter = (uint8_t)(*counter + (1u << shift));
	return before;
}

static bool is_shared(const struct typo *typo, uint64_t hash)
{
	uint64_t at = hash & typo->counter_mask;

	return (typo->counters[at / 4] >> at % 4 * 2 & 3) > 1;
}

static void add_pair(struct typo *typo, uint32_t a, uint32_t b, uint32_t slot)
{
	typo->pairs = grow(typo->pairs, typo->pair_count, &typo->pair_capacity,
			   sizeof(*typo->pairs));
	typo->pairs[typo->pair_count++] = (struct pair){a, b, slot};
}

/* SIBLING has HASH: compare it with who had it first. */
static void meet(struct typo *typo, uint64_t hash, uint32_t sibling)
{
	uint64_t at = hash >> 20 & typo->slot_mask;

	while (typo->slots[at].count > 0 && typo->slots[at].hash != hash)
		at = (at + 1) & typo->slot_mask;

	struct slot *slot = &typo->slots[at];

	if (slot->count == 0) {
		*slot = (struct slot){hash, sibling, 1};
		return;
	}
	if (slot->sibling == sibling)
		return; /* "aa" shortened at either a */
	if (++slot->count <= MAX_FAMILY &&
	    is_slip(label_of(typo, slot->sibling), label_of(typo, sibling)))
		add_pair(typo, slot->sibling, sibling, (uint32_t)at);
}

static uint64_t power_above(uint64_t n)
{
	uint64_t power = MIN_COUNTERS;

	while (power < n)
		power *= 2;
	return power;
}

static uint32_t count_forms(struct str label, const struct search *search)
{
	uint32_t n = (uint32_t)label.n;

	return 1 + (search->to < n ? search->to : n) - search->from;
}

/* Zeroed counters for TOTAL hashes. */
static void make_counters(struct typo *typo, uint64_t total)
{
	uint64_t bytes = power_above(COUNTERS_PER_HASH * total) / 4;

	if (bytes > typo->counter_room) {
		free(typo->counters);
		typo->counters = allocate(bytes, 1);
		typo->counter_room = bytes;
	} else {
		memset(typo->counters, 0, bytes);
	}
	typo->counter_mask = bytes * 4 - 1;
}

/* Empty slots for COUNT hashes. */
static void make_slots(struct typo *typo, uint64_t count)
{
	uint64_t slots = power_above(count + count / 2);

	if (slots > typo->slot_room) {
		free(typo->slots);
		typo->slots = allocate(slots, sizeof(*typo->slots));
		typo->slot_room = slots;
	} else {
		memset(typo->slots, 0, slots * sizeof(*typo->slots));
	}
	typo->slot_mask = slots - 1;
}

static void find_pairs(struct typo *typo, const struct search *search)
{
	uint64_t hashes[HOSTNAME_LABEL_MAX + 1];
	uint64_t total = 0;
	uint64_t shared = 0;

	typo->pair_count = 0;
	for (uint32_t i = search->first; i < search->end; i++)
		total += count_forms(label_of(typo, i), search);
	make_counters(typo, total);
	for (uint32_t i = search->first; i < search->end; i++) {
		uint32_t n = hashes_of(label_of(typo, i), search, hashes);

		for (uint32_t k = 0; k < n; k++) {
			unsigned before = count_hash(typo, hashes[k]);

			/* with the second one comes the first */
			shared += before == 0 ? 0 : before == 1 ? 2 : 1;
		}
	}
	if (shared == 0)
		return;
	make_slots(typo, shared);
	for (uint32_t i = search->first; i < search->end; i++) {
		uint32_t n = hashes_of(label_of(typo, i), search, hashes);

		for (uint32_t k = 0; k < n; k++)
			if (is_shared(typo, hashes[k]))
				meet(typo, hashes[k], i);
	}
}

/* --- what is found ---------------------------------------------------------
 */

static uint32_t entries_of(const struct sibling *sibling)
{
	return sibling->end - sibling->first;
}

static void report(struct typo *typo, uint32_t wrong, uint32_t right)
{
	struct lint *lint = typo->lint;
	struct sibling *sibling = &typo->siblings[wrong];
	const struct glob *first = typo->refs[typo->siblings[right].first].glob;
	struct str domain = domain_of(typo, right);
	uint32_t last = UINT32_MAX; /* a list that two rules share */

	sibling->reported = true;
	for (uint32_t i = sibling->first; i < sibling->end; i++) {
		const struct glob *glob = typo->refs[i].glob;

		if (glob->start == last)
			continue;
		last = glob->start;

		struct diag *diag = diag_report(
			lint->diags, DIAG_L022, lint_glob_span(lint, glob),
			"'%s': '%.*s' and '%.*s' are one slip of the finger "
			"apart",
			lint_glob_text(lint, glob),
			STR_ARG(domain_of(typo, wrong)), STR_ARG(domain));

		diag_relate(lint->diags, diag, lint_glob_span(lint, first),
			    "the other one");
		diag_hint(lint->diags, diag, "did you mean '%.*s'?",
			  STR_ARG(domain));
	}
}

/* Of two, the one that has fewer entries, or comes later, is the slip; but not
 * one that is well known. */
static bool is_wrong(const struct typo *typo, uint32_t a, uint32_t b)
{
	const struct sibling *x = &typo->siblings[a];
	const struct sibling *y = &typo->siblings[b];

	if (lint_is_suffix(domain_of(typo, a), true))
		return false;
	if (lint_is_suffix(domain_of(typo, b), true))
		return true;
	if (entries_of(x) != entries_of(y))
		return entries_of(x) < entries_of(y);
	return typo->refs[x->first].glob->start >
	       typo->refs[y->first].glob->start;
}

static void report_pairs(struct typo *typo)
{
	for (uint32_t i = 0; i < typo->pair_count; i++) {
		const struct pair *pair = &typo->pairs[i];
		bool first = is_wrong(typo, pair->a, pair->b);
		uint32_t wrong = first ? pair->a : pair->b;
		uint32_t right = first ? pair->b : pair->a;

		if (typo->slots[pair->slot].count <= MAX_FAMILY &&
		    !typo->siblings[wrong].reported &&
		    entries_of(&typo->siblings[wrong]) <= MAX_ENTRIES)
			report(typo, wrong, right);
	}
}

/* --- siblings --------------------------------------------------------------
 */

static bool ends_in(struct str name, struct str domain)
{
	size_t more = name.n - domain.n;

	return name.n >= domain.n &&
	       memcmp(name.p + more, domain.p, domain.n) == 0 &&
	       (more == 0 || name.p[more - 1] == '.');
}

/* The entries below DOMAIN, of SIBLING, are of different owners: it is a
 * suffix, and has more than one name below it. */
static bool is_suffix(const struct typo *typo, const struct sibling *sibling,
		      struct str domain)
{
	struct str last = typo->refs[sibling->end - 1].glob->name;
	uint32_t at = sibling->first;

	while (typo->refs[at].glob->name.n == domain.n && at + 1 < sibling->end)
		at++;

	struct str first = typo->refs[at].glob->name;

	if (first.n == domain.n)
		return false;

	struct str a = label_before(first, domain.n + 1);
	struct str b = label_before(last, domain.n + 1);

	return !str_equal(a, b) && lint_is_suffix(domain, true);
}

static void add_pending(struct typo *typo, uint32_t first, uint32_t end,
			size_t suffix, uint32_t labels)
{
	typo->pending = grow(typo->pending, typo->pending_count,
			     &typo->pending_capacity, sizeof(*typo->pending));
	typo->pending[typo->pending_count++] =
		(struct pending){first, end, suffix, labels};
}

/* From FROM on, the entries that end in the same label before the suffix. */
static uint32_t end_of(const struct typo *typo, uint32_t from, uint32_t limit,
		       size_t suffix, struct str *domain)
{
	struct str name = typo->refs[from].glob->name;
	struct str label = label_before(name, suffix);
	uint32_t end = from + 1;

	*domain = str_make(label.p, label.n + suffix);
	while (end < limit && ends_in(typo->refs[end].glob->name, *domain))
		end++;
	return end;
}

static void find_siblings(struct typo *typo, const struct pending *group)
{
	uint32_t at = group->first;

	typo->suffix = group->suffix;
	typo->count = 0;
	/* the suffix's own entries come first */
	while (at < group->end &&
	       typo->refs[at].glob->name.n + 1 == group->suffix)
		at++;
	while (at < group->end) {
		struct str domain;
		struct sibling sibling = {.first = at};

		at = sibling.end =
			end_of(typo, at, group->end, group->suffix, &domain);
		if (group->labels < MAX_SUFFIX_LABELS &&
		    sibling.end - sibling.first > 1 &&
		    is_suffix(typo, &sibling, domain))
			add_pending(typo, sibling.first, sibling.end,
				    domain.n + 1, group->labels + 1);
		sibling.label = domain.p;
		sibling.length = (uint8_t)(domain.n - group->suffix);
		typo->siblings = grow(typo->siblings, typo->count,
				      &typo->capacity, sizeof(*typo->siblings));
		typo->siblings[typo->count++] = sibling;
	}
}

/* Among so many names shorter ones are that near by chance: expect less than a
 * hundredth of a neighbour for each. */
static size_t least_length(uint32_t count)
{
	static const double letters = 26;
	size_t length = MIN_LENGTH;
	double texts =
		letters * letters * letters * letters * letters * letters;

	/* of each length about 56 neighbours for each of its characters */
	while (length < HOSTNAME_LABEL_MAX &&
	       56.0 * (double)length * count > texts / 100) {
		length++;
		texts *= letters;
	}
	return length;
}

/* Forget the siblings that are too short, and A-labels: a slip in those is no
 * slip of a finger. */
static void drop_others(struct typo *typo)
{
	size_t least = least_length(typo->count);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < typo->count; i++)
		if (typo->siblings[i].length >= least &&
		    memcmp(typo->siblings[i].label, "xn--", 4) != 0)
			typo->siblings[kept++] = typo->siblings[i];
	typo->count = kept;
}

static void check_group(struct typo *typo, const struct pending *group)
{
	find_siblings(typo, group);
	drop_others(typo);

	/* a swap may move the last character of the prefix */
	struct search search = {0, typo->count, 0, PREFIX + 1};

	if (typo->count < 2)
		return;
	find_pairs(typo, &search);
	report_pairs(typo);
	for (uint32_t i = 0, end; i < typo->count; i = end) {
		const char *label = typo->siblings[i].label;

		for (end = i + 1; end < typo->count; end++)
			if (memcmp(typo->siblings[end].label, label, PREFIX) !=
			    0)
				break;
		if (end - i < 2)
			continue;
		search = (struct search){i, end, PREFIX, HOSTNAME_LABEL_MAX};
		find_pairs(typo, &search);
		report_pairs(typo);
	}
}

/* see lint-internal.h */
void lint_typos(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;
	struct typo typo = {.lint = lint, .refs = order->refs};
	struct str domain;

	for (uint32_t i = 0, end; i < order->count; i = end) {
		end = end_of(&typo, i, order->count, 0, &domain);
		if (end - i > 1)
			add_pending(&typo, i, end, domain.n + 1, 1);
	}
	while (typo.pending_count > 0) {
		struct pending group = typo.pending[--typo.pending_count];

		check_group(&typo, &group);
	}
	free(typo.counters);
	free(typo.slots);
	free(typo.pending);
	free(typo.siblings);
	free(typo.pairs);
}
