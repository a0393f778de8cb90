/* yaml_complain.c - what the scanner has to say about a file: one function for
 * each mistake, with its place and the way out.  Whether scanning goes on is
 * yaml_scan.c's decision. */
#include <string.h>

#include "grammar/yaml.h"
#include "yaml_scan-internal.h"

/* Columns named in a hint. */
#define MAX_COLUMNS 4u
/* Bytes that a fix replaces: no host is longer. */
#define MAX_REPLACEMENT 255u

/* The span of the word at START; at the end of a line, of its end. */
static struct span word_at(const struct yaml_scan *scan, uint32_t start)
{
	uint32_t end = start;

	while (!yaml_is_space(scan->bytes[end]))
		end++;
	if (end == start && end < scan->source->length)
		end++;
	return yaml_span(scan, start, end);
}

static struct span char_at(const struct yaml_scan *scan, uint32_t at)
{
	return yaml_span(scan, at, at + 1);
}

static void fix_insert(struct yaml_scan *scan, struct diag *diag, uint32_t at,
		       const char *text, bool safe)
{
	diag_set_fix(scan->list, diag, yaml_span(scan, at, at), text, safe);
}

void yaml_complain_comment(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y017, char_at(scan, at),
			    "a comment needs a space before '#'");

	diag_hint(scan->list, diag, "put a space here, or quote the text");
	fix_insert(scan, diag, at, " ", false);
}

void yaml_complain_tab(struct yaml_scan *scan, const struct yaml_begin *begin)
{
	const unsigned char *tab = scan->bytes + begin->start;

	while (tab > scan->line && *tab != '\t')
		tab--;

	struct diag *diag = diag_report(scan->list, DIAG_Y008,
					char_at(scan, yaml_offset(scan, tab)),
					"a tab cannot indent");

	diag_hint(scan->list, diag, "use spaces");
}

/* The columns of the open blocks: "1, 3 or 7". */
static const char *open_columns(struct yaml_scan *scan)
{
	const char *text = "";
	unsigned count = scan->level_count < MAX_COLUMNS ? scan->level_count
							 : MAX_COLUMNS;

	for (unsigned i = 0; i < count; i++)
		text = arena_printf(scan->list->arena, "%s%s%u", text,
				    i == 0          ? ""
				    : i + 1 < count ? ", "
						    : " or ",
				    scan->levels[i].column + 1);
	return text;
}

void yaml_complain_dedent(struct yaml_scan *scan,
			  const struct yaml_begin *begin)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y009, word_at(scan, begin->start),
		"the indentation of this line matches no open block");

	diag_hint(scan->list, diag, "start it in column %s",
		  open_columns(scan));
}

void yaml_complain_stray(struct yaml_scan *scan, const struct yaml_begin *begin)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y010, word_at(scan, begin->start),
		"this line is indented more than the one it follows, which "
		"opens no block");

	diag_hint(scan->list, diag, "align it with the lines before");
}

void yaml_complain_depth(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y031, char_at(scan, at),
		"collections are nested more than %d deep", DOCUMENT_MAX_DEPTH);

	diag_hint(scan->list, diag, "a policy needs five");
}

void yaml_complain_inner_block(struct yaml_scan *scan,
			       const struct yaml_begin *begin)
{
	struct span at = word_at(scan, begin->start);
	struct diag *diag;

	if (scan->previous == TOKEN_DOC_START ||
	    scan->previous == TOKEN_ANCHOR) {
		diag = diag_report(scan->list, DIAG_Y012, at,
				   "a block cannot start on the line of %s",
				   scan->previous == TOKEN_ANCHOR ? "its anchor"
								  : "'---'");
		diag_hint(scan->list, diag, "start it on the next line");
		return;
	}
	diag = diag_report(scan->list, DIAG_Y011, at,
			   scan->previous == TOKEN_KEY
				   ? "a block cannot start on the line of its "
				     "key"
				   : "a key or a dash must be the first of its "
				     "line");
	diag_hint(scan->list, diag,
		  "put it on a line of its own, or quote the text");
}

static void complain_no_colon(struct yaml_scan *scan, struct span at)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y013, at,
			    "a line of this mapping starts with 'key:'");

	diag_hint(scan->list, diag,
		  "add ':', or indent it if it continues the text above");
}

/* Text that starts a line not indented more than the innermost block is no
 * part of a value; TOKEN is no key either. */
