/* output.h - where a blob goes: the name chosen for it, and the care taken that
 * nothing but an old blob is replaced. */
#ifndef COMPILER_OUTPUT_H
#define COMPILER_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "grammar/arena.h"

/* "dir/acl.yaml" -> "dir/acl.blob". */
const char *output_name(struct arena *arena, const char *source);

/* Write LENGTH bytes to PATH: a file is replaced as a whole or not at all, a
 * link is followed, a device or pipe is written to.  SOURCE, the policy that
 * was read, is never overwritten.  STATUS_YES, or what is wrong has been
 * printed. */
int output_write(const char *path, const char *source, const uint8_t *bytes,
		 size_t length);

#endif
