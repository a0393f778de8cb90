/* yaml_scan.c - lines, columns and brackets: see yaml_scan.h.
 *
 * In a block context a key or dash at column C first closes every block whose
 * column is greater (BLOCK_END), then opens one if the innermost that is left
 * is less (MAP_START, SEQ_START).  A dash rolls at its own column and a key
 * behind it at its own, so "- name: x" needs no rule of its own; a dash at the
 * column of an open mapping opens nothing, and is the grammar's business
 * (sequences under a key need no indentation).  Between brackets nothing opens
 * or closes. */
#include "yaml_scan.h"

#include <string.h>

#include "grammar/yaml.h"
#include "yaml_lex.h"
#include "yaml_scalar.h"
#include "yaml_scan-internal.h"

/* Where a token, or the anchor of a key, begins. */
struct begin {
	uint32_t start;
	uint32_t column;
	bool first; /* on its line */
	bool tab;   /* in the blanks before */
};

void yaml_scan_init(struct yaml_scan *scan, struct source *source,
		    struct diag_list *list)
{
	*scan = (struct yaml_scan){
		.source = source,
		.list = list,
		.bytes = source->bytes,
		.limit = source->bytes + source->length,
		.cursor = source->bytes,
		.fresh = true,
	};
	if (source->length >= 3 &&
	    memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0)
		scan->cursor += 3;
	yaml_enter_line(scan, scan->cursor);
}

static void enqueue(struct yaml_scan *scan, int type,
		    const struct yaml_token *token)
{
	unsigned at = (scan->head + scan->queued++) % YAML_QUEUE;

	scan->queue[at].type = type;
	scan->queue[at].token = *token;
	if (type == TOKEN_MAP_START || type == TOKEN_SEQ_START)
		return;
	scan->previous = type;
	scan->previous_end = token->end;
	if (type != TOKEN_ERROR)
		scan->started = true;
}

static void fail(struct yaml_scan *scan)
{
	struct yaml_token token = {.start = yaml_offset(scan, scan->cursor)};

	token.end = token.start;
	enqueue(scan, TOKEN_ERROR, &token);
}

/* A span within its line, at least one character long. */
static struct span word_at(const struct yaml_scan *scan, uint32_t start)
{
	uint32_t end = start;

	while (!yaml_is_space(scan->bytes[end]))
		end++;
	return yaml_span(scan, start,
			 end > start || end >= scan->source->length ? end
								    : end + 1);
}

static void check_comment(struct yaml_scan *scan, const unsigned char *p)
{
	if (p == scan->line || yaml_is_space(p[-1]))
		return;

	uint32_t at = yaml_offset(scan, p);
	struct diag *diag =
		diag_report(scan->list, DIAG_Y017, yaml_span(scan, at, at + 1),
			    "a comment needs a space before '#'");

	diag_hint(scan->list, diag, "put a space here, or quote the text");
	diag_set_fix(scan->list, diag, yaml_span(scan, at, at), " ", true);
}

/* To the next lexeme that is not white space or comment.  False at the end. */
static bool skip_space(struct yaml_scan *scan)
{
	scan->tab = false;
	for (;;) {
		while (*scan->cursor == ' ')
			scan->cursor++;

		const unsigned char *p = scan->cursor;

		if (*p > '#')
			return true;

		enum yaml_lexeme lexeme = yaml_lex(&scan->cursor);

		if (lexeme == LEX_END || scan->cursor > scan->limit) {
			scan->cursor = scan->limit;
			return false;
		}
		if (lexeme == LEX_BLANK) {
			scan->tab = true;
		} else if (lexeme == LEX_BREAK) {
			yaml_enter_line(scan, scan->cursor);
			scan->fresh = true;
			scan->tab = false;
		} else if (lexeme == LEX_COMMENT) {
			check_comment(scan, p);
		} else {
			scan->cursor = p;
			return true;
		}
	}
}

