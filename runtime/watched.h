/* watched.h - which files a reload reads again, and so --watch watches.
 * Not here: watching, watch.h. */
#ifndef RUNTIME_WATCHED_H
#define RUNTIME_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#include "settings.h"

/* Their paths, COUNT of them, each as often as it is named: one block for
 * free(), whose strings are SETTINGS' own.  NULL: out of memory. */
const char **watched_files(const struct settings *settings, size_t *count);

/* Is there one? */
bool watched_any(const struct settings *settings);

#endif
