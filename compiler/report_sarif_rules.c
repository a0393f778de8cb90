/* report_sarif_rules.c - the table of diagnostics as the rules of a SARIF log:
 * what a code scanning service shows beside each finding. */
#include "explain_code.h"
#include "report.h"

static json_t *text_object(const char *text)
{
	json_t *object = json_object();

	report_json_set(object, "text", text);
	return object;
}

static json_t *configuration(enum diag_severity severity)
{
	json_t *object = json_object();

	if (severity == DIAG_OFF)
		json_object_set_new(object, "enabled", json_false());
	report_json_set(object, "level",
			severity == DIAG_ERROR ? "error" : "warning");
	return object;
}

/* see report.h */
json_t *report_sarif_rules(void)
{
	json_t *rules = json_array();
	struct arena *arena = arena_new();

	for (size_t i = 0; i < DIAG_CODE_COUNT; i++) {
		const struct diag_info *info = &diag_info[i];
		json_t *rule = json_object();
		json_t *help = text_object(info->help);

		report_json_set(help, "markdown",
				explain_markdown(arena, info->help));
		report_json_set(rule, "id", info->code);
		report_json_set(rule, "name", info->name);
		json_object_set_new(rule, "shortDescription",
				    text_object(info->text));
		json_object_set_new(rule, "fullDescription",
				    text_object(info->help));
		json_object_set_new(rule, "help", help);
		json_object_set_new(rule, "defaultConfiguration",
				    configuration(info->severity));
		json_array_append_new(rules, rule);
	}
	arena_free(arena);
	return rules;
}