static void too_deep(struct yaml_scan *scan, uint32_t start)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y031, yaml_span(scan, start, start + 1),
		"collections are nested more than %d deep", DOCUMENT_MAX_DEPTH);

	diag_hint(scan->list, diag, "a policy needs five");
	fail(scan);
}

static void tab_error(struct yaml_scan *scan, const struct begin *begin)
{
	const unsigned char *tab = scan->bytes + begin->start;

	while (tab > scan->line && *tab != '\t')
		tab--;

	uint32_t at = yaml_offset(scan, tab);
	struct diag *diag =
		diag_report(scan->list, DIAG_Y008, yaml_span(scan, at, at + 1),
			    "a tab cannot indent");

	diag_hint(scan->list, diag, "use spaces");
	fail(scan);
}

/* The columns a line could be aligned with, for a hint: "1, 3 or 7". */
static const char *open_columns(struct yaml_scan *scan)
{
	const char *text = "";
	unsigned count = scan->level_count < 4 ? scan->level_count : 4;

	for (unsigned i = 0; i < count; i++)
		text = arena_printf(scan->list->arena, "%s%s%u", text,
				    i == 0           ? ""
				    : i + 1 == count ? " or "
						     : ", ",
				    scan->levels[i].column + 1);
	return text;
}

static void dedent_error(struct yaml_scan *scan, const struct begin *begin)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y009, word_at(scan, begin->start),
		"the indentation of this line matches no open block");

	diag_hint(scan->list, diag, "start it in column %s",
		  open_columns(scan));
	fail(scan);
}

static void stray_error(struct yaml_scan *scan, const struct begin *begin)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y010, word_at(scan, begin->start),
		"this line is indented more than the one it follows, which "
		"opens no block");

	diag_hint(scan->list, diag, "align it with the lines before");
	fail(scan);
}

/* Close the blocks that end before COLUMN and open the one that starts there.
 * False after an error. */
static bool roll(struct yaml_scan *scan, const struct begin *begin,
		 bool sequence)
{
	unsigned keep = scan->level_count;

	if (begin->tab) {
		tab_error(scan, begin);
		return false;
	}
	if (begin->first)
		while (keep > 0 &&
		       scan->levels[keep - 1].column > begin->column)
			keep--;

	bool open = keep == 0 || scan->levels[keep - 1].column < begin->column;

	if (open && keep < scan->level_count) {
		dedent_error(scan, begin);
		return false;
	}
	if (open && scan->previous != 0 && scan->previous != TOKEN_KEY &&
	    scan->previous != TOKEN_DASH && scan->previous != TOKEN_ANCHOR &&
	    scan->previous != TOKEN_DOC_START) {
		stray_error(scan, begin);
		return false;
	}
	if (open && keep == DOCUMENT_MAX_DEPTH) {
		too_deep(scan, begin->start);
		return false;
	}
	scan->closing += scan->level_count - keep;
	scan->level_count = keep;
	if (!open)
		return true;
	scan->levels[scan->level_count++] = (struct yaml_level){
		.column = begin->column,
		.sequence = sequence,
		.dashed = scan->previous == TOKEN_DASH && keep > 0 &&
			  !scan->levels[keep - 1].sequence,
	};

	struct yaml_token token = {.start = begin->start, .end = begin->start};

	enqueue(scan, sequence ? TOKEN_SEQ_START : TOKEN_MAP_START, &token);
	return true;
}

/* A key or dash may start its line or follow a dash; anything else is an
 * error. */
