/* check_files.h - the files that operands stand for: a file for itself, a
 * directory for every .yaml and .yml under it. */
#ifndef COMPILER_CHECK_FILES_H
#define COMPILER_CHECK_FILES_H

#include <stdint.h>

#include "grammar/arena.h"

/* A file to be read, or what is wrong with something that was to be searched.
 */
struct check_file {
	const char *path;
	const char *why; /* NULL: PATH is to be read */
};

struct check_files {
	struct check_file *items;
	uint32_t count;
	uint32_t capacity;
};

/* Find the files of COUNT OPERANDS, in their order; those of a directory in the
 * order of their names.  A path that was found already is not found again under
 * a directory.  Links are followed to files, never to directories; names that
 * start with a dot and what is neither file nor directory are left out, unless
 * they are operands.  A directory that has nothing to check is an error. */
void check_files_find(struct check_files *files, struct arena *arena,
		      const char *const *operands, uint32_t count);

#endif
