/* yaml_scalar.c - where scalars end, and what they say: line folding and
 * escapes (YAML 1.2, sections 5.7, 6.5 and 7.3). */
#include "yaml_scalar.h"

#include <string.h>

#include "yaml_lex.h"
#include "yaml_scan-internal.h"

#define NO_CHARACTER UINT32_MAX

/* Skip blank lines from LINE, the start of one.  The result is the first text
 * of the line found; *LINE its start. */
static const unsigned char *next_text(const struct yaml_scan *scan,
				      const unsigned char **line)
{
	for (;;) {
		const unsigned char *p = yaml_skip_blanks(*line);

		if (p >= scan->limit || !yaml_is_break(*p))
			return p;
		*line = p + (*p == '\r') + 1;
	}
}

static uint32_t spaces_at(const unsigned char *line)
{
	uint32_t spaces = 0;

	while (line[spaces] == ' ')
		spaces++;
	return spaces;
}

bool yaml_scan_plain(struct yaml_scan *scan, uint32_t start, bool one_line,
		     struct yaml_token *token, struct yaml_extent *extent)
{
	bool flow = scan->flow_count > 0;
	const unsigned char *end = yaml_lex_plain(scan->cursor, flow);

	*extent = (struct yaml_extent){.last_line = start};
	while (!one_line) {
		const unsigned char *line = yaml_skip_blanks(end);

		if (!yaml_is_break(*line))
			break;
		line += (*line == '\r') + 1;
		if (line > scan->limit)
			break;

		const unsigned char *text = next_text(scan, &line);

		if (text >= scan->limit ||
		    !yaml_indented(scan, spaces_at(line)) ||
		    (text == line && yaml_lex_marker(text) != MARKER_NONE) ||
		    !yaml_plain_continues(text, flow))
			break;
		yaml_enter_line(scan, line);
		extent->multiline = true;
		extent->last_line = yaml_offset(scan, text);
		end = yaml_lex_plain(text, flow);
	}
	scan->cursor = end;
	*token = (struct yaml_token){
		.start = start,
		.end = yaml_offset(scan, end),
		.style = SCALAR_PLAIN,
		.verbatim = !extent->multiline,
	};
	return true;
}

static uint32_t hex_value(const unsigned char *p, const unsigned char *end)
{
	uint32_t value = 0;

	for (; p < end; p++) {
		uint32_t digit = *p <= '9' ? *p - (uint32_t)'0'
					   : (*p | 0x20u) - 'a' + 10;

		value = value << 4 | digit;
	}
	return value;
}

/* The character of the escape [START, *CURSOR).  JSON writes those beyond
 * U+FFFF as two \u escapes: then *CURSOR moves past the second. */
static uint32_t code_value(const unsigned char *start,
			   const unsigned char **cursor)
{
	uint32_t value = hex_value(start + 2, *cursor);

	if (value >= 0xd800 && value < 0xdc00) {
		const unsigned char *p = *cursor;
		const unsigned char *second = p;

		if (yaml_lex_double(&p) != PIECE_CODE || second[1] != 'u')
			return NO_CHARACTER;

		uint32_t low = hex_value(second + 2, p);

		if (low < 0xdc00 || low > 0xdfff)
			return NO_CHARACTER;
		*cursor = p;
		return 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
	}
	if (value > 0x10ffff || (value >= 0xdc00 && value <= 0xdfff))
		return NO_CHARACTER;
	return value;
}

