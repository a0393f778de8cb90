/* fix.h - --fix: what can be mended without changing what the policy means is
 * mended where it stands, and every other byte of the file stays. */
#ifndef COMPILER_FIX_H
#define COMPILER_FIX_H

#include "compile.h"

/* Load the policy at PATH into COMPILATION, ready for compile_load(), apply
 * the safe fixes of its diagnostics until there are none, and replace the file;
 * for "-" the mended text goes to standard output instead.  What was changed is
 * said on stderr, unless the run is quiet.  COMPILATION is left as
 * compile_run() of the mended policy leaves it: what it reports remains.
 *
 * A policy that compiled before compiles to the same decisions afterwards, or
 * it is left alone. */
enum compile_result fix_run(struct compilation *compilation, const char *path);

#endif