void yaml_complain_no_entry(struct yaml_scan *scan,
			    const struct yaml_begin *begin,
			    const struct yaml_token *token)
{
	struct span at = yaml_span(scan, token->start, token->end);
	const unsigned char *text = scan->bytes + token->start;
	const unsigned char *colon = NULL;
	unsigned keep = scan->level_count;
	struct diag *diag;

	if (begin->tab) {
		yaml_complain_tab(scan, begin);
		return;
	}
	while (keep > 1 && scan->levels[keep - 1].column > begin->column)
		keep--;
	if (scan->levels[keep - 1].sequence) {
		diag = diag_report(scan->list, DIAG_Y013, at,
				   "an item of this sequence starts with '- '");
		diag_hint(scan->list, diag, "put '- ' before it");
		return;
	}
	if (token->verbatim && token->style == SCALAR_PLAIN)
		colon = memchr(text, ':', token->end - token->start);
	if (colon != NULL) {
		yaml_complain_missing_space(scan, yaml_offset(scan, colon + 1));
		return;
	}
	complain_no_colon(scan, at);
}

void yaml_complain_missing_space(struct yaml_scan *scan, uint32_t after)
{
	struct diag *diag = diag_report(scan->list, DIAG_Y014,
					yaml_span(scan, after - 1, after),
					"a key needs a space after its ':'");

	diag_hint(scan->list, diag, "put a space behind it");
	fix_insert(scan, diag, after, " ", false);
}

/* A plain word that fills its line and that a key at the same column follows
 * was meant to be a key itself. */
static bool complain_first_line(struct yaml_scan *scan,
				const struct yaml_token *token)
{
	const unsigned char *text = scan->bytes + token->start;
	const unsigned char *end = text;
	const unsigned char *line = text;

	while (line > scan->bytes && !yaml_is_break(line[-1]))
		line--;
	if (token->style != SCALAR_PLAIN ||
	    (uint32_t)(text - line) != scan->indent)
		return false;
	while (!yaml_is_break(*end))
		end++;

	const unsigned char *colon = memchr(text, ':', (size_t)(end - text));

	if (colon != NULL)
		yaml_complain_missing_space(scan, yaml_offset(scan, colon + 1));
	else
		complain_no_colon(scan, yaml_span(scan, token->start,
						  yaml_offset(scan, end)));
	return true;
}

void yaml_complain_multiline_key(struct yaml_scan *scan,
				 const struct yaml_token *token,
				 uint32_t last_line)
{
	struct diag *diag;

	if (scan->flow_count > 0) {
		diag = diag_report(
			scan->list, DIAG_Y015,
			yaml_span(scan, token->start, token->end),
			"a key between '[' and ']' must stand on one line");
		diag_hint(scan->list, diag, "is a ',' missing?");
		return;
	}
	if (complain_first_line(scan, token))
		return;
	diag = diag_report(
		scan->list, DIAG_Y015, yaml_span(scan, last_line, token->end),
		"this looks like a key, but its indentation makes it part of "
		"the text that starts above");

	diag_hint(scan->list, diag,
		  "align it with the other keys, or end that text");
	diag_relate(scan->list, diag, word_at(scan, token->start),
		    "the text starts here");
}

void yaml_complain_long_key(struct yaml_scan *scan,
			    const struct yaml_token *token)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y016,
		yaml_span(scan, token->start, token->end),
		"a key cannot be longer than %d characters", YAML_MAX_KEY);

	diag_hint(scan->list, diag, "a line break or a quote may be missing");
}

void yaml_complain_collection_key(struct yaml_scan *scan, uint32_t start,
				  uint32_t end, bool mapping)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y039, yaml_span(scan, start, end),
			    "a %s cannot be a key in this policy language",
			    mapping ? "mapping" : "sequence");

	diag_hint(scan->list, diag, "keys are text");
}

void yaml_complain_question(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y037, char_at(scan, at),
		"complex keys ('? ') are not part of this policy language");

	diag_hint(scan->list, diag, "write 'key: value'");
}

void yaml_complain_colon(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y040, char_at(scan, at),
			    "a key must stand before ':' on the same line");

	diag_hint(scan->list, diag, "write \"\": for an empty key");
}

static char closer(const struct yaml_flow *flow)
{
	return flow->mapping ? '}' : ']';
}

void yaml_complain_marker_in_flow(struct yaml_scan *scan)
{
	const struct yaml_flow *flow = &scan->flows[scan->flow_count - 1];
	uint32_t at = yaml_offset(scan, scan->cursor);
	struct diag *diag = diag_report(
		scan->list, DIAG_Y024, yaml_span(scan, at, at + 3),
		"'%.3s' at the start of a line ends the document, but a "
		"bracket is open",
		(const char *)scan->cursor);

	diag_hint(scan->list, diag, "close it with '%c' before", closer(flow));
	diag_relate(scan->list, diag, char_at(scan, flow->start),
		    "the bracket is opened here");
}

