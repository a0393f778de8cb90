#include "escape.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"

/* "\xNN" and its NUL. */
#define BYTE_ESCAPE 5

/* True for a byte that is no UTF-8, and for what XML 1.0 (section 2.2) has no
 * place for. */
static bool xml_forbids(uint32_t rune)
{
	if ((rune & QUOTE_NOT_UTF8) != 0)
		return true;
	return (rune < 0x20 && rune != '\t' && rune != '\n' && rune != '\r') ||
	       rune == 0xfffe || rune == 0xffff;
}

/* see escape.h */
char *escape_utf8(struct arena *arena, const char *text, size_t length,
		  bool controls, size_t *out_length)
{
	char *out = arena_alloc(arena, length * (BYTE_ESCAPE - 1) + 1);
	size_t used = 0;

	for (size_t i = 0, n; i < length; i += n) {
		uint32_t rune = quote_next_rune(text + i, length - i, &n);

		if ((rune & QUOTE_NOT_UTF8) != 0 ||
		    (controls && (rune < 0x20 || rune == 0x7f))) {
			snprintf(out + used, BYTE_ESCAPE, "\\x%02x",
				 rune & 0xffu);
			used += BYTE_ESCAPE - 1;
			continue;
		}
		memcpy(out + used, text + i, n);
		used += n;
	}
	out[used] = '\0';
	*out_length = used;
	return out;
}

/* see escape.h */
void escape_xml(FILE *out, const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0, n; i < length; i += n) {
		uint32_t rune = quote_next_rune(text + i, length - i, &n);

		if (xml_forbids(rune)) {
			for (size_t j = 0; j < n; j++)
				fprintf(out, "\\x%02x",
					(unsigned char)text[i + j]);
			continue;
		}
		switch (rune) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		/* As they are, attributes would turn them into blanks. */
		case '\t':
		case '\n':
		case '\r':
			fprintf(out, "&#%u;", rune);
			break;
		default:
			fwrite(text + i, 1, n, out);
		}
	}
}

/* see escape.h */
void escape_workflow(FILE *out, const char *text, bool property)
{
	size_t length = strlen(text);

	for (size_t i = 0, n; i < length; i += n) {
		uint32_t rune = quote_next_rune(text + i, length - i, &n);
		bool special = rune == '%' || rune == '\r' || rune == '\n' ||
			       (property && (rune == ':' || rune == ','));

		/* The log is shown as a terminal would show it. */
		if (special)
			fprintf(out, "%%%02X", rune);
		else if ((rune & QUOTE_NOT_UTF8) != 0 || rune < 0x20 ||
			 rune == 0x7f)
			fprintf(out, "\\x%02x", rune & 0xffu);
		else
			fwrite(text + i, 1, n, out);
	}
}

/* see escape.h */
const char *escape_path(const char *name)
{
	while (name[0] == '.' && name[1] == '/') {
		name += 2;
		name += strspn(name, "/");
	}
	return name;
}

static bool has_parent_segment(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2)
		if ((p == path || p[-1] == '/') &&
		    (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* True at a slash that starts an empty segment or one that is a dot. */
static bool is_idle_slash(const char *p)
{
	return p[0] == '/' && (p[1] == '/' || (p[1] == '.' && p[2] == '/'));
}

/* PREFIX and PATH, whose bytes are percent-encoded but for the unreserved ones
 * and the slashes. */
static const char *encode(struct arena *arena, const char *prefix,
			  const char *path)
{
	size_t used = strlen(prefix);
	char *uri = arena_alloc(arena, used + 3 * strlen(path) + 1);

	memcpy(uri, prefix, used);
	for (const char *p = path; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (is_idle_slash(p)) {
			p += p[1] == '.';
			continue;
		}
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr("-._~/", c) != NULL) {
			uri[used++] = (char)c;
			continue;
		}
		snprintf(uri + used, 4, "%%%02X", c);
		used += 3;
	}
	uri[used] = '\0';
	return uri;
}

/* see escape.h */
const char *escape_uri(struct arena *arena, const char *name, bool *relative)
{
	const char *path = escape_path(name);
	char *absolute = NULL;

	*relative = false;
	if (strcmp(name, "<stdin>") == 0)
		return encode(arena, "", name);
	if (path[0] == '/')
		return encode(arena, "file://", path);
	/* Out of the working directory: a reader that knows where the report
	 * was made could still not tell where that leads. */
	if (has_parent_segment(path))
		absolute = realpath(path, NULL);
	if (absolute != NULL) {
		const char *uri = encode(arena, "file://", absolute);

		free(absolute);
		return uri;
	}
	*relative = true;
	return encode(arena, "", path);
}
