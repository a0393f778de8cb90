/* yaml_parse.c - the driver: scanner to grammar to events, and what is said
 * when a token does not fit. */
#include "yaml_parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/yaml.h"
#include "text.h"

/* Bad characters of one file that are shown. */
#define MAX_BAD_CHARACTERS 20u

static void emit(struct yaml_parse *parse, struct yaml_event *event)
{
	if (parse->receiver == NULL)
		return;
	if (!parse->receiver->take(parse->receiver->state, event)) {
		parse->receiver = NULL;
		parse->stopped = true;
	}
}

/* The event of a node, with the anchor that waits for it. */
static void emit_node(struct yaml_parse *parse, enum yaml_event_type type,
		      const struct yaml_token *token, bool flow)
{
	struct yaml_event event = {
		.type = type,
		.token = *token,
		.anchor_start = parse->anchor_start,
		.anchor_end = parse->anchor_end,
		.flow = flow,
	};

	parse->anchor_start = parse->anchor_end = 0;
	emit(parse, &event);
}

static void emit_mark(struct yaml_parse *parse, enum yaml_event_type type,
		      const struct yaml_token *mark)
{
	struct yaml_event event = {.type = type, .explicit = mark != NULL};

	if (mark != NULL) {
		event.token = *mark;
		parse->here = mark->end;
	}
	emit(parse, &event);
}

void yaml_on_document(struct yaml_parse *parse, const struct yaml_token *mark)
{
	emit_mark(parse, EVENT_DOCUMENT_START, mark);
}

void yaml_on_document_end(struct yaml_parse *parse,
			  const struct yaml_token *mark)
{
	emit_mark(parse, EVENT_DOCUMENT_END, mark);
}

void yaml_on_anchor(struct yaml_parse *parse, const struct yaml_token *token)
{
	parse->anchor_start = token->start;
	parse->anchor_end = token->end;
	parse->here = token->end;
}

void yaml_on_null(struct yaml_parse *parse)
{
	struct yaml_token token = {.start = parse->here, .end = parse->here};

	emit_node(parse, EVENT_NULL, &token, false);
}

void yaml_on_scalar(struct yaml_parse *parse, const struct yaml_token *token)
{
	emit_node(parse, EVENT_SCALAR, token, false);
}

void yaml_on_alias(struct yaml_parse *parse, const struct yaml_token *token)
{
	emit_node(parse, EVENT_ALIAS, token, false);
}

void yaml_on_key(struct yaml_parse *parse, const struct yaml_token *token)
{
	if (token->anchor_start != token->anchor_end) {
		parse->anchor_start = token->anchor_start;
		parse->anchor_end = token->anchor_end;
	}
	parse->here = token->after > token->end ? token->after : token->end;
	emit_node(parse, token->alias ? EVENT_ALIAS : EVENT_SCALAR, token,
		  false);
}

void yaml_on_dash(struct yaml_parse *parse, const struct yaml_token *token)
{
	parse->here = token->end;
}

void yaml_on_pair(struct yaml_parse *parse, const struct yaml_token *token)
{
	yaml_on_open(parse, EVENT_MAPPING_START, token, true);
	yaml_on_key(parse, token);
}

void yaml_on_pair_end(struct yaml_parse *parse)
{
	yaml_on_close(parse, EVENT_MAPPING_END, NULL, true);
}

void yaml_on_open(struct yaml_parse *parse, enum yaml_event_type type,
		  const struct yaml_token *token, bool flow)
{
	parse->here = token->end;
	emit_node(parse, type, token, flow);
}

void yaml_on_close(struct yaml_parse *parse, enum yaml_event_type type,
		   const struct yaml_token *token, bool flow)
{
	struct yaml_event event = {.type = type, .flow = flow};

	if (token != NULL)
		event.token = *token;
	emit(parse, &event);
}

