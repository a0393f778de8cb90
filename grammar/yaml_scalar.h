/* yaml_scalar.h - scalars: where they end, and what they say. */
#ifndef GRAMMAR_YAML_SCALAR_H
#define GRAMMAR_YAML_SCALAR_H

#include "arena.h"
#include "yaml_scan.h"

/* What scanning a scalar tells beside its token. */
struct yaml_extent {
	bool multiline;
	uint32_t last_line; /* offset of its text on its last line */
};

/* Scan the scalar whose first character, or opening quote, is at START; the
 * cursor stands behind that.  ONE_LINE: it may not go on in the next line.
 * False after a reported hard error. */
bool yaml_scan_plain(struct yaml_scan *scan, uint32_t start, bool one_line,
		     struct yaml_token *token, struct yaml_extent *extent);
bool yaml_scan_quoted(struct yaml_scan *scan, uint32_t start, bool one_line,
		      enum scalar_style style, struct yaml_token *token,
		      struct yaml_extent *extent);

/* The text of TOKEN in BYTES: folded and unescaped, in ARENA when that changed
 * anything, else borrowed from BYTES. */
struct yaml_text {
	const char *bytes;
	uint32_t length;
};
struct yaml_text yaml_scalar_text(const unsigned char *bytes,
				  const struct yaml_token *token,
				  struct arena *arena);

#endif
