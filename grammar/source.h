/* source.h - one text file in memory: its bytes, its name, and the way from a
 * byte offset back to line, column and excerpt.
 * Scanners keep offsets only; lines are computed when a message is printed. */
#ifndef GRAMMAR_SOURCE_H
#define GRAMMAR_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"

/* Largest file that is read, in bytes; more is an error that names the limit.
 */
#define SOURCE_MAX_BYTES (256u << 20)

/* A comment that begins with REMARK_MARK speaks to whoever reads the source,
 * not to people: from its '#' to the end of its line. */
#define REMARK_MARK "smokescreenc:"

struct remark {
	uint32_t start;
	uint32_t end;
};

struct source {
	const char *name;           /* as given; "<stdin>" for "-" */
	const unsigned char *bytes; /* owned by the arena; bytes[length] is '\n'
				     * and bytes[length + 1] is NUL, so that a
				     * scanner needs no special last line */
	uint32_t length;            /* without those two */
	uint32_t *line_starts;      /* built by the first source_locate() */
	uint32_t line_count;
	uint32_t *char_counts;  /* characters before every 256th byte,
				 * so that a column costs the same on a line
				 * of a hundred megabytes */
	struct remark *remarks; /* found by the YAML scanner, in order */
	uint32_t remark_count;
	uint32_t remark_capacity;
};

/* A half-open byte range [start, end) of one source. */
struct span {
	struct source *source; /* NULL: no place (a command line, say) */
	uint32_t start;
	uint32_t end;
};

/* A place as people count: from 1; columns in code points. */
struct place {
	uint32_t line;
	uint32_t column;
};

/* Read PATH ("-" is standard input) into ARENA.  False: *WHY is a message with
 * the errno text or the limit, without the path; nothing else is set. */
bool source_load(struct source *source, struct arena *arena, const char *path,
		 const char **why);

/* Wrap a copy of LENGTH bytes.  LENGTH <= SOURCE_MAX_BYTES. */
void source_from_bytes(struct source *source, struct arena *arena,
		       const char *name, const void *bytes, uint32_t length);

/* OFFSET (<= length) -> line and column.  Builds the line index in ARENA on
 * first use. */
struct place source_locate(struct source *source, struct arena *arena,
			   uint32_t offset);

/* Add a remark, unless it lies before the last one: scanners look ahead. */
void source_add_remark(struct source *source, struct arena *arena,
		       uint32_t start, uint32_t end);

/* The line that holds OFFSET, without its line break: borrowed bytes. */
const unsigned char *source_line(struct source *source, struct arena *arena,
				 uint32_t offset, uint32_t *length);

#endif
