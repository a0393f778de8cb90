/* options.c - see options.h.  "-flag" and "--flag", "--flag=value" and
 * "--flag value", as upstream's flag package takes them. */
#include "options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, OPTIONS_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

/* One flag of the command line. */
struct given {
	const struct setting *setting;
	const char *value;
};

static bool names(const char *flag, const char *word, size_t n)
{
	return flag != NULL && strlen(flag) == n && strncmp(flag, word, n) == 0;
}

static const struct setting *find(const char *word, size_t n)
{
	if (n == 1 && *word == 'h')
		return find("help", 4);
	if (n == 1 && *word == 'v')
		return find("version", 7);
	for (size_t i = 0; i < settings_count; i++)
		if (names(settings_table[i].flag, word, n))
			return &settings_table[i];
	return NULL;
}

static bool unknown(const char *word, size_t n, char *why)
{
	return refuse(why,
		      "Incorrect Usage. flag provided but not defined: -%.*s",
		      (int)n, word);
}

/* The flag at ARGV[*AT] and its value, which may be the next word. */
static bool take(int argc, char **argv, int *at, struct given *out, char *why)
{
	const char *word = argv[*at] + 1;
	const char *equals;
	size_t n;

	if (*word == '-')
		word++;
	equals = strchr(word, '=');
	n = equals != NULL ? (size_t)(equals - word) : strlen(word);
	out->setting = find(word, n);
	if (out->setting == NULL)
		return unknown(word, n, why);
	if (equals != NULL) {
		out->value = equals + 1;
	} else if (out->setting->kind == SETTING_BOOL) {
		out->value = "true";
	} else {
		if (*at + 1 == argc)
			return refuse(why,
				      "Incorrect Usage. flag needs an "
				      "argument: -%.*s",
				      (int)n, word);
		out->value = argv[++*at];
	}
	return true;
}

/* Split ARGV into FLAGS, of which there is room for ARGC. */
static bool split(int argc, char **argv, struct given *flags, size_t *count,
		  char *why)
{
	int i = 1;

	for (; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			break;
		if (!take(argc, argv, &i, &flags[*count], why))
			return false;
		++*count;
	}
	if (i < argc)
		return refuse(why,
			      "Received unexpected non-option argument(s): %s",
			      argv[i]);
	return true;
}

static bool apply(struct settings *settings, const struct given *given,
		  char *why)
{
	char reason[SETTINGS_WHY_MAX];

	assert(given->setting != NULL);
	if (given->setting->set(settings, given->value, reason))
		return true;
	return refuse(why, "Incorrect Usage. --%s: %s", given->setting->flag,
		      reason);
}

/* What only shows once everything was read. */
static bool check(const struct settings *settings, char *why)
{
	char reason[SETTINGS_WHY_MAX];

	if (settings_check(settings, reason))
		return true;
	return refuse(why, "Could not create configuration: %s", reason);
}

bool options_read(struct settings *settings, int argc, char **argv, char *why,
		  FILE *errors)
{
	struct given *flags = calloc((size_t)argc + 1, sizeof(*flags));
	const struct setting *config = find("config-file", 11);
	size_t count = 0;
	bool ok = false;

	why[0] = '\0';
	if (flags == NULL)
		return refuse(why, "out of memory");
	if (!split(argc, argv, flags, &count, why))
		goto out;
	for (size_t i = 0; i < count; i++)
		if (flags[i].setting == config &&
		    !apply(settings, &flags[i], why))
			goto out;
	if (settings->config_file != NULL &&
	    !config_read(settings, settings->config_file, errors))
		goto out;
	for (size_t i = 0; i < count; i++)
		if (flags[i].setting != config &&
		    !apply(settings, &flags[i], why))
			goto out;
	ok = check(settings, why);
out:
	free(flags);
	return ok;
}

void options_usage(FILE *out)
{
	fputs("usage: smokescreen [option[=value]]...\n"
	      "       smokescreen --verify-client --ca FILE [--crl FILE]... "
	      "[--role-from SPEC]\n"
	      "                   [--at TIME] CHAIN.pem\n\n",
	      out);
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *setting = &settings_table[i];
		char left[64];

		if (setting->flag == NULL)
			continue;
		snprintf(left, sizeof(left), "--%s%s%s%s", setting->flag,
			 setting->argument != NULL ? " " : "",
			 setting->argument != NULL ? setting->argument : "",
			 setting->kind == SETTING_LIST ? "..." : "");
		if (strlen(left) > 32)
			fprintf(out, "  %s\n  %32s  %s\n", left, "",
				setting->help);
		else
			fprintf(out, "  %-32s  %s\n", left, setting->help);
	}
	fputs("\nOptions that may be repeated are marked '...'.\n"
	      "smokescreen(8) has the details and the configuration file.\n",
	      out);
}
