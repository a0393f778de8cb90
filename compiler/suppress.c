#include "suppress.h"

#include <stdlib.h>
#include <string.h>

#include "lint.h"
#include "quote.h"

/* One name in one comment. */
struct permit {
	enum diag_code code;
	struct span at;
	uint32_t line; /* that it is for; WHOLE_FILE; or NO_LINE */
	bool used;
};

#define WHOLE_FILE 0
#define NO_LINE UINT32_MAX

struct permits {
	const struct document *document;
	struct arena *arena;
	struct diag_list *diags;
	struct permit *items; /* in the end by line, code and place */
	uint32_t count;
	uint32_t capacity;
	/* of the comment being read */
	const unsigned char *cursor;
	const unsigned char *end;
};

static struct span span_of(const struct permits *permits,
			   const unsigned char *start, const unsigned char *end)
{
	struct source *source = permits->document->source;

	return (struct span){source, (uint32_t)(start - source->bytes),
			     (uint32_t)(end - source->bytes)};
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* The next word, up to a blank or comma; empty at the end.  Commas before it
 * are passed over. */
static struct str next_word(struct permits *permits)
{
	while (permits->cursor < permits->end &&
	       (is_blank(*permits->cursor) || *permits->cursor == ','))
		permits->cursor++;

	const unsigned char *start = permits->cursor;

	while (permits->cursor < permits->end && !is_blank(*permits->cursor) &&
	       *permits->cursor != ',')
		permits->cursor++;
	return str_make((const char *)start, (size_t)(permits->cursor - start));
}

static struct span word_span(const struct permits *permits, struct str word)
{
	const unsigned char *start = (const unsigned char *)word.p;

	return span_of(permits, start, start + word.n);
}

static void complain(struct permits *permits, struct span at, const char *text,
		     const char *hint)
{
	diag_hint(permits->diags,
		  diag_report(permits->diags, DIAG_L029, at, "%s", text), "%s",
		  hint);
}

static void add(struct permits *permits, enum diag_code code, struct span at,
		uint32_t line)
{
	if (permits->count == permits->capacity) {
		uint32_t capacity =
			permits->capacity > 0 ? 2 * permits->capacity : 16;

		permits->items = arena_grow_array(
			permits->arena, permits->items, permits->capacity,
			capacity, sizeof(*permits->items));
		permits->capacity = capacity;
	}
	permits->items[permits->count++] =
		(struct permit){code, at, line, false};
}

static void complain_name(struct permits *permits, struct str word)
{
	const char *shown = quote_visible(permits->arena, word);
	struct span at = word_span(permits, word);
	enum diag_code code;

	if (diag_find(shown, &code)) {
		complain(
			permits, at,
			arena_printf(permits->arena,
				     "'%s' cannot be switched off by a comment",
				     shown),
			"remove it");
		return;
	}

	const char *near = lint_nearest(shown);

	complain(permits, at,
		 arena_printf(permits->arena, "no lint is called '%s'", shown),
		 near != NULL ? arena_printf(permits->arena,
					     "did you mean '%s'?", near)
			      : "smokescreenc --explain-code all lists them");
}

/* The comments themselves are not switched off by comments. */
static bool may_permit(enum diag_code code)
{
	return code != DIAG_L029 && code != DIAG_L030;
}

/* The names of a comment, for LINE.  They count when a reason follows. */
static void read_names(struct permits *permits, uint32_t line)
{
	uint32_t before = permits->count;
	uint32_t names = 0;
	struct str word;

	for (;;) {
		word = next_word(permits);
		if (word.n == 0 || str_equal(word, STR("--")))
			break;
		names++;

		const char *name =
			arena_strndup(permits->arena, word.p, word.n);
		enum diag_code code;

		if (lint_find(name, &code) && may_permit(code))
			add(permits, code, word_span(permits, word), line);
		else
			complain_name(permits, word);
	}

	struct span end = span_of(permits, permits->cursor, permits->cursor);

	if (names == 0) {
		complain(permits, end, "no lint is named",
			 "write 'allow NAME -- reason'");
		permits->count = before;
	} else if (word.n == 0 || next_word(permits).n == 0) {
		complain(permits, end, "no reason is given",
			 "write ' -- ' and why this is right");
		permits->count = before;
	}
}

static void read_remark(struct permits *permits, const struct remark *remark,
			uint32_t line)
{
	const struct document *document = permits->document;
	const unsigned char *bytes = document->source->bytes;
	struct span at = {document->source, remark->start, remark->end};

	permits->cursor = bytes + remark->start + 1;
	permits->end = bytes + remark->end;
	while (is_blank(*permits->cursor))
		permits->cursor++;
	permits->cursor += sizeof(REMARK_MARK) - 1;

	struct str word = next_word(permits);

	if (str_equal(word, STR("allow"))) {
		read_names(permits, line);
	} else if (!str_equal(word, STR("allow-file"))) {
		complain(permits, word.n > 0 ? word_span(permits, word) : at,
			 "a comment to smokescreenc says 'allow' or "
			 "'allow-file'",
			 "write 'allow NAME -- reason'");
	} else if (remark->start >= document->root->start) {
		complain(permits, word_span(permits, word),
			 "'allow-file' stands before the first key",
			 "move the comment to the top, or write 'allow'");
	} else {
		read_names(permits, WHOLE_FILE);
	}
}

/* The line behind the one that P is on, and whether there is one. */
static bool next_line(const struct source *source, const unsigned char **p)
{
	const unsigned char *end = source->bytes + source->length;

	*p = memchr(*p, '\n', (size_t)(end - *p));
	if (*p == NULL)
		return false;
	++*p;
	return *p < end;
}

/* The line that each remark is for.  From the last to the first, so that a
 * stack of them is walked once. */
static uint32_t *find_lines(struct permits *permits)
{
	struct source *source = permits->document->source;
	uint32_t *lines = arena_alloc_array(
		permits->arena, source->remark_count, sizeof(*lines));

	for (uint32_t i = source->remark_count; i > 0; i--) {
		uint32_t start = source->remarks[i - 1].start;
		const unsigned char *p = source->bytes + start;
		uint32_t line =
			source_locate(source, permits->arena, start).line;

		lines[i - 1] = line;
		while (p > source->bytes && is_blank(p[-1]))
			p--;
		/* behind an entry */
		if (p > source->bytes && p[-1] != '\n' &&
		    !(p == source->bytes + 3 &&
		      memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0))
			continue;
		for (;;) {
			if (!next_line(source, &p)) {
				line = NO_LINE;
				break;
			}
			line++;
			while (is_blank(*p))
				p++;
			if (*p == '\n' || *p == '\r') {
				line = NO_LINE;
				break;
			}
			if (*p != '#')
				break;
			/* the next remark has walked the rest */
			if (i < source->remark_count &&
			    source->remarks[i].start ==
				    (uint32_t)(p - source->bytes)) {
				line = lines[i];
				break;
			}
		}
		lines[i - 1] = line;
	}
	return lines;
}

static int compare(const void *left, const void *right)
{
	const struct permit *a = left;
	const struct permit *b = right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->code != b->code)
		return a->code < b->code ? -1 : 1;
	return a->at.start < b->at.start ? -1 : a->at.start > b->at.start;
}

