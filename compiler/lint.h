/* lint.h - what a policy says that is allowed and yet seldom meant.  Each lint
 * is a code in diagnostic.def, whose severity the run may change. */
#ifndef COMPILER_LINT_H
#define COMPILER_LINT_H

#include <stdbool.h>

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "model.h"

/* Run every lint that is not off over MODEL, which acl_read() passed and
 * model_sort() sorted. */
void lint_model(const struct model *model, struct arena *arena,
		struct diag_list *diags);

/* NAME, or its code, -> the lint; false when no lint is called so. */
bool lint_find(const char *name, enum diag_code *code);

/* The name of the lint nearest to NAME, or NULL. */
const char *lint_nearest(const char *name);

bool lint_is_lint(enum diag_code code);

#endif