static void report_fault(struct source *source, struct diag_list *list,
			 enum text_fault fault, const unsigned char *start,
			 const unsigned char *end)
{
	struct span at = {
		.source = source,
		.start = (uint32_t)(start - source->bytes),
		.end = (uint32_t)(end - source->bytes),
	};
	struct diag *diag = NULL;

	switch (fault) {
	case TEXT_OK:
		return;
	case TEXT_INVALID_UTF8:
		diag = diag_report(list, DIAG_Y001, at,
				   "the byte 0x%02x is not valid UTF-8 here",
				   *start);
		diag_hint(list, diag, "save the file as UTF-8");
		return;
	case TEXT_NUL:
		diag = diag_report(list, DIAG_Y003, at,
				   "a NUL byte is not text");
		diag_hint(list, diag, "save the file as UTF-8 text");
		return;
	case TEXT_CONTROL:
		diag = diag_report(list, DIAG_Y002, at,
				   "control characters are not allowed");
		diag_hint(list, diag, "remove it");
		return;
	case TEXT_DIRECTION:
		diag = diag_report(list, DIAG_Y004, at,
				   "marks that reorder text are not allowed");
		diag_hint(list, diag, "remove it");
		return;
	case TEXT_BYTE_ORDER:
		diag = diag_report(list, DIAG_Y005, at,
				   "a byte order mark may only be the first "
				   "character of the file");
		diag_hint(list, diag, "remove it");
		return;
	case TEXT_LINE_BREAK:
		diag = diag_report(list, DIAG_Y006, at,
				   "lines end in LF or CR LF, in nothing else");
		diag_hint(list, diag, "put a line break or a space here");
		return;
	case TEXT_NONCHARACTER:
		diag = diag_report(list, DIAG_Y002, at,
				   "U+FFFE and U+FFFF are not characters");
		diag_hint(list, diag, "remove it");
		return;
	}
}

/* UTF-16 and UTF-32 have a byte order mark or a NUL in the first two bytes. */
static bool wide_encoding(const struct source *source)
{
	const unsigned char *p = source->bytes;

	return source->length >= 2 &&
	       ((p[0] == 0xff && p[1] == 0xfe) ||
		(p[0] == 0xfe && p[1] == 0xff) || (p[0] == 0 && p[1] != 0) ||
		(p[0] != 0 && p[1] == 0) ||
		(source->length >= 4 && memcmp(p, "\0\0\xfe\xff", 4) == 0));
}

/* Every character is one that a policy may hold. */
static bool check_text(struct source *source, struct diag_list *list)
{
	const unsigned char *limit = source->bytes + source->length;
	const unsigned char *cursor = source->bytes;
	const unsigned char *start;
	enum text_fault fault;
	unsigned shown = 0;

	if (wide_encoding(source)) {
		struct span at = {.source = source, .end = 2};
		struct diag *diag =
			diag_report(list, DIAG_Y007, at,
				    "the file is UTF-16 or UTF-32, not UTF-8");

		diag_hint(list, diag, "save it as UTF-8");
		return false;
	}
	if (source->length >= 3 && memcmp(cursor, "\xef\xbb\xbf", 3) == 0)
		cursor += 3;
	while (shown < MAX_BAD_CHARACTERS &&
	       (fault = text_check(&cursor, &start, limit)) != TEXT_OK) {
		report_fault(source, list, fault, start, cursor);
		shown++;
	}
	return shown == 0;
}

struct run {
	struct yaml_scan scan;
	struct yaml_parse parse;
	void *parser;
};

static const char *const words[YAML_TOKEN_COUNT] = {
	[0] = "the end of the file",
	[TOKEN_DOC_START] = "'---'",
	[TOKEN_DOC_END] = "'...'",
	[TOKEN_MAP_START] = "a block mapping",
	[TOKEN_SEQ_START] = "a block sequence",
	[TOKEN_BLOCK_END] = "the end of the block",
	[TOKEN_KEY] = "a key",
	[TOKEN_DASH] = "'-'",
	[TOKEN_SCALAR] = "text",
	[TOKEN_ALIAS] = "an alias",
	[TOKEN_ANCHOR] = "an anchor",
	[TOKEN_FLOW_SEQ_START] = "'['",
	[TOKEN_FLOW_SEQ_END] = "']'",
	[TOKEN_FLOW_MAP_START] = "'{'",
	[TOKEN_FLOW_MAP_END] = "'}'",
	[TOKEN_COMMA] = "','",
};

