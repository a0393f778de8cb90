/* report_json.c - diagnostics as JSON.  The shape, which smokescreenc(1)
 * documents:
 *   {"files": 1, "errors": 1, "warnings": 0, "diagnostics": [
 *     {"file": "acl.yaml", "line": 4, "column": 9, "end_line": 4,
 *      "end_column": 20, "severity": "error", "code": "P035",
 *      "name": "not-normal-form", "message": "...", "hint": "...",
 *      "related": [{"file": ..., "line": ..., "column": ..., "end_line": ...,
 *                   "end_column": ..., "message": "..."}],
 *      "fix": {place, "replacement": "...", "safe": true}}]}
 * A diagnostic about no file has no place; hint, related and fix are absent
 * when there is none. */
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* see report.h */
json_t *report_json_text(const char *text, size_t length)
{
	json_t *value = json_stringn(text, length);

	if (value != NULL)
		return value;

	/* No UTF-8: keep what is ASCII of it. */
	json_t *clean = NULL;
	char *copy = malloc(length + 1);

	if (copy != NULL) {
		for (size_t i = 0; i < length; i++)
			copy[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
		clean = json_stringn(copy, length);
		free(copy);
	}
	return clean != NULL ? clean : json_string("");
}

/* see report.h */
void report_json_print(FILE *out, json_t *value, size_t indent)
{
	json_dumpf(value, out, indent > 0 ? JSON_INDENT(indent) : JSON_COMPACT);
	putc('\n', out);
	json_decref(value);
}

static void set_place(json_t *object, struct diag_list *list, struct span at)
{
	if (at.source == NULL)
		return;

	struct place start = source_locate(at.source, list->arena, at.start);
	struct place end = source_locate(at.source, list->arena, at.end);

	json_object_set_new(
		object, "file",
		report_json_text(at.source->name, strlen(at.source->name)));
	json_object_set_new(object, "line", json_integer(start.line));
	json_object_set_new(object, "column", json_integer(start.column));
	json_object_set_new(object, "end_line", json_integer(end.line));
	json_object_set_new(object, "end_column", json_integer(end.column));
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, report_json_text(text, strlen(text)));
}

static json_t *diagnostic(struct diag_list *list, const struct diag *diag)
{
	json_t *object = json_object();
	const struct diag_info *info = &diag_info[diag->code];

	set_place(object, list, diag->at);
	set_text(object, "severity",
		 diag->severity == DIAG_ERROR ? "error" : "warning");
	set_text(object, "code", info->code);
	set_text(object, "name", info->name);
	set_text(object, "message", diag->message);
	if (diag->hint != NULL)
		set_text(object, "hint", diag->hint);
	if (diag->related != NULL) {
		json_t *array = json_array();

		for (const struct diag_related *related = diag->related;
		     related != NULL; related = related->next) {
			json_t *item = json_object();

			set_place(item, list, related->at);
			set_text(item, "message", related->text);
			json_array_append_new(array, item);
		}
		json_object_set_new(object, "related", array);
	}
	if (diag->fix != NULL) {
		json_t *fix = json_object();

		set_place(fix, list, diag->fix->at);
		set_text(fix, "replacement", diag->fix->replacement);
		json_object_set_new(fix, "safe", json_boolean(diag->fix->safe));
		json_object_set_new(object, "fix", fix);
	}
	return object;
}

/* see report.h */
void report_json_file(struct report *report, struct diag_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (!report->options->quiet ||
		    list->items[i]->severity == DIAG_ERROR)
			json_array_append_new(report->diagnostics,
					      diagnostic(list, list->items[i]));
}

/* see report.h */
void report_json_end(struct report *report)
{
	json_t *root = json_object();

	json_object_set_new(root, "files", json_integer(report->files));
	json_object_set_new(root, "errors", json_integer(report->errors));
	json_object_set_new(root, "warnings", json_integer(report->warnings));
	json_object_set_new(root, "diagnostics", report->diagnostics);
	report->diagnostics = NULL;
	report_json_print(report->out, root, 2);
}
