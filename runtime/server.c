/* server.c - see server.h. */
#include "server.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "announce.h"
#include "drain.h"
#include "expiring.h"
#include "handover.h"
#include "inherited.h"
#include "listening.h"
#include "observers.h"
#include "runtime/proxy/worker.h"
#include "store.h"
#include "watch.h"
#include "watched.h"

#define DRAIN_TICK_MS 20
#define FINAL_FLUSH_MS 1000

struct server {
	const struct settings *settings; /* borrowed */
	struct hooks *hooks;             /* borrowed */
	struct store store;
	struct log_sink sink;
	struct shared shared;
	struct log *log;
	struct event_base *base;  /* signals and the drain's tick */
	struct event *signals[4]; /* NULL: not ours to handle */
	struct event *control;
	struct event *tick;
	struct event *log_retry;
	struct drain drain;
	struct watch *watch; /* NULL without --watch */
	struct expiring expiring;
	struct handover *handover; /* NULL without, and while draining */
	struct listening listening;
	int listeners[HANDOVER_MAX]; /* borrowed from the workers */
	unsigned reloads;            /* that worked */
	struct worker **workers;     /* owned, COUNT of them */
	unsigned count;
	struct observers observers;
	bool has_store;
	bool interrupted;
};

static void flush_log(struct server *server)
{
	struct timeval tv = {.tv_usec = LOG_RETRY_MS * 1000};

	if (!log_flush(server->log))
		event_add(server->log_retry, &tv);
}

/* --- the end --- */

static void wake_all(struct server *server)
{
	for (unsigned i = 0; i < server->count; i++)
		worker_wake(server->workers[i]);
}

static void stop(struct server *server)
{
	atomic_store(&server->shared.stopping, true);
	wake_all(server);
	event_base_loopbreak(server->base);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;
	uint64_t last = 0;
	unsigned live = 0;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < server->count; i++) {
		uint64_t active =
			atomic_load(&server->workers[i]->last_activity);

		live += atomic_load(&server->workers[i]->live);
		last = active > last ? active : last;
	}
	if (drain_check(&server->drain, server->log, timeouts_now(), live,
			last))
		stop(server);
	flush_log(server);
}

static void start_drain(struct server *server)
{
	struct timeval tv = {.tv_usec = DRAIN_TICK_MS * 1000};

	/* while we end, nobody can take over from us */
	handover_free(server->handover);
	server->handover = NULL;
	if (atomic_exchange(&server->shared.draining, true))
		return;
	drain_begin(&server->drain, server->log, server->settings,
		    timeouts_now());
	wake_all(server);
	event_add(server->tick, &tv);
}

/* --- reload --- */

static void warn(void *server, const char *text)
{
	log_message(((struct server *)server)->log, LOG_WARNING, text);
}

/* What is about to fail, or does already, though it could be loaded. */
static void warn_of_failures(struct server *server)
{
	policy_warn(server->store.current, (int64_t)time(NULL), warn, server);
}

/* By whom servers are judged.  That there is nobody is a mistake only if there
 * was to be somebody. */
static void tell_of_roots(struct server *server)
{
	struct roots_info info = tls_roots_info(server->store.current->roots);
	bool mistake = info.why != NULL && info.path != NULL;
	struct json *line =
		log_begin(server->log, mistake ? LOG_WARNING : LOG_INFO,
			  info.why != NULL ? "no origin CAs: no server is "
					     "trusted"
					   : "origin CAs loaded");

	if (info.path != NULL)
		json_put_text(line, "file", info.path);
	json_put_unsigned(line, "certificates", info.count);
	json_put_unsigned(line, "skipped", info.skipped);
	if (info.why != NULL)
		json_put_text(line, "error", info.why);
	log_end(server->log);
}

/* CHANGED is the file that made us, if one did. */
static void reload(struct server *server, const char *cause,
		   const char *changed)
{
	struct store_reload result;
	struct json *line;
	bool ok;

	if (server->watch != NULL)
		watch_note(server->watch);
	ok = store_reload(&server->store, &result);
	server->reloads += ok;
	metrics_count(server->observers.metrics,
		      ok ? METRIC_RELOADS_OK : METRIC_RELOADS_FAILED);
	line = log_begin(server->log, ok ? LOG_INFO : LOG_ERROR,
			 ok ? "policy reloaded"
			    : "policy not reloaded, the old one stays");
	json_put_text(line, "cause", cause);
	if (changed != NULL)
		json_put_text(line, "changed", changed);
	json_put_unsigned(line, "reloads", server->reloads);
	json_put_text(line, "policy", ok ? result.new_hash : result.old_hash);
	json_put_text(line, "old_policy", result.old_hash);
	json_put_text(line, "new_policy", result.new_hash);
	if (server->settings->acl_file != NULL)
		json_put_text(line, "file", server->settings->acl_file);
	if (!ok)
		json_put_text(line, "error", result.why);
	log_end(server->log);
	if (!ok)
		return;
	warn_of_failures(server);
	expiring_loaded(&server->expiring);
	tell_of_roots(server);
	wake_all(server);
}

