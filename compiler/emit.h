/* emit.h - canonical form -> blob bytes -> file. */
#ifndef COMPILER_EMIT_H
#define COMPILER_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lower.h"

/* The blob for POLICY: malloc()ed, the caller's, 64-byte aligned.  Same input,
 * same bytes.  STRIP leaves the source map out.  NULL: a limit of the format
 * was passed; *WHY says which. */
uint8_t *emit_blob(const struct canonical *policy, bool strip, size_t *length,
		   const char **why);

/* Write LENGTH bytes to PATH through a temporary file beside it: write, fsync,
 * rename, fsync of the directory.  "-" is standard output.  False: errno says
 * why and PATH is as it was. */
bool emit_file(const char *path, const uint8_t *bytes, size_t length);

#endif
