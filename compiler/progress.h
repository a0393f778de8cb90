/* progress.h - a line on a terminal's stderr while work takes long, gone when
 * it is done.  Never in a pipe or a file.  One of it is in the program: it is
 * drawn by a signal. */
#ifndef COMPILER_PROGRESS_H
#define COMPILER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Work begins.  After a second of it the line appears, if stderr is a terminal
 * that can erase it. */
void progress_start(bool quiet);

/* What is being done now: "VERB NAME", with "INDEX of COUNT" between them when
 * COUNT is more than one. */
void progress_show(const char *verb, uint32_t index, uint32_t count,
		   const char *name);

/* Erase the line: something is about to be printed.  It stays away until the
 * next progress_show().  Harmless when there is none. */
void progress_hide(void);

/* The work is done. */
void progress_stop(void);

#endif
