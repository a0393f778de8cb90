/* diagnostic_print.c - diagnostics as people read them in a terminal.
 * File names, messages and excerpts come from outside: whatever could move the
 * cursor, change colours or reorder text is shown by its number instead. */
#include "diagnostic.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* An excerpt longer than this many cells is cut around the caret. */
#define EXCERPT_CELLS 96u
#define CELLS_BEFORE 48u
#define TAB_CELLS 8u
#define CUT "..."

struct range {
	uint32_t first;
	uint32_t last;
};

/* Shown by number: controls, and marks that reorder or hide text. */
static const struct range unprintable[] = {
	{0x0000, 0x001f}, {0x007f, 0x009f},   {0x00ad, 0x00ad},
	{0x061c, 0x061c}, {0x180e, 0x180e},   {0x200b, 0x200f},
	{0x2028, 0x202e}, {0x2060, 0x206f},   {0xfeff, 0xfeff},
	{0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
};

/* Marks that stand on the letter before them. */
static const struct range combining[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
	{0x064b, 0x065f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
	{0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

/* Two cells: the wide and full-width blocks of East Asia, and emoji. */
static const struct range wide[] = {
	{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
	{0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
	{0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
	{0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool within(const struct range *ranges, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

#define WITHIN(ranges, c) within(ranges, sizeof(ranges) / sizeof(*(ranges)), c)

/* Decode one character of [P, END), P < END.  The result is its length; a byte
 * that starts none is one long and *VALID is false. */
static size_t decode(const unsigned char *p, const unsigned char *end,
		     uint32_t *c, bool *valid)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = *p < 0x80   ? 1
			: *p < 0xc2 ? 0
			: *p < 0xe0 ? 2
			: *p < 0xf0 ? 3
			: *p < 0xf5 ? 4
				    : 0;

	*valid = true;
	*c = *p;
	if (length == 1)
		return 1;
	*valid = false;
	if (length == 0 || (size_t)(end - p) < length)
		return 1;

	uint32_t value = *p & (0x7fu >> length);

	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < smallest[length] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 1;
	*c = value;
	*valid = true;
	return length;
}

/* Write one character of [P, END) to OUT, which may be NULL to measure only.
 * *CELL is the column it starts at and is moved past it.  The result is the
 * number of bytes consumed. */
static size_t put_char(FILE *out, const unsigned char *p,
		       const unsigned char *end, uint32_t *cell)
{
	char text[16];
	uint32_t c;
	bool valid;

	if (*p >= 0x20 && *p < 0x7f) {
		if (out != NULL)
			putc(*p, out);
		++*cell;
		return 1;
	}

	size_t length = decode(p, end, &c, &valid);
	uint32_t cells;

	if (!valid) {
		cells = (uint32_t)snprintf(text, sizeof(text), "\\x%02x", *p);
	} else if (c == '\t') {
		cells = TAB_CELLS - *cell % TAB_CELLS;
		snprintf(text, sizeof(text), "%*s", (int)cells, "");
	} else if (c < 0x80 && WITHIN(unprintable, c)) {
		cells = (uint32_t)snprintf(text, sizeof(text), "\\x%02x", c);
	} else if (WITHIN(unprintable, c)) {
		cells = (uint32_t)snprintf(text, sizeof(text), "<U+%04X>", c);
	} else {
		memcpy(text, p, length);
		text[length] = '\0';
		cells = c < 0x300              ? 1
			: WITHIN(combining, c) ? 0
			: WITHIN(wide, c)      ? 2
					       : 1;
	}
	if (out != NULL)
		fputs(text, out);
	*cell += cells;
	return length;
}

static void put_text(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *end = p + strlen(text);
	uint32_t cell = 0;

	while (p < end)
		p += put_char(out, p, end, &cell);
}

struct style {
	const char *place;
	const char *error;
	const char *warning;
	const char *note;
	const char *caret;
	const char *off;
};

static const struct style plain = {"", "", "", "", "", ""};
static const struct style coloured = {
	"\033[1m",    "\033[1;31m", "\033[1;35m",
	"\033[1;36m", "\033[1;32m", "\033[0m",
};

/* Where to start showing a line so that AT is in sight. */
static const unsigned char *window(const unsigned char *line,
				   const unsigned char *at,
				   const unsigned char *end)
{
	const unsigned char *p = at;
	uint32_t cell = 0;

	if ((size_t)(end - line) <= EXCERPT_CELLS)
		return line;
	for (uint32_t chars = 0; p > line && chars < CELLS_BEFORE; chars++) {
		p--;
		while (p > line && (*p & 0xc0) == 0x80 && at - p < 256)
			p--;
	}
	/* Characters shown by number take more room than one cell each. */
	while (p < at) {
		const unsigned char *q = p;

		for (cell = 0; q < at && cell <= CELLS_BEFORE;)
			q += put_char(NULL, q, end, &cell);
		if (cell <= CELLS_BEFORE)
			break;
		p += put_char(NULL, p, end, &cell);
	}
	return p;
}

static void print_excerpt(struct diag_list *list, FILE *out, struct span at,
			  const char *hint, const struct style *style)
{
	struct source *source = at.source;
	uint32_t length;
	const unsigned char *line =
		source_line(source, list->arena, at.start, &length);
	const unsigned char *end = line + length;
	const unsigned char *from = source->bytes + at.start;
	const unsigned char *to = source->bytes + at.end;
	uint32_t number = source_locate(source, list->arena, at.start).line;

	if (from > end)
		from = end;
	if (to > end)
		to = end;

	const unsigned char *p = window(line, from, end);
	uint32_t caret = 0; /* cells before it */
	uint32_t under = 0; /* cells from it to the end of the span */
	uint32_t cell = 0;

	fprintf(out, "%5u | ", number);
	if (p > line) {
		fputs(CUT, out);
		cell = sizeof(CUT) - 1;
	} else if (number == 1 && length >= 3 &&
		   memcmp(p, "\xef\xbb\xbf", 3) == 0 && from >= p + 3) {
		p += 3; /* a byte order mark is no mistake */
	}
	caret = cell;
	while (p < end && cell < EXCERPT_CELLS) {
		p += put_char(out, p, end, &cell);
		if (p <= from)
			caret = cell;
		if (p <= to)
			under = cell;
	}
	if (p < end)
		fputs(CUT, out);
	fprintf(out, "\n      | %*s%s^", (int)caret, "", style->caret);
	for (uint32_t i = caret + 1; i < under; i++)
		putc('~', out);
	if (hint != NULL) {
		putc(' ', out);
		put_text(out, hint);
	}
	fprintf(out, "%s\n", style->off);
}

static void print_place(struct diag_list *list, FILE *out, struct span at,
			const struct style *style)
{
	if (at.source == NULL)
		return;

	struct place place = source_locate(at.source, list->arena, at.start);

	fputs(style->place, out);
	put_text(out, at.source->name);
	fprintf(out, ":%u:%u:%s ", place.line, place.column, style->off);
}

static void print_one(struct diag_list *list, FILE *out,
		      const struct diag *diag, const struct style *style)
{
	bool error = diag->severity == DIAG_ERROR;

	print_place(list, out, diag->at, style);
	fprintf(out, "%s%s:%s ", error ? style->error : style->warning,
		error ? "error" : "warning", style->off);
	put_text(out, diag->message);
	fprintf(out, " [%s]\n", diag_info[diag->code].code);
	if (diag->at.source != NULL) {
		print_excerpt(list, out, diag->at, diag->hint, style);
	} else if (diag->hint != NULL) {
		fputs("        ", out);
		put_text(out, diag->hint);
		putc('\n', out);
	}
	for (const struct diag_related *related = diag->related;
	     related != NULL; related = related->next) {
		print_place(list, out, related->at, style);
		fprintf(out, "%snote:%s ", style->note, style->off);
		put_text(out, related->text);
		putc('\n', out);
		if (related->at.source != NULL)
			print_excerpt(list, out, related->at, NULL, style);
	}
}

/* stderr is not buffered, and a write for every character is slow: print in
 * pieces of this size. */
#define PIECE_BYTES ((size_t)64 << 10)

void diag_print(struct diag_list *list, FILE *out, bool colour)
{
	const struct style *style = colour ? &coloured : &plain;
	char *piece = NULL;
	size_t size = 0;
	FILE *buffer = open_memstream(&piece, &size);

	if (buffer == NULL)
		arena_out_of_memory();
	diag_sort(list);
	for (uint32_t i = 0; i < list->count; i++) {
		print_one(list, buffer, list->items[i], style);
		if (ftello(buffer) < (off_t)PIECE_BYTES && i + 1 < list->count)
			continue;
		if (fflush(buffer) != 0 || ferror(buffer))
			arena_out_of_memory();
		fwrite(piece, 1, size, out);
		rewind(buffer);
	}
	fclose(buffer);
	free(piece);
}

void diag_print_fixed(struct diag_list *list, const struct diag *diag,
		      FILE *out)
{
	print_place(list, out, diag->at, &plain);
	fputs("fixed: ", out);
	put_text(out, diag->message);
	fprintf(out, " [%s]\n", diag_info[diag->code].code);
}