static void on_file_changed(void *context, const char *path)
{
	struct server *server = context;

	reload(server, "watch", path);
	flush_log(server);
}

static void on_handed_over(void *context)
{
	struct server *server = context;

	log_message(server->log, LOG_INFO,
		    "a successor has taken the listening sockets");
	observers_leave(&server->observers);
	start_drain(server);
	flush_log(server);
}

static void on_signal(evutil_socket_t signal, short what, void *context)
{
	struct server *server = context;

	(void)what;
	switch ((int)signal) {
	case SIGHUP:
		reload(server, "signal", NULL);
		break;
	case SIGTERM:
	case SIGUSR2:
		start_drain(server);
		break;
	case SIGINT:
		server->interrupted = true;
		stop(server);
		break;
	}
	flush_log(server);
}

static void on_expiring(void *context)
{
	flush_log(context);
}

static void on_control(evutil_socket_t fd, short what, void *context)
{
	struct server *server = context;
	unsigned asked = control_take(&server->hooks->control);

	(void)fd;
	(void)what;
	if ((asked & CONTROL_RELOAD) != 0)
		reload(server, "program", NULL);
	if ((asked & CONTROL_DRAIN) != 0)
		start_drain(server);
	if ((asked & CONTROL_QUIT) != 0)
		stop(server);
	flush_log(server);
}

static void on_log_retry(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	flush_log(context);
}

/* --- start-up --- */

/* Every tunnel takes two descriptors: as many as we may have. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* refused: we go on with what there is */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool add_signals(struct server *server)
{
	static const int numbers[] = {SIGHUP, SIGTERM, SIGUSR2, SIGINT};

	if (server->hooks->leave_signals)
		return true;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		server->signals[i] = evsignal_new(server->base, numbers[i],
						  on_signal, server);
		if (server->signals[i] == NULL ||
		    event_add(server->signals[i], NULL) != 0)
			return false;
	}
	return true;
}

static bool add_events(struct server *server)
{
	if (!add_signals(server))
		return false;
	server->control = event_new(server->base, server->hooks->control.fd,
				    EV_READ | EV_PERSIST, on_control, server);
	if (server->control == NULL || event_add(server->control, NULL) != 0)
		return false;
	server->tick = event_new(server->base, -1, EV_PERSIST, on_tick, server);
	server->log_retry =
		event_new(server->base, -1, 0, on_log_retry, server);
	return server->tick != NULL && server->log_retry != NULL;
}

static unsigned worker_count(const struct settings *settings)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (settings->workers != 0)
		return settings->workers;
	if (online < 1)
		return 1;
	return online < SETTINGS_MAX_WORKERS ? (unsigned)online
					     : SETTINGS_MAX_WORKERS;
}

/* Before the files are read: no change of them is missed. */
static bool add_watch(struct server *server, char *why)
{
	const char **paths;
	size_t count;

	if (!server->settings->watch)
		return true;
	paths = watched_files(server->settings, &count);
	if (paths == NULL)
		return false;
	server->watch =
		watch_new(server->base, paths, count, on_file_changed, server);
	if (server->watch == NULL)
		snprintf(why, SERVER_WHY_MAX, "watch %s and %zu more: %s",
			 paths[0], count - 1, strerror(errno));
	free(paths);
	return server->watch != NULL;
}

/* We serve: stand ready for a successor, and let the predecessor end. */
static bool take_over(struct server *server, char *why)
{
	const char *path = server->settings->handover_socket;
	size_t count = 0;

	if (path == NULL)
		return true;
	for (unsigned i = 0; i < server->count; i++)
		count += worker_listeners(server->workers[i],
					  server->listeners + count);
	server->handover = handover_new(server->base, path, server->listeners,
					count, on_handed_over, server, why);
	if (server->handover == NULL)
		return false;
	handover_taken(&server->listening.offer);
	return true;
}

static bool add_workers(struct server *server, char *why)
{
	unsigned count = worker_count(server->settings);
	const char *reason;

	server->shared.workers = count;
	server->workers = calloc(count, sizeof(struct worker *));
	if (server->workers == NULL) {
		snprintf(why, SERVER_WHY_MAX, "out of memory");
		return false;
	}
	while (server->count < count) {
		struct worker *worker = worker_new(&server->shared, &reason);

		if (worker == NULL) {
			snprintf(why, SERVER_WHY_MAX, "%s", reason);
			return false;
		}
		server->workers[server->count++] = worker;
	}
	return true;
}

static bool add_listeners(struct server *server, char *why)
{
	server->listening.settings = server->settings;
	server->listening.shared = &server->shared;
	server->listening.workers = server->workers;
	server->listening.count = server->count;
	return listening_open(&server->listening, why);
}