static bool may_start_block(struct yaml_scan *scan, const struct begin *begin)
{
	struct diag *diag;

	if (begin->first || scan->previous == TOKEN_DASH)
		return true;
	if (scan->previous == TOKEN_DOC_START ||
	    scan->previous == TOKEN_ANCHOR) {
		diag = diag_report(scan->list, DIAG_Y012,
				   word_at(scan, begin->start),
				   "a block cannot start on the line of %s",
				   scan->previous == TOKEN_ANCHOR ? "its anchor"
								  : "'---'");
		diag_hint(scan->list, diag, "start it on the next line");
	} else {
		diag = diag_report(
			scan->list, DIAG_Y011, word_at(scan, begin->start),
			scan->previous == TOKEN_KEY
				? "a block cannot start on the line of its key"
				: "a key or a dash must be the first of its "
				  "line");
		diag_hint(scan->list, diag,
			  "put it on a line of its own, or quote the text");
	}
	fail(scan);
	return false;
}

/* --- scalars, keys and what stands before them ---------------------------- */

/* Text that starts a line not indented more than the innermost block is no
 * part of a value, and it is no key either. */
static void not_entry(struct yaml_scan *scan, const struct begin *begin,
		      const struct yaml_token *token)
{
	unsigned keep = scan->level_count;
	const unsigned char *text = scan->bytes + token->start;
	const unsigned char *colon = NULL;
	struct diag *diag;

	if (begin->tab) {
		tab_error(scan, begin);
		return;
	}
	while (keep > 1 && scan->levels[keep - 1].column > begin->column)
		keep--;
	if (token->verbatim && token->style == SCALAR_PLAIN)
		colon = memchr(text, ':', token->end - token->start);
	if (scan->levels[keep - 1].sequence) {
		diag = diag_report(scan->list, DIAG_Y013,
				   yaml_span(scan, token->start, token->end),
				   "an item of this sequence starts with '- '");
		diag_hint(scan->list, diag, "put '- ' before it");
	} else if (colon != NULL) {
		uint32_t after = yaml_offset(scan, colon + 1);

		diag = diag_report(scan->list, DIAG_Y014,
				   yaml_span(scan, after - 1, after),
				   "a key needs a space after its ':'");
		diag_hint(scan->list, diag, "write '%.*s: %.*s'",
			  (int)(colon - text), (const char *)text,
			  (int)(token->end - after), (const char *)colon + 1);
		diag_set_fix(scan->list, diag, yaml_span(scan, after, after),
			     " ", true);
	} else {
		diag = diag_report(scan->list, DIAG_Y013,
				   yaml_span(scan, token->start, token->end),
				   "a line of this mapping starts with 'key:'");
		diag_hint(scan->list, diag,
			  "add ':', or indent it if it continues the text "
			  "above");
	}
	fail(scan);
}

/* A token that is no key and no dash: put it in the queue if it may be here. */
static bool enqueue_node(struct yaml_scan *scan, const struct begin *begin,
			 int type, const struct yaml_token *token)
{
	if (begin->first && scan->flow_count == 0 &&
	    !yaml_indented(scan, scan->indent)) {
		not_entry(scan, begin, token);
		return false;
	}
	enqueue(scan, type, token);
	return true;
}

/* The line under the cursor, between brackets, is indented enough. */
static bool check_flow_line(struct yaml_scan *scan, bool closing)
{
	const unsigned char *p = scan->cursor;
	struct yaml_flow *flow = &scan->flows[scan->flow_count - 1];
	uint32_t at = yaml_offset(scan, p);
	struct diag *diag;

	if (p == scan->line && yaml_lex_marker(p) != MARKER_NONE) {
		diag = diag_report(
			scan->list, DIAG_Y024, yaml_span(scan, at, at + 3),
			"'%.3s' at the start of a line ends the document, but "
			"a bracket is open",
			(const char *)p);
		diag_hint(scan->list, diag, "close the bracket before");
		diag_relate(scan->list, diag,
			    yaml_span(scan, flow->start, flow->start + 1),
			    "the bracket is opened here");
		scan->cursor = scan->limit;
		return false;
	}
	if (yaml_indented(scan, scan->indent))
		return true;
	if (closing) {
		uint32_t line = yaml_offset(scan, scan->line);

		diag = diag_report(scan->list, DIAG_Y020,
				   yaml_span(scan, at, at + 1),
				   "the closing '%c' must be indented more "
				   "than its block",
				   *p);
		diag_hint(scan->list, diag, "put a space before it");
		diag_set_fix(scan->list, diag, yaml_span(scan, line, line),
			     "  ", true);
		return true;
	}
	diag = diag_report(scan->list, DIAG_Y019,
			   yaml_span(scan, flow->start, flow->start + 1),
			   "'%c' is not closed before a line that is not "
			   "indented more than its block",
			   scan->bytes[flow->start]);
	diag_hint(scan->list, diag, "close it with '%c'",
		  flow->mapping ? '}' : ']');
	diag_relate(scan->list, diag, word_at(scan, at),
		    "this line would have to be indented more");
	scan->resume = scan->line;
	return false;
}

