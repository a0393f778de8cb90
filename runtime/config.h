/* config.h - the configuration file: YAML, strictly, with the place of every
 * mistake.  Not here: what the settings are, settings.h. */
#ifndef RUNTIME_CONFIG_H
#define RUNTIME_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "settings.h"

/* Read PATH into SETTINGS.  False: all that is wrong with it is on ERRORS. */
bool config_read(struct settings *settings, const char *path, FILE *errors);

#endif