/* The length in bytes of the UTF-8 character at P. */
static uint32_t char_length(unsigned char lead)
{
	return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static void bad_escape(struct yaml_scan *scan, const unsigned char *start)
{
	if (scan->soft++ >= YAML_MAX_SOFT)
		return;

	uint32_t from = yaml_offset(scan, start);
	uint32_t to = from + 1;

	if (!yaml_is_space(start[1]))
		to += char_length(start[1]);

	struct diag *diag =
		diag_report(scan->list, DIAG_Y021, yaml_span(scan, from, to),
			    "'%.*s' is not an escape", (int)(to - from),
			    (const char *)start);

	diag_hint(scan->list, diag, "write '\\\\' for a backslash");
}

static void bad_code(struct yaml_scan *scan, const unsigned char *start,
		     const unsigned char *end)
{
	if (scan->soft++ >= YAML_MAX_SOFT)
		return;

	struct diag *diag =
		diag_report(scan->list, DIAG_Y021,
			    yaml_span(scan, yaml_offset(scan, start),
				      yaml_offset(scan, end)),
			    "'%.*s' is not a character", (int)(end - start),
			    (const char *)start);

	diag_hint(scan->list, diag,
		  "surrogates come in pairs; the last character is U+10FFFF");
}

/* The quoted text ends before LINE without its closing quote. */
static bool unterminated(struct yaml_scan *scan, uint32_t start,
			 enum scalar_style style, const unsigned char *line)
{
	char quote = style == SCALAR_DOUBLE ? '"' : '\'';
	bool at_end = line >= scan->limit;
	struct diag *diag = diag_report(
		scan->list, DIAG_Y018, yaml_span(scan, start, start + 1),
		at_end ? "the quote %c is not closed"
		       : "the quote %c is not closed before a line "
			 "that is not indented more than its block",
		quote);

	diag_hint(scan->list, diag, "close it with %c", quote);
	if (!at_end)
		diag_relate(scan->list, diag,
			    yaml_span(scan, yaml_offset(scan, line),
				      yaml_offset(scan, line) + 1),
			    "this line would have to be indented more");
	scan->cursor = at_end ? scan->limit : line;
	yaml_enter_line(scan, scan->cursor);
	scan->resume = scan->cursor;
	return false;
}

static bool marker_inside(struct yaml_scan *scan, uint32_t start,
			  const unsigned char *line)
{
	uint32_t at = yaml_offset(scan, line);
	struct diag *diag = diag_report(
		scan->list, DIAG_Y024, yaml_span(scan, at, at + 3),
		"'%.3s' at the start of a line ends the document, but a quote "
		"is open",
		(const char *)line);

	diag_hint(scan->list, diag, "close the quote before, or indent this");
	diag_relate(scan->list, diag, yaml_span(scan, start, start + 1),
		    "the quote is opened here");
	scan->cursor = scan->limit;
	return false;
}

bool yaml_scan_quoted(struct yaml_scan *scan, uint32_t start, bool one_line,
		      enum scalar_style style, struct yaml_token *token,
		      struct yaml_extent *extent)
{
	bool verbatim = true;

	*extent = (struct yaml_extent){.last_line = start};
	for (;;) {
		const unsigned char *piece = scan->cursor;
		const unsigned char *line;
		enum yaml_piece kind = style == SCALAR_DOUBLE
					       ? yaml_lex_double(&scan->cursor)
					       : yaml_lex_single(&scan->cursor);

		switch (kind) {
		case PIECE_TEXT:
			continue;
		case PIECE_END:
			*token = (struct yaml_token){
				.start = start,
				.end = yaml_offset(scan, scan->cursor),
				.style = (uint8_t)style,
				.verbatim = verbatim,
			};
			return true;
		case PIECE_QUOTE:
		case PIECE_ESCAPE:
			verbatim = false;
			continue;
		case PIECE_CODE:
			verbatim = false;
			if (code_value(piece, &scan->cursor) == NO_CHARACTER)
				bad_code(scan, piece, scan->cursor);
			continue;
		case PIECE_BAD_ESCAPE:
			bad_escape(scan, piece);
			continue;
		case PIECE_BREAK:
		case PIECE_JOIN:
			verbatim = false;
			extent->multiline = true;
			line = scan->cursor;
			if (line > scan->limit)
				return unterminated(scan, start, style,
						    scan->limit);
			break;
		case PIECE_NUL:
			return unterminated(scan, start, style, scan->limit);
		}

		const unsigned char *text = next_text(scan, &line);

		if (text >= scan->limit)
			return unterminated(scan, start, style, scan->limit);
		if (one_line || !yaml_indented(scan, spaces_at(line)))
			return unterminated(scan, start, style, line);
		if (text == line && yaml_lex_marker(text) != MARKER_NONE)
			return marker_inside(scan, start, line);
		yaml_enter_line(scan, line);
		extent->last_line = yaml_offset(scan, text);
	}
}

/* Text being put together.  Run once with OUT NULL to learn the length. */
struct fold {
	char *out;
	uint32_t length;
	const unsigned char *blanks; /* seen, and kept if text follows */
	uint32_t blank_count;
	uint32_t breaks; /* line breaks not yet folded */
	bool joined;     /* the first of them was escaped */
	bool line_start; /* nothing of this line yet */
};

static void put(struct fold *fold, const void *bytes, uint32_t count)
{
	if (fold->out != NULL)
		memcpy(fold->out + fold->length, bytes, count);
	fold->length += count;
}

/* Something that is not white space follows: settle what is pending. */
static void settle(struct fold *fold)
{
	if (fold->line_start) {
		if (!fold->joined && fold->breaks == 1)
			put(fold, " ", 1);
		for (uint32_t i = fold->joined ? 0 : 1; i < fold->breaks; i++)
			put(fold, "\n", 1);
	} else if (fold->blank_count > 0) {
		put(fold, fold->blanks, fold->blank_count);
	}
	fold->line_start = false;
	fold->joined = false;
	fold->breaks = 0;
	fold->blank_count = 0;
}

static void fold_break(struct fold *fold)
{
	fold->blank_count = 0;
	fold->breaks++;
	fold->line_start = true;
}

static void fold_text(struct fold *fold, const unsigned char *p,
		      const unsigned char *end)
{
	const unsigned char *last = end;

	if (fold->line_start)
		while (p < end && yaml_is_blank(*p))
			p++;
	while (last > p && yaml_is_blank(last[-1]))
		last--;
	if (last > p) {
		settle(fold);
		put(fold, p, (uint32_t)(last - p));
	}
	if (!fold->line_start) {
		fold->blanks = last;
		fold->blank_count = (uint32_t)(end - last);
	}
}

static void put_character(struct fold *fold, uint32_t c)
{
	unsigned char utf8[4];
	uint32_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

	for (uint32_t i = length; i-- > 1; c >>= 6)
		utf8[i] = (unsigned char)(0x80 | (c & 0x3f));
	utf8[0] = (unsigned char)(lead[length] | c);
	settle(fold);
	put(fold, utf8, length);
}

static uint32_t escape_value(unsigned char letter)
{
	switch (letter) {
	case '0':
		return 0x00;
	case 'a':
		return 0x07;
	case 'b':
		return 0x08;
	case 't':
		return 0x09;
	case 'n':
		return 0x0a;
	case 'v':
		return 0x0b;
	case 'f':
		return 0x0c;
	case 'r':
		return 0x0d;
	case 'e':
		return 0x1b;
	case 'N':
		return 0x85;
	case '_':
		return 0xa0;
	case 'L':
		return 0x2028;
	case 'P':
		return 0x2029;
	default: /* space, tab, quote, slash, backslash */
		return letter;
	}
}

static void fold_quoted(struct fold *fold, const unsigned char *p,
			enum scalar_style style)
{
	for (;;) {
		const unsigned char *start = p;
		enum yaml_piece piece = style == SCALAR_DOUBLE
						? yaml_lex_double(&p)
						: yaml_lex_single(&p);

		switch (piece) {
		case PIECE_END:
		case PIECE_NUL:
			settle(fold);
			return;
		case PIECE_TEXT:
		case PIECE_BAD_ESCAPE:
			fold_text(fold, start, p);
			break;
		case PIECE_BREAK:
			fold_break(fold);
			break;
		case PIECE_QUOTE:
			put_character(fold, '\'');
			break;
		case PIECE_ESCAPE:
			put_character(fold, escape_value(start[1]));
			break;
		case PIECE_CODE: {
			uint32_t c = code_value(start, &p);

			put_character(fold, c == NO_CHARACTER ? 0xfffd : c);
			break;
		}
		case PIECE_JOIN:
			settle(fold);
			fold->joined = true;
			fold->line_start = true;
			break;
		}
	}
}

static void fold_plain(struct fold *fold, const unsigned char *p,
		       const unsigned char *end)
{
	while (p < end) {
		const unsigned char *line = p;

		while (p < end && !yaml_is_break(*p))
			p++;
		fold_text(fold, line, p);
		if (p < end) {
			p += (*p == '\r') + 1;
			fold_break(fold);
		}
	}
}

static void fold_token(struct fold *fold, const unsigned char *bytes,
		       const struct yaml_token *token)
{
	if (token->style == SCALAR_PLAIN)
		fold_plain(fold, bytes + token->start, bytes + token->end);
	else
		fold_quoted(fold, bytes + token->start + 1, token->style);
}

struct yaml_text yaml_scalar_text(const unsigned char *bytes,
				  const struct yaml_token *token,
				  struct arena *arena)
{
	uint32_t quote = token->style == SCALAR_PLAIN ? 0 : 1;

	if (token->verbatim)
		return (struct yaml_text){
			.bytes = (const char *)bytes + token->start + quote,
			.length = token->end - token->start - 2 * quote,
		};

	struct fold fold = {.out = NULL};

	fold_token(&fold, bytes, token);

	char *text = arena_alloc(arena, fold.length);
	uint32_t length = fold.length;

	fold = (struct fold){.out = text};
	fold_token(&fold, bytes, token);
	return (struct yaml_text){.bytes = text, .length = length};
}
