/* schema.h - reads mappings by the table of keys: finds each key's value, and
 * reports unknown keys, keys given twice and values of the wrong kind.  What a
 * value means is the caller's business. */
#ifndef COMPILER_SCHEMA_H
#define COMPILER_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "acl_schema.h"
#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "grammar/document.h"
#include "runtime/policy/str.h"
#include "textset.h"

/* One reading of one document. */
struct reader {
	const struct document *document;
	struct diag_list *diags;
	struct arena *arena;
	enum diag_code unknown_key; /* under which codes to report */
	enum diag_code duplicate_key;
	enum diag_code wrong_kind;
	uint32_t line;           /* the last answer of schema_line() */
	struct textset *unknown; /* where unknown keys of merged mappings are:
				  * many mappings may share one */
};

/* What a mapping says under one key. */
struct field {
	const struct node *key;   /* NULL: not there */
	const struct node *value; /* NULL: not there, null, or wrong */
	bool wrong;               /* reported already: say no more about it */
};

/* Read MAPPING, which is WHAT in messages ("a rule"), by the keys of SCOPE into
 * FIELDS, indexed by enum schema_id.  Keys that start with x- are skipped.
 * False when MAPPING is no mapping; null counts as an empty one. */
bool schema_read(struct reader *reader, enum schema_scope scope,
		 const char *what, const struct node *mapping,
		 struct field fields[SCHEMA_KEY_COUNT]);

/* NODE is a scalar or null: *TEXT is its text ("" for null).  Otherwise that
 * is reported. */
bool schema_text(struct reader *reader, const struct node *node,
		 const char *what, struct str *text);

/* Report that NODE is not what KIND takes; WHAT names it. */
struct diag *schema_wrong_kind(struct reader *reader, const struct node *node,
			       enum schema_kind kind, const char *what);

/* The line of OFFSET.  Asked in order, as documents are read, it is cheap. */
uint32_t schema_line(struct reader *reader, uint32_t offset);

struct span schema_span(const struct reader *reader, const struct node *node);

#endif
