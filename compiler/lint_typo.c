/* lint_typo.c - registered domains one slip of the finger apart.
 *
 * Names are compared with their siblings under one public suffix, which are
 * neighbours in canonical order.  Siblings that differ behind their first
 * PREFIX characters are neighbours again, so that only the forms that are
 * shortened near the start are looked for among all of them. */
#include <stdlib.h>

#include "lint-internal.h"
#include "lower.h"
#include "slips.h"

/* Shorter names differ by one character all the time. */
#define MIN_LENGTH 6

/* A misspelled name is rare: it has at most this many entries. */
#define MAX_ENTRIES 2

/* What neighbours among siblings share. */
#define PREFIX 2

/* Suffixes with more labels are not looked for. */
#define MAX_SUFFIX_LABELS 4

/* A label below the suffix at hand, and all entries that end in it. */
struct sibling {
	uint32_t first; /* of order.refs */
	uint32_t end;
	bool reported;
};

/* A suffix whose siblings are still to be compared. */
struct pending {
	uint32_t first; /* of order.refs */
	uint32_t end;
	size_t suffix;
	uint32_t labels;
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
	struct str *labels; /* of the siblings */
	uint32_t count;
	uint32_t capacity;
	struct slips slips;
};

static struct str label_before(struct str name, size_t suffix)
{
	size_t end = name.n - suffix;
	const char *dot = memrchr(name.p, '.', end);
	const char *start = dot == NULL ? name.p : dot + 1;

	return str_make(start, (size_t)(name.p + end - start));
}

/* The registered domain: the label and the suffix behind it. */
static struct str domain_of(const struct typo *typo, uint32_t sibling)
{
	struct str label = typo->labels[sibling];

	return str_make(label.p, label.n + typo->suffix);
}

static uint32_t entries_of(const struct sibling *sibling)
{
	return sibling->end - sibling->first;
}

/* A fix borrows it: it lives as long as the diagnostics. */
static const char *domain_text(const struct typo *typo, uint32_t sibling)
{
	struct str domain = domain_of(typo, sibling);

	return arena_strndup(typo->lint->diags->arena, domain.p, domain.n);
}

/* Offer to write RIGHT for WRONG at the end of GLOB. */
static void offer(struct lint *lint, struct diag *diag, const struct glob *glob,
		  const char *wrong, const char *right)
{
	size_t length = strlen(wrong);
	struct span at = lint_glob_span(lint, glob);
	const unsigned char *bytes = at.source->bytes;

	if (bytes[at.end - 1] == '"' || bytes[at.end - 1] == '\'')
		at.end--;
	/* not through an alias or an escape */
	if (at.end - at.start < length ||
	    memcmp(bytes + at.end - length, wrong, length) != 0)
		return;
	at.start = at.end - (uint32_t)length;
	diag_set_fix(lint->diags, diag, at, right, false);
}

static void report(struct typo *typo, uint32_t wrong, uint32_t right)
{
	struct lint *lint = typo->lint;
	struct sibling *sibling = &typo->siblings[wrong];
	const struct glob *first = typo->refs[typo->siblings[right].first].glob;
	const char *wrong_text = domain_text(typo, wrong);
	const char *right_text = domain_text(typo, right);
	uint32_t last = UINT32_MAX; /* a list that two rules share */

	sibling->reported = true;
	for (uint32_t i = sibling->first; i < sibling->end; i++) {
		const struct glob *glob = typo->refs[i].glob;

		if (glob->start == last)
			continue;
		last = glob->start;

		struct diag *diag = diag_report(
			lint->diags, DIAG_L022, lint_glob_span(lint, glob),
			"'%s' is one slip of the finger away from '%s'",
			wrong_text, right_text);

		diag_relate(lint->diags, diag, lint_glob_span(lint, first),
			    "the other one");
		diag_hint(lint->diags, diag, "did you mean '%s'?", right_text);
		offer(lint, diag, glob, wrong_text, right_text);
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
	for (uint32_t i = 0; i < typo->slips.pair_count; i++) {
		const struct slip *pair = &typo->slips.pairs[i];
		bool first = is_wrong(typo, pair->a, pair->b);
		uint32_t wrong = first ? pair->a : pair->b;
		uint32_t right = first ? pair->b : pair->a;

		if (!typo->siblings[wrong].reported &&
		    entries_of(&typo->siblings[wrong]) <= MAX_ENTRIES)
			report(typo, wrong, right);
	}
}

/* --- siblings --------------------------------------------------------------
 */

static void *resize(void *items, uint32_t count, size_t size)
{
	items = reallocarray(items, count, size);
	if (items == NULL)
		arena_out_of_memory();
	return items;
}

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
	if (typo->pending_count == typo->pending_capacity) {
		typo->pending_capacity = typo->pending_capacity > 0
						 ? 2 * typo->pending_capacity
						 : 64;
		typo->pending = resize(typo->pending, typo->pending_capacity,
				       sizeof(*typo->pending));
	}
	typo->pending[typo->pending_count++] =
		(struct pending){first, end, suffix, labels};
}