/* The first permit for CODE on LINE is used. */
static bool use_permit(struct permits *permits, enum diag_code code,
		       uint32_t line)
{
	const struct permit wanted = {.code = code, .line = line};
	uint32_t low = 0;
	uint32_t high = permits->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(&permits->items[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == permits->count || permits->items[low].line != line ||
	    permits->items[low].code != code)
		return false;
	permits->items[low].used = true;
	return true;
}

static void take_out(struct permits *permits, uint32_t first)
{
	struct diag_list *diags = permits->diags;
	struct source *source = permits->document->source;
	uint32_t kept = first;

	for (uint32_t i = first; i < diags->count; i++) {
		struct diag *diag = diags->items[i];

		if (lint_is_lint(diag->code) && diag->at.source == source) {
			struct place place = source_locate(
				source, permits->arena, diag->at.start);

			if (use_permit(permits, diag->code, place.line) ||
			    use_permit(permits, diag->code, WHOLE_FILE)) {
				if (diag->severity == DIAG_ERROR)
					diags->errors--;
				else
					diags->warnings--;
				continue;
			}
		}
		diags->items[kept++] = diag;
	}
	diags->count = kept;
}

static void report_unused(struct permits *permits)
{
	for (uint32_t i = 0; i < permits->count; i++) {
		const struct permit *permit = &permits->items[i];

		/* what was not looked for may be there */
		if (permit->used ||
		    permits->diags->severity[permit->code] == DIAG_OFF)
			continue;
		diag_hint(permits->diags,
			  diag_report(permits->diags, DIAG_L030, permit->at,
				      "'%s' has nothing to say %s",
				      diag_info[permit->code].name,
				      permit->line == WHOLE_FILE
					      ? "in this file"
				      : permit->line == NO_LINE
					      ? "here: no line follows "
						"directly"
					      : "about this line"),
			  "remove the comment");
	}
}

/* see suppress.h */
void suppress_lints(const struct document *document, struct arena *arena,
		    struct diag_list *diags, uint32_t first)
{
	struct source *source = document->source;
	struct permits permits = {document, arena, diags, NULL,
				  0,        0,     NULL,  NULL};

	if (source->remark_count == 0)
		return;

	uint32_t *lines = find_lines(&permits);

	for (uint32_t i = 0; i < source->remark_count; i++)
		read_remark(&permits, &source->remarks[i], lines[i]);
	if (permits.count > 1)
		qsort(permits.items, permits.count, sizeof(*permits.items),
		      compare);
	take_out(&permits, first);
	report_unused(&permits);
}
