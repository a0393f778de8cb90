/* yaml_scan-internal.h - what the files of the scanner share. */
#ifndef GRAMMAR_YAML_SCAN_INTERNAL_H
#define GRAMMAR_YAML_SCAN_INTERNAL_H

#include "yaml_scan.h"

static inline uint32_t yaml_offset(const struct yaml_scan *scan,
				   const unsigned char *p)
{
	uint32_t length = scan->source->length;
	uint32_t offset = (uint32_t)(p - scan->bytes);

	return offset < length ? offset : length;
}

static inline struct span yaml_span(const struct yaml_scan *scan,
				    uint32_t start, uint32_t end)
{
	return (struct span){
		.source = scan->source, .start = start, .end = end};
}

/* What a line may follow on without opening anything must be indented more
 * than the innermost block. */
static inline bool yaml_indented(const struct yaml_scan *scan, uint32_t spaces)
{
	return scan->level_count == 0 ||
	       spaces > scan->levels[scan->level_count - 1].column;
}

static inline bool yaml_is_break(unsigned char c)
{
	return c == '\n' || c == '\r';
}

static inline bool yaml_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static inline bool yaml_is_space(unsigned char c)
{
	return yaml_is_blank(c) || yaml_is_break(c) || c == '\0';
}

static inline const unsigned char *yaml_skip_blanks(const unsigned char *p)
{
	while (yaml_is_blank(*p))
		p++;
	return p;
}

/* The line that starts at LINE is now the one under the cursor. */
static inline void yaml_enter_line(struct yaml_scan *scan,
				   const unsigned char *line)
{
	const unsigned char *p = line;

	while (*p == ' ')
		p++;
	scan->line = line;
	scan->indent = (uint32_t)(p - line);
}

#endif
