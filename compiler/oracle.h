/* oracle.h - the decision done naively on the model, in the reference's order
 * and words: what decide() on the blob must equal.  For tests. */
#ifndef COMPILER_ORACLE_H
#define COMPILER_ORACLE_H

#include <stdbool.h>

#include "model.h"
#include "runtime/policy/decide.h"

struct oracle_decision {
	enum verdict verdict;
	enum reason reason;
	const struct rule *rule;        /* NULL: none */
	const struct glob *glob;        /* a glob that matched, NULL: none.  Of
					 * several the narrowest. */
	const struct mitm_domain *mitm; /* NULL: none */
};

struct oracle_decision oracle_decide(const struct model *model,
				     const struct query *query);

#endif