void yaml_complain_closing_indent(struct yaml_scan *scan)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y020,
		char_at(scan, yaml_offset(scan, scan->cursor)),
		"the closing '%c' must be indented more than its block",
		*scan->cursor);
	char spaces[DOCUMENT_MAX_DEPTH];
	uint32_t missing =
		scan->levels[scan->level_count - 1].column + 1 - scan->indent;

	diag_hint(scan->list, diag, "put spaces before it");
	if (missing >= sizeof(spaces))
		return;
	memset(spaces, ' ', missing);
	spaces[missing] = '\0';
	fix_insert(scan, diag, yaml_offset(scan, scan->line), spaces, true);
}

void yaml_complain_flow_line(struct yaml_scan *scan)
{
	const struct yaml_flow *flow = &scan->flows[scan->flow_count - 1];
	struct diag *diag = diag_report(
		scan->list, DIAG_Y019, char_at(scan, flow->start),
		"'%c' is not closed before a line that is not indented more "
		"than its block",
		scan->bytes[flow->start]);

	diag_hint(scan->list, diag, "close it with '%c'", closer(flow));
	diag_relate(scan->list, diag,
		    word_at(scan, yaml_offset(scan, scan->cursor)),
		    "this line would have to be indented more");
}

void yaml_complain_open_flow(struct yaml_scan *scan)
{
	const struct yaml_flow *flow = &scan->flows[scan->flow_count - 1];
	struct diag *diag =
		diag_report(scan->list, DIAG_Y019, char_at(scan, flow->start),
			    "'%c' is not closed", scan->bytes[flow->start]);

	diag_hint(scan->list, diag, "close it with '%c'", closer(flow));
}

void yaml_complain_dash(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y023, char_at(scan, at),
			    "an item between brackets has no dash");

	diag_hint(scan->list, diag, "write [a, b]");
}

/* --- anchors and aliases
 * ------------------------------------------------------ */

void yaml_complain_name(struct yaml_scan *scan, const struct yaml_token *token)
{
	unsigned char sigil = scan->bytes[token->start];
	struct diag *diag =
		diag_report(scan->list, DIAG_Y026,
			    yaml_span(scan, token->start, token->end),
			    "'%c' starts %s and needs a name behind it", sigil,
			    sigil == '&' ? "an anchor" : "an alias");

	diag_hint(scan->list, diag, "put the text between quotes");
}

void yaml_complain_wildcard(struct yaml_scan *scan,
			    const struct yaml_token *token)
{
	const unsigned char *text = scan->bytes + token->start;
	uint32_t length = token->end - token->start;
	struct diag *diag = diag_report(
		scan->list, DIAG_Y042,
		yaml_span(scan, token->start, token->end),
		"a wildcard must be quoted: '*' starts an alias in YAML");

	diag_hint(scan->list, diag, "put it between quotes");
	/* Nothing else can be meant, unless there are quotes in it. */
	if (length > MAX_REPLACEMENT || memchr(text, '\'', length) != NULL)
		return;
	diag_set_fix(scan->list, diag, diag->at,
		     arena_printf(scan->list->arena, "'%.*s'", (int)length,
				  (const char *)text),
		     true);
}

void yaml_complain_anchored(struct yaml_scan *scan,
			    const struct yaml_token *anchor,
			    const struct yaml_token *alias)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y041,
			    yaml_span(scan, anchor->start, alias->end),
			    "an alias cannot have an anchor of its own");

	diag_hint(scan->list, diag, "remove the anchor");
}

void yaml_complain_block_scalar(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y034, char_at(scan, at),
		"block scalars ('|' and '>') are not part of this policy "
		"language");

	diag_hint(scan->list, diag, "write the text between double quotes");
}

void yaml_complain_tag(struct yaml_scan *scan, uint32_t start, uint32_t end)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y035, yaml_span(scan, start, end),
			    "tags ('!') are not part of this policy language");

	diag_hint(scan->list, diag, "remove it, or quote the text");
}

void yaml_complain_directive(struct yaml_scan *scan, uint32_t start,
			     uint32_t end)
{
	struct diag *diag = diag_report(
		scan->list, DIAG_Y036, yaml_span(scan, start, end),
		"directives ('%%') are not part of this policy language");

	diag_hint(scan->list, diag, "remove the line");
}

void yaml_complain_reserved(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y022, word_at(scan, at),
			    "text cannot start with '%c' unless it is quoted",
			    scan->bytes[at]);

	diag_hint(scan->list, diag, "put it between quotes");
}

void yaml_complain_document(struct yaml_scan *scan, uint32_t at)
{
	struct diag *diag =
		diag_report(scan->list, DIAG_Y038, word_at(scan, at),
			    scan->ended ? "the document ended at '...'"
					: "a second document starts "
					  "here");

	diag_hint(scan->list, diag, "a policy file is one document");
}
