/* library.c - smokescreen.h but for what the role function asks, which is in
 * role_callback.c: the start in order.  Options and configuration, what they
 * come to, policy and listeners, service.  Nothing is logged before all of it
 * has worked; until then errors are plain text. */
#include "smokescreen.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hooks.h"
#include "options.h"
#include "runtime/tls/crypto.h"
#include "server.h"
#include "verify_client.h"

struct smokescreen {
	struct hooks hooks;
};

/* What is the process's own: its signals, the sockets that it has inherited,
 * the stats socket's name.  So one proxy at a time. */
static atomic_flag is_running = ATOMIC_FLAG_INIT;

struct smokescreen *smokescreen_new(void)
{
	struct smokescreen *proxy = calloc(1, sizeof(*proxy));

	if (proxy == NULL || control_init(&proxy->hooks.control))
		return proxy;
	free(proxy);
	return NULL;
}

void smokescreen_free(struct smokescreen *proxy)
{
	if (proxy == NULL)
		return;
	control_fini(&proxy->hooks.control);
	free(proxy);
}

const char *smokescreen_version(void)
{
	return SMOKESCREEN_VERSION;
}

void smokescreen_leave_signals(struct smokescreen *proxy)
{
	proxy->hooks.leave_signals = true;
}

void smokescreen_set_log(struct smokescreen *proxy,
			 smokescreen_log_function *function, void *context)
{
	proxy->hooks.log = function;
	proxy->hooks.log_context = context;
}

void smokescreen_set_role(struct smokescreen *proxy,
			  smokescreen_role_function *function, void *context)
{
	proxy->hooks.role = function;
	proxy->hooks.role_context = context;
}

void smokescreen_drain(struct smokescreen *proxy)
{
	control_ask(&proxy->hooks.control, CONTROL_DRAIN);
}

void smokescreen_quit(struct smokescreen *proxy)
{
	control_ask(&proxy->hooks.control, CONTROL_QUIT);
}

void smokescreen_reload(struct smokescreen *proxy)
{
	control_ask(&proxy->hooks.control, CONTROL_RELOAD);
}

/* --- errors before there is a log --- */

static void say(const struct smokescreen *proxy, const char *text, size_t n)
{
	const struct hooks *hooks = &proxy->hooks;

	if (hooks->log != NULL)
		hooks->log(hooks->log_context, SMOKESCREEN_LOG_ERROR, text, n);
	else
		fprintf(stderr, "%.*s\n", (int)n, text);
}

/* The status of not having started. */
static int fail(const struct smokescreen *proxy, const char *what,
		const char *why)
{
	char text[SERVER_WHY_MAX + 128];
	int n = snprintf(text, sizeof(text), "smokescreen: %s%s", what, why);

	say(proxy, text, (size_t)n);
	return 1;
}

static int no_configuration(const struct smokescreen *proxy, const char *why)
{
	return fail(proxy, "Could not create configuration: ", why);
}

/* --- the start --- */

static int serve(struct smokescreen *proxy, const struct settings *settings)
{
	char why[SERVER_WHY_MAX];
	struct server *server = server_new(settings, &proxy->hooks, why);
	int status = 0;

	if (server == NULL)
		return no_configuration(proxy, why);
	switch (server_run(server, why)) {
	case SERVER_FAILED:
		status = fail(proxy, "", why);
		break;
	case SERVER_ENDED:
		break;
	case SERVER_INTERRUPTED:
		status = 128 + SIGINT;
		break;
	}
	server_free(server);
	return status;
}

static int run(struct smokescreen *proxy, struct settings *settings)
{
	char why[SERVER_WHY_MAX];

	settings->tls.role_by_program = proxy->hooks.role != NULL;
	if (settings->help) {
		options_usage(stdout);
		return 0;
	}
	if (settings->version) {
		puts("smokescreen version " SMOKESCREEN_VERSION);
		return 0;
	}
	if (!settings->check_config)
		return serve(proxy, settings);
	return check_config(settings, stdout, why)
		       ? 0
		       : no_configuration(proxy, why);
}

/* What is wrong with options and configuration may be several lines, and goes
 * the way of all errors. */
static bool read_options(const struct smokescreen *proxy,
			 struct settings *settings, int argc, char **argv)
{
	char why[OPTIONS_WHY_MAX];
	char *text = NULL;
	size_t n = 0;
	FILE *errors = open_memstream(&text, &n);
	bool ok;

	if (errors == NULL) {
		fail(proxy, "", "out of memory");
		return false;
	}
	ok = options_read(settings, argc, argv, why, errors);
	if (!ok && why[0] != '\0') {
		fprintf(errors, "smokescreen: %s\n", why);
		if (strncmp(why, "Incorrect Usage", 15) == 0)
			options_usage(errors);
	}
	fclose(errors);
	if (n != 0)
		say(proxy, text, n - 1);
	free(text);
	return ok;
}

static int verify_client(const struct smokescreen *proxy, int argc, char **argv)
{
	if (proxy->hooks.role != NULL)
		return fail(proxy, "",
			    "--verify-client judges by --role-from, and this "
			    "program says itself who has which role");
	return verify_client_main(argc, argv);
}

int smokescreen_run(struct smokescreen *proxy, int argc, char **argv)
{
	struct settings settings;
	int status = 1;

	if (atomic_flag_test_and_set(&is_running))
		return fail(proxy, "",
			    "a proxy is running in this process already");
	if (verify_client_wanted(argc, argv)) {
		status = verify_client(proxy, argc, argv);
	} else {
		settings_init(&settings);
		if (read_options(proxy, &settings, argc, argv)) {
			crypto_use(settings.crypto);
			status = run(proxy, &settings);
		}
		settings_fini(&settings);
	}
	/* what was asked of this run is not for the next */
	(void)control_take(&proxy->hooks.control);
	atomic_flag_clear(&is_running);
	return status;
}

int smokescreen_run_file(struct smokescreen *proxy, const char *path)
{
	char name[] = "smokescreen", option[] = "--config-file";
	char *copy = strdup(path);
	char *argv[] = {name, option, copy, NULL};
	int status;

	if (copy == NULL)
		return fail(proxy, "", "out of memory");
	status = smokescreen_run(proxy, 3, argv);
	free(copy);
	return status;
}
