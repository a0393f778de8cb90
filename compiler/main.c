/* main.c - smokescreenc: the command line to the command it names. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "command.h"
#include "options.h"

static int run(const struct options *options)
{
	switch (options->mode) {
	case MODE_COMPILE:
		return command_compile(options);
	case MODE_CHECK:
		return command_check(options);
	case MODE_EXPLAIN:
		return command_explain(options);
	case MODE_TEST:
		return command_test(options);
	case MODE_DUMP:
		return command_dump(options);
	case MODE_INFO:
		return command_info(options);
	case MODE_STAGE:
		return command_stage(options);
	case MODE_YAML_EVENTS:
		return command_yaml_events(options);
	case MODE_EXPLAIN_CODE:
		return command_explain_code(options);
	case MODE_PRINT_SCHEMA:
		return command_print_schema(options);
	}
	return STATUS_USAGE;
}

/* What was printed must have been written: a full disk is no success. */
static int close_stdout(int status)
{
	if (!ferror(stdout)) {
		if (fflush(stdout) == 0)
			return status;
	} else {
		/* It failed a while ago, and why is lost: fail again. */
		clearerr(stdout);
		errno = EIO;
		putchar('\n');
		fflush(stdout);
	}
	/* Whoever closed the pipe knows. */
	if (errno != EPIPE)
		fprintf(stderr, "smokescreenc: <stdout>: %s\n",
			strerror(errno));
	return STATUS_IO;
}

/* Out of memory ends the program; a document with holes would be worse. */
static void *allocate_json(size_t size)
{
	return allocate(1, size);
}

int main(int argc, char **argv)
{
	struct options options;
	struct arena *arena = arena_new();
	int status;

	/* A closed pipe is an error where it is written to. */
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(allocate_json, free);
	if (options_parse(&options, argc, argv, arena, &status))
		status = run(&options);
	status = close_stdout(status);
	arena_free(arena);
	return status;
}