/* In the order in which a message names them. */
static const int naming_order[] = {
	TOKEN_KEY,
	TOKEN_DASH,
	TOKEN_SCALAR,
	TOKEN_ALIAS,
	TOKEN_ANCHOR,
	TOKEN_FLOW_SEQ_START,
	TOKEN_FLOW_MAP_START,
	TOKEN_MAP_START,
	TOKEN_SEQ_START,
	TOKEN_COMMA,
	TOKEN_FLOW_SEQ_END,
	TOKEN_FLOW_MAP_END,
	TOKEN_BLOCK_END,
	TOKEN_DOC_START,
	TOKEN_DOC_END,
	0,
};
_Static_assert(sizeof(naming_order) / sizeof(*naming_order) == YAML_TOKEN_COUNT,
	       "every token has a place");

/* All that PARSER would take, as words: "a key or the end of the block".  What
 * together makes any value is said so. */
static const char *expectations(const void *parser, struct arena *arena)
{
	static const int value[] = {TOKEN_SCALAR, TOKEN_ALIAS,
				    TOKEN_FLOW_SEQ_START, TOKEN_FLOW_MAP_START};
	const char *items[YAML_TOKEN_COUNT];
	bool accepted[YAML_TOKEN_COUNT];
	unsigned count = 0;
	bool any_value = true;

	for (int type = 0; type < YAML_TOKEN_COUNT; type++)
		accepted[type] = yaml_parser_accepts(parser, type);
	for (unsigned i = 0; i < sizeof(value) / sizeof(*value); i++)
		any_value = any_value && accepted[value[i]];
	if (any_value) {
		items[count++] = "a value";
		for (unsigned i = 0; i < sizeof(value) / sizeof(*value); i++)
			accepted[value[i]] = false;
		accepted[TOKEN_ANCHOR] = false;
		accepted[TOKEN_MAP_START] = accepted[TOKEN_SEQ_START] = false;
	}
	for (unsigned i = 0; i < YAML_TOKEN_COUNT; i++)
		if (accepted[naming_order[i]])
			items[count++] = words[naming_order[i]];

	const char *text = "";

	for (unsigned i = 0; i < count; i++)
		text = arena_printf(arena, "%s%s%s", text,
				    i == 0          ? ""
				    : i + 1 < count ? ", "
						    : " or ",
				    items[i]);
	return text;
}

/* A collection where only a key can be. */
static bool is_collection_key(const struct run *run, int type,
			      const struct yaml_token *token)
{
	const unsigned char *after = run->scan.bytes + token->end;

	if (type == TOKEN_FLOW_SEQ_START || type == TOKEN_FLOW_MAP_START)
		return yaml_parser_accepts(run->parser, TOKEN_KEY);
	/* Two anchors, on two lines: the second can only be that of a key. */
	while (*after == ' ')
		after++;
	return type == TOKEN_ANCHOR && (*after == '[' || *after == '{') &&
	       !yaml_parser_accepts(run->parser, TOKEN_ANCHOR) &&
	       yaml_parser_accepts(run->parser, TOKEN_MAP_START) &&
	       run->scan.line + run->scan.indent ==
		       run->scan.bytes + token->start;
}

/* The way out, when TYPE stands where the parser wants something else. */
static void hint_unexpected(const struct run *run, struct diag_list *list,
			    struct diag *diag, int type)
{
	bool comma = yaml_parser_accepts(run->parser, TOKEN_COMMA);

	switch (type) {
	case TOKEN_SCALAR:
	case TOKEN_ALIAS:
	case TOKEN_KEY:
		diag_hint(list, diag,
			  comma ? "is a ',' or a closing bracket missing "
				  "before it?"
			  : yaml_parser_accepts(run->parser, TOKEN_DASH)
				  ? "start each item with '- '"
				  : "put quotes around all of it if it is one "
				    "value");
		break;
	case TOKEN_DASH:
		diag_hint(
			list, diag,
			"items belong under a 'key:' that has no other value");
		break;
	case TOKEN_FLOW_SEQ_END:
	case TOKEN_FLOW_MAP_END:
		diag_hint(list, diag,
			  comma ? "the bracket that is open is another one"
				: "remove it, or complete what is before it");
		break;
	case TOKEN_ANCHOR:
		diag_hint(list, diag, "a node can have one anchor");
		break;
	default:
		diag_hint(list, diag, "remove it, or complete what is before");
		break;
	}
}

