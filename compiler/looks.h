/* looks.h - how a host name looks to people: its U-labels, the scripts they
 * mix, and the ASCII name that it could be taken for. */
#ifndef COMPILER_LOOKS_H
#define COMPILER_LOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/policy/hostname.h"
#include "runtime/policy/str.h"

/* A label of 63 bytes has fewer code points, of four bytes each in UTF-8. */
#define LOOKS_MAX (4 * (HOSTNAME_MAX + 1))

struct looks {
	bool idn;   /* it has an A-label; else only SKELETON is filled */
	bool mixes; /* some label mixes scripts that do not belong
		     * together: these two, say */
	const char *script;       /* "Latin" */
	const char *other;        /* "Cyrillic" */
	bool all_ascii;           /* every letter looks like an ASCII one */
	char text[LOOKS_MAX + 1]; /* in UTF-8, A-labels decoded */
	/* the same for names that look the same: letters that look like an
	 * ASCII one are that, 0 is o, 1 is l, rn is m, vv is w */
	char skeleton[LOOKS_MAX + 1];
	size_t skeleton_length;
};

/* NAME is in normal form. */
void looks_read(struct str name, struct looks *looks);

/* NAME may have an A-label. */
bool looks_is_idn(struct str name);

/* The skeleton of a name without A-labels, into OUT; its length. */
size_t looks_skeleton(struct str name, char out[HOSTNAME_MAX + 1]);

#endif
