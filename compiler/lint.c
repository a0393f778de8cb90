/* lint.c - the table of lints, and what their messages share. */
#include "lint.h"

#include "cut.h"
#include "lint-internal.h"
#include "lower.h"
#include "quote.h"

#define MAX_CODES 4

static const struct {
	lint_pass *run;
	enum diag_code codes[MAX_CODES];
	uint32_t count;
} passes[] = {
	{lint_rules, {DIAG_L003, DIAG_L004, DIAG_L005, DIAG_L006}, 4},
	{lint_deny_by_name, {DIAG_L018}, 1},
	{lint_rules_texts, {DIAG_L007, DIAG_L008, DIAG_L009, DIAG_L010}, 4},
	{lint_duplicates, {DIAG_L001}, 1},
	{lint_shadowed, {DIAG_L002, DIAG_L012, DIAG_L013, DIAG_L017}, 4},
	{lint_shapes, {DIAG_L011, DIAG_L014, DIAG_L019}, 3},
	{lint_suffixes, {DIAG_L015, DIAG_L016}, 2},
	{lint_idns, {DIAG_L020, DIAG_L021}, 2},
	{lint_typos, {DIAG_L022}, 1},
	{lint_mitm, {DIAG_L026, DIAG_L027, DIAG_L028}, 3},
	{lint_ranges, {DIAG_L023, DIAG_L024, DIAG_L025}, 3},
};

/* see lint.h */
void lint_model(const struct model *model, struct arena *arena,
		struct diag_list *diags)
{
	struct lint lint = {model, arena, diags};

	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++) {
		bool wanted = false;

		for (uint32_t k = 0; k < passes[i].count; k++)
			wanted |=
				diags->severity[passes[i].codes[k]] != DIAG_OFF;
		if (wanted)
			passes[i].run(&lint);
	}
}

/* see lint.h */
bool lint_is_lint(enum diag_code code)
{
	return diag_info[code].code[0] == 'L';
}

/* see lint.h */
bool lint_find(const char *name, enum diag_code *code)
{
	return diag_find(name, code) && lint_is_lint(*code);
}

/* see lint.h */
const char *lint_nearest(const char *name)
{
	const char *names[DIAG_CODE_COUNT];
	uint32_t count = 0;

	for (unsigned i = 0; i < DIAG_CODE_COUNT; i++)
		if (lint_is_lint((enum diag_code)i))
			names[count++] = diag_info[i].name;
	return diag_nearest(name, names, count);
}

/* see lint-internal.h */
const char *lint_rule_name(struct lint *lint, const struct rule *rule)
{
	if (rule->is_default)
		return "the default rule";
	return arena_printf(lint->arena, "rule '%s'",
			    quote_visible(lint->arena, rule->name));
}

/* see lint-internal.h */
const char *lint_list_name(struct lint *lint, uint32_t list)
{
	if (list == CANONICAL_GLOBAL_ALLOW)
		return "global_allow_list";
	if (list == CANONICAL_GLOBAL_DENY)
		return "global_deny_list";
	return lint_rule_name(lint, lint->model->order.owners[list].rule);
}

/* see lint-internal.h */
struct span lint_glob_span(const struct lint *lint, const struct glob *glob)
{
	return (struct span){lint->model->source, glob->start, glob->end};
}

/* see lint-internal.h */
const char *lint_glob_text(struct lint *lint, const struct glob *glob)
{
	return arena_printf(lint->arena, "%s%.*s", glob->wildcard ? "*." : "",
			    STR_ARG(glob->name));
}

/* see lint-internal.h */
void lint_fix_remove(struct lint *lint, struct diag *diag,
		     const struct glob *glob, bool safe)
{
	struct str text = str_from(lint_glob_text(lint, glob));
	struct span cut;

	if (cut_entry(lint_glob_span(lint, glob), text, &cut))
		diag_set_fix(lint->diags, diag, cut, "", safe);
}