enum colon { COLON_NONE = 0, COLON_FOUND, COLON_FAILED };

/* Look behind a scalar for the ':' that makes it a key, and take it.  QUOTED
 * keys need no white space after their ':' between brackets. */
static enum colon take_colon(struct yaml_scan *scan, bool quoted)
{
	bool flow = scan->flow_count > 0;

	if (flow && scan->flows[scan->flow_count - 1].mapping) {
		if (!skip_space(scan))
			return COLON_NONE;

		bool colon =
			*scan->cursor == ':' &&
			(quoted || !yaml_plain_safe(scan->cursor[1], true));

		if (!colon)
			return COLON_NONE;
		if (scan->fresh && !check_flow_line(scan, false))
			return COLON_FAILED;
		scan->fresh = false;
		scan->cursor++;
		return COLON_FOUND;
	}

	const unsigned char *p = yaml_skip_blanks(scan->cursor);

	if (*p != ':')
		return COLON_NONE;
	if ((flow && quoted) || !yaml_plain_safe(p[1], flow)) {
		scan->cursor = p + 1;
		return COLON_FOUND;
	}
	if (flow || !quoted)
		return COLON_NONE;

	uint32_t at = yaml_offset(scan, p);
	struct diag *diag =
		diag_report(scan->list, DIAG_Y014, yaml_span(scan, at, at + 1),
			    "a key needs a space after its ':'");

	diag_hint(scan->list, diag, "put a space here");
	diag_set_fix(scan->list, diag, yaml_span(scan, at + 1, at + 1), " ",
		     true);
	return COLON_FAILED;
}

/* What may not be a key although ':' follows. */
static bool check_key(struct yaml_scan *scan, const struct yaml_token *token,
		      const struct yaml_extent *extent)
{
	struct diag *diag;
	bool in_map = scan->flow_count > 0 &&
		      scan->flows[scan->flow_count - 1].mapping;

	if (extent->multiline && !in_map) {
		diag = diag_report(
			scan->list, DIAG_Y015,
			yaml_span(scan, extent->last_line, token->end),
			"this looks like a key, but its indentation makes it "
			"part of the text that starts above");
		diag_hint(scan->list, diag,
			  "align it with the other keys, or end that text");
		diag_relate(scan->list, diag, word_at(scan, token->start),
			    "the text starts here");
		return false;
	}

	uint32_t length = 0;

	if (token->end - token->start > YAML_MAX_KEY && !in_map)
		for (uint32_t i = token->start; i < token->end; i++)
			length += (scan->bytes[i] & 0xc0) != 0x80;
	if (length > YAML_MAX_KEY) {
		diag = diag_report(scan->list, DIAG_Y016,
				   yaml_span(scan, token->start, token->end),
				   "a key cannot be longer than %d characters",
				   YAML_MAX_KEY);
		diag_hint(scan->list, diag,
			  "a line break or a quote may be missing");
		return false;
	}
	return true;
}

