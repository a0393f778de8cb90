/* acl.c - reads a policy by its schema, key by key, and goes on after every
 * mistake: one run reports them all.  mitm_domains is in acl_mitm.c. */
#include "acl.h"

#include <string.h>

#include "acl_mitm.h"
#include "glob.h"
#include "quote.h"
#include "schema.h"
#include "textset.h"

static const char *const action_texts[] = {
	[RULE_ENFORCE] = "enforce",
	[RULE_REPORT] = "report",
	[RULE_OPEN] = "open",
};

/* see acl.h */
const char *acl_action_text(enum rule_action action)
{
	return action_texts[action];
}

/* see acl.h */
const char *acl_action_title(enum rule_action action)
{
	static const char *const titles[] = {
		[RULE_ENFORCE] = "Enforce",
		[RULE_REPORT] = "Report",
		[RULE_OPEN] = "Open",
	};

	return titles[action];
}

/* see acl.h */
bool acl_parse_action(struct str text, enum rule_action *action)
{
	for (size_t i = 0; i <= RULE_OPEN; i++)
		if (str_equal(text, str_from(action_texts[i]))) {
			*action = (enum rule_action)i;
			return true;
		}
	return false;
}

/* The place of FIELD: its value's, else its key's, else FALLBACK's. */
static struct span field_span(const struct reader *reader,
			      const struct field *field,
			      const struct node *fallback)
{
	if (field->value != NULL)
		return schema_span(reader, field->value);
	return schema_span(reader, field->key != NULL ? field->key : fallback);
}

/* The text under FIELD, "" without one; too long a one is reported. */
static struct str field_text(struct reader *reader, const struct field *field)
{
	struct str text = STR("");

	if (field->value == NULL)
		return text;
	text = str_make(field->value->text, field->value->count);
	if (text.n > ACL_TEXT_MAX)
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P013,
				      schema_span(reader, field->value),
				      "a text of %zu bytes: the limit is %d",
				      text.n, ACL_TEXT_MAX),
			  "write a shorter text");
	return text;
}

static void read_version(struct reader *reader, const struct field *version)
{
	struct str text = field_text(reader, version);

	if (version->wrong || str_equal(text, STR("v1")))
		return;

	struct diag *diag =
		diag_report(reader->diags, DIAG_P001,
			    field_span(reader, version, reader->document->root),
			    "expected version \"v1\" got %s",
			    quote_go(reader->arena, text));

	diag_hint(reader->diags, diag, "write 'version: v1'");
}

static void read_action(struct reader *reader, struct rule *rule,
			const struct field *action, const struct node *node,
			const struct acl_options *options)
{
	struct str text = field_text(reader, action);
	const char *name = quote_visible(reader->arena,
					 rule->is_default ? STR("default_rule")
							  : rule->name);

	rule->action_at = field_span(reader, action, node);
	if (action->wrong)
		return;
	if (!acl_parse_action(text, &rule->action)) {
		const char *shown = quote_visible(reader->arena, text);
		const char *near =
			diag_nearest(shown, action_texts, RULE_OPEN + 1);
		struct diag *diag = diag_report(
			reader->diags, DIAG_P006, rule->action_at,
			"unknown action %s%sin rule '%s'%s", shown,
			text.n > 0 ? " " : "", name,
			action->key == NULL ? ": it has no key 'action'" : "");

		if (near != NULL)
			diag_hint(reader->diags, diag, "did you mean '%s'?",
				  near);
		else
			diag_hint(reader->diags, diag,
				  "write 'action: enforce', report or open");
		return;
	}
	if (options->disabled[rule->action])
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P009, rule->action_at,
				      "rule for svc:%s utilizes a disabled "
				      "policy:%s",
				      name, acl_action_title(rule->action)),
			  "this run has --disable-acl-policy-action %s",
			  acl_action_text(rule->action));
}

