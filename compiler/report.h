/* report.h - the diagnostics of one run, file by file, in the format asked for:
 * text for people, JSON for programs. */
#ifndef COMPILER_REPORT_H
#define COMPILER_REPORT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "grammar/diagnostic.h"
#include "options.h"

struct report {
	const struct options *options;
	FILE *out;
	uint32_t files;
	uint32_t errors;
	uint32_t warnings;
	json_t *diagnostics; /* JSON only; owned */
};

void report_begin(struct report *report, const struct options *options,
		  FILE *out);

/* Add what LIST says of one file.  Text is printed at once. */
void report_file(struct report *report, struct diag_list *list);

/* The summary, or the JSON document. */
void report_end(struct report *report);

/* Errors alone, as text on stderr: for runs whose answer is something else. */
void report_errors(const struct options *options, struct diag_list *list);

/* TEXT as a JSON string; bytes that are no UTF-8 are replaced. */
json_t *report_json_text(const char *text, size_t length);

/* VALUE and a line break on OUT; VALUE is released. */
void report_json_print(FILE *out, json_t *value, size_t indent);

/* Private to report_text.c and report_json.c. */
void report_text_file(struct report *report, struct diag_list *list);
void report_text_end(struct report *report);
void report_json_file(struct report *report, struct diag_list *list);
void report_json_end(struct report *report);

#endif