/* Scan the scalar or alias at the cursor, whose first lexeme is LEXEME, and
 * queue it, as a key if it is one.  ANCHOR is the one before it on its line, or
 * NULL; BEGIN is where the two begin. */
static void scan_scalar(struct yaml_scan *scan, enum yaml_lexeme lexeme,
			uint32_t start, const struct begin *begin,
			const struct yaml_token *anchor)
{
	struct yaml_token token;
	struct yaml_extent extent = {0};
	bool one_line = begin->first && scan->flow_count == 0 &&
			!yaml_indented(scan, scan->indent);
	bool quoted = lexeme == LEX_SINGLE || lexeme == LEX_DOUBLE;
	int type = TOKEN_SCALAR;

	if (lexeme == LEX_ALIAS) {
		token = (struct yaml_token){
			.start = start,
			.end = yaml_offset(scan, scan->cursor),
			.alias = true,
		};
		type = TOKEN_ALIAS;
	} else if (quoted ? !yaml_scan_quoted(scan, start, one_line,
					      lexeme == LEX_DOUBLE
						      ? SCALAR_DOUBLE
						      : SCALAR_SINGLE,
					      &token, &extent)
			  : !yaml_scan_plain(scan, start, one_line, &token,
					     &extent)) {
		fail(scan);
		return;
	}

	switch (take_colon(scan, quoted)) {
	case COLON_FAILED:
		fail(scan);
		return;
	case COLON_NONE:
		if (anchor == NULL) {
			enqueue_node(scan, begin, type, &token);
		} else if (enqueue_node(scan, begin, TOKEN_ANCHOR, anchor)) {
			enqueue(scan, type, &token);
		}
		return;
	case COLON_FOUND:
		break;
	}
	if (!check_key(scan, &token, &extent)) {
		fail(scan);
		return;
	}
	token.after = yaml_offset(scan, scan->cursor);
	token.anchor_start = token.anchor_end = token.start;
	if (anchor != NULL) {
		token.anchor_start = anchor->start;
		token.anchor_end = anchor->end;
	}
	if (scan->flow_count == 0 &&
	    (!may_start_block(scan, begin) || !roll(scan, begin, false)))
		return;
	enqueue(scan, TOKEN_KEY, &token);
}

static void name_error(struct yaml_scan *scan, const struct yaml_token *token)
{
	unsigned char sigil = scan->bytes[token->start];
	struct diag *diag =
		diag_report(scan->list, DIAG_Y026,
			    yaml_span(scan, token->start, token->end),
			    "'%c' starts %s and needs a name behind it", sigil,
			    sigil == '&' ? "an anchor" : "an alias");

	diag_hint(scan->list, diag, "put the text between quotes");
	fail(scan);
}

static bool plain_starts(const struct yaml_scan *scan, enum yaml_lexeme lexeme,
			 const unsigned char *after)
{
	if (lexeme == LEX_DASH || lexeme == LEX_QUESTION || lexeme == LEX_COLON)
		return yaml_plain_safe(*after, scan->flow_count > 0);
	return lexeme == LEX_PLAIN;
}

/* An anchor: of the scalar behind it on the same line (which may be a key), or
 * of whatever node follows. */
static void scan_anchor(struct yaml_scan *scan, const struct begin *begin)
{
	struct yaml_token anchor = {
		.start = begin->start,
		.end = yaml_offset(scan, scan->cursor),
	};

	if (anchor.end - anchor.start == 1) {
		name_error(scan, &anchor);
		return;
	}

	const unsigned char *p = yaml_skip_blanks(scan->cursor);
	const unsigned char *after = p;
	enum yaml_lexeme lexeme = yaml_lex(&after);

	if (p > scan->cursor &&
	    (lexeme == LEX_SINGLE || lexeme == LEX_DOUBLE ||
	     lexeme == LEX_ALIAS || plain_starts(scan, lexeme, after))) {
		scan->cursor = after;
		scan_scalar(scan, lexeme, yaml_offset(scan, p), begin, &anchor);
		return;
	}
	enqueue_node(scan, begin, TOKEN_ANCHOR, &anchor);
}

