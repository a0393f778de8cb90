/* check.c - compile, and the same without writing. */
#include <stdio.h>
#include <string.h>

#include "check_files.h"
#include "command.h"
#include "compile.h"
#include "fix.h"
#include "output.h"
#include "progress.h"
#include "quote.h"
#include "report.h"

static int worse(int a, int b)
{
	return a > b ? a : b;
}

/* see command.h */
int command_compile(const struct options *options)
{
	struct compilation compilation;
	struct report report;
	int status = STATUS_IO;

	if (options->operand_count != 1)
		return options_usage(options->operand_count == 0
					     ? "name a policy to compile"
					     : "one policy at a time is "
					       "compiled; --check takes more");

	const char *source = options->operands[0];

	if (strcmp(source, "-") == 0 && options->output == NULL)
		return options_usage("a policy from standard input needs -o");

	/* The blob may be on standard output; then what is said is not. */
	bool to_stdout =
		options->output != NULL && strcmp(options->output, "-") == 0;
	bool text = options->format == FORMAT_TEXT;

	compile_init(&compilation, options);
	compilation.lint = true;
	report_begin(&report, options, text || to_stdout ? stderr : stdout);
	report.brief = true;
	progress_start(options->quiet);
	progress_show("compiling", 1, 1, source);
	if (compile_load(&compilation, source) == COMPILE_OK) {
		enum compile_result result =
			compile_run(&compilation, STAGE_BLOB);

		progress_hide();
		if (result != COMPILE_IO)
			report_file(&report, &compilation.source,
				    &compilation.diags);
		if (result == COMPILE_ERRORS)
			status = STATUS_NO;
		/* A report that cannot be written is a failure, too, and
		 * failures write nothing. */
		if (result == COMPILE_OK &&
		    (report.out != stdout || fflush(stdout) == 0))
			status = output_write(
				options->output != NULL
					? options->output
					: output_name(compilation.arena,
						      source),
				source, compilation.blob,
				compilation.blob_length);
	}
	progress_stop();
	if (compilation.unread != NULL)
		report_unread(&report, compilation.unread,
			      compilation.unread_why);
	report_end(&report, status);
	compile_fini(&compilation);
	return status;
}

static int check_file(const struct options *options, struct report *report,
		      const char *path)
{
	struct compilation compilation;
	enum compile_result result = COMPILE_IO;
	int status = STATUS_IO;

	compile_init(&compilation, options);
	compilation.lint = true;
	compilation.tests_too = true;
	if (options->fix)
		result = fix_run(&compilation, path);
	else if (compile_load(&compilation, path) == COMPILE_OK)
		result = compile_run(&compilation, STAGE_BLOB);
	progress_hide();
	if (result == COMPILE_IO) {
		report_unread(report,
			      compilation.unread != NULL ? compilation.unread
							 : path,
			      compilation.unread != NULL
				      ? compilation.unread_why
				      : "could not be read or written");
	} else {
		report_file(report, &compilation.source, &compilation.diags);
		status = result == COMPILE_OK ? STATUS_YES : STATUS_NO;
	}
	compile_fini(&compilation);
	return status;
}

static bool reads_stdin_again(const struct options *options)
{
	uint32_t times = options->config_file != NULL &&
			 strcmp(options->config_file, "-") == 0;

	for (uint32_t i = 0; i < options->operand_count; i++)
		times += strcmp(options->operands[i], "-") == 0;
	return times > 1;
}

/* The mended text of standard input goes to standard output; then the report
 * does not. */
static FILE *report_stream(const struct options *options)
{
	if (options->fix)
		for (uint32_t i = 0; i < options->operand_count; i++)
			if (strcmp(options->operands[i], "-") == 0)
				return stderr;
	return stdout;
}

/* see command.h */
int command_check(const struct options *options)
{
	struct arena *arena;
	struct check_files files;
	struct report report;
	int status = STATUS_YES;

	if (options->operand_count == 0)
		return options_usage("--check takes at least one policy");
	if (reads_stdin_again(options))
		return options_usage("standard input is one file: it cannot be "
				     "read twice");
	arena = arena_new();
	report_begin(&report, options, report_stream(options));
	progress_start(options->quiet);
	check_files_find(&files, arena, options->operands,
			 options->operand_count);
	/* Nobody would read the rest once the report cannot be written. */
	for (uint32_t i = 0; i < files.count && !ferror(report.out); i++) {
		const struct check_file *file = &files.items[i];

		if (file->why != NULL) {
			progress_hide();
			fprintf(stderr, "smokescreenc: %s: %s\n",
				quote_visible(arena, str_from(file->path)),
				file->why);
			report_unread(&report, file->path, file->why);
			status = worse(status, STATUS_IO);
			continue;
		}
		progress_show("checking", i + 1, files.count, file->path);
		status =
			worse(status, check_file(options, &report, file->path));
	}
	progress_stop();
	report_end(&report, status);
	arena_free(arena);
	return status;
}
