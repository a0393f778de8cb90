/* check.c - compile, and the same without writing. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "compile.h"
#include "output.h"
#include "report.h"

#define MAX_DIRECTORY_DEPTH 32

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

	compile_init(&compilation, options);
	compilation.lint = true;
	if (compile_load(&compilation, source) != COMPILE_OK)
		goto out;

	enum compile_result result = compile_run(&compilation, STAGE_BLOB);

	if (result == COMPILE_IO)
		goto out;
	report_begin(&report, options,
		     options->json && !to_stdout ? stdout : stderr);
	report_file(&report, &compilation.diags);
	/* A clean compile says nothing. */
	if (options->json || compilation.diags.count > 0)
		report_end(&report);
	status = STATUS_NO;
	if (result == COMPILE_ERRORS)
		goto out;
	status =
		output_write(options->output != NULL
				     ? options->output
				     : output_name(compilation.arena, source),
			     source, compilation.blob, compilation.blob_length);
out:
	compile_fini(&compilation);
	return status;
}

static int check_file(const struct options *options, struct report *report,
		      const char *path)
{
	struct compilation compilation;
	int status = STATUS_IO;

	compile_init(&compilation, options);
	compilation.lint = true;
	if (compile_load(&compilation, path) == COMPILE_OK) {
		enum compile_result result =
			compile_run(&compilation, STAGE_BLOB);

		if (result != COMPILE_IO) {
			report_file(report, &compilation.diags);
			status = result == COMPILE_OK ? STATUS_YES : STATUS_NO;
		}
	}
	compile_fini(&compilation);
	return status;
}

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name);
	size_t m = strlen(ending);

	return n > m && strcmp(name + n - m, ending) == 0;
}

/* Policies, but not the tests beside them. */
static bool is_policy_name(const char *name)
{
	return (ends_with(name, ".yaml") || ends_with(name, ".yml")) &&
	       !ends_with(name, ".test.yaml") && !ends_with(name, ".test.yml");
}

static int check_directory(const struct options *options, struct report *report,
			   const char *path, int depth);

/* DEPTH 0: named by the user, so whatever it is is read. */
static int check_path(const struct options *options, struct report *report,
		      const char *path, int depth)
{
	struct stat st;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		return check_directory(options, report, path, depth);
	return check_file(options, report, path);
}

static int check_entry(const struct options *options, struct report *report,
		       const char *directory, const struct dirent *entry,
		       int depth)
{
	size_t room = strlen(directory) + strlen(entry->d_name) + 2;
	char *path = malloc(room);
	struct stat st;
	int status = STATUS_YES;

	if (path == NULL) {
		fputs("smokescreenc: out of memory\n", stderr);
		return STATUS_IO;
	}
	snprintf(path, room, "%s%s%s", directory,
		 ends_with(directory, "/") ? "" : "/", entry->d_name);
	/* Links to directories are not followed: they may lead round. */
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		status = check_directory(options, report, path, depth + 1);
	else if (is_policy_name(entry->d_name))
		status = check_file(options, report, path);
	free(path);
	return status;
}

static int check_directory(const struct options *options, struct report *report,
			   const char *path, int depth)
{
	struct dirent **entries;
	int status = STATUS_YES;

	if (depth > MAX_DIRECTORY_DEPTH) {
		fprintf(stderr,
			"smokescreenc: %s: more than %d directories "
			"deep\n",
			path, MAX_DIRECTORY_DEPTH);
		return STATUS_IO;
	}

	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0) {
		fprintf(stderr, "smokescreenc: %s: %s\n", path,
			strerror(errno));
		return STATUS_IO;
	}
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			status =
				worse(status, check_entry(options, report, path,
							  entries[i], depth));
		free(entries[i]);
	}
	free(entries);
	return status;
}

/* see command.h */
int command_check(const struct options *options)
{
	struct report report;
	int status = STATUS_YES;

	if (options->operand_count == 0)
		return options_usage("--check takes at least one policy");
	report_begin(&report, options, stdout);
	for (uint32_t i = 0; i < options->operand_count; i++)
		status = worse(status, check_path(options, &report,
						  options->operands[i], 0));
	report_end(&report);
	return status;
}
