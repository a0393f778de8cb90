/* report_text.c - diagnostics as people and editors read them. */
#include "report.h"

/* Drop what is no error; the counts stay. */
static void keep_errors(struct diag_list *list)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i]->severity == DIAG_ERROR)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

/* see report.h */
void report_text_file(struct report *report, struct diag_list *list)
{
	if (report->options->quiet)
		keep_errors(list);
	diag_print(list, report->out,
		   options_colour(report->options, report->out));
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* see report.h */
void report_text_end(struct report *report)
{
	if (report->options->quiet)
		return;
	fprintf(report->out, "%u file%s, %u error%s, %u warning%s\n",
		report->files, plural(report->files), report->errors,
		plural(report->errors), report->warnings,
		plural(report->warnings));
}

/* see report.h */
void report_errors(const struct options *options, struct diag_list *list)
{
	keep_errors(list);
	diag_sort(list);
	diag_print(list, stderr, options_colour(options, stderr));
}
