/* yaml_scan-internal.h - what the files of the scanner share. */
#ifndef GRAMMAR_YAML_SCAN_INTERNAL_H
#define GRAMMAR_YAML_SCAN_INTERNAL_H

#include "yaml_scan.h"

static inline uint32_t yaml_offset(const struct yaml_scan *scan,
				   const unsigned char *p)
{
	uint32_t length = scan->source->length;
	uint32_t offset = (uint32_t)(p - scan->bytes);

	return offset < length ? offset : length;
}

static inline struct span yaml_span(const struct yaml_scan *scan,
				    uint32_t start, uint32_t end)
{
	return (struct span){
		.source = scan->source, .start = start, .end = end};
}

/* What a line may follow on without opening anything must be indented more
 * than the innermost block. */
static inline bool yaml_indented(const struct yaml_scan *scan, uint32_t spaces)
{
	return scan->level_count == 0 ||
	       spaces > scan->levels[scan->level_count - 1].column;
}

static inline bool yaml_is_break(unsigned char c)
{
	return c == '\n' || c == '\r';
}

static inline bool yaml_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static inline bool yaml_is_space(unsigned char c)
{
	return yaml_is_blank(c) || yaml_is_break(c) || c == '\0';
}

static inline const unsigned char *yaml_skip_blanks(const unsigned char *p)
{
	while (yaml_is_blank(*p))
		p++;
	return p;
}

/* The line that starts at LINE is now the one under the cursor. */
static inline void yaml_enter_line(struct yaml_scan *scan,
				   const unsigned char *line)
{
	const unsigned char *p = line;

	while (*p == ' ')
		p++;
	scan->line = line;
	scan->indent = (uint32_t)(p - line);
}

/* Where a token, or the anchor of a key, begins. */
struct yaml_begin {
	uint32_t start;
	uint32_t column;
	bool first; /* on its line */
	bool tab;   /* in the blanks before */
};

/* Put a token in the queue. */
void yaml_enqueue(struct yaml_scan *scan, int type,
		  const struct yaml_token *token);

/* Put TOKEN_ERROR in the queue: a hard error was reported. */
void yaml_fail(struct yaml_scan *scan);

/* To the next lexeme that is not white space or comment.  False at the end. */
bool yaml_skip_space(struct yaml_scan *scan);

/* A key or dash may start its line or follow a dash; anything else is an
 * error. */
bool yaml_may_start_block(struct yaml_scan *scan,
			  const struct yaml_begin *begin);

/* Close the blocks that end before the column of BEGIN and open the one that
 * starts there.  False after an error. */
bool yaml_roll(struct yaml_scan *scan, const struct yaml_begin *begin,
	       bool sequence);

/* The line under the cursor, between brackets, is indented enough.  False
 * after an error; yaml_fail() is the caller's. */
bool yaml_check_flow_line(struct yaml_scan *scan);

/* What the scanner has to say, in yaml_complain.c: each reports one diagnostic
 * and changes nothing. */
void yaml_complain_comment(struct yaml_scan *scan, uint32_t at);
void yaml_complain_tab(struct yaml_scan *scan, const struct yaml_begin *begin);
void yaml_complain_dedent(struct yaml_scan *scan,
			  const struct yaml_begin *begin);
void yaml_complain_stray(struct yaml_scan *scan,
			 const struct yaml_begin *begin);
void yaml_complain_depth(struct yaml_scan *scan, uint32_t at);
void yaml_complain_inner_block(struct yaml_scan *scan,
			       const struct yaml_begin *begin);
void yaml_complain_no_entry(struct yaml_scan *scan,
			    const struct yaml_begin *begin,
			    const struct yaml_token *token);
void yaml_complain_missing_space(struct yaml_scan *scan, uint32_t after);
void yaml_complain_multiline_key(struct yaml_scan *scan,
				 const struct yaml_token *token,
				 uint32_t last_line);
void yaml_complain_long_key(struct yaml_scan *scan,
			    const struct yaml_token *token);
void yaml_complain_collection_key(struct yaml_scan *scan, uint32_t start,
				  uint32_t end, bool mapping);
void yaml_complain_marker_in_flow(struct yaml_scan *scan);
void yaml_complain_closing_indent(struct yaml_scan *scan);
void yaml_complain_flow_line(struct yaml_scan *scan);
void yaml_complain_open_flow(struct yaml_scan *scan);
void yaml_complain_name(struct yaml_scan *scan, const struct yaml_token *token);
void yaml_complain_wildcard(struct yaml_scan *scan,
			    const struct yaml_token *token);
void yaml_complain_anchored(struct yaml_scan *scan,
			    const struct yaml_token *anchor,
			    const struct yaml_token *alias);
void yaml_complain_block_scalar(struct yaml_scan *scan, uint32_t at);
void yaml_complain_tag(struct yaml_scan *scan, uint32_t start, uint32_t end);
void yaml_complain_directive(struct yaml_scan *scan, uint32_t start,
			     uint32_t end);
void yaml_complain_reserved(struct yaml_scan *scan, uint32_t at);
void yaml_complain_dash(struct yaml_scan *scan, uint32_t at);
void yaml_complain_question(struct yaml_scan *scan, uint32_t at);
void yaml_complain_colon(struct yaml_scan *scan, uint32_t at);
void yaml_complain_document(struct yaml_scan *scan, uint32_t at);

#endif
