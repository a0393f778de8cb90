/* report_github.c - diagnostics as workflow commands, which GitHub shows beside
 * the lines of a change.  Text from outside is escaped everywhere: a line that
 * starts with "::" is a command. */
#include "escape.h"
#include "report.h"

static void write_begin(struct report *report)
{
	(void)report;
}

static void put_property(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s=", key);
	escape_workflow(out, value, true);
}

static void put_region(struct report *report, struct diag_list *list,
		       struct span at)
{
	struct place start = source_locate(at.source, list->arena, at.start);
	struct place end = source_locate(at.source, list->arena, at.end);

	put_property(report->out, "file", escape_path(at.source->name));
	fprintf(report->out, ",line=%u", start.line);
	/* Columns of different lines are refused. */
	if (end.line != start.line)
		fprintf(report->out, ",endLine=%u", end.line);
	else if (end.column > start.column)
		fprintf(report->out, ",endLine=%u,col=%u,endColumn=%u",
			end.line, start.column, end.column);
	else
		fprintf(report->out, ",col=%u", start.column);
	putc(',', report->out);
}

static void put_related(struct report *report, struct diag_list *list,
			const struct diag_related *related)
{
	for (; related != NULL; related = related->next) {
		fputs("%0A", report->out);
		if (related->at.source != NULL) {
			struct place place =
				source_locate(related->at.source, list->arena,
					      related->at.start);

			escape_workflow(report->out, related->at.source->name,
					false);
			fprintf(report->out, ":%u:%u: ", place.line,
				place.column);
		}
		escape_workflow(report->out, related->text, false);
	}
}

static void put_diagnostic(struct report *report, struct diag_list *list,
			   const struct diag *diag)
{
	const struct diag_info *info = &diag_info[diag->code];
	FILE *out = report->out;

	fputs(diag->severity == DIAG_ERROR ? "::error " : "::warning ", out);
	if (diag->at.source != NULL)
		put_region(report, list, diag->at);
	fprintf(out, "title=%s %s::", info->code, info->name);
	escape_workflow(out, diag->message, false);
	if (diag->hint != NULL) {
		fputs("%0A", out);
		escape_workflow(out, diag->hint, false);
	}
	put_related(report, list, diag->related);
	putc('\n', out);
}

static void write_file(struct report *report, const struct source *source,
		       struct diag_list *list)
{
	(void)source;
	for (uint32_t i = 0; i < list->count; i++)
		put_diagnostic(report, list, list->items[i]);
}

static void write_end(struct report *report, int status)
{
	FILE *out = report->out;

	(void)status;
	for (const struct report_unread *unread = report->unread;
	     unread != NULL; unread = unread->next) {
		fputs("::error ", out);
		put_property(out, "file", escape_path(unread->path));
		fputs(",title=not read::", out);
		escape_workflow(out, unread->path, false);
		fputs(": ", out);
		escape_workflow(out, unread->why, false);
		putc('\n', out);
	}
	/* No command: a line of the job's log. */
	if (!report->options->quiet)
		report_summary(report);
}

const struct report_writer report_github = {write_begin, write_file, write_end};
