/* cut.h - taking an entry out of a list without disturbing what is around it:
 * comments stay, commas stay right, a line that was the entry's alone goes. */
#ifndef COMPILER_CUT_H
#define COMPILER_CUT_H

#include <stdbool.h>

#include "grammar/source.h"
#include "runtime/policy/str.h"

/* ENTRY is the span of a scalar in a block or flow sequence that has other
 * entries, TEXT what it should say.  True: *CUT is what to delete.  False: it
 * is written in a way that is better left to people: through an alias, with an
 * anchor, with a comment to the compiler above it. */
bool cut_entry(struct span entry, struct str text, struct span *cut);

#endif
