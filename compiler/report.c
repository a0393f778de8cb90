/* report.c - chooses the format; report_text.c and report_json.c are the
 * formats. */
#include "report.h"

/* see report.h */
void report_begin(struct report *report, const struct options *options,
		  FILE *out)
{
	*report = (struct report){.options = options, .out = out};
	if (options->json)
		report->diagnostics = json_array();
}

/* see report.h */
void report_file(struct report *report, struct diag_list *list)
{
	report->files++;
	report->errors += list->errors;
	report->warnings += list->warnings;
	diag_sort(list);
	if (report->options->json)
		report_json_file(report, list);
	else
		report_text_file(report, list);
}

/* see report.h */
void report_end(struct report *report)
{
	if (report->options->json)
		report_json_end(report);
	else
		report_text_end(report);
}
