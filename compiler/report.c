/* report.c - chooses the format; report_text.c and report_json.c are the
 * formats. */
#include "report.h"

#include <string.h>

#define FIRST_CAPACITY 16u

/* see report.h */
void report_begin(struct report *report, const struct options *options,
		  FILE *out)
{
	static const struct report_writer *const writers[] = {
		[FORMAT_TEXT] = &report_text,
		[FORMAT_JSON] = &report_json,
		[FORMAT_SARIF] = &report_sarif,
		[FORMAT_GITHUB] = &report_github,
		[FORMAT_JUNIT] = &report_junit,
	};

	*report = (struct report){
		.options = options,
		.writer = writers[options->format],
		.out = out,
		.arena = arena_new(),
	};
	textset_init(&report->numbers, report->arena);
	report->unread_end = &report->unread;
	report->writer->begin(report);
}

/* Leave out what is not to be written, and count what was found. */
static void take_stock(struct report *report, const struct source *source,
		       struct diag_list *list)
{
	bool repeated = report->config_reported;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		struct diag *diag = list->items[i];
		bool error = diag->severity == DIAG_ERROR;

		/* The configuration is read with every policy; what is wrong
		 * with it is said once. */
		if (diag->at.source != NULL && diag->at.source != source) {
			report->config_reported = true;
			if (repeated)
				continue;
		}
		if (error)
			report->errors++;
		else
			report->warnings++;
		if (error || !report->options->quiet)
			list->items[kept++] = diag;
	}
	list->count = kept;
}

/* see report.h */
void report_file(struct report *report, const struct source *source,
		 struct diag_list *list)
{
	report->files++;
	take_stock(report, source, list);
	diag_sort(list);
	report->writer->file(report, source, list);
}

/* see report.h */
void report_unread(struct report *report, const char *path, const char *why)
{
	struct report_unread *unread =
		arena_alloc(report->arena, sizeof(*unread));

	unread->path = arena_strndup(report->arena, path, strlen(path));
	unread->why = arena_strndup(report->arena, why, strlen(why));
	*report->unread_end = unread;
	textset_init(&report->numbers, report->arena);
	report->unread_end = &unread->next;
	report->unread_count++;
}

/* see report.h */
void report_end(struct report *report, int status)
{
	report->writer->end(report, status);
	arena_free(report->arena);
	report->arena = NULL;
}

/* see report.h */
uint32_t report_number_artifact(struct report *report,
				const struct report_artifact *artifact)
{
	uint32_t count = report->artifact_count;
	uint32_t known =
		textset_find(&report->numbers, str_from(artifact->uri));

	if (known != TEXTSET_NONE)
		return known;
	if (count == report->artifact_capacity) {
		uint32_t capacity = count > 0 ? 2 * count : FIRST_CAPACITY;

		report->artifacts = arena_grow_array(
			report->arena, report->artifacts, count, capacity,
			sizeof(*report->artifacts));
		report->artifact_capacity = capacity;
	}

	struct report_artifact *kept = &report->artifacts[count];

	*kept = *artifact;
	kept->uri = arena_strndup(report->arena, artifact->uri,
				  strlen(artifact->uri));
	textset_add(&report->numbers, str_from(kept->uri), count);
	return report->artifact_count++;
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

/* see report.h */
void report_summary(const struct report *report)
{
	FILE *out = report->out;

	if (report->tests) {
		fprintf(out, "%u passed, %u failed\n", report->passed,
			report->failed);
		return;
	}
	fprintf(out, "%u file%s, %u error%s, %u warning%s", report->files,
		plural(report->files), report->errors, plural(report->errors),
		report->warnings, plural(report->warnings));
	if (report->unread_count > 0)
		fprintf(out, ", %u file%s not read", report->unread_count,
			plural(report->unread_count));
	putc('\n', out);
}
