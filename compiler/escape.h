/* escape.h - text from outside in the formats that programs read: each format's
 * own way to write what would end a value, and nothing that it forbids. */
#ifndef COMPILER_ESCAPE_H
#define COMPILER_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "grammar/arena.h"

/* TEXT as UTF-8: bytes that are none become \xNN, and so do controls when
 * CONTROLS.  The result is NUL-terminated, of *OUT_LENGTH bytes. */
char *escape_utf8(struct arena *arena, const char *text, size_t length,
		  bool controls, size_t *out_length);

/* TEXT inside an XML element or a quoted attribute.  XML 1.0 has no way to
 * write most control characters: they become \xNN. */
void escape_xml(FILE *out, const char *text);

/* TEXT in a workflow command: the value of a property, or the message.  Other
 * controls than line breaks, and bytes that are no UTF-8, become \xNN. */
void escape_workflow(FILE *out, const char *text, bool property);

/* The path NAME without "./" in front, as programs compare paths. */
const char *escape_path(const char *name);

/* The file NAME as a URI reference (RFC 3986).  *RELATIVE: it is one relative
 * to the working directory; otherwise it is absolute, or about no file. */
const char *escape_uri(struct arena *arena, const char *name, bool *relative);

#endif
