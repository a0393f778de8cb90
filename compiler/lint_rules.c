/* lint_rules.c - lints about rules as such: their actions, names, owners. */
#include "lint-internal.h"

static void lint_default(struct lint *lint)
{
	const struct model *model = lint->model;
	const struct rule *rule = model->default_rule;
	struct span start = {model->source, 0, 0};

	if (rule == NULL) {
		diag_hint(lint->diags,
			  diag_report(lint->diags, DIAG_L003, start,
				      "no default rule set. any services "
				      "without a rule will be denied."),
			  "write 'default: {action: enforce, project: ...}'");
		return;
	}
	if (rule->action != RULE_ENFORCE)
		diag_hint(lint->diags,
			  diag_report(lint->diags, DIAG_L004, rule->action_at,
				      "the default rule lets traffic out: any "
				      "role without a rule reaches any host"),
			  "write 'enforce'");
}

/* see lint-internal.h */
void lint_rules(struct lint *lint)
{
	const struct model *model = lint->model;

	lint_default(lint);
	for (uint32_t i = 0; i < model->service_count; i++) {
		const struct rule *rule = &model->services[i];

		if (rule->action == RULE_OPEN)
			diag_hint(lint->diags,
				  diag_report(lint->diags, DIAG_L005,
					      rule->action_at,
					      "%s is open: it reaches any host "
					      "and nothing is reported",
					      lint_rule_name(lint, rule)),
				  "write 'enforce', or 'report' for a time");
		else if (rule->action == RULE_REPORT)
			diag_hint(lint->diags,
				  diag_report(lint->diags, DIAG_L006,
					      rule->action_at,
					      "%s only reports what 'enforce' "
					      "would deny",
					      lint_rule_name(lint, rule)),
				  "write 'enforce' when its list is complete");
	}
}

static void lint_texts(struct lint *lint, const struct rule *rule)
{
	const struct model *model = lint->model;
	struct span at =
		rule->name_at.source != NULL ? rule->name_at : rule->action_at;

	if (rule->action == RULE_ENFORCE && rule->domains.count == 0 &&
	    rule->domains.at.source == NULL && model->global_allow.count == 0 &&
	    !rule->is_default)
		diag_hint(lint->diags,
			  diag_report(lint->diags, DIAG_L007, rule->action_at,
				      "%s allows no host at all",
				      lint_rule_name(lint, rule)),
			  "write 'allowed_domains: []' if that is meant");
	if (rule->project.n == 0)
		diag_hint(lint->diags,
			  diag_report(lint->diags, DIAG_L008, at,
				      "%s names no project",
				      lint_rule_name(lint, rule)),
			  "write 'project: TEAM'");
	if (rule->is_default) {
		if (rule->name_at.source != NULL)
			diag_hint(lint->diags,
				  diag_report(lint->diags, DIAG_L010, at,
					      "the default rule's name is "
					      "ignored"),
				  "remove the name");
	} else if (rule->name.n == 0) {
		diag_hint(lint->diags,
			  diag_report(lint->diags, DIAG_L009, at,
				      "a service without a name applies to "
				      "clients without a certificate"),
			  "write 'name: ROLE'");
	}
}

/* see lint-internal.h */
void lint_rules_texts(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->model->service_count; i++)
		lint_texts(lint, &lint->model->services[i]);
	if (lint->model->default_rule != NULL)
		lint_texts(lint, lint->model->default_rule);
}

/* The first host of the global deny list that is no address, or NULL. */
static const struct glob *first_denied_name(const struct model *model)
{
	for (uint32_t i = 0; i < model->global_deny.count; i++) {
		const struct glob *glob = &model->global_deny.items[i];
		struct addr addr;

		if (glob->wildcard || !addr_parse(glob->name, &addr))
			return glob;
	}
	return NULL;
}

/* see lint-internal.h */
void lint_deny_by_name(struct lint *lint)
{
	const struct model *model = lint->model;
	const struct glob *name = first_denied_name(model);
	const struct rule *first = NULL;
	uint32_t count = 0;

	if (name == NULL)
		return;
	for (uint32_t i = 0; i <= model->service_count; i++) {
		const struct rule *rule = i < model->service_count
						  ? &model->services[i]
						  : model->default_rule;

		if (rule == NULL || rule->action != RULE_OPEN)
			continue;
		if (count++ == 0)
			first = rule;
	}
	if (count == 0)
		return;

	struct diag *diag = diag_report(
		lint->diags, DIAG_L018, lint_glob_span(lint, name),
		"global_deny_list is of names, and %s%s lets clients ask for "
		"addresses",
		lint_rule_name(lint, first),
		count == 1 ? ""
			   : arena_printf(lint->arena, " (with %u more)",
					  count - 1));

	diag_relate(lint->diags, diag, first->action_at, "lets everything out");
	diag_hint(lint->diags, diag, "deny their addresses too");
}
