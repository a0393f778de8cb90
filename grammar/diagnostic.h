/* diagnostic.h - numbered diagnostics: collected, sorted, counted, printed.
 * The table of codes is diagnostic.def.  Report formats other than the text
 * that people read in a terminal are the compiler's. */
#ifndef GRAMMAR_DIAGNOSTIC_H
#define GRAMMAR_DIAGNOSTIC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "source.h"

enum diag_severity {
	DIAG_OFF = 0,
	DIAG_WARNING,
	DIAG_ERROR,
};

enum diag_code {
#define DIAG(code, name, severity, text, help) DIAG_##code,
#include "diagnostic.def"
#undef DIAG
	DIAG_CODE_COUNT
};

/* What diagnostic.def says of one code. */
struct diag_info {
	const char *code;            /* "P031": permanent, never reused */
	const char *name;            /* "wildcard-not-first": for --lint */
	enum diag_severity severity; /* default */
	const char *text;            /* one line: what is wrong, in general */
	const char *help;            /* long explanation with the way out */
};
extern const struct diag_info diag_info[DIAG_CODE_COUNT];

/* A second place that explains the first ("first defined here"). */
struct diag_related {
	struct diag_related *next;
	struct span at;
	const char *text;
};

/* A replacement that would mend it.  An empty span inserts. */
struct diag_fix {
	struct span at;
	const char *replacement;
	bool safe; /* keeps the meaning of the policy: --fix may apply it */
};

struct diag {
	enum diag_code code;
	enum diag_severity severity;
	struct span at;      /* at.source NULL: about no file */
	const char *message; /* one line, no code, no final newline */
	const char *hint; /* the way out, printed beside the caret; or NULL */
	struct diag_related *related; /* in the order added; or NULL */
	struct diag_related *related_last;
	struct diag_fix *fix; /* or NULL */
	uint32_t rank;        /* of its source, in order of first report */
	uint32_t serial;      /* order of reporting, the last sort key */
};

/* All diagnostics of one run, in one arena. */
struct diag_list {
	struct arena *arena; /* borrowed */
	struct diag **items;
	uint32_t count;
	uint32_t capacity;
	struct source **sources; /* in order of first report */
	uint32_t source_count;
	uint32_t source_capacity;
	uint32_t errors; /* counted by severity as reported */
	uint32_t warnings;
	bool warnings_are_errors;
	enum diag_severity
		severity[DIAG_CODE_COUNT]; /* starts as the table's */
};

void diag_init(struct diag_list *list, struct arena *arena);

/* Report CODE at AT.  The severity is the list's for this code; DIAG_OFF keeps
 * nothing but still returns an object (so that callers chain without a test).
 * The message is formatted into the arena. */
struct diag *diag_report(struct diag_list *list, enum diag_code code,
			 struct span at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Additions to the diagnostic just reported. */
void diag_hint(struct diag_list *list, struct diag *diag, const char *format,
	       ...) __attribute__((format(printf, 3, 4)));
void diag_relate(struct diag_list *list, struct diag *diag, struct span at,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));
void diag_set_fix(struct diag_list *list, struct diag *diag, struct span at,
		  const char *replacement, bool safe);

/* Sort by source (in order of first report), position, code, serial. */
void diag_sort(struct diag_list *list);

/* Print all, sorted, as people read them:
 *   FILE:LINE:COL: error: MESSAGE [CODE]
 *      14 |   excerpt
 *         |   ^~~~ hint
 * COLOUR turns on ANSI colours. */
void diag_print(struct diag_list *list, FILE *out, bool colour);

/* Print that the fix of DIAG was applied, on one line:
 *   FILE:LINE:COL: fixed: MESSAGE [CODE] */
void diag_print_fixed(struct diag_list *list, const struct diag *diag,
		      FILE *out);

/* "P031" or "wildcard-not-first" -> code; false when unknown. */
bool diag_find(const char *code_or_name, enum diag_code *code);

/* The candidate nearest to WORD by edit distance, or NULL when none is near
 * enough to suggest.  For "did you mean". */
const char *diag_nearest(const char *word, const char *const *candidates,
			 uint32_t count);

#endif
