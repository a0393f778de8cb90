/* diagnostic.c - collecting, sorting and finding diagnostics.  How they look
 * is diagnostic_print.c's business. */
#include "diagnostic.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct diag_info diag_info[DIAG_CODE_COUNT] = {
#define DIAG(code, name, severity, text, help)                                 \
	{#code, name, severity, text, help},
#include "diagnostic.def"
#undef DIAG
};

#define FIRST_CAPACITY 16u

/* Longest word for which a suggestion is looked for, in bytes. */
#define NEAREST_MAX 64

void diag_init(struct diag_list *list, struct arena *arena)
{
	*list = (struct diag_list){.arena = arena};
	for (unsigned i = 0; i < DIAG_CODE_COUNT; i++)
		list->severity[i] = diag_info[i].severity;
}

/* The rank of SOURCE in the order of first report.  Reports about one source
 * come together, so the search starts at the newest. */
static uint32_t rank_of(struct diag_list *list, struct source *source)
{
	for (uint32_t i = list->source_count; i > 0; i--)
		if (list->sources[i - 1] == source)
			return i;
	if (source == NULL)
		return 0;
	if (list->source_count == list->source_capacity) {
		uint32_t capacity = list->source_capacity > 0
					    ? 2 * list->source_capacity
					    : FIRST_CAPACITY;

		list->sources = arena_grow_array(
			list->arena, list->sources, list->source_capacity,
			capacity, sizeof(struct source *));
		list->source_capacity = capacity;
	}
	list->sources[list->source_count++] = source;
	return list->source_count;
}

static void keep(struct diag_list *list, struct diag *diag)
{
	if (list->count == list->capacity) {
		uint32_t capacity = list->capacity > 0 ? 2 * list->capacity
						       : FIRST_CAPACITY;

		list->items = arena_grow_array(list->arena, list->items,
					       list->capacity, capacity,
					       sizeof(struct diag *));
		list->capacity = capacity;
	}
	diag->rank = rank_of(list, diag->at.source);
	diag->serial = list->count;
	list->items[list->count++] = diag;
	if (diag->severity == DIAG_ERROR)
		list->errors++;
	else
		list->warnings++;
}

struct diag *diag_report(struct diag_list *list, enum diag_code code,
			 struct span at, const char *format, ...)
{
	struct diag *diag = arena_alloc(list->arena, sizeof(*diag));
	va_list ap;

	diag->code = code;
	diag->severity = list->severity[code];
	diag->at = at;
	va_start(ap, format);
	diag->message = arena_vprintf(list->arena, format, ap);
	va_end(ap);
	if (diag->severity == DIAG_WARNING && list->warnings_are_errors)
		diag->severity = DIAG_ERROR;
	if (diag->severity != DIAG_OFF)
		keep(list, diag);
	return diag;
}

void diag_hint(struct diag_list *list, struct diag *diag, const char *format,
	       ...)
{
	va_list ap;

	va_start(ap, format);
	diag->hint = arena_vprintf(list->arena, format, ap);
	va_end(ap);
}

void diag_relate(struct diag_list *list, struct diag *diag, struct span at,
		 const char *format, ...)
{
	struct diag_related *related =
		arena_alloc(list->arena, sizeof(*related));
	va_list ap;

	related->at = at;
	va_start(ap, format);
	related->text = arena_vprintf(list->arena, format, ap);
	va_end(ap);
	if (diag->related_last != NULL)
		diag->related_last->next = related;
	else
		diag->related = related;
	diag->related_last = related;
}

void diag_set_fix(struct diag_list *list, struct diag *diag, struct span at,
		  const char *replacement, bool safe)
{
	struct diag_fix *fix = arena_alloc(list->arena, sizeof(*fix));

	*fix = (struct diag_fix){
		.at = at,
		.replacement = arena_strndup(list->arena, replacement,
					     strlen(replacement)),
		.safe = safe,
	};
	diag->fix = fix;
}

static int order(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare(const void *left, const void *right)
{
	const struct diag *a = *(struct diag *const *)left;
	const struct diag *b = *(struct diag *const *)right;
	int by = order(a->rank, b->rank);

	if (by == 0)
		by = order(a->at.start, b->at.start);
	if (by == 0)
		by = order((uint32_t)a->code, (uint32_t)b->code);
	return by != 0 ? by : order(a->serial, b->serial);
}

void diag_sort(struct diag_list *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(struct diag *), compare);
}

bool diag_find(const char *code_or_name, enum diag_code *code)
{
	for (unsigned i = 0; i < DIAG_CODE_COUNT; i++) {
		if (strcasecmp(diag_info[i].code, code_or_name) != 0 &&
		    strcmp(diag_info[i].name, code_or_name) != 0)
			continue;
		*code = (enum diag_code)i;
		return true;
	}
	return false;
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn A into
 * B, letter case aside.  Both lengths are at most NEAREST_MAX. */
static unsigned distance(const char *a, size_t a_length, const char *b,
			 size_t b_length)
{
	unsigned rows[3][NEAREST_MAX + 1];
	unsigned *before = rows[0];
	unsigned *last = rows[1];
	unsigned *now = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = before[j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);

			now[j] = least(least(last[j], now[j - 1]) + 1,
				       last[j - 1] + !same);
			if (i > 1 && j > 1 &&
			    lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}

		unsigned *spare = before;

		before = last;
		last = now;
		now = spare;
	}
	return last[b_length];
}

const char *diag_nearest(const char *word, const char *const *candidates,
			 uint32_t count)
{
	size_t length = strnlen(word, NEAREST_MAX + 1);
	const char *nearest = NULL;
	unsigned best = (unsigned)(length + 2) / 3 + 1;

	if (length > NEAREST_MAX)
		return NULL;
	if (best > 4)
		best = 4;
	for (uint32_t i = 0; i < count; i++) {
		size_t other = strnlen(candidates[i], NEAREST_MAX + 1);

		if (other > NEAREST_MAX)
			continue;

		unsigned far = distance(word, length, candidates[i], other);

		/* Nothing in common is no suggestion. */
		if (far < best && far < length && far < other) {
			best = far;
			nearest = candidates[i];
		}
	}
	return nearest;
}
