/* options.h - the command line, read and checked. */
#ifndef COMPILER_OPTIONS_H
#define COMPILER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "acl.h"
#include "addresses.h"
#include "grammar/arena.h"
#include "grammar/diagnostic.h"

/* Exit statuses of the program. */
enum status {
	STATUS_YES = 0,
	STATUS_NO = 1,    /* errors, a denial, a failed test */
	STATUS_USAGE = 2, /* the command line makes no sense */
	STATUS_IO = 3,    /* could not read or write */
};

enum mode {
	MODE_COMPILE = 0,
	MODE_CHECK,
	MODE_EXPLAIN,
	MODE_TEST,
	MODE_DUMP,
	MODE_INFO,
	MODE_STAGE,
	MODE_YAML_EVENTS,
	MODE_EXPLAIN_CODE,
	MODE_PRINT_SCHEMA,
};

enum option_format {
	FORMAT_TEXT = 0,
	FORMAT_JSON,
	FORMAT_SARIF,
	FORMAT_GITHUB,
	FORMAT_JUNIT,
};

enum option_color { COLOR_AUTO = 0, COLOR_ALWAYS, COLOR_NEVER };

struct options {
	enum mode mode;
	const char **operands; /* what is no option, in order */
	uint32_t operand_count;
	const char *output; /* NULL: beside the source */
	bool strip;
	bool quiet;
	bool fix; /* of --check */
	enum option_format format;
	enum option_color color;
	const char *stage;
	const char *code;
	const char *schema; /* which one to print */

	const char *role; /* NULL: not given, as the next three */
	const char *host;
	const char *address;
	const char *external_proxy;
	bool batch;

	bool werror;
	bool allow_unknown_keys;
	enum diag_severity severity[DIAG_CODE_COUNT]; /* after --lint */
	struct acl_options acl;
	const char *config_file;    /* NULL: none */
	struct addresses addresses; /* of the flags */
	bool reads_acl;             /* an option was given that has a meaning
				     * for YAML policies only */
	const char *reads_acl_name; /* which */
};

/* Read the command line into OPTIONS.  True: go on.  False: *STATUS is the
 * program's; what was to be said has been printed. */
bool options_parse(struct options *options, int argc, char **argv,
		   struct arena *arena, int *status);

/* True when what goes to STREAM should be coloured. */
bool options_colour(const struct options *options, FILE *stream);

/* "smokescreenc: MESSAGE" and where to look for help; returns STATUS_USAGE. */
int options_usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif
