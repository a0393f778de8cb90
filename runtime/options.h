/* options.h - the command line.  Not here: what the settings are, settings.h.
 */
#ifndef RUNTIME_OPTIONS_H
#define RUNTIME_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "settings.h"

/* Read ARGV into SETTINGS, which settings_init() made.  The configuration file
 * is read first, wherever --config-file stands: a flag that was given overrides
 * its scalars and adds to its lists.  False: WHY, of OPTIONS_WHY_MAX bytes,
 * says what is wrong, without a final newline.  An empty WHY: the configuration
 * file is wrong and its diagnostics are on ERRORS already. */
#define OPTIONS_WHY_MAX 512
bool options_read(struct settings *settings, int argc, char **argv, char *why,
		  FILE *errors);

void options_usage(FILE *out);

#endif
