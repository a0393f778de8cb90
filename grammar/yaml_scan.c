/* yaml_scan.c - from lexemes to tokens: see yaml_scan.h.  Lines and blocks are
 * yaml_layout.c's; what scalars hold is yaml_scalar.c's. */
#include "yaml_scan.h"

#include <string.h>

#include "grammar/yaml.h"
#include "yaml_lex.h"
#include "yaml_scalar.h"
#include "yaml_scan-internal.h"

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

static void refuse(struct yaml_scan *scan, const struct yaml_begin *begin,
		   void (*complain)(struct yaml_scan *, uint32_t))
{
	complain(scan, begin->start);
	yaml_fail(scan);
}

/* A token that is no key and no dash: put it in the queue if it may be here. */
static bool enqueue_node(struct yaml_scan *scan, const struct yaml_begin *begin,
			 int type, const struct yaml_token *token)
{
	if (begin->first && scan->flow_count == 0 &&
	    !yaml_indented(scan, scan->indent)) {
		yaml_complain_no_entry(scan, begin, token);
		yaml_fail(scan);
		return false;
	}
	yaml_enqueue(scan, type, token);
	return true;
}

enum colon { COLON_NONE = 0, COLON_FOUND, COLON_FAILED };

/* Look behind a scalar for the ':' that makes it a key, and take it.  QUOTED
 * keys need no white space after their ':' between brackets. */
static enum colon take_colon(struct yaml_scan *scan, bool quoted)
{
	bool flow = scan->flow_count > 0;

	if (flow && scan->flows[scan->flow_count - 1].mapping) {
		if (!yaml_skip_space(scan))
			return COLON_NONE;

		bool colon =
			*scan->cursor == ':' &&
			(quoted || !yaml_plain_safe(scan->cursor[1], true));

		if (!colon)
			return COLON_NONE;
		if (scan->fresh && !yaml_check_flow_line(scan))
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

	yaml_complain_missing_space(scan, yaml_offset(scan, p + 1));
	return COLON_FAILED;
}

/* What may not be a key although ':' follows. */
static bool check_key(struct yaml_scan *scan, const struct yaml_token *token,
		      const struct yaml_extent *extent)
{
	uint32_t length = 0;

	if (scan->flow_count > 0 && scan->flows[scan->flow_count - 1].mapping)
		return true; /* neither limit holds between braces */
	if (extent->multiline) {
		yaml_complain_multiline_key(scan, token, extent->last_line);
		/* Its last line may well be an entry of its own. */
		scan->resume = scan->line;
		return false;
	}
	if (token->end - token->start > YAML_MAX_KEY)
		for (uint32_t i = token->start; i < token->end; i++)
			length += (scan->bytes[i] & 0xc0) != 0x80;
	if (length > YAML_MAX_KEY) {
		yaml_complain_long_key(scan, token);
		return false;
	}
	return true;
}

/* Scan the scalar or alias at the cursor, whose first lexeme is LEXEME, and
 * queue it, as a key if it is one.  ANCHOR is the one before it on its line, or
 * NULL; BEGIN is where the two begin. */
static void scan_scalar(struct yaml_scan *scan, enum yaml_lexeme lexeme,
			uint32_t start, const struct yaml_begin *begin,
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
		if (scan->bytes[start + 1] == '.') {
			/* The most common slip of all; go on as if quoted. */
			yaml_complain_wildcard(scan, &token);
			token.alias = false;
			token.verbatim = true;
			type = TOKEN_SCALAR;
		} else if (anchor != NULL) {
			yaml_complain_anchored(scan, anchor, &token);
			yaml_fail(scan);
			return;
		}
	} else if (quoted ? !yaml_scan_quoted(scan, start, one_line,
					      lexeme == LEX_DOUBLE
						      ? SCALAR_DOUBLE
						      : SCALAR_SINGLE,
					      &token, &extent)
			  : !yaml_scan_plain(scan, start, one_line, &token,
					     &extent)) {
		yaml_fail(scan);
		return;
	}

	switch (take_colon(scan, quoted)) {
	case COLON_FAILED:
		yaml_fail(scan);
		return;
	case COLON_NONE:
		if (anchor == NULL) {
			enqueue_node(scan, begin, type, &token);
		} else if (enqueue_node(scan, begin, TOKEN_ANCHOR, anchor)) {
			yaml_enqueue(scan, type, &token);
		}
		return;
	case COLON_FOUND:
		break;
	}
	if (!check_key(scan, &token, &extent)) {
		yaml_fail(scan);
		return;
	}
	token.after = yaml_offset(scan, scan->cursor);
	token.anchor_start = token.anchor_end = token.start;
	if (anchor != NULL) {
		token.anchor_start = anchor->start;
		token.anchor_end = anchor->end;
	}
	if (scan->flow_count == 0 && (!yaml_may_start_block(scan, begin) ||
				      !yaml_roll(scan, begin, false)))
		return;
	yaml_enqueue(scan, TOKEN_KEY, &token);
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
static void scan_anchor(struct yaml_scan *scan, const struct yaml_begin *begin)
{
	struct yaml_token anchor = {
		.start = begin->start,
		.end = yaml_offset(scan, scan->cursor),
	};

	if (anchor.end - anchor.start == 1) {
		yaml_complain_name(scan, &anchor);
		yaml_fail(scan);
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

static void open_flow(struct yaml_scan *scan, const struct yaml_begin *begin,
		      bool mapping)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 1};

	if (scan->level_count + scan->flow_count >= DOCUMENT_MAX_DEPTH) {
		yaml_complain_depth(scan, begin->start);
		yaml_fail(scan);
		return;
	}
	if (!enqueue_node(scan, begin,
			  mapping ? TOKEN_FLOW_MAP_START : TOKEN_FLOW_SEQ_START,
			  &token))
		return;
	scan->flows[scan->flow_count++] =
		(struct yaml_flow){.start = begin->start, .mapping = mapping};
}

static void close_flow(struct yaml_scan *scan, const struct yaml_begin *begin,
		       bool mapping)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 1};
	uint32_t opened = begin->start;

	if (scan->flow_count > 0)
		opened = scan->flows[--scan->flow_count].start;
	yaml_enqueue(scan, mapping ? TOKEN_FLOW_MAP_END : TOKEN_FLOW_SEQ_END,
		     &token);

	/* JSON-like keys: the ':' may be attached between brackets. */
	bool flow = scan->flow_count > 0;
	const unsigned char *p = yaml_skip_blanks(scan->cursor);

	if (*p != ':' || (!flow && yaml_plain_safe(p[1], false)))
		return;

	yaml_complain_collection_key(scan, opened, token.end, mapping);
	yaml_fail(scan);
}

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
				const struct yaml_begin *begin)
{
	struct yaml_token token = {.start = begin->start,
				   .end = begin->start + 1,
				   .verbatim = true};

	yaml_complain_block_scalar(scan, begin->start);
	if (scan->flow_count > 0 || begin->first) {
		yaml_fail(scan);
		return;
	}
	skip_block_scalar(scan);
	yaml_enqueue(scan, TOKEN_SCALAR, &token);
}

