/* options.c - reads the command line by the table in options.def.  By hand:
 * getopt_long() takes abbreviations, and cannot say what was meant. */
#include "options.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lint.h"
#include "quote.h"

#define MODE_BIT(name) (1u << MODE_##name)
#define EVERYWHERE (~0u)
/* where a YAML policy is read */
#define READS_ACL                                                              \
	(MODE_BIT(COMPILE) | MODE_BIT(CHECK) | MODE_BIT(EXPLAIN) |             \
	 MODE_BIT(TEST) | MODE_BIT(DUMP) | MODE_BIT(INFO) | MODE_BIT(STAGE))

enum option_id {
#define OPTION(id, name, argument, modes, help) OPTION_##id,
#include "options.def"
#undef OPTION
	OPTION_COUNT
};

static const struct {
	const char *name;
	const char *argument;
	unsigned modes;
	const char *help;
} table[OPTION_COUNT] = {
#define OPTION(id, name, argument, modes, help) {name, argument, modes, help},
#include "options.def"
#undef OPTION
};

static const char *const mode_names[] = {
	[MODE_COMPILE] = "compiling",
	[MODE_CHECK] = "--check",
	[MODE_EXPLAIN] = "--explain",
	[MODE_TEST] = "--test",
	[MODE_DUMP] = "--dump",
	[MODE_INFO] = "--info",
	[MODE_STAGE] = "--stage",
	[MODE_YAML_EVENTS] = "--yaml-events",
	[MODE_EXPLAIN_CODE] = "--explain-code",
	[MODE_PRINT_SCHEMA] = "--print-schema",
};

static const char *const format_names[] = {
	[FORMAT_TEXT] = "text",   [FORMAT_JSON] = "json",
	[FORMAT_SARIF] = "sarif", [FORMAT_GITHUB] = "github",
	[FORMAT_JUNIT] = "junit",
};

/* see options.h */
int options_usage(const char *format, ...)
{
	va_list ap;

	fputs("smokescreenc: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs("\ntry 'smokescreenc --help'\n", stderr);
	return STATUS_USAGE;
}

static void print_help(void)
{
	fputs("usage: smokescreenc [-o BLOB] ACL.yaml\n"
	      "       smokescreenc --check ACL.yaml...\n"
	      "       smokescreenc --explain POLICY --role R --host H[:PORT] "
	      "[--address IP]\n"
	      "                    [--external-proxy HOST]\n"
	      "       smokescreenc --explain POLICY --batch\n"
	      "       smokescreenc --test POLICY TESTS.yaml...\n"
	      "       smokescreenc --dump BLOB\n"
	      "       smokescreenc --info BLOB\n"
	      "POLICY is a blob or a YAML ACL.  '-' is standard input or "
	      "output.\n"
	      "\n",
	      stdout);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", table[i].name,
			 table[i].argument != NULL ? " " : "",
			 table[i].argument != NULL ? table[i].argument : "");
		printf("  %-36s %s\n", left, table[i].help);
	}
	fputs("\nExit status: 0 yes; 1 no; 2 usage; 3 could not read or "
	      "write.\n",
	      stdout);
}

/* One command line being read. */
struct parse {
	struct options *options;
	struct arena *arena;
	bool given[OPTION_COUNT];
	bool mode_given;
	int status; /* of a failure */
};

static bool fail(struct parse *parse, int status)
{
	parse->status = status;
	return false;
}

static bool set_mode(struct parse *parse, enum mode mode)
{
	struct options *options = parse->options;

	if (parse->mode_given && options->mode != mode)
		return fail(parse, options_usage("%s and %s at once",
						 mode_names[options->mode],
						 mode_names[mode]));
	parse->mode_given = true;
	options->mode = mode;
	return true;
}

/* NAME=off|warn|error, where NAME may be 'all' */
static bool set_lint(struct parse *parse, const char *value)
{
	static const struct {
		const char *word;
		enum diag_severity severity;
	} words[] = {{"off", DIAG_OFF},
		     {"warn", DIAG_WARNING},
		     {"error", DIAG_ERROR}};
	const char *equals = strchr(value, '=');
	enum diag_severity *severity = parse->options->severity;
	enum diag_code code = DIAG_CODE_COUNT;
	size_t word = 0;

	if (equals == NULL)
		return fail(parse,
			    options_usage("--lint %s: NAME=off|warn|error is "
					  "meant",
					  value));

	const char *name =
		arena_strndup(parse->arena, value, (size_t)(equals - value));
	bool all = strcmp(name, "all") == 0;

	if (!all && !lint_find(name, &code)) {
		const char *near = lint_nearest(name);

		return fail(
			parse,
			options_usage("--lint: no lint is called '%s'%s%s%s",
				      name, near ? ": did you mean '" : "",
				      near ? near : "", near ? "'?" : ""));
	}
	while (word < sizeof(words) / sizeof(words[0]) &&
	       strcmp(equals + 1, words[word].word) != 0)
		word++;
	if (word == sizeof(words) / sizeof(words[0]))
		return fail(parse,
			    options_usage("--lint %s: off, warn or error, not "
					  "'%s'",
					  value, equals + 1));
	for (unsigned i = 0; i < DIAG_CODE_COUNT; i++)
		if (all ? lint_is_lint((enum diag_code)i) : i == code)
			severity[i] = words[word].severity;
	return true;
}