/* From FROM on, the entries that end in the same label before the suffix. */
static uint32_t end_of(const struct typo *typo, uint32_t from, uint32_t limit,
		       size_t suffix, struct str *domain)
{
	struct str name = typo->refs[from].glob->name;
	struct str label = label_before(name, suffix);
	uint32_t low = from + 1; /* all before it end so */
	uint32_t step = 1;

	*domain = str_make(label.p, label.n + suffix);
	/* they are neighbours: few of one domain, many of "com" */
	while (low < limit && step <= limit - low &&
	       ends_in(typo->refs[low + step - 1].glob->name, *domain)) {
		low += step;
		step *= 2;
	}

	uint32_t high = step <= limit - low ? low + step - 1 : limit;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ends_in(typo->refs[middle].glob->name, *domain))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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
		if (typo->count == typo->capacity) {
			typo->capacity =
				typo->capacity > 0 ? 2 * typo->capacity : 64;
			typo->siblings = resize(typo->siblings, typo->capacity,
						sizeof(*typo->siblings));
			typo->labels = resize(typo->labels, typo->capacity,
					      sizeof(*typo->labels));
		}
		typo->labels[typo->count] =
			str_make(domain.p, domain.n - group->suffix);
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

	for (uint32_t i = 0; i < typo->count; i++) {
		struct str label = typo->labels[i];

		if (label.n < least || memcmp(label.p, "xn--", 4) == 0)
			continue;
		typo->labels[kept] = label;
		typo->siblings[kept++] = typo->siblings[i];
	}
	typo->count = kept;
}

static void check_group(struct typo *typo, const struct pending *group)
{
	find_siblings(typo, group);
	drop_others(typo);
	if (typo->count < 2)
		return;

	/* a swap may move the last character of the prefix */
	struct slip_search search = {0, typo->count, 0, PREFIX + 1};

	slips_find(&typo->slips, typo->labels, &search);
	report_pairs(typo);
	for (uint32_t i = 0, end; i < typo->count; i = end) {
		const char *label = typo->labels[i].p;

		for (end = i + 1; end < typo->count; end++)
			if (memcmp(typo->labels[end].p, label, PREFIX) != 0)
				break;
		if (end - i < 2)
			continue;
		search = (struct slip_search){i, end, PREFIX,
					      HOSTNAME_LABEL_MAX};
		slips_find(&typo->slips, typo->labels, &search);
		report_pairs(typo);
	}
}

/* see lint-internal.h */
void lint_typos(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;
	struct typo typo = {.lint = lint, .refs = order->refs};
	struct str domain;

	if (order->count < 2)
		return;
	slips_init(&typo.slips);
	for (uint32_t i = 0, end; i < order->count; i = end) {
		end = end_of(&typo, i, order->count, 0, &domain);
		if (end - i > 1)
			add_pending(&typo, i, end, domain.n + 1, 1);
	}
	while (typo.pending_count > 0) {
		struct pending group = typo.pending[--typo.pending_count];

		check_group(&typo, &group);
	}
	slips_fini(&typo.slips);
	free(typo.pending);
	free(typo.siblings);
	free(typo.labels);
}
