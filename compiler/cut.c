#include "cut.h"

#include <string.h>

/* The bytes of one source, around one entry. */
struct place_of {
	const unsigned char *first; /* of the source */
	const unsigned char *end;   /* of the source */
	const unsigned char *from;  /* the entry */
	const unsigned char *to;
	/* The first of the entry's line, when blanks alone are before it, or a
	 * dash; else NULL.  Lines may be as long as the file: nobody goes back
	 * to the start of one for every entry. */
	const unsigned char *line;
	const unsigned char *dash; /* or NULL */
};

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(unsigned char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static const unsigned char *skip_blanks(const struct place_of *place,
					const unsigned char *p)
{
	while (p < place->end && is_blank(*p))
		p++;
	return p;
}

static bool ends_line(const struct place_of *place, const unsigned char *p)
{
	return p == place->end || *p == '\n' ||
	       (*p == '\r' && p + 1 < place->end && p[1] == '\n');
}

static const unsigned char *next_line(const struct place_of *place,
				      const unsigned char *p)
{
	p = memchr(p, '\n', (size_t)(place->end - p));
	return p == NULL ? place->end : p + 1;
}

static const unsigned char *back_over_blanks(const struct place_of *place,
					     const unsigned char *p)
{
	while (p > place->first && is_blank(p[-1]))
		p--;
	return p;
}

static bool starts_line(const struct place_of *place, const unsigned char *p)
{
	return p == place->first || p[-1] == '\n';
}

static void find_line(struct place_of *place)
{
	const unsigned char *p = back_over_blanks(place, place->from);

	if (p < place->from && p > place->first && p[-1] == '-') {
		place->dash = p - 1;
		p = back_over_blanks(place, place->dash);
	}
	if (starts_line(place, p))
		place->line = p;
}

/* P is at a comment that speaks to the compiler. */
static bool is_remark(const struct place_of *place, const unsigned char *p)
{
	size_t n = sizeof(REMARK_MARK) - 1;

	if (p == place->end || *p != '#')
		return false;
	p = skip_blanks(place, p + 1);
	return (size_t)(place->end - p) >= n && memcmp(p, REMARK_MARK, n) == 0;
}

/* A comment to the compiler stands above, and would speak of the next line. */
static bool has_remark_above(const struct place_of *place)
{
	const unsigned char *line = place->line;

	while (line != NULL && line > place->first) {
		const unsigned char *before = memrchr(
			place->first, '\n', (size_t)(line - 1 - place->first));

		line = before == NULL ? place->first : before + 1;

		const unsigned char *p = skip_blanks(place, line);

		if (is_remark(place, p))
			return true;
		if (p == place->end || *p != '#')
			return false;
	}
	return false;
}

/* TEXT as it is, or between quotes: no alias, no escape. */
static bool says(const struct place_of *place, struct str text)
{
	const unsigned char *p = place->from;
	size_t n = (size_t)(place->to - p);

	if (n == text.n)
		return n > 0 && memcmp(p, text.p, n) == 0;
	return n == text.n + 2 && (*p == '"' || *p == '\'') && p[n - 1] == *p &&
	       memcmp(p + 1, text.p, text.n) == 0;
}

static bool cut_lines(const struct place_of *place, const unsigned char *to,
		      const unsigned char *bounds[2])
{
	if (has_remark_above(place))
		return false;
	bounds[0] = place->line;
	bounds[1] = next_line(place, to);
	return true;
}

/* "  - entry" */
static bool cut_item(const struct place_of *place,
		     const unsigned char *bounds[2])
{
	const unsigned char *p = skip_blanks(place, place->to);

	if (ends_line(place, p) || is_remark(place, p))
		return cut_lines(place, p, bounds);
	if (*p != '#' || has_remark_above(place))
		return false;
	/* the comment keeps its line */
	bounds[0] = place->dash;
	bounds[1] = p;
	return true;
}

/* "entry," between brackets, COMMA being behind its comma. */
static bool cut_before_comma(const struct place_of *place,
			     const unsigned char *comma,
			     const unsigned char *bounds[2])
{
	const unsigned char *rest = skip_blanks(place, comma);
	bool alone = place->line != NULL;

	if (alone && (ends_line(place, rest) || is_remark(place, rest)))
		return cut_lines(place, rest, bounds);
	if (alone && has_remark_above(place))
		return false;
	bounds[0] = place->from;
	bounds[1] = rest;
	/* no blanks at the end of the line */
	if (!alone && ends_line(place, rest))
		bounds[0] = back_over_blanks(place, bounds[0]);
	return true;
}

/* The last entry between brackets goes with the comma before it. */
static bool cut_last(const struct place_of *place,
		     const unsigned char *bounds[2])
{
	const unsigned char *p = place->from;

	while (p > place->first && is_space(p[-1]))
		p--;
	if (p == place->first || p[-1] != ',')
		return false;
	if (has_remark_above(place))
		return false;
	bounds[0] = p - 1;
	bounds[1] = place->to;
	return true;
}

/* see cut.h */
bool cut_entry(struct span entry, struct str text, struct span *cut)
{
	const unsigned char *bytes = entry.source->bytes;
	struct place_of place = {
		.first = bytes,
		.end = bytes + entry.source->length,
		.from = bytes + entry.start,
		.to = bytes + entry.end,
	};
	const unsigned char *bounds[2];
	bool ok;

	if (!says(&place, text))
		return false;
	find_line(&place);

	const unsigned char *comma = place.to;

	while (comma < place.end && is_space(*comma))
		comma++;
	if (place.dash != NULL) {
		ok = place.line != NULL && cut_item(&place, bounds);
	} else if (comma < place.end && *comma == ',') {
		const unsigned char *p = place.from;

		/* behind a bracket or comma, and not behind an anchor */
		while (p > place.first && is_space(p[-1]))
			p--;
		ok = p > place.first && (p[-1] == ',' || p[-1] == '[') &&
		     cut_before_comma(&place, comma + 1, bounds);
	} else {
		ok = cut_last(&place, bounds);
	}
	if (!ok)
		return false;
	*cut = (struct span){entry.source, (uint32_t)(bounds[0] - bytes),
			     (uint32_t)(bounds[1] - bytes)};
	return true;
}
