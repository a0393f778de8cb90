/* quote.h - text from outside, made fit to be shown or written: control and
 * invisible characters become escapes. */
#ifndef COMPILER_QUOTE_H
#define COMPILER_QUOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "grammar/arena.h"
#include "runtime/policy/str.h"

/* The code point at TEXT, of N > 0 bytes, and how many of them it takes.  A
 * byte that is no UTF-8 is returned with QUOTE_NOT_UTF8 added. */
#define QUOTE_NOT_UTF8 0x80000000u
uint32_t quote_next_rune(const char *text, size_t n, size_t *length);

/* TEXT for a line that people read: \n, \x07, \u200d in place of what cannot be
 * seen or would move the cursor.  Everything else as it is. */
const char *quote_visible(struct arena *arena, struct str text);

/* TEXT in double quotes, as the reference's errors quote it. */
const char *quote_go(struct arena *arena, struct str text);

/* Write TEXT as a YAML scalar that reads back as the same text: plain where
 * that is safe for every YAML reader, else double-quoted. */
void quote_yaml(FILE *out, struct str text);

/* The tag that YAML 1.1 readers give to a plain scalar: "!!str", "!!int",
 * "!!float", "!!bool" or "!!null". */
const char *quote_plain_tag(const char *text, uint32_t length);

/* yes, on, true, ...: *VALUE.  False when TEXT is none of the words for truth
 * and falsehood of YAML 1.1. */
bool quote_parse_bool(struct str text, bool *value);

#endif
