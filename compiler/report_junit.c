/* report_junit.c - diagnostics as JUnit XML, the one format that every CI shows
 * in some way.  A file is a test suite.  Each error is a test case that failed
 * and each warning one that was skipped, named by its code and place, so that
 * lists of failed tests say what is wrong; a file without errors has one test
 * case more, which passed.  In a run of policy tests each test that passed is a
 * test case.  The root has no counts: they would have to be
 * written before the files are read, and readers add up the suites.  Elements
 * and attributes are those that strict readers know, too: a case has no file or
 * line of its own, its class is its file. */
#include "escape.h"
#include "report.h"

static void write_begin(struct report *report)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<testsuites name=\"smokescreenc\">\n",
	      report->out);
}

static void put_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	escape_xml(out, value);
	putc('"', out);
}

static void open_suite(FILE *out, const char *name, uint32_t tests,
		       uint32_t failures, uint32_t errors, uint32_t skipped)
{
	fputs("  <testsuite", out);
	put_attribute(out, "name", name);
	put_attribute(out, "file", name);
	fprintf(out,
		" tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" "
		"time=\"0\">\n",
		tests, failures, errors, skipped);
}

static void put_passed(FILE *out, const char *path, const char *what)
{
	fputs("    <testcase", out);
	put_attribute(out, "classname", path);
	put_attribute(out, "name", what);
	fputs(" time=\"0\"/>\n", out);
}

static void put_place(FILE *out, struct diag_list *list, struct span at)
{
	if (at.source == NULL)
		return;

	struct place place = source_locate(at.source, list->arena, at.start);

	escape_xml(out, at.source->name);
	fprintf(out, ":%u:%u: ", place.line, place.column);
}

/* What is said in full: the message, the way out, the other places. */
static void put_body(FILE *out, struct diag_list *list, const struct diag *diag)
{
	put_place(out, list, diag->at);
	escape_xml(out, diag->message);
	if (diag->hint != NULL) {
		putc('\n', out);
		escape_xml(out, diag->hint);
	}
	for (const struct diag_related *related = diag->related;
	     related != NULL; related = related->next) {
		putc('\n', out);
		put_place(out, list, related->at);
		escape_xml(out, related->text);
	}
}

static void put_diagnostic(struct report *report, struct diag_list *list,
			   const struct diag *diag, const char *path)
{
	const struct diag_info *info = &diag_info[diag->code];
	bool error = diag->severity == DIAG_ERROR;
	const char *element = error ? "failure" : "skipped";
	FILE *out = report->out;

	fputs("    <testcase", out);
	put_attribute(out, "classname",
		      diag->at.source != NULL
			      ? escape_path(diag->at.source->name)
			      : path);
	fprintf(out, " name=\"%s %s", info->code, info->name);
	if (diag->at.source != NULL) {
		struct place place = source_locate(diag->at.source, list->arena,
						   diag->at.start);

		fprintf(out, " at %u:%u", place.line, place.column);
	}
	fprintf(out, "\" time=\"0\">\n      <%s", element);
	put_attribute(out, "message", diag->message);
	if (error)
		fprintf(out, " type=\"%s\"", info->code);
	putc('>', out);
	put_body(out, list, diag);
	fprintf(out, "</%s>\n    </testcase>\n", element);
}

static void put_passed_test(struct report *report, struct diag_list *list,
			    struct span at, const char *path)
{
	struct place place = source_locate(at.source, list->arena, at.start);
	char name[48];

	snprintf(name, sizeof(name), "test at %u:%u", place.line, place.column);
	put_passed(report->out, path, name);
}

static void write_file(struct report *report, const struct source *source,
		       struct diag_list *list)
{
	const char *path = escape_path(source->name);
	uint32_t errors = 0;

	for (uint32_t i = 0; i < list->count; i++)
		errors += list->items[i]->severity == DIAG_ERROR;

	uint32_t passed =
		report->pass_count > 0 ? report->pass_count : errors == 0;

	open_suite(report->out, path, list->count + passed, errors, 0,
		   list->count - errors);
	if (passed > 0 && report->pass_count == 0)
		put_passed(report->out, path, "no errors");
	for (uint32_t i = 0; i < report->pass_count; i++)
		put_passed_test(report, list, report->passes[i], path);
	for (uint32_t i = 0; i < list->count; i++)
		put_diagnostic(report, list, list->items[i], path);
	fputs("  </testsuite>\n", report->out);
}

static void write_end(struct report *report, int status)
{
	FILE *out = report->out;

	(void)status;
	for (const struct report_unread *unread = report->unread;
	     unread != NULL; unread = unread->next) {
		const char *path = escape_path(unread->path);

		open_suite(out, path, 1, 0, 1, 0);
		fputs("    <testcase", out);
		put_attribute(out, "classname", path);
		fputs(" name=\"read\" time=\"0\">\n      <error", out);
		put_attribute(out, "message", unread->why);
		fputs(" type=\"unread\"/>\n    </testcase>\n  </testsuite>\n",
		      out);
	}
	fputs("</testsuites>\n", out);
}

const struct report_writer report_junit = {write_begin, write_file, write_end};
