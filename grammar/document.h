/* document.h - a YAML document as a tree of nodes with exact source spans.
 * What the front end hands on.  Scalars stay text: no implicit typing; whoever
 * reads the tree converts what it expects.  Anchors, aliases and merge keys are
 * already resolved. */
#ifndef GRAMMAR_DOCUMENT_H
#define GRAMMAR_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "diagnostic.h"
#include "source.h"

#define DOCUMENT_MAX_DEPTH 64             /* nested collections */
#define DOCUMENT_MAX_EXPANDED (16u << 20) /* nodes after alias expansion */

enum node_kind {
	NODE_NULL = 0, /* nothing written: `key:`; spelled ~ and null are
			* NODE_SCALAR with node_is_null() */
	NODE_SCALAR,
	NODE_SEQUENCE,
	NODE_MAPPING,
};

enum scalar_style { SCALAR_PLAIN = 0, SCALAR_SINGLE, SCALAR_DOUBLE };

struct node {
	uint8_t kind;   /* enum node_kind */
	uint8_t style;  /* enum scalar_style */
	bool flow;      /* a collection written [..] or {..} */
	bool aliased;   /* came through *alias: the span is the alias's own */
	uint32_t start; /* span of the node's text in the source */
	uint32_t end;
	uint32_t count; /* bytes of text, items or pairs */
	union {
		const char *text; /* COUNT bytes, not NUL-terminated: borrowed
				   * from the source, or the arena's when an
				   * escape or a fold changed them; may hold
				   * NUL from "\0" */
		struct node **items;
		struct pair *pairs;
	};
};

struct pair {
	struct node *key;
	struct node *value;
	bool merged; /* came through a merge key: an explicit key wins over it
		      */
};

struct document {
	struct source *source; /* borrowed */
	struct node *root;     /* NODE_NULL for an empty document */
};

/* Parse SOURCE.  Every error found is in LIST; false when there was any, and
 * the root is then a NODE_NULL.  All memory is ARENA's, but for the text of
 * scalars, which is SOURCE's where nothing in it had to be changed.  The same
 * key written twice gives two pairs: what that means is the schema's. */
bool document_parse(struct document *document, struct source *source,
		    struct arena *arena, struct diag_list *list);

/* The span of NODE in DOCUMENT, for diagnostics. */
struct span node_span(const struct document *document, const struct node *node);

/* A plain ~, null, Null, NULL, or nothing at all. */
bool node_is_null(const struct node *node);

/* The scalar equals TEXT byte for byte. */
bool node_equals(const struct node *node, const char *text);

#endif
