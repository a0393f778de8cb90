/* explain_all.c - the reference of all diagnostics as Markdown: what
 * docs/DIAGNOSTICS.md is made from. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "explain_code.h"

#define TEXT_WIDTH 78

static const struct group {
	char letter;
	const char *title;
	const char *about;
} groups[] = {
	{'Y', "The text as YAML",
	 "About the characters and the layout of any YAML file that is read: "
	 "policies, tests and configurations."},
	{'P', "The policy",
	 "What a policy may not say. Nothing is written while there is one."},
	{'L', "Lints",
	 "What a policy may say and had better not. Each can be set with "
	 "`--lint NAME=off|warn|error`; `--werror` makes every warning an "
	 "error."},
	{'T', "Policy tests", "About files of tests, and from running them."},
	{'C', "The proxy's configuration",
	 "About the configuration file of `smokescreen`."},
};

#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

static bool is_blank(char c)
{
	return c == ' ' || c == '\0';
}

/* The quote that closes the one at TEXT, or NULL: an apostrophe, or a quote
 * that stands for itself. */
static const char *closing_quote(const char *start, const char *text)
{
	bool opens = (text == start || strchr(" (", text[-1]) != NULL) &&
		     !is_blank(text[1]) && text[1] != '\'';

	if (!opens)
		return NULL;
	for (const char *p = text + 2; *p != '\0'; p++)
		if (*p == '\'' && (is_blank(p[1]) || strchr(".,:;)?", p[1])))
			return p;
	return NULL;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* True when the character at P would have a meaning.  An underscore inside a
 * word and an ampersand before a blank have none. */
static bool is_markup(const char *start, const char *p)
{
	if (*p == '_')
		return p == start || !is_letter(p[-1]) || !is_letter(p[1]);
	if (*p == '&')
		return !is_blank(p[1]);
	return strchr("\\`*[]<>#", *p) != NULL;
}

/* see explain_code.h */
const char *explain_markdown(struct arena *arena, const char *text)
{
	char *out = arena_alloc(arena, 2 * strlen(text) + 1);
	size_t used = 0;

	for (const char *p = text; *p != '\0'; p++) {
		const char *end = *p == '\'' ? closing_quote(text, p) : NULL;

		if (end != NULL && memchr(p, '`', (size_t)(end - p)) == NULL) {
			out[used++] = '`';
			memcpy(out + used, p + 1, (size_t)(end - p - 1));
			used += (size_t)(end - p - 1);
			out[used++] = '`';
			p = end;
			continue;
		}
		if (is_markup(text, p))
			out[used++] = '\\';
		out[used++] = *p;
	}
	out[used] = '\0';
	return out;
}

/* TEXT in lines that people can read in an editor, too.  Code may stand on two
 * lines: Markdown reads a line break in it as a blank. */
static void print_paragraph(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");
		/* At the start of a line these would begin something. */
		bool starts = strchr("-+=", *text) != NULL ||
			      (*text >= '0' && *text <= '9');

		if (column > 0 && column + 1 + word > TEXT_WIDTH && !starts) {
			putchar('\n');
			column = 0;
		}
		if (column > 0)
			column += (size_t)printf(" ");
		column += (size_t)printf("%.*s", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* see explain_code.h */
const char *explain_severity(enum diag_severity severity)
{
	static const char *const words[] = {
		[DIAG_OFF] = "off unless asked for",
		[DIAG_WARNING] = "warning",
		[DIAG_ERROR] = "error",
	};

	return words[severity];
}

/* "p031-wildcard-not-first": the anchor that Markdown readers give the heading
 * of INFO. */
static void print_anchor(const struct diag_info *info)
{
	for (const char *p = info->code; *p != '\0'; p++)
		putchar(*p >= 'A' && *p <= 'Z' ? *p | 0x20 : *p);
	printf("-%s", info->name);
}

static void print_contents(struct arena *arena, const struct group *group)
{
	printf("- **%s**\n", group->title);
	for (size_t i = 0; i < DIAG_CODE_COUNT; i++) {
		const struct diag_info *info = &diag_info[i];

		if (info->code[0] != group->letter)
			continue;
		printf("  - [%s](#", info->code);
		print_anchor(info);
		printf(") %s\n", explain_markdown(arena, info->text));
	}
}

static void print_group(struct arena *arena, const struct group *group)
{
	printf("\n## %s\n\n", group->title);
	print_paragraph(group->about);
	for (size_t i = 0; i < DIAG_CODE_COUNT; i++) {
		const struct diag_info *info = &diag_info[i];

		if (info->code[0] != group->letter)
			continue;
		printf("\n### %s %s\n\n**%s**: %s\n\n", info->code, info->name,
		       explain_severity(info->severity),
		       explain_markdown(arena, info->text));
		print_paragraph(explain_markdown(arena, info->help));
	}
}

/* see explain_code.h */
void explain_all(void)
{
	struct arena *arena = arena_new();

	fputs("# Diagnostics\n\n", stdout);
	print_paragraph("Everything that `smokescreenc` and the proxy's "
			"configuration reader can report, by its permanent "
			"code. `smokescreenc --explain-code CODE` prints one "
			"of them; this page is what `--explain-code all` "
			"prints.");
	putchar('\n');
	for (size_t i = 0; i < GROUP_COUNT; i++)
		print_contents(arena, &groups[i]);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		print_group(arena, &groups[i]);
	arena_free(arena);
}