static bool add_address(struct parse *parse, enum option_id id,
			enum addresses_list which, const char *value)
{
	enum diag_code code;
	const char *wrong = addresses_add(&parse->options->addresses,
					  parse->arena, which, str_from(value),
					  (struct span){NULL, 0, 0}, &code);

	if (wrong == NULL)
		return true;
	return fail(parse, options_usage("--%s: %s", table[id].name, wrong));
}

/* One of WORDS -> its index in *CHOICE. */
static bool choose(struct parse *parse, enum option_id id, const char *value,
		   const char *const *words, unsigned count, unsigned *choice)
{
	for (*choice = 0; *choice < count; ++*choice)
		if (strcmp(value, words[*choice]) == 0)
			return true;
	return fail(parse, options_usage("--%s %s: %s is meant", table[id].name,
					 value, table[id].argument));
}

static bool disable_action(struct parse *parse, const char *value)
{
	enum rule_action action;

	if (!acl_parse_action(str_from(value), &action))
		return fail(parse, options_usage("--disable-acl-policy-action: "
						 "unknown action %s",
						 value));
	parse->options->acl.disabled[action] = true;
	return true;
}

static bool take(struct parse *parse, enum option_id id, const char *value)
{
	static const char *const colors[] = {"auto", "always", "never"};
	struct options *options = parse->options;
	unsigned choice;

	switch (id) {
	case OPTION_CHECK:
		return set_mode(parse, MODE_CHECK);
	case OPTION_FIX:
		options->fix = true;
		return set_mode(parse, MODE_CHECK);
	case OPTION_EXPLAIN:
		return set_mode(parse, MODE_EXPLAIN);
	case OPTION_TEST:
		return set_mode(parse, MODE_TEST);
	case OPTION_DUMP:
		return set_mode(parse, MODE_DUMP);
	case OPTION_INFO:
		return set_mode(parse, MODE_INFO);
	case OPTION_STAGE:
		options->stage = value;
		return set_mode(parse, MODE_STAGE);
	case OPTION_YAML_EVENTS:
		return set_mode(parse, MODE_YAML_EVENTS);
	case OPTION_EXPLAIN_CODE:
		options->code = value;
		return set_mode(parse, MODE_EXPLAIN_CODE);
	case OPTION_PRINT_SCHEMA:
		options->schema = value;
		return set_mode(parse, MODE_PRINT_SCHEMA);
	case OPTION_HELP:
		print_help();
		return fail(parse, STATUS_YES);
	case OPTION_VERSION:
		puts("smokescreenc " SMOKESCREEN_VERSION);
		return fail(parse, STATUS_YES);
	case OPTION_OUTPUT:
		options->output = value;
		return true;
	case OPTION_STRIP:
		options->strip = true;
		return true;
	case OPTION_QUIET:
		options->quiet = true;
		return true;
	case OPTION_ROLE:
		options->role = value;
		return true;
	case OPTION_HOST:
		options->host = value;
		return true;
	case OPTION_ADDRESS:
		options->address = value;
		return true;
	case OPTION_EXTERNAL_PROXY:
		options->external_proxy = value;
		return true;
	case OPTION_BATCH:
		options->batch = true;
		return true;
	case OPTION_FORMAT:
		if (!choose(parse, id, value, format_names, FORMAT_JUNIT + 1,
			    &choice))
			return false;
		options->format = (enum option_format)choice;
		return true;
	case OPTION_COLOR:
		if (!choose(parse, id, value, colors, 3, &choice))
			return false;
		options->color = (enum option_color)choice;
		return true;
	case OPTION_WERROR:
		options->werror = true;
		return true;
	case OPTION_LINT:
		return set_lint(parse, value);
	case OPTION_ALLOW_UNKNOWN:
		options->allow_unknown_keys = true;
		return true;
	case OPTION_DISABLE_ACTION:
		return disable_action(parse, value);
	case OPTION_CONFIG_FILE:
		options->config_file = value;
		return true;
	case OPTION_DENY_RANGE:
		return add_address(parse, id, ADDRESSES_DENY_RANGE, value);
	case OPTION_ALLOW_RANGE:
		return add_address(parse, id, ADDRESSES_ALLOW_RANGE, value);
	case OPTION_DENY_ADDRESS:
		return add_address(parse, id, ADDRESSES_DENY_ADDRESS, value);
	case OPTION_ALLOW_ADDRESS:
		return add_address(parse, id, ADDRESSES_ALLOW_ADDRESS, value);
	case OPTION_ALLOW_PRIVATE:
		options->addresses.options.allow_private = true;
		return true;
	case OPTION_NAT64:
		return add_address(parse, id, ADDRESSES_NAT64_PREFIX, value);
	case OPTION_COUNT:
		break;
	}
	return false;
}

