/* explain_code.c - the long explanation of one diagnostic. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "grammar/diagnostic.h"

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

/* see command.h */
int command_explain_code(const struct options *options)
{
	static const char *const severities[] = {
		[DIAG_OFF] = "off unless asked for",
		[DIAG_WARNING] = "warning",
		[DIAG_ERROR] = "error",
	};
	enum diag_code code;

	if (options->operand_count > 0)
		return options_usage("--explain-code takes one code");
	if (!diag_find(options->code, &code)) {
		fprintf(stderr, "smokescreenc: no diagnostic is called '%s'\n",
			options->code);
		return STATUS_NO;
	}

	const struct diag_info *info = &diag_info[code];

	printf("%s %s (%s)\n%s\n\n", info->code, info->name,
	       severities[info->severity], info->text);
	print_wrapped(info->help);
	return STATUS_YES;
}
