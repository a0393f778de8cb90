/* report_text.c - diagnostics as people and editors read them. */
#include "report.h"

static void write_begin(struct report *report)
{
	(void)report;
}

static void write_file(struct report *report, const struct source *source,
		       struct diag_list *list)
{
	(void)source;
	diag_print(list, report->out,
		   options_colour(report->options, report->out));
}

static void write_end(struct report *report, int status)
{
	(void)status;
	if (!report->options->quiet &&
	    (!report->brief || report->errors > 0 || report->warnings > 0))
		report_summary(report);
}

const struct report_writer report_text = {write_begin, write_file, write_end};

/* see report.h */
void report_errors(const struct options *options, struct diag_list *list)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i]->severity == DIAG_ERROR)
			list->items[kept++] = list->items[i];
	list->count = kept;
	diag_sort(list);
	diag_print(list, stderr, options_colour(options, stderr));
}
