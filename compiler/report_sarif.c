/* report_sarif.c - diagnostics as a SARIF 2.1.0 log (OASIS), which code
 * scanning services and editors read.  The parts of the format that are used
 * are those of tests/schema/sarif-subset.schema.json.  Results are written one
 * by one; what can be known only at the end, the files and the exit status,
 * comes behind. */
#include <string.h>

#include "escape.h"
#include "report.h"

#define SCHEMA                                                                 \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"  \
	"sarif-schema-2.1.0.json"
/* What relative URIs are relative to.  Its own URI is left out: a log must not
 * depend on where the policies happened to be checked out. */
#define BASE_ID "%SRCROOT%"

/* One result being made. */
struct making {
	struct report *report;
	struct diag_list *list;
	struct arena *arena; /* gone with the result */

	const struct source *source; /* the file of most results */
	struct report_artifact artifact;
	uint32_t number;
};

static json_t *message(const char *text)
{
	json_t *object = json_object();

	report_json_set(object, "text", text);
	return object;
}

static json_t *artifact_location(const struct report_artifact *artifact)
{
	json_t *location = json_object();

	report_json_set(location, "uri", artifact->uri);
	if (artifact->relative)
		report_json_set(location, "uriBaseId", BASE_ID);
	return location;
}

static json_t *region(struct diag_list *list, struct span at)
{
	json_t *object = json_object();
	struct place start = source_locate(at.source, list->arena, at.start);
	struct place end = source_locate(at.source, list->arena, at.end);

	json_object_set_new(object, "startLine", json_integer(start.line));
	json_object_set_new(object, "startColumn", json_integer(start.column));
	json_object_set_new(object, "endLine", json_integer(end.line));
	json_object_set_new(object, "endColumn", json_integer(end.column));
	json_object_set_new(object, "byteOffset", json_integer(at.start));
	json_object_set_new(object, "byteLength",
			    json_integer(at.end - at.start));
	return object;
}

static struct report_artifact source_artifact(struct arena *arena,
					      const struct source *source)
{
	struct report_artifact artifact = {.length = source->length};

	artifact.uri = escape_uri(arena, source->name, &artifact.relative);
	return artifact;
}

static json_t *source_location(const struct making *making,
			       const struct source *source)
{
	struct report_artifact artifact = making->artifact;
	uint32_t number = making->number;

	if (source != making->source) {
		artifact = source_artifact(making->arena, source);
		number = report_number_artifact(making->report, &artifact);
	}

	json_t *location = artifact_location(&artifact);

	json_object_set_new(location, "index", json_integer(number));
	return location;
}

static json_t *location(const struct making *making, struct span at)
{
	json_t *object = json_object();
	json_t *physical = json_object();

	json_object_set_new(physical, "artifactLocation",
			    source_location(making, at.source));
	json_object_set_new(physical, "region", region(making->list, at));
	json_object_set_new(object, "physicalLocation", physical);
	return object;
}

static json_t *fixes(const struct making *making, const struct diag *diag)
{
	const struct diag_fix *change = diag->fix;
	json_t *object = json_object();
	json_t *artifact = json_object();
	json_t *replacement = json_object();
	json_t *list_of_one = json_array();

	json_object_set_new(replacement, "deletedRegion",
			    region(making->list, change->at));
	if (change->replacement[0] != '\0')
		json_object_set_new(replacement, "insertedContent",
				    message(change->replacement));
	json_array_append_new(list_of_one, replacement);
	json_object_set_new(artifact, "artifactLocation",
			    source_location(making, change->at.source));
	json_object_set_new(artifact, "replacements", list_of_one);

	json_object_set_new(object, "description",
			    message(diag->hint != NULL ? diag->hint
				    : change->replacement[0] == '\0'
					    ? "remove it"
					    : change->replacement));
	list_of_one = json_array();
	json_array_append_new(list_of_one, artifact);
	json_object_set_new(object, "artifactChanges", list_of_one);
	list_of_one = json_array();
	json_array_append_new(list_of_one, object);
	return list_of_one;
}

static json_t *related_locations(const struct making *making,
				 const struct diag_related *related)
{
	json_t *array = json_array();

	for (uint32_t id = 1; related != NULL; related = related->next, id++) {
		json_t *object = related->at.source != NULL
					 ? location(making, related->at)
					 : json_object();

		json_object_set_new(object, "id", json_integer(id));
		json_object_set_new(object, "message", message(related->text));
		json_array_append_new(array, object);
	}
	return array;
}

static const char *whole_message(const struct making *making,
				 const struct diag *diag)
{
	if (diag->hint == NULL)
		return diag->message;
	return arena_printf(making->arena, "%s (%s)", diag->message,
			    diag->hint);
}

