/* glob.h - host globs: what one may be, and the diagnostics when it is not. */
#ifndef COMPILER_GLOB_H
#define COMPILER_GLOB_H

#include <stdbool.h>

#include "model.h"
#include "runtime/policy/hostname.h"
#include "schema.h"

enum glob_error {
	GLOB_OK = 0,
	GLOB_EMPTY,          /* nothing, ~ */
	GLOB_EVERYTHING,     /* "*", "*." */
	GLOB_PARTIAL,        /* "*a.com", "**.a.com" */
	GLOB_INNER_WILDCARD, /* "a.*.com" */
	GLOB_OVER_ADDRESS,   /* "*.1.2.3.4", "*.1" */
	GLOB_IPV6,           /* "2001:db8::1" */
	GLOB_INVALID,        /* refused by hostname_normalize() */
	GLOB_NOT_NORMAL,     /* "Example.com", "example.com." */
};

/* Read TEXT.  GLOB_OK fills *NAME (borrowed from TEXT) and *WILDCARD.  For
 * GLOB_INVALID *WHY says what is wrong with NORMAL; for GLOB_NOT_NORMAL and
 * GLOB_IPV6 NORMAL is the normal form of what is behind the "*.". */
enum glob_error glob_parse(struct str text, struct str *name, bool *wildcard,
			   struct hostname *normal, enum host_error *why);

/* Read NODE, an entry of a list of SERVICE (as the reference's errors call it),
 * into GLOB.  False: reported. */
bool glob_read(struct reader *reader, const struct node *node,
	       struct str service, struct glob *glob);

/* Read the list in FIELD; entries with errors are reported and left out. */
void glob_read_list(struct reader *reader, const struct field *field,
		    struct str service, struct glob_list *list);

#endif
