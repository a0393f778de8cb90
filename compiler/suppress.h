/* suppress.h - comments in a policy that switch lints off, each with a reason:
 *
 *   # smokescreenc: allow NAME[, NAME...] -- reason
 *	for the line it ends; or, on lines of its own, for the first line below
 *	them, which must follow directly
 *   # smokescreenc: allow-file NAME[, NAME...] -- reason
 *	before the first key: for the whole file */
#ifndef COMPILER_SUPPRESS_H
#define COMPILER_SUPPRESS_H

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "grammar/document.h"

/* Take out of DIAGS, from number FIRST on, the lints that comments of DOCUMENT
 * switch off; report comments that cannot be followed and those that are not
 * needed.  Nothing is done, nor costs anything, in a file without such
 * comments. */
void suppress_lints(const struct document *document, struct arena *arena,
		    struct diag_list *diags, uint32_t first);

#endif