static json_t *result(const struct making *making, const struct diag *diag)
{
	json_t *object = json_object();

	report_json_set(object, "ruleId", diag_info[diag->code].code);
	json_object_set_new(object, "ruleIndex",
			    json_integer((json_int_t)diag->code));
	report_json_set(object, "level",
			diag->severity == DIAG_ERROR ? "error" : "warning");
	json_object_set_new(object, "message",
			    message(whole_message(making, diag)));
	if (diag->at.source != NULL) {
		json_t *locations = json_array();

		json_array_append_new(locations, location(making, diag->at));
		json_object_set_new(object, "locations", locations);
	}
	if (diag->related != NULL)
		json_object_set_new(object, "relatedLocations",
				    related_locations(making, diag->related));
	if (diag->fix != NULL)
		json_object_set_new(object, "fixes", fixes(making, diag));
	return object;
}

static void write_begin(struct report *report)
{
	FILE *out = report->out;
	json_t *rules = report_sarif_rules();

	fputs("{\"$schema\": \"" SCHEMA "\",\n"
	      "\"version\": \"2.1.0\",\n"
	      "\"runs\": [{\n"
	      "\"tool\": {\"driver\": {\"name\": \"smokescreenc\", "
	      "\"version\": \"" SMOKESCREEN_VERSION "\", "
	      "\"semanticVersion\": \"" SMOKESCREEN_VERSION "\",\n"
	      " \"rules\": [",
	      out);
	for (size_t i = 0; i < json_array_size(rules); i++)
		report_json_item(report, json_incref(json_array_get(rules, i)));
	json_decref(rules);
	report->items = 0;
	fputs("\n ]}},\n"
	      "\"columnKind\": \"unicodeCodePoints\",\n"
	      "\"originalUriBaseIds\": {\"" BASE_ID
	      "\": {\"description\": {\"text\": "
	      "\"The directory in which smokescreenc was run.\"}}},\n"
	      "\"results\": [",
	      out);
}

static void write_file(struct report *report, const struct source *source,
		       struct diag_list *list)
{
	struct making making = {
		.report = report,
		.list = list,
		.source = source,
		.artifact = source_artifact(list->arena, source),
	};

	making.number = report_number_artifact(report, &making.artifact);
	for (uint32_t i = 0; i < list->count; i++) {
		making.arena = arena_new();
		report_json_item(report, result(&making, list->items[i]));
		arena_free(making.arena);
	}
}

static json_t *artifact(const struct report_artifact *artifact)
{
	json_t *object = json_object();

	json_object_set_new(object, "location", artifact_location(artifact));
	json_object_set_new(object, "length", json_integer(artifact->length));
	report_json_set(object, "encoding", "utf-8");
	report_json_set(object, "sourceLanguage", "yaml");
	return object;
}

/* What could not be read is no finding about it, but one about the run. */
static json_t *notification(struct report *report,
			    const struct report_unread *unread)
{
	json_t *object = json_object();
	json_t *place = json_object();
	json_t *physical = json_object();
	json_t *locations = json_array();

	struct report_artifact artifact = {.length = 0};

	artifact.uri =
		escape_uri(report->arena, unread->path, &artifact.relative);
	json_object_set_new(physical, "artifactLocation",
			    artifact_location(&artifact));
	json_object_set_new(place, "physicalLocation", physical);
	json_array_append_new(locations, place);
	json_object_set_new(object, "locations", locations);
	report_json_set(object, "level", "error");
	json_object_set_new(object, "message",
			    message(arena_printf(report->arena, "%s: %s",
						 unread->path, unread->why)));
	return object;
}

static void write_end(struct report *report, int status)
{
	FILE *out = report->out;

	fputs("\n ],\n\"artifacts\": [", out);
	report->items = 0;
	for (uint32_t i = 0; i < report->artifact_count; i++)
		report_json_item(report, artifact(&report->artifacts[i]));
	fprintf(out,
		"\n ],\n\"invocations\": [{\"executionSuccessful\": %s, "
		"\"exitCode\": %d",
		status == STATUS_YES || status == STATUS_NO ? "true" : "false",
		status);
	if (report->unread != NULL) {
		fputs(",\n \"toolExecutionNotifications\": [", out);
		report->items = 0;
		for (const struct report_unread *unread = report->unread;
		     unread != NULL; unread = unread->next)
			report_json_item(report, notification(report, unread));
		fputs("\n ]", out);
	}
	fputs("}]\n}]}\n", out);
}

const struct report_writer report_sarif = {write_begin, write_file, write_end};
