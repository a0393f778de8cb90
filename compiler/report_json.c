/* report_json.c - diagnostics as JSON.  The shape is documented by
 * docs/report.schema.json; each diagnostic stands on a line of its own, so that
 * a report of any length is written as it is made. */
#include <string.h>

#include "escape.h"
#include "report.h"

/* see report.h */
json_t *report_json_text(const char *text, size_t length)
{
	json_t *value = json_stringn(text, length);

	if (value != NULL)
		return value;

	struct arena *arena = arena_new();
	char *clean = escape_utf8(arena, text, length, false, &length);

	value = json_stringn(clean, length);
	arena_free(arena);
	if (value == NULL)
		arena_out_of_memory();
	return value;
}

/* see report.h */
void report_json_print(FILE *out, json_t *value, size_t indent)
{
	json_dumpf(value, out, indent > 0 ? JSON_INDENT(indent) : JSON_COMPACT);
	putc('\n', out);
	json_decref(value);
}

/* see report.h */
void report_json_set(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, report_json_text(text, strlen(text)));
}

/* see report.h */
void report_json_item(struct report *report, json_t *value)
{
	fputs(report->items > 0 ? ",\n  " : "\n  ", report->out);
	report->items++;
	json_dumpf(value, report->out, 0);
	json_decref(value);
}

static void set_place(json_t *object, struct diag_list *list, struct span at)
{
	if (at.source == NULL)
		return;

	struct place start = source_locate(at.source, list->arena, at.start);
	struct place end = source_locate(at.source, list->arena, at.end);

	report_json_set(object, "file", at.source->name);
	json_object_set_new(object, "line", json_integer(start.line));
	json_object_set_new(object, "column", json_integer(start.column));
	json_object_set_new(object, "end_line", json_integer(end.line));
	json_object_set_new(object, "end_column", json_integer(end.column));
}

static json_t *related_places(struct diag_list *list,
			      const struct diag_related *related)
{
	json_t *array = json_array();

	for (; related != NULL; related = related->next) {
		json_t *item = json_object();

		set_place(item, list, related->at);
		report_json_set(item, "message", related->text);
		json_array_append_new(array, item);
	}
	return array;
}

static json_t *diagnostic(struct diag_list *list, const struct diag *diag)
{
	json_t *object = json_object();
	const struct diag_info *info = &diag_info[diag->code];

	set_place(object, list, diag->at);
	report_json_set(object, "severity",
			diag->severity == DIAG_ERROR ? "error" : "warning");
	report_json_set(object, "code", info->code);
	report_json_set(object, "name", info->name);
	report_json_set(object, "message", diag->message);
	if (diag->hint != NULL)
		report_json_set(object, "hint", diag->hint);
	if (diag->related != NULL)
		json_object_set_new(object, "related",
				    related_places(list, diag->related));
	if (diag->fix != NULL) {
		json_t *fix = json_object();

		set_place(fix, list, diag->fix->at);
		report_json_set(fix, "replacement", diag->fix->replacement);
		json_object_set_new(fix, "safe", json_boolean(diag->fix->safe));
		json_object_set_new(object, "fix", fix);
	}
	return object;
}

static void write_begin(struct report *report)
{
	fputs("{\"diagnostics\": [", report->out);
}

static void write_file(struct report *report, const struct source *source,
		       struct diag_list *list)
{
	(void)source;
	for (uint32_t i = 0; i < list->count; i++)
		report_json_item(report, diagnostic(list, list->items[i]));
}

static void write_end(struct report *report, int status)
{
	FILE *out = report->out;

	(void)status;
	fputs("\n ]", out);
	if (report->unread != NULL) {
		fputs(",\n \"unread\": [", out);
		report->items = 0;
		for (const struct report_unread *unread = report->unread;
		     unread != NULL; unread = unread->next) {
			json_t *item = json_object();

			report_json_set(item, "file", unread->path);
			report_json_set(item, "message", unread->why);
			report_json_item(report, item);
		}
		fputs("\n ]", out);
	}
	if (report->tests)
		fprintf(out, ",\n \"passed\": %u,\n \"failed\": %u\n}\n",
			report->passed, report->failed);
	else
		fprintf(out,
			",\n \"files\": %u,\n \"errors\": %u,\n"
			" \"warnings\": %u\n}\n",
			report->files, report->errors, report->warnings);
}

const struct report_writer report_json = {write_begin, write_file, write_end};