static bool unknown_option(struct parse *parse, const char *given)
{
	const char *names[OPTION_COUNT];

	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = table[i].name;

	const char *bare = given + strspn(given, "-");
	const char *word =
		arena_strndup(parse->arena, bare, strcspn(bare, "="));
	const char *near = diag_nearest(word, names, OPTION_COUNT);

	return fail(parse, options_usage("unknown option '%s'%s%s%s", given,
					 near ? ": did you mean '--" : "",
					 near ? near : "", near ? "'?" : ""));
}

/* The option that ARGUMENT, which starts with '-', begins; *VALUE is what is
 * glued to it, or NULL. */
static bool find_option(struct parse *parse, const char *argument,
			enum option_id *id, const char **value)
{
	static const struct {
		char letter;
		enum option_id id;
	} letters[] = {{'o', OPTION_OUTPUT},
		       {'h', OPTION_HELP},
		       {'v', OPTION_VERSION},
		       {'q', OPTION_QUIET}};

	*value = NULL;
	if (argument[1] != '-') {
		for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]);
		     i++)
			if (argument[1] == letters[i].letter) {
				*id = letters[i].id;
				if (argument[2] != '\0')
					*value = argument + 2;
				return true;
			}
		return unknown_option(parse, argument);
	}

	size_t length = strcspn(argument + 2, "=");

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strlen(table[i].name) == length &&
		    memcmp(table[i].name, argument + 2, length) == 0) {
			*id = (enum option_id)i;
			if (argument[2 + length] == '=')
				*value = argument + 2 + length + 1;
			return true;
		}
	return unknown_option(parse, argument);
}

/* Every option must have a meaning in the mode that was chosen. */
static bool check_modes(struct parse *parse)
{
	struct options *options = parse->options;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!parse->given[i])
			continue;
		if ((table[i].modes & 1u << options->mode) == 0)
			return fail(parse,
				    options_usage("--%s has no meaning with %s",
						  table[i].name,
						  mode_names[options->mode]));
		if (table[i].modes == READS_ACL) {
			options->reads_acl = true;
			options->reads_acl_name = table[i].name;
		}
	}
	if (options->config_file != NULL &&
	    strcmp(options->config_file, "-") == 0 &&
	    options->operand_count > 0 &&
	    strcmp(options->operands[0], "-") == 0)
		return fail(parse,
			    options_usage("standard input is one file: it "
					  "cannot be the policy and the "
					  "configuration"));
	/* The other formats are those of reports. */
	if (options->format > FORMAT_JSON && options->mode != MODE_COMPILE &&
	    options->mode != MODE_CHECK && options->mode != MODE_TEST)
		return fail(parse,
			    options_usage("--format %s has no meaning with %s",
					  format_names[options->format],
					  mode_names[options->mode]));
	return true;
}

/* see options.h */
bool options_parse(struct options *options, int argc, char **argv,
		   struct arena *arena, int *status)
{
	struct parse parse = {.options = options, .arena = arena};
	bool only_operands = false;

	*options = (struct options){.mode = MODE_COMPILE};
	for (size_t i = 0; i < DIAG_CODE_COUNT; i++)
		options->severity[i] = diag_info[i].severity;
	options->operands = arena_alloc_array(arena, (size_t)argc + 1,
					      sizeof(*options->operands));

	for (int i = 1; i < argc; i++) {
		enum option_id id = OPTION_COUNT;
		const char *value;

		if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') {
			options->operands[options->operand_count++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			only_operands = true;
			continue;
		}
		*status = STATUS_USAGE;
		if (!find_option(&parse, argv[i], &id, &value))
			goto failed;
		if (table[id].argument == NULL && value != NULL) {
			parse.status = options_usage("--%s takes no value",
						     table[id].name);
			goto failed;
		}
		if (table[id].argument != NULL && value == NULL) {
			if (i + 1 >= argc) {
				parse.status = options_usage(
					"--%s needs %s", table[id].name,
					table[id].argument);
				goto failed;
			}
			value = argv[++i];
		}
		parse.given[id] = true;
		if (!take(&parse, id, value))
			goto failed;
	}
	if (check_modes(&parse))
		return true;
failed:
	*status = parse.status;
	return false;
}

/* see options.h */
bool options_colour(const struct options *options, FILE *stream)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (options->color != COLOR_AUTO)
		return options->color == COLOR_ALWAYS;
	return isatty(fileno(stream)) &&
	       (no_color == NULL || no_color[0] == '\0') &&
	       (terminal == NULL || strcmp(terminal, "dumb") != 0);
}