/* --- brackets ------------------------------------------------------------- */

static void open_flow(struct yaml_scan *scan, const struct begin *begin,
		      bool mapping)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 1};

	if (scan->level_count + scan->flow_count >= DOCUMENT_MAX_DEPTH) {
		too_deep(scan, begin->start);
		return;
	}
	if (!enqueue_node(scan, begin,
			  mapping ? TOKEN_FLOW_MAP_START : TOKEN_FLOW_SEQ_START,
			  &token))
		return;
	scan->flows[scan->flow_count++] =
		(struct yaml_flow){.start = begin->start, .mapping = mapping};
}

static void close_flow(struct yaml_scan *scan, const struct begin *begin,
		       bool mapping)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 1};
	uint32_t opened = begin->start;

	if (scan->flow_count > 0)
		opened = scan->flows[--scan->flow_count].start;
	enqueue(scan, mapping ? TOKEN_FLOW_MAP_END : TOKEN_FLOW_SEQ_END,
		&token);

	/* JSON-like keys: the ':' may be attached between brackets. */
	bool flow = scan->flow_count > 0;
	const unsigned char *p = yaml_skip_blanks(scan->cursor);

	if (*p != ':' || (!flow && yaml_plain_safe(p[1], false)))
		return;

	struct diag *diag = diag_report(
		scan->list, DIAG_Y039, yaml_span(scan, opened, token.end),
		"a %s cannot be a key in this policy language",
		mapping ? "mapping" : "sequence");

	diag_hint(scan->list, diag, "keys are text");
	fail(scan);
}

/* --- YAML that is not part of the language ----------------------------------
 */

/* A block scalar ends before the first line that is not indented more than its
 * parent. */
static void skip_block_scalar(struct yaml_scan *scan)
{
	for (;;) {
		const unsigned char *p = scan->cursor;

		p = memchr(p, '\n', (size_t)(scan->limit - p));
		if (p == NULL) {
			scan->cursor = scan->limit;
			return;
		}
		p++;

		const unsigned char *text = yaml_skip_blanks(p);

		yaml_enter_line(scan, p);
		if (text < scan->limit && !yaml_is_break(*text) &&
		    (!yaml_indented(scan, scan->indent) ||
		     (text == p && yaml_lex_marker(p) != MARKER_NONE))) {
			scan->cursor = p - 1;
			return;
		}
		scan->cursor = p;
	}
}

static void refuse_block_scalar(struct yaml_scan *scan,
				const struct begin *begin)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 1,
				   .verbatim = true};
	struct diag *diag = diag_report(
		scan->list, DIAG_Y034, yaml_span(scan, token.start, token.end),
		"block scalars ('|' and '>') are not part of this policy "
		"language");

	diag_hint(scan->list, diag, "write the text between double quotes");
	if (scan->flow_count > 0 || begin->first) {
		fail(scan);
		return;
	}
	skip_block_scalar(scan);
	enqueue(scan, TOKEN_SCALAR, &token);
}

/* Report a tag; true if scanning may go on as if it were not there. */
static bool refuse_tag(struct yaml_scan *scan, const struct begin *begin)
{
	uint32_t end = yaml_offset(scan, scan->cursor);
	struct diag *diag = diag_report(
		scan->list, DIAG_Y035, yaml_span(scan, begin->start, end),
		"tags ('!') are not part of this policy language");

	diag_hint(scan->list, diag, "remove it, or quote the text");
	if (scan->flow_count > 0 ||
	    (!begin->first && scan->previous == TOKEN_KEY))
		return true;
	fail(scan);
	return false;
}

static void skip_line(struct yaml_scan *scan)
{
	while (!yaml_is_break(*scan->cursor))
		scan->cursor++;
}

