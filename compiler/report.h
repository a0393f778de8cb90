/* report.h - the diagnostics of one run, file by file, in the format asked for:
 * text for people, JSON for programs, SARIF, workflow commands and JUnit for
 * what shows them in CI.  Every format is written as the files come: nothing
 * but the names of the files is kept. */
#ifndef COMPILER_REPORT_H
#define COMPILER_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "grammar/source.h"
#include "options.h"
#include "textset.h"

/* A file that could not be read. */
struct report_unread {
	struct report_unread *next;
	const char *path;
	const char *why;
};

/* A file that was read, where a format lists them. */
struct report_artifact {
	const char *uri;
	bool relative; /* to the working directory */
	uint32_t length;
};

struct report_writer;

struct report {
	const struct options *options; /* borrowed */
	const struct report_writer *writer;
	FILE *out;           /* borrowed */
	struct arena *arena; /* owned */
	uint32_t files;      /* read and reported on */
	uint32_t errors;
	uint32_t warnings;
	uint32_t items;       /* written, where they need commas between them */
	bool config_reported; /* what --config-file names has been spoken of */

	struct report_unread *unread; /* in order */
	struct report_unread **unread_end;
	uint32_t unread_count;

	struct textset numbers;            /* of artifacts, by URI */
	struct report_artifact *artifacts; /* every file named so far */
	uint32_t artifact_count;
	uint32_t artifact_capacity;

	bool brief; /* text: no summary when nothing was found */
	bool tests; /* a run of policy tests: these in place of the counts */
	uint32_t passed;
	uint32_t failed;
	const struct span *passes; /* the tests of the next file that passed;
				    * borrowed until it is reported */
	uint32_t pass_count;
};

/* One format.  LIST is sorted and holds what is to be written. */
struct report_writer {
	void (*begin)(struct report *report);
	void (*file)(struct report *report, const struct source *source,
		     struct diag_list *list);
	void (*end)(struct report *report, int status);
};

void report_begin(struct report *report, const struct options *options,
		  FILE *out);

/* Add what LIST says of SOURCE. */
void report_file(struct report *report, const struct source *source,
		 struct diag_list *list);

/* Add that PATH could not be read; stderr has been told. */
void report_unread(struct report *report, const char *path, const char *why);

/* The summary, or what closes the document.  STATUS: the program's. */
void report_end(struct report *report, int status);

/* Errors alone, as text on stderr: for runs whose answer is something else. */
void report_errors(const struct options *options, struct diag_list *list);

/* TEXT as a JSON string; bytes that are no UTF-8 become \xNN. */
json_t *report_json_text(const char *text, size_t length);

/* VALUE and a line break on OUT; VALUE is released. */
void report_json_print(FILE *out, json_t *value, size_t indent);

/* --- for the formats ------------------------------------------------------ */

extern const struct report_writer report_text;
extern const struct report_writer report_json;
extern const struct report_writer report_sarif;
extern const struct report_writer report_github;
extern const struct report_writer report_junit;

/* The number of ARTIFACT, in order of first mention. */
uint32_t report_number_artifact(struct report *report,
				const struct report_artifact *artifact);

/* "2 files, 1 error, 3 warnings" and a line break. */
void report_summary(const struct report *report);

/* OBJECT[KEY] = TEXT. */
void report_json_set(json_t *object, const char *key, const char *text);

/* VALUE on one line, behind a comma when it is not the first of its array;
 * released. */
void report_json_item(struct report *report, json_t *value);

/* The rules of the SARIF log, one for each code, in the table's order. */
json_t *report_sarif_rules(void);

#endif
