/* yaml_parse.h - from a source to a stream of events.
 * Drives scanner and grammar, reports what is wrong, goes on behind it.  What
 * becomes of the events is the receiver's: a tree (document.h) or a listing
 * (events.h). */
#ifndef GRAMMAR_YAML_PARSE_H
#define GRAMMAR_YAML_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnostic.h"
#include "source.h"
#include "yaml_scan.h"

/* Errors of one file after which its parsing stops. */
#define YAML_MAX_ERRORS 1000u

/* Tokens of the grammar, the end of input included. */
#define YAML_TOKEN_COUNT 16

enum yaml_event_type {
	EVENT_DOCUMENT_START = 0,
	EVENT_DOCUMENT_END,
	EVENT_NULL, /* nothing written where a value may be */
	EVENT_SCALAR,
	EVENT_ALIAS,
	EVENT_SEQUENCE_START,
	EVENT_SEQUENCE_END,
	EVENT_MAPPING_START, /* then key, value, key, value ... */
	EVENT_MAPPING_END,
};

struct yaml_event {
	enum yaml_event_type type;
	struct yaml_token token; /* *_END of a block: empty, where it ends */
	uint32_t anchor_start;   /* "&name"; equal: none */
	uint32_t anchor_end;
	bool flow;     /* a collection between brackets */
	bool explicit; /* a document with "---", or "..." */
};

struct yaml_receiver {
	/* False stops the parse, for a reason already reported. */
	bool (*take)(void *state, const struct yaml_event *event);
	void *state;
};

/* Parse SOURCE.  Errors go to LIST; after the first hard one RECEIVER gets no
 * more events.  False when there was any error. */
bool yaml_parse(struct source *source, struct diag_list *list,
		const struct yaml_receiver *receiver);

/* What yaml.y works on, and the calls in its actions. */
struct yaml_parse {
	const struct yaml_receiver *receiver; /* NULL after an error */
	uint32_t anchor_start;                /* of the next node */
	uint32_t anchor_end;
	uint32_t here;   /* behind the last indicator: where a null is */
	bool accepted;   /* the grammar's start symbol was reduced */
	bool mismatched; /* a token that yaml_parser_accepts() did not reject */
	bool stopped;    /* by the receiver */
};

void yaml_on_document(struct yaml_parse *parse, const struct yaml_token *mark);
void yaml_on_document_end(struct yaml_parse *parse,
			  const struct yaml_token *mark);
void yaml_on_anchor(struct yaml_parse *parse, const struct yaml_token *token);
void yaml_on_null(struct yaml_parse *parse);
void yaml_on_scalar(struct yaml_parse *parse, const struct yaml_token *token);
void yaml_on_alias(struct yaml_parse *parse, const struct yaml_token *token);
void yaml_on_key(struct yaml_parse *parse, const struct yaml_token *token);
void yaml_on_dash(struct yaml_parse *parse, const struct yaml_token *token);
void yaml_on_pair(struct yaml_parse *parse, const struct yaml_token *token);
void yaml_on_open(struct yaml_parse *parse, enum yaml_event_type type,
		  const struct yaml_token *token, bool flow);
void yaml_on_close(struct yaml_parse *parse, enum yaml_event_type type,
		   const struct yaml_token *token, bool flow);
void yaml_on_pair_end(struct yaml_parse *parse);

/* The generated parser. */
void *yaml_parserAlloc(void *(*allocate)(size_t), struct yaml_parse *parse);
void yaml_parserInit(void *parser, struct yaml_parse *parse);
void yaml_parserFree(void *parser, void (*release)(void *));
void yaml_parser(void *parser, int type, struct yaml_token token);

/* PARSER would take a token of TYPE next.  Changes nothing. */
bool yaml_parser_accepts(const void *parser, int type);

#endif
