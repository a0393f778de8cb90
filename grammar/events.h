/* events.h - a YAML file as a listing of its parse events, one a line, in the
 * notation of the YAML test suite: "+MAP", "=VAL :text", "*alias", "-MAP".
 * A debugging view, and the way in which the suite is run on our parser. */
#ifndef GRAMMAR_EVENTS_H
#define GRAMMAR_EVENTS_H

#include <stdbool.h>
#include <stdio.h>

#include "diagnostic.h"
#include "source.h"

/* List SOURCE on OUT.  Aliases and merge keys appear as they are written. False
 * when there was an error, which is in LIST; what came before it is listed. */
bool document_events(struct source *source, struct diag_list *list, FILE *out);

#endif