static void read_rule(struct reader *reader, struct rule *rule,
		      const struct node *node,
		      const struct acl_options *options)
{
	struct field fields[SCHEMA_KEY_COUNT];
	const char *what = rule->is_default ? "the default rule" : "a rule";

	rule->at = schema_span(reader, node);
	rule->name_at = rule->action_at = rule->at;
	if (!schema_read(reader, SCHEMA_SCOPE_RULE, what, node, fields))
		return;

	const struct field *name = &fields[KEY_RULE_NAME];

	rule->name = field_text(reader, name);
	rule->name_at = (struct span){NULL, 0, 0};
	if (name->key != NULL)
		rule->name_at = field_span(reader, name, node);
	if (rule->is_default)
		rule->name = STR("default");
	rule->project = field_text(reader, &fields[KEY_RULE_PROJECT]);
	read_action(reader, rule, &fields[KEY_RULE_ACTION], node, options);

	struct str service =
		rule->is_default ? STR("default_rule") : rule->name;

	glob_read_list(reader, &fields[KEY_RULE_DOMAINS], service,
		       &rule->domains);
	glob_read_list(reader, &fields[KEY_RULE_PROXIES], service,
		       &rule->proxies);
	acl_read_mitm(reader, rule, &fields[KEY_RULE_MITM],
		      &fields[KEY_RULE_DOMAINS], service);
}

static void read_services(struct reader *reader, struct model *model,
			  const struct field *services,
			  const struct acl_options *options)
{
	struct textset seen;

	if (services->wrong)
		return;
	if (services->value == NULL) {
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P002,
				      field_span(reader, services,
						 reader->document->root),
				      "Top level list 'services' is missing"),
			  "write 'services: []' for a policy without any");
		return;
	}

	const struct node *list = services->value;

	model->services = arena_alloc_array(reader->arena, list->count,
					    sizeof(*model->services));
	model->service_count = list->count;
	textset_init(&seen, reader->arena);
	for (uint32_t i = 0; i < list->count; i++) {
		struct rule *rule = &model->services[i];

		read_rule(reader, rule, list->items[i], options);

		uint32_t first = textset_add(&seen, rule->name, i);

		if (first == TEXTSET_NONE)
			continue;

		const struct rule *before = &model->services[first];
		struct diag *diag = diag_report(
			reader->diags, DIAG_P007,
			rule->name_at.source ? rule->name_at : rule->at,
			"rule already exists for service %s",
			quote_visible(reader->arena, rule->name));

		diag_relate(reader->diags, diag,
			    before->name_at.source ? before->name_at
						   : before->at,
			    "first defined here");
		diag_hint(reader->diags, diag, "merge the two rules");
	}
}

/* see acl.h */
bool acl_read(struct model *model, const struct document *document,
	      const struct acl_options *options, struct arena *arena,
	      struct diag_list *diags)
{
	struct reader reader = {document,  diags,     arena, DIAG_P003,
				DIAG_P004, DIAG_P005, 0,     NULL};
	struct field fields[SCHEMA_KEY_COUNT];
	uint32_t errors = diags->errors;

	model->source = document->source;
	model->services = NULL;
	model->service_count = 0;
	model->default_rule = NULL;
	if (!schema_read(&reader, SCHEMA_SCOPE_TOP, "a policy", document->root,
			 fields))
		return false;
	read_version(&reader, &fields[KEY_TOP_VERSION]);
	read_services(&reader, model, &fields[KEY_TOP_SERVICES], options);
	if (fields[KEY_TOP_DEFAULT].value != NULL) {
		model->default_rule =
			arena_alloc(arena, sizeof(*model->default_rule));
		model->default_rule->is_default = true;
		read_rule(&reader, model->default_rule,
			  fields[KEY_TOP_DEFAULT].value, options);
	}
	glob_read_list(&reader, &fields[KEY_TOP_GLOBAL_DENY],
		       STR("global_deny_list"), &model->global_deny);
	glob_read_list(&reader, &fields[KEY_TOP_GLOBAL_ALLOW],
		       STR("global_allow_list"), &model->global_allow);
	return diags->errors == errors;
}
