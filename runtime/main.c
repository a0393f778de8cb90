/* main.c - the proxy's start-up, in order: options and configuration, what they
 * come to, policy and listeners, service.  Nothing is logged before all of it
 * has worked; until then errors are plain text. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "options.h"
#include "server.h"
#include "verify_client.h"

static int fail(const char *why)
{
	fprintf(stderr, "smokescreen: Could not create configuration: %s\n",
		why);
	return 1;
}

static int serve(const struct settings *settings)
{
	char why[SERVER_WHY_MAX];
	struct server *server = server_new(settings, why);
	int status;

	if (server == NULL)
		return fail(why);
	status = server_run(server);
	server_free(server);
	return status;
}

static int run(const struct settings *settings)
{
	char why[SERVER_WHY_MAX];

	if (settings->help) {
		options_usage(stdout);
		return 0;
	}
	if (settings->version) {
		puts("smokescreen version " SMOKESCREEN_VERSION);
		return 0;
	}
	if (settings->check_config)
		return check_config(settings, stdout, why) ? 0 : fail(why);
	return serve(settings);
}

int main(int argc, char **argv)
{
	struct settings settings;
	char why[OPTIONS_WHY_MAX];
	int status = 1;

	if (verify_client_wanted(argc, argv))
		return verify_client_main(argc, argv);
	settings_init(&settings);
	if (options_read(&settings, argc, argv, why, stderr)) {
		crypto_use(settings.crypto);
		status = run(&settings);
	} else if (why[0] != '\0') {
		fprintf(stderr, "smokescreen: %s\n", why);
		if (strncmp(why, "Incorrect Usage", 15) == 0)
			options_usage(stderr);
	}
	settings_fini(&settings);
	return status;
}