static void on_line(void *hooks, const char *line, size_t length)
{
	const struct hooks *to = hooks;

	to->log(to->log_context, SMOKESCREEN_LOG_LINE, line, length);
}

static void open_sink(struct server *server)
{
	if (server->hooks->log != NULL)
		log_sink_init_function(&server->sink, on_line, server->hooks);
	else
		log_sink_init(&server->sink, STDERR_FILENO);
}

struct server *server_new(const struct settings *settings, struct hooks *hooks,
			  char *why)
{
	struct server *server = calloc(1, sizeof(*server));

	snprintf(why, SERVER_WHY_MAX, "out of memory or descriptors");
	if (server == NULL)
		return NULL;
	raise_descriptors();
	server->hooks = hooks;
	open_sink(server);
	server->settings = settings;
	server->listening.offer.connection = -1;
	server->shared.settings = settings;
	server->shared.hooks = hooks;
	server->shared.store = &server->store;
	server->shared.sink = &server->sink;
	limits_init(&server->shared.limits, settings);
	server->log = log_new(&server->sink);
	server->base = event_base_new();
	if (server->log == NULL || server->base == NULL || !add_events(server))
		goto fail;
	if (!add_watch(server, why))
		goto fail;
	expiring_init(&server->expiring, server->base, &server->store,
		      server->log, on_expiring, server);
	server->has_store = store_init(&server->store, settings, why);
	if (server->has_store &&
	    observers_init(&server->observers, &server->shared, server->log,
			   why) &&
	    add_workers(server, why) && add_listeners(server, why) &&
	    observers_start(&server->observers, server->base, server->workers,
			    server->count, why))
		return server;
fail:
	server_free(server);
	return NULL;
}

void server_free(struct server *server)
{
	if (server == NULL)
		return;
	for (unsigned i = 0; i < server->count; i++)
		worker_free(server->workers[i]);
	observers_fini(&server->observers);
	free(server->workers);
	handover_free(server->handover);
	handover_offer_fini(&server->listening.offer);
	watch_free(server->watch);
	expiring_fini(&server->expiring);
	for (size_t i = 0; i < 4; i++)
		if (server->signals[i] != NULL)
			event_free(server->signals[i]);
	if (server->control != NULL)
		event_free(server->control);
	if (server->tick != NULL)
		event_free(server->tick);
	if (server->log_retry != NULL)
		event_free(server->log_retry);
	if (server->base != NULL)
		event_base_free(server->base);
	if (server->has_store)
		store_fini(&server->store);
	log_free(server->log);
	log_sink_fini(&server->sink);
	free(server);
}

/* --- serving --- */

static void log_ack(struct server *server)
{
	char why[INHERITED_WHY_MAX];

	if (!inherited_ack(why))
		log_message(server->log, LOG_ERROR, why);
}

static void log_start(struct server *server)
{
	const struct announcement announcement = {
		.settings = server->settings,
		.policy = server->store.current,
		.listeners = &server->shared.listeners,
		.observers = &server->observers,
		.inherited = server->listening.inherited,
		.workers = server->count,
	};
	char text[512];

	log_message(server->log, LOG_INFO, "starting");
	if (server->settings->acl_file != NULL) {
		snprintf(text, sizeof(text), "Loading egress ACL from %s",
			 server->settings->acl_file);
		log_message(server->log, LOG_INFO, text);
	}
	announce_open_doors(server->log, &announcement);
	warn_of_failures(server);
	expiring_loaded(&server->expiring);
	tell_of_roots(server);
	announce_ready(server->log, &announcement);
	log_ack(server);
	flush_log(server);
}

static bool start_workers(struct server *server, char *why)
{
	for (unsigned i = 0; i < server->count; i++) {
		int error = worker_start(server->workers[i]);

		if (error != 0) {
			snprintf(why, SERVER_WHY_MAX, "thread: %s",
				 strerror(error));
			return false;
		}
	}
	return true;
}

enum server_end server_run(struct server *server, char *why)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction pipe;
	bool ok;

	sigaction(SIGPIPE, &ignore, &pipe);
	ok = start_workers(server, why) && take_over(server, why);
	if (ok) {
		log_start(server);
		event_base_dispatch(server->base);
	} else {
		stop(server);
	}
	for (unsigned i = 0; i < server->count; i++)
		worker_join(server->workers[i]);
	observers_finish(&server->observers);
	for (unsigned i = 0; i < server->count; i++)
		log_flush_wait(server->workers[i]->log, FINAL_FLUSH_MS);
	log_flush_wait(server->log, FINAL_FLUSH_MS);
	sigaction(SIGPIPE, &pipe, NULL);
	if (!ok)
		return SERVER_FAILED;
	return server->interrupted ? SERVER_INTERRUPTED : SERVER_ENDED;
}