/* The result is whether mending might help. */
static bool report_unexpected(const struct run *run, struct diag_list *list,
			      int type, const struct yaml_token *token)
{
	struct span at = {.source = run->scan.source,
			  .start = token->start,
			  .end = token->end};
	struct diag *diag;

	if (is_collection_key(run, type, token)) {
		diag = diag_report(list, DIAG_Y039, at,
				   "a sequence or a mapping cannot be a key in "
				   "this policy language");
		diag_hint(list, diag, "keys are text");
		return false;
	}
	diag = diag_report(list, DIAG_Y025, at, "expected %s; found %s",
			   expectations(run->parser, list->arena), words[type]);
	hint_unexpected(run, list, diag, type);
	return true;
}

/* Go on behind an error.  False when there is nothing to go on with. */
static bool recover(struct run *run)
{
	int path[YAML_MAX_PATH];
	unsigned count = yaml_scan_recover(&run->scan, path);

	run->parse = (struct yaml_parse){.receiver = NULL};
	yaml_parserInit(run->parser, &run->parse);
	for (unsigned i = 0; i < count; i++)
		yaml_parser(run->parser, path[i], (struct yaml_token){0});
	assert(!run->parse.mismatched);
	return count > 0;
}

/* Feed a token that the parser accepts.  False at the end. */
static bool feed(struct run *run, int type, const struct yaml_token *token)
{
	yaml_parser(run->parser, type, *token);
	assert(!run->parse.mismatched);
	return type != 0 && !run->parse.stopped;
}

/* Between brackets most mistakes are one missing, doubled or wrong mark.  Put
 * right what was reported, as far as one token goes, so that the rest of a JSON
 * file is still checked.  False when that does not help. */
static bool mend(struct run *run, int type, const struct yaml_token *token)
{
	struct yaml_token here = {.start = token->start, .end = token->start};

	switch (type) {
	case TOKEN_COMMA:
		return run->scan.flow_count > 0;
	case TOKEN_FLOW_SEQ_END:
	case TOKEN_FLOW_MAP_END:
		type = type == TOKEN_FLOW_SEQ_END ? TOKEN_FLOW_MAP_END
						  : TOKEN_FLOW_SEQ_END;
		break;
	default:
		if (!yaml_parser_accepts(run->parser, TOKEN_COMMA))
			return false;
		feed(run, TOKEN_COMMA, &here);
		break;
	}
	return yaml_parser_accepts(run->parser, type) && feed(run, type, token);
}

/* One token.  False at the end. */
static bool step(struct run *run, struct diag_list *list)
{
	struct yaml_token token;
	int type = yaml_scan_next(&run->scan, &token);

	if (type == TOKEN_ERROR)
		return recover(run);
	if (yaml_parser_accepts(run->parser, type))
		return feed(run, type, &token);
	return (report_unexpected(run, list, type, &token) &&
		mend(run, type, &token)) ||
	       recover(run);
}

static void report_too_many(struct source *source, struct diag_list *list)
{
	struct span at = {.source = source,
			  .start = source->length,
			  .end = source->length};
	struct diag *diag = diag_report(
		list, DIAG_Y033, at,
		"more than %u errors: the rest is not shown", YAML_MAX_ERRORS);

	diag_hint(list, diag, "mend these and check again");
}

bool yaml_parse(struct source *source, struct diag_list *list,
		const struct yaml_receiver *receiver)
{
	uint32_t before = list->errors;
	struct run *run = arena_alloc(list->arena, sizeof(*run));

	if (!check_text(source, list))
		return false;
	yaml_scan_init(&run->scan, source, list);
	run->parse.receiver = receiver;
	run->parser = yaml_parserAlloc(malloc, &run->parse);
	if (run->parser == NULL)
		arena_out_of_memory();
	while (step(run, list)) {
		if (list->errors - before < YAML_MAX_ERRORS)
			continue;
		report_too_many(source, list);
		break;
	}
	yaml_parserFree(run->parser, free);
	return list->errors == before;
}
