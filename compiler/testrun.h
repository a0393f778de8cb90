/* testrun.h - policy tests: a YAML list of questions, each with the answer that
 * is expected.  A test that fails is a diagnostic at its place in the file.
 * Running them is command_test(). */
#ifndef COMPILER_TESTRUN_H
#define COMPILER_TESTRUN_H

#include <stdbool.h>

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "grammar/document.h"

/* True for a file of policy tests: a mapping that has the key 'tests' and none
 * that only a policy has. */
bool testrun_is_tests(const struct document *document);

/* Report what is wrong with the tests in DOCUMENT, as far as can be told
 * without a policy. */
void testrun_check(const struct document *document, struct diag_list *diags,
		   struct arena *arena);

#endif
