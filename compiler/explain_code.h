/* explain_code.h - the table of diagnostics, explained. */
#ifndef COMPILER_EXPLAIN_CODE_H
#define COMPILER_EXPLAIN_CODE_H

#include "grammar/arena.h"
#include "grammar/diagnostic.h"

/* "error": a default severity in words. */
const char *explain_severity(enum diag_severity severity);

/* A TEXT of the table as Markdown: what stands in single quotes becomes code,
 * and nothing else has a meaning. */
const char *explain_markdown(struct arena *arena, const char *text);

/* The whole table as a page of Markdown on standard output. */
void explain_all(void);

#endif
