/* yaml_events.c - what the front end reads in a file, in the event notation of
 * the YAML test suite. */
#include <stdio.h>

#include "command.h"
#include "compile.h"
#include "grammar/events.h"
#include "report.h"

/* see command.h */
int command_yaml_events(const struct options *options)
{
	struct compilation compilation;
	int status = STATUS_IO;

	if (options->operand_count != 1)
		return options_usage("--yaml-events takes one file");
	compile_init(&compilation, options);
	/* Strictly YAML here, where policies are let off with a warning. */
	compilation.diags.severity[DIAG_Y020] = DIAG_ERROR;
	if (compile_load(&compilation, options->operands[0]) == COMPILE_OK) {
		status = document_events(&compilation.source,
					 &compilation.diags, stdout)
				 ? STATUS_YES
				 : STATUS_NO;
		report_errors(options, &compilation.diags);
	}
	compile_fini(&compilation);
	return status;
}
