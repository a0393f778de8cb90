/* yaml_recover.c - after a hard error: where to go on.
 * The rest of the entry is skipped.  Scanning goes on at the next line that
 * looks like an entry of one of the open blocks, with a parser that is led
 * there afresh, so that one mistake is reported once and the next one still
 * is. */
#include <string.h>

#include "grammar/yaml.h"
#include "yaml_lex.h"
#include "yaml_scan-internal.h"

enum entry { ENTRY_NONE = 0, ENTRY_KEY, ENTRY_DASH };

/* What the line whose text starts at P looks like.  *END is its end. */
static enum entry entry_at(const struct yaml_scan *scan, const unsigned char *p,
			   const unsigned char **end)
{
	enum entry entry = ENTRY_NONE;

	*end = memchr(p, '\n', (size_t)(scan->limit - p));
	if (*end == NULL)
		*end = scan->limit;
	if (p[0] == '-' && yaml_is_space(p[1]))
		return ENTRY_DASH;
	if (p[0] == '#' || yaml_is_space(p[0]))
		return ENTRY_NONE;
	for (const unsigned char *colon = p + 1;
	     entry == ENTRY_NONE && colon < *end; colon++) {
		colon = memchr(colon, ':', (size_t)(*end - colon));
		if (colon == NULL)
			break;
		if (yaml_is_space(colon[1]))
			entry = ENTRY_KEY;
	}
	return entry;
}

/* The level at which ENTRY in COLUMN goes on; its index + 1, or 0. */
static unsigned resume_level(struct yaml_scan *scan, enum entry entry,
			     uint32_t column)
{
	/* An error before anything was open: the first entry decides. */
	if (scan->level_count == 0 && column == 0 && entry != ENTRY_NONE) {
		scan->levels[0] =
			(struct yaml_level){.sequence = entry == ENTRY_DASH};
		return 1;
	}
	for (unsigned i = 0; i < scan->level_count; i++) {
		if (scan->levels[i].column != column)
			continue;
		if (entry == ENTRY_DASH ||
		    (entry == ENTRY_KEY && !scan->levels[i].sequence))
			return i + 1;
	}
	return 0;
}

/* The tokens that lead to LEVELS[COUNT - 1], ready for ENTRY. */
static unsigned lead(const struct yaml_scan *scan, unsigned count,
		     enum entry entry, int path[YAML_MAX_PATH])
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct yaml_level *level = &scan->levels[i];

		if (i > 0)
			path[n++] = scan->levels[i - 1].sequence ? TOKEN_DASH
								 : TOKEN_KEY;
		if (level->dashed)
			path[n++] = TOKEN_DASH;
		path[n++] = level->sequence ? TOKEN_SEQ_START : TOKEN_MAP_START;
	}
	if (entry == ENTRY_DASH && !scan->levels[count - 1].sequence)
		path[n++] = TOKEN_KEY;
	return n;
}

unsigned yaml_scan_recover(struct yaml_scan *scan, int path[YAML_MAX_PATH])
{
	const unsigned char *line = scan->resume;

	if (line == NULL) {
		line = memchr(scan->cursor, '\n',
			      (size_t)(scan->limit - scan->cursor));
		line = line != NULL ? line + 1 : scan->limit;
	}
	scan->resume = NULL;
	scan->closing = scan->queued = 0;
	scan->flow_count = 0;
	for (const unsigned char *end; line < scan->limit; line = end + 1) {
		yaml_enter_line(scan, line);

		enum entry entry = entry_at(scan, line + scan->indent, &end);
		unsigned count = resume_level(scan, entry, scan->indent);

		if (count == 0 && scan->indent == 0 &&
		    yaml_lex_marker(line) != MARKER_NONE)
			break;
		if (end >= scan->limit)
			end = scan->limit - 1;
		if (count == 0)
			continue;
		scan->cursor = line;
		scan->fresh = true;
		scan->level_count = count;
		scan->previous = TOKEN_SCALAR;
		return lead(scan, count, entry, path);
	}
	scan->cursor = scan->limit;
	return 0;
}
