/* yaml_layout.c - lines, columns and the stack of open blocks.
 *
 * In a block context a key or dash at column C first closes every block whose
 * column is greater (BLOCK_END), then opens one if the innermost that is left
 * is less (MAP_START, SEQ_START).  A dash rolls at its own column and a key
 * behind it at its own, so "- name: x" needs no rule of its own; a dash at the
 * column of an open mapping opens nothing, and is the grammar's business
 * (sequences under a key need no indentation).  Between brackets nothing opens
 * or closes. */
#include <string.h>

#include "grammar/yaml.h"
#include "yaml_lex.h"
#include "yaml_scan-internal.h"

void yaml_enqueue(struct yaml_scan *scan, int type,
		  const struct yaml_token *token)
{
	unsigned at = (scan->head + scan->queued++) % YAML_QUEUE;

	scan->soft = 0;
	scan->queue[at].type = type;
	scan->queue[at].token = *token;
	if (type == TOKEN_MAP_START || type == TOKEN_SEQ_START)
		return;
	scan->previous = type;
	if (type == TOKEN_KEY || type == TOKEN_DASH)
		scan->indicator = type;
	if (type != TOKEN_ERROR)
		scan->started = true;
}

void yaml_fail(struct yaml_scan *scan)
{
	struct yaml_token token = {.start = yaml_offset(scan, scan->cursor)};

	token.end = token.start;
	yaml_enqueue(scan, TOKEN_ERROR, &token);
}

/* The comment from P to the cursor. */
static void take_comment(struct yaml_scan *scan, const unsigned char *p)
{
	static const char mark[] = REMARK_MARK;
	const unsigned char *text = yaml_skip_blanks(p + 1);

	if (p > scan->line && !yaml_is_space(p[-1]))
		yaml_complain_comment(scan, yaml_offset(scan, p));
	if ((size_t)(scan->cursor - text) >= sizeof(mark) - 1 &&
	    memcmp(text, mark, sizeof(mark) - 1) == 0)
		source_add_remark(scan->source, scan->list->arena,
				  yaml_offset(scan, p),
				  yaml_offset(scan, scan->cursor));
}

/* see yaml_scan-internal.h */
bool yaml_skip_space(struct yaml_scan *scan)
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
			take_comment(scan, p);
		} else {
			scan->cursor = p;
			return true;
		}
	}
}

/* see yaml_scan-internal.h */
bool yaml_roll(struct yaml_scan *scan, const struct yaml_begin *begin,
	       bool sequence)
{
	unsigned keep = scan->level_count;

	if (begin->tab) {
		yaml_complain_tab(scan, begin);
		yaml_fail(scan);
		return false;
	}
	if (begin->first)
		while (keep > 0 &&
		       scan->levels[keep - 1].column > begin->column)
			keep--;

	bool open = keep == 0 || scan->levels[keep - 1].column < begin->column;

	if (open && keep < scan->level_count) {
		yaml_complain_dedent(scan, begin);
		yaml_fail(scan);
		return false;
	}
	if (open && scan->previous != 0 && scan->previous != TOKEN_KEY &&
	    scan->previous != TOKEN_DASH && scan->previous != TOKEN_ANCHOR &&
	    scan->previous != TOKEN_DOC_START) {
		yaml_complain_stray(scan, begin);
		yaml_fail(scan);
		return false;
	}
	if (open && keep == DOCUMENT_MAX_DEPTH) {
		yaml_complain_depth(scan, begin->start);
		yaml_fail(scan);
		return false;
	}
	scan->closing += scan->level_count - keep;
	scan->level_count = keep;
	if (!open)
		return true;
	scan->levels[scan->level_count++] = (struct yaml_level){
		.column = begin->column,
		.sequence = sequence,
		.dashed = scan->indicator == TOKEN_DASH && keep > 0 &&
			  !scan->levels[keep - 1].sequence,
	};

	struct yaml_token token = {.start = begin->start, .end = begin->start};

	yaml_enqueue(scan, sequence ? TOKEN_SEQ_START : TOKEN_MAP_START,
		     &token);
	return true;
}

/* see yaml_scan-internal.h */
bool yaml_may_start_block(struct yaml_scan *scan,
			  const struct yaml_begin *begin)
{
	if (begin->first || scan->previous == TOKEN_DASH)
		return true;
	yaml_complain_inner_block(scan, begin);
	yaml_fail(scan);
	return false;
}

/* see yaml_scan-internal.h */
bool yaml_check_flow_line(struct yaml_scan *scan)
{
	const unsigned char *p = scan->cursor;

	if (p == scan->line && yaml_lex_marker(p) != MARKER_NONE) {
		yaml_complain_marker_in_flow(scan);
		scan->cursor = scan->limit;
		return false;
	}
	if (yaml_indented(scan, scan->indent))
		return true;
	if (*p == ']' || *p == '}') {
		/* It is clear what was meant: go on. */
		yaml_complain_closing_indent(scan);
		return true;
	}
	yaml_complain_flow_line(scan);
	scan->resume = scan->line;
	return false;
}
