/* yaml_scan.h - from lexemes to the tokens of the grammar.
 * The scanner knows what a regular language cannot: lines and columns.  It
 * keeps a stack of open blocks and says where they begin and end with tokens
 * that nobody wrote (MAP_START, SEQ_START, BLOCK_END), so that the grammar in
 * yaml.y is free of context.  It tells keys from other scalars by looking for
 * the ':' behind them.  Tokens are byte offsets; nothing is copied.
 *
 * Errors it finds itself are reported before it returns.  After a soft one
 * (a tag, an escape) it goes on; after a hard one it returns TOKEN_ERROR and
 * wants yaml_scan_recover(). */
#ifndef GRAMMAR_YAML_SCAN_H
#define GRAMMAR_YAML_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnostic.h"
#include "document.h"
#include "source.h"

#define YAML_MAX_KEY 1024 /* characters, as YAML 1.2 section 7.4.2 says */

/* Soft errors that are reported for one token: a scalar of a hundred megabytes
 * may be all bad escapes. */
#define YAML_MAX_SOFT 20u

/* Beside the lemon tokens of yaml.y; 0 is the end of input. */
#define TOKEN_ERROR (-1)

struct yaml_token {
	uint32_t start; /* of the text, quotes and sigils included */
	uint32_t end;
	uint32_t after;        /* KEY: behind its ':' */
	uint32_t anchor_start; /* KEY: its own anchor; equal: none */
	uint32_t anchor_end;
	uint8_t style; /* enum scalar_style */
	bool alias;    /* KEY: an alias */
	bool verbatim; /* the text between the quotes stands for itself */
};

/* An open block collection. */
struct yaml_level {
	uint32_t column; /* of its keys or dashes, from 0 */
	bool sequence;
	bool dashed; /* a mapping in an unindented sequence */
};

struct yaml_flow {
	uint32_t start; /* of the bracket */
	bool mapping;
};

#define YAML_QUEUE 4

struct yaml_scan {
	struct source *source;
	struct diag_list *list;
	const unsigned char *bytes;
	const unsigned char *limit; /* bytes + length */
	const unsigned char *cursor;

	const unsigned char *line; /* start of the line under the cursor */
	uint32_t indent;           /* spaces at its start */
	bool fresh;                /* no token yet on it */
	bool tab;                  /* in the blanks just skipped */

	struct yaml_level levels[DOCUMENT_MAX_DEPTH];
	unsigned level_count;
	struct yaml_flow flows[DOCUMENT_MAX_DEPTH];
	unsigned flow_count;

	int previous;  /* the token before, virtual ones apart; or 0 */
	int indicator; /* the KEY or DASH before; or 0 */
	bool started;  /* something of the document was seen */
	bool ended;    /* by "..." */

	unsigned soft;    /* soft errors since the last token */
	unsigned closing; /* BLOCK_ENDs due, before the queue */
	unsigned head;
	unsigned queued;
	struct {
		int type;
		struct yaml_token token;
	} queue[YAML_QUEUE];

	/* After a hard error: the line to look at first; NULL: the next. */
	const unsigned char *resume;
};

/* SOURCE has passed text_check(). */
void yaml_scan_init(struct yaml_scan *scan, struct source *source,
		    struct diag_list *list);

/* The next token: its type, or TOKEN_ERROR. */
int yaml_scan_next(struct yaml_scan *scan, struct yaml_token *token);

/* After an error: skip to the next line that starts an entry of one of the open
 * blocks.  PATH receives the tokens that lead a fresh parser there;
 * the result is their number, 0 when there is no such line.  Never goes back,
 * so that all recoveries together read the text once. */
#define YAML_MAX_PATH (3 * DOCUMENT_MAX_DEPTH + 1)
unsigned yaml_scan_recover(struct yaml_scan *scan, int path[YAML_MAX_PATH]);

#endif
