/* check.h - --check-config: load everything as a start would, print what is in
 * force, listen on nothing. */
#ifndef RUNTIME_CHECK_H
#define RUNTIME_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "settings.h"

/* False: WHY, of STORE_WHY_MAX bytes, says what would keep us from starting. */
bool check_config(const struct settings *settings, FILE *out, char *why);

#endif
