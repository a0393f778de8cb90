// yaml.y - the grammar of our YAML, over the tokens of yaml_scan.h.
// MAP_START, SEQ_START and BLOCK_END are not written by anyone: the scanner
// derives them from indentation.  KEY is a scalar or alias with its anchor and
// the ':' behind it.  Each action is one call of yaml_parse.c; text is not
// copied and nothing needs a destructor.
//
// Events must come in the order of the text, so what opens a collection is a
// nonterminal of its own, reduced before the first thing inside.

%name yaml_parser
%token_prefix TOKEN_
%token_type {struct yaml_token}
%extra_context {struct yaml_parse *parse}
%start_symbol stream
// Seven symbols at most for each of DOCUMENT_MAX_DEPTH levels, and the ends: a
// mapping in an unindented sequence, both anchored.
%stack_size 512

%include {
#include <assert.h>
#include <stdlib.h>

#include "grammar/yaml_parse.h"

// The driver asks before it feeds and recovers by itself.
#define YYNOERRORRECOVERY 1
}

%token DOC_START DOC_END MAP_START SEQ_START BLOCK_END KEY DASH SCALAR ALIAS
       ANCHOR FLOW_SEQ_START FLOW_SEQ_END FLOW_MAP_START FLOW_MAP_END COMMA.

%syntax_error   { parse->mismatched = true; }
%stack_overflow { parse->mismatched = true; }
%parse_accept   { parse->accepted = true; }

stream ::= .
stream ::= document document_end.

document ::= implicit node.
document ::= explicit node.
document ::= explicit.                { yaml_on_null(parse); }
implicit ::= .                        { yaml_on_document(parse, NULL); }
explicit ::= DOC_START(T).            { yaml_on_document(parse, &T); }
document_end ::= .                    { yaml_on_document_end(parse, NULL); }
document_end ::= DOC_END(T).          { yaml_on_document_end(parse, &T); }

// nodes
node ::= ALIAS(T).                    { yaml_on_alias(parse, &T); }
node ::= content.
node ::= anchor content.
node ::= anchor.                      { yaml_on_null(parse); }

anchor ::= ANCHOR(T).                 { yaml_on_anchor(parse, &T); }

content ::= SCALAR(T).                { yaml_on_scalar(parse, &T); }
content ::= flow_sequence.
content ::= flow_mapping.
content ::= block_sequence.
content ::= block_mapping.

// blocks
block_sequence ::= sequence_start entries BLOCK_END(T).
                       { yaml_on_close(parse, EVENT_SEQUENCE_END, &T, false); }
sequence_start ::= SEQ_START(T).
                       { yaml_on_open(parse, EVENT_SEQUENCE_START, &T, false); }
entries ::= entry.
entries ::= entries entry.
entry ::= dash entry_value.
dash ::= DASH(T).                     { yaml_on_dash(parse, &T); }
entry_value ::= .                     { yaml_on_null(parse); }
entry_value ::= node.

block_mapping ::= mapping_start pairs BLOCK_END(T).
                       { yaml_on_close(parse, EVENT_MAPPING_END, &T, false); }
mapping_start ::= MAP_START(T).
                       { yaml_on_open(parse, EVENT_MAPPING_START, &T, false); }
pairs ::= pair.
pairs ::= pairs pair.
pair ::= key pair_value.
key ::= KEY(T).                       { yaml_on_key(parse, &T); }
pair_value ::= .                      { yaml_on_null(parse); }
pair_value ::= node.
// A sequence under a key needs no indentation.
pair_value ::= bare_sequence.         { yaml_on_close(parse, EVENT_SEQUENCE_END, NULL, false); }
pair_value ::= anchor bare_sequence.  { yaml_on_close(parse, EVENT_SEQUENCE_END, NULL, false); }

bare_sequence ::= bare_start entry_value.
bare_sequence ::= bare_sequence entry.
bare_start ::= DASH(T).               { yaml_on_open(parse, EVENT_SEQUENCE_START, &T, false); }

// between brackets
flow_node ::= ALIAS(T).               { yaml_on_alias(parse, &T); }
flow_node ::= flow_content.
flow_node ::= anchor flow_content.
flow_node ::= anchor.                 { yaml_on_null(parse); }

flow_content ::= SCALAR(T).           { yaml_on_scalar(parse, &T); }
flow_content ::= flow_sequence.
flow_content ::= flow_mapping.

flow_sequence ::= flow_sequence_start flow_items FLOW_SEQ_END(T).
                       { yaml_on_close(parse, EVENT_SEQUENCE_END, &T, true); }
flow_sequence_start ::= FLOW_SEQ_START(T).
                       { yaml_on_open(parse, EVENT_SEQUENCE_START, &T, true); }
flow_items ::= .
flow_items ::= some_items.
flow_items ::= some_items COMMA.
some_items ::= flow_item.
some_items ::= some_items COMMA flow_item.
flow_item ::= flow_node.
// [key: value] is a mapping of one pair.
flow_item ::= single_key flow_value.  { yaml_on_pair_end(parse); }
single_key ::= KEY(T).                { yaml_on_pair(parse, &T); }
flow_value ::= .                      { yaml_on_null(parse); }
flow_value ::= flow_node.

flow_mapping ::= flow_mapping_start flow_pairs FLOW_MAP_END(T).
                       { yaml_on_close(parse, EVENT_MAPPING_END, &T, true); }
flow_mapping_start ::= FLOW_MAP_START(T).
                       { yaml_on_open(parse, EVENT_MAPPING_START, &T, true); }
flow_pairs ::= .
flow_pairs ::= some_pairs.
flow_pairs ::= some_pairs COMMA.
some_pairs ::= flow_pair.
some_pairs ::= some_pairs COMMA flow_pair.
flow_pair ::= key flow_value.
flow_pair ::= anchor key flow_value.
// {key} has a null for its value.
flow_pair ::= lone_key.               { yaml_on_null(parse); }
lone_key ::= SCALAR(T).               { yaml_on_key(parse, &T); }
lone_key ::= ALIAS(T).                { yaml_on_key(parse, &T); }
lone_key ::= anchor SCALAR(T).        { yaml_on_key(parse, &T); }

%code {
_Static_assert(YYNTOKEN == YAML_TOKEN_COUNT, "yaml_parse.h counts the tokens");

bool yaml_parser_accepts(const void *raw, int type)
{
	const yyParser *parser = raw;
	YYACTIONTYPE above[YYSTACKDEPTH]; // states that the parser would push
	int depth = (int)(parser->yytos - parser->yystack) + 1;
	int kept = depth; // below this the real stack still holds
	YYACTIONTYPE state = parser->yytos->stateno;

	for (;;) {
		YYACTIONTYPE act = yy_find_shift_action((YYCODETYPE)type, state);
		if (act < YY_MIN_REDUCE)
			return act <= YY_MAX_SHIFTREDUCE || act == YY_ACCEPT_ACTION;
		unsigned rule = act - YY_MIN_REDUCE;
		depth += yyRuleInfoNRhs[rule]; // stored negated
		assert(depth > 0);
		if (depth < kept)
			kept = depth;
		state = depth - 1 >= kept ? above[depth - 1]
					  : parser->yystack[depth - 1].stateno;
		state = yy_find_reduce_action(state, yyRuleInfoLhs[rule]);
		if (state == YY_ACCEPT_ACTION)
			return true;
		if (depth >= YYSTACKDEPTH)
			return false;
		above[depth++] = state;
	}
}
}
