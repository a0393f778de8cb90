/* lint-internal.h - what the files of lints share. */
#ifndef COMPILER_LINT_INTERNAL_H
#define COMPILER_LINT_INTERNAL_H

#include <stdbool.h>

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "model.h"
#include "runtime/policy/hostname.h"

struct lint {
	const struct model *model;
	struct arena *arena;
	struct diag_list *diags;
};

/* A walk over the model that serves one or more codes; it runs when one of
 * them is not off. */
typedef void lint_pass(struct lint *lint);

/* lint_rules.c */
void lint_rules(struct lint *lint);
void lint_rules_texts(struct lint *lint);
void lint_deny_by_name(struct lint *lint);

/* lint_globs.c: each walks the globs in canonical order */
void lint_duplicates(struct lint *lint);
void lint_shadowed(struct lint *lint);
void lint_shapes(struct lint *lint);

/* lint_suffix.c */
void lint_suffixes(struct lint *lint);

/* NAME is in the Public Suffix List: its ICANN section, or with PRIVATE_TOO
 * that of the owners who hand out names. */
bool lint_is_suffix(struct str name, bool private_too);

/* lint_idn.c */
void lint_idns(struct lint *lint);

/* lint_typo.c */
void lint_typos(struct lint *lint);

/* lint_mitm.c, lint_ranges.c */
void lint_mitm(struct lint *lint);
void lint_ranges(struct lint *lint);

/* "rule 'svc'", "the default rule". */
const char *lint_rule_name(struct lint *lint, const struct rule *rule);

/* The same for whoever has LIST, or "global_deny_list". */
const char *lint_list_name(struct lint *lint, uint32_t list);

struct span lint_glob_span(const struct lint *lint, const struct glob *glob);

/* "*.example.com" */
const char *lint_glob_text(struct lint *lint, const struct glob *glob);

/* Offer to take GLOB, which is not the last of its list, out of it. */
void lint_fix_remove(struct lint *lint, struct diag *diag,
		     const struct glob *glob, bool safe);

#endif