static void refuse_directive(struct yaml_scan *scan, const struct begin *begin)
{
	skip_line(scan);

	struct diag *diag = diag_report(
		scan->list, DIAG_Y036,
		yaml_span(scan, begin->start, yaml_offset(scan, scan->cursor)),
		"directives ('%%') are not part of this policy language");

	diag_hint(scan->list, diag, "remove the line");
}

static void refuse_reserved(struct yaml_scan *scan, const struct begin *begin)
{
	unsigned char c = scan->bytes[begin->start];
	struct diag *diag = diag_report(
		scan->list, DIAG_Y022, word_at(scan, begin->start),
		"text cannot start with '%c' unless it is quoted", c);

	diag_hint(scan->list, diag, "put it between quotes");
	fail(scan);
}

static void refuse_dash(struct yaml_scan *scan, const struct begin *begin)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y023,
			    yaml_span(scan, begin->start, begin->start + 1),
			    "an item between brackets has no dash");

	diag_hint(scan->list, diag, "write [a, b]");
	fail(scan);
}

static void refuse_question(struct yaml_scan *scan, const struct begin *begin)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y037,
		yaml_span(scan, begin->start, begin->start + 1),
		"complex keys ('? ') are not part of this policy language");

	diag_hint(scan->list, diag, "write 'key: value'");
	fail(scan);
}

static void refuse_colon(struct yaml_scan *scan, const struct begin *begin)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y040,
			    yaml_span(scan, begin->start, begin->start + 1),
			    "a key must stand before ':' on the same line");

	diag_hint(scan->list, diag, "write \"\": for an empty key");
	fail(scan);
}

/* --- documents --------------------------------------------------------------
 */

static void finish(struct yaml_scan *scan)
{
	struct yaml_token token = {
		.start = yaml_offset(scan, scan->cursor),
		.end = yaml_offset(scan, scan->cursor),
	};
	struct diag *diag;

	if (scan->flow_count > 0) {
		struct yaml_flow *flow = &scan->flows[scan->flow_count - 1];

		diag = diag_report(
			scan->list, DIAG_Y019,
			yaml_span(scan, flow->start, flow->start + 1),
			"'%c' is not closed", scan->bytes[flow->start]);
		diag_hint(scan->list, diag, "close it with '%c'",
			  flow->mapping ? '}' : ']');
		scan->flow_count = 0;
		fail(scan);
		return;
	}
	scan->closing += scan->level_count;
	scan->level_count = 0;
	enqueue(scan, 0, &token);
}

static void refuse_document(struct yaml_scan *scan, const struct begin *begin)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y038, word_at(scan, begin->start),
			    scan->ended ? "the document ended at '...'"
					: "a second document starts here");

	diag_hint(scan->list, diag, "a policy file is one document");
	scan->cursor = scan->limit;
	finish(scan);
}

static void scan_marker(struct yaml_scan *scan, const struct begin *begin,
			enum yaml_marker marker)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 3};

	if (marker == MARKER_START && (scan->started || scan->ended)) {
		refuse_document(scan, begin);
		return;
	}
	scan->cursor += 3;
	if (marker == MARKER_START) {
		enqueue(scan, TOKEN_DOC_START, &token);
		return;
	}

	const unsigned char *p = yaml_skip_blanks(scan->cursor);

	if (!yaml_is_break(*p) && *p != '#') {
		struct begin rest = {.start = yaml_offset(scan, p)};

		scan->ended = true;
		refuse_document(scan, &rest);
		return;
	}
	if (!scan->started || scan->ended)
		return;
	scan->ended = true;
	scan->closing += scan->level_count;
	scan->level_count = 0;
	enqueue(scan, TOKEN_DOC_END, &token);
}

/* --- one token ---------------------------------------------------------------
 */

