#include "explain_code.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "grammar/diagnostic.h"
#include "quote.h"

#define TEXT_WIDTH 76

/* TEXT, broken at blanks. */
static void print_wrapped(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column > 0 && column + 1 + word > TEXT_WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column > 0) {
			putchar(' ');
			column++;
		}
		fwrite(text, 1, word, stdout);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static int unknown_code(const char *code)
{
	const char *names[DIAG_CODE_COUNT];
	struct arena *arena = arena_new();

	for (size_t i = 0; i < DIAG_CODE_COUNT; i++)
		names[i] = diag_info[i].name;

	const char *near = diag_nearest(code, names, DIAG_CODE_COUNT);

	fprintf(stderr, "smokescreenc: no diagnostic is called '%s'%s%s%s\n",
		quote_visible(arena, str_from(code)),
		near != NULL ? ": did you mean '" : "",
		near != NULL ? near : "", near != NULL ? "'?" : "");
	arena_free(arena);
	return STATUS_NO;
}

/* see command.h */
int command_explain_code(const struct options *options)
{
	enum diag_code code;

	if (options->operand_count > 0)
		return options_usage("--explain-code takes one code");
	if (strcmp(options->code, "all") == 0) {
		explain_all();
		return STATUS_YES;
	}
	if (!diag_find(options->code, &code))
		return unknown_code(options->code);

	const struct diag_info *info = &diag_info[code];

	printf("%s %s (%s)\n%s\n\n", info->code, info->name,
	       explain_severity(info->severity), info->text);
	print_wrapped(info->help);
	return STATUS_YES;
}