/* A tag is reported and, where that leads to nothing else, passed over. */
static void refuse_tag(struct yaml_scan *scan, const struct yaml_begin *begin)
{
	yaml_complain_tag(scan, begin->start, yaml_offset(scan, scan->cursor));
	if (++scan->soft == YAML_MAX_SOFT ||
	    (scan->flow_count == 0 &&
	     (begin->first || scan->previous != TOKEN_KEY)))
		yaml_fail(scan);
}

static void refuse_directive(struct yaml_scan *scan,
			     const struct yaml_begin *begin)
{
	while (!yaml_is_break(*scan->cursor))
		scan->cursor++;
	yaml_complain_directive(scan, begin->start,
				yaml_offset(scan, scan->cursor));
	if (++scan->soft == YAML_MAX_SOFT)
		yaml_fail(scan);
}

static void finish(struct yaml_scan *scan)
{
	struct yaml_token token = {
		.start = yaml_offset(scan, scan->cursor),
		.end = yaml_offset(scan, scan->cursor),
	};

	if (scan->flow_count > 0) {
		yaml_complain_open_flow(scan);
		scan->flow_count = 0;
		yaml_fail(scan);
		return;
	}
	scan->closing += scan->level_count;
	scan->level_count = 0;
	yaml_enqueue(scan, 0, &token);
}

static void refuse_document(struct yaml_scan *scan,
			    const struct yaml_begin *begin)
{
	yaml_complain_document(scan, begin->start);
	scan->cursor = scan->limit;
	finish(scan);
}

static void scan_marker(struct yaml_scan *scan, const struct yaml_begin *begin,
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
		yaml_enqueue(scan, TOKEN_DOC_START, &token);
		return;
	}

	const unsigned char *p = yaml_skip_blanks(scan->cursor);

	if (!yaml_is_break(*p) && *p != '#') {
		struct yaml_begin rest = {.start = yaml_offset(scan, p)};

		scan->ended = true;
		refuse_document(scan, &rest);
		return;
	}
	if (!scan->started || scan->ended)
		return;
	scan->ended = true;
	scan->closing += scan->level_count;
	scan->level_count = 0;
	yaml_enqueue(scan, TOKEN_DOC_END, &token);
}

static void scan_lexeme(struct yaml_scan *scan, const struct yaml_begin *begin)
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
			refuse(scan, begin, yaml_complain_dash);
		else if (yaml_may_start_block(scan, begin) &&
			 yaml_roll(scan, begin, true))
			yaml_enqueue(scan, TOKEN_DASH, &token);
		return;
	case LEX_QUESTION:
		refuse(scan, begin, yaml_complain_question);
		return;
	case LEX_COLON:
		refuse(scan, begin, yaml_complain_colon);
		return;
	case LEX_COMMA:
		if (flow)
			yaml_enqueue(scan, TOKEN_COMMA, &token);
		else
			refuse(scan, begin, yaml_complain_reserved);
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
		if (token.end - token.start > 1) {
			scan_scalar(scan, lexeme, begin->start, begin, NULL);
			return;
		}
		yaml_complain_name(scan, &token);
		yaml_fail(scan);
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
			refuse(scan, begin, yaml_complain_reserved);
		return;
	case LEX_RESERVED:
		refuse(scan, begin, yaml_complain_reserved);
		return;
	case LEX_END:
	case LEX_BLANK:
	case LEX_BREAK:
	case LEX_COMMENT:
	case LEX_PLAIN:
		break; /* yaml_skip_space() and plain_starts() took these */
	}
}

static void scan_token(struct yaml_scan *scan)
{
	if (!yaml_skip_space(scan)) {
		finish(scan);
		return;
	}

	const unsigned char *p = scan->cursor;
	struct yaml_begin begin = {
		.start = yaml_offset(scan, p),
		.column = (uint32_t)(p - scan->line),
		.first = scan->fresh,
		.tab = scan->tab,
	};

	scan->fresh = false;
	if (begin.first && scan->flow_count > 0) {
		if (!yaml_check_flow_line(scan)) {
			yaml_fail(scan);
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