static void scan_lexeme(struct yaml_scan *scan, const struct begin *begin)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 1};
	bool flow = scan->flow_count > 0;
	enum yaml_lexeme lexeme = yaml_lex(&scan->cursor);

	if (plain_starts(scan, lexeme, scan->cursor)) {
		scan_scalar(scan, lexeme, begin->start, begin, NULL);
		return;
	}
	switch (lexeme) {
	case LEX_DASH:
		if (flow)
			refuse_dash(scan, begin);
		else if (may_start_block(scan, begin) &&
			 roll(scan, begin, true))
			enqueue(scan, TOKEN_DASH, &token);
		return;
	case LEX_QUESTION:
		refuse_question(scan, begin);
		return;
	case LEX_COLON:
		refuse_colon(scan, begin);
		return;
	case LEX_COMMA:
		if (flow)
			enqueue(scan, TOKEN_COMMA, &token);
		else
			refuse_reserved(scan, begin);
		return;
	case LEX_OPEN_BRACKET:
		open_flow(scan, begin, false);
		return;
	case LEX_OPEN_BRACE:
		open_flow(scan, begin, true);
		return;
	case LEX_CLOSE_BRACKET:
		close_flow(scan, begin, false);
		return;
	case LEX_CLOSE_BRACE:
		close_flow(scan, begin, true);
		return;
	case LEX_ANCHOR:
		scan_anchor(scan, begin);
		return;
	case LEX_ALIAS:
		token.end = yaml_offset(scan, scan->cursor);
		if (token.end - token.start == 1)
			name_error(scan, &token);
		else
			scan_scalar(scan, lexeme, begin->start, begin, NULL);
		return;
	case LEX_SINGLE:
	case LEX_DOUBLE:
		scan_scalar(scan, lexeme, begin->start, begin, NULL);
		return;
	case LEX_TAG:
		refuse_tag(scan, begin);
		return;
	case LEX_LITERAL:
	case LEX_FOLDED:
		refuse_block_scalar(scan, begin);
		return;
	case LEX_PERCENT:
		if (begin->first && begin->column == 0 && !flow &&
		    (!scan->started || scan->ended))
			refuse_directive(scan, begin);
		else
			refuse_reserved(scan, begin);
		return;
	case LEX_RESERVED:
		refuse_reserved(scan, begin);
		return;
	case LEX_END:
	case LEX_BLANK:
	case LEX_BREAK:
	case LEX_COMMENT:
	case LEX_PLAIN:
		break; /* skip_space() and plain_starts() took these */
	}
}

static void scan_token(struct yaml_scan *scan)
{
	if (!skip_space(scan)) {
		finish(scan);
		return;
	}

	const unsigned char *p = scan->cursor;
	struct begin begin = {
		.start = yaml_offset(scan, p),
		.column = (uint32_t)(p - scan->line),
		.first = scan->fresh,
		.tab = scan->tab,
	};

	scan->fresh = false;
	if (begin.first && scan->flow_count > 0) {
		if (!check_flow_line(scan, *p == ']' || *p == '}')) {
			fail(scan);
			return;
		}
	} else if (begin.first && begin.column == 0) {
		enum yaml_marker marker = yaml_lex_marker(p);

		if (marker != MARKER_NONE) {
			scan_marker(scan, &begin, marker);
			return;
		}
	}
	if (scan->ended && *p != '%') {
		refuse_document(scan, &begin);
		return;
	}
	scan_lexeme(scan, &begin);
}

int yaml_scan_next(struct yaml_scan *scan, struct yaml_token *token)
{
	while (scan->queued == 0)
		scan_token(scan);
	if (scan->closing > 0) {
		scan->closing--;
		*token = (struct yaml_token){
			.start = scan->queue[scan->head].token.start,
			.end = scan->queue[scan->head].token.start,
		};
		return TOKEN_BLOCK_END;
	}

	unsigned head = scan->head;

	scan->head = (head + 1) % YAML_QUEUE;
	scan->queued--;
	*token = scan->queue[head].token;
	return scan->queue[head].type;
}
