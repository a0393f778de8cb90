/* server.c - see server.h. */
#include "server.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "drain.h"
#include "handover.h"
#include "inherited.h"
#include "listening.h"
#include "observers.h"
#include "runtime/net/endpoint.h"
#include "runtime/proxy/worker.h"
#include "store.h"
#include "watch.h"

#define DRAIN_TICK_MS 20
#define FINAL_FLUSH_MS 1000

struct server {
	const struct settings *settings; /* borrowed */
	struct store store;
	struct log_sink sink;
	struct shared shared;
	struct log *log;
	struct event_base *base; /* signals and the drain's tick */
	struct event *signals[4];
	struct event *tick;
	struct event *log_retry;
	struct drain drain;
	struct watch *watch;       /* NULL without --watch */
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
	struct json line =
		log_begin(server->log, mistake ? LOG_WARNING : LOG_INFO,
			  info.why != NULL ? "no origin CAs: no server is "
					     "trusted"
					   : "origin CAs loaded");

	if (info.path != NULL)
		json_put_text(&line, "file", info.path);
	json_put_unsigned(&line, "certificates", info.count);
	json_put_unsigned(&line, "skipped", info.skipped);
	if (info.why != NULL)
		json_put_text(&line, "error", info.why);
	log_end(server->log, &line);
}

static void reload(struct server *server, const char *cause)
{
	struct store_reload result;
	struct json line;
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
	json_put_text(&line, "cause", cause);
	json_put_unsigned(&line, "reloads", server->reloads);
	json_put_text(&line, "policy", ok ? result.new_hash : result.old_hash);
	json_put_text(&line, "old_policy", result.old_hash);
	json_put_text(&line, "new_policy", result.new_hash);
	if (server->settings->acl_file != NULL)
		json_put_text(&line, "file", server->settings->acl_file);
	if (!ok)
		json_put_text(&line, "error", result.why);
	log_end(server->log, &line);
	if (!ok)
		return;
	warn_of_failures(server);
	tell_of_roots(server);
	wake_all(server);
}

static void on_file_changed(void *context)
{
	struct server *server = context;

	reload(server, "watch");
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
		reload(server, "signal");
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

static bool add_events(struct server *server)
{
	static const int numbers[] = {SIGHUP, SIGTERM, SIGUSR2, SIGINT};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		server->signals[i] = evsignal_new(server->base, numbers[i],
						  on_signal, server);
		if (server->signals[i] == NULL ||
		    event_add(server->signals[i], NULL) != 0)
			return false;
	}
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

/* Before the policy is read: no change of it is missed. */
static bool add_watch(struct server *server, char *why)
{
	const char *path = server->settings->acl_file;

	if (!server->settings->watch)
		return true;
	server->watch = watch_new(server->base, path, on_file_changed, server);
	if (server->watch == NULL)
		snprintf(why, SERVER_WHY_MAX, "watch %s: %s", path,
			 strerror(errno));
	return server->watch != NULL;
}

/* We serve: stand ready for a successor, and let the predecessor end. */
static bool take_over(struct server *server)
{
	const char *path = server->settings->handover_socket;
	char why[HANDOVER_WHY_MAX];
	size_t count = 0;

	if (path == NULL)
		return true;
	for (unsigned i = 0; i < server->count; i++)
		count += worker_listeners(server->workers[i],
					  server->listeners + count);
	server->handover = handover_new(server->base, path, server->listeners,
					count, on_handed_over, server, why);
	if (server->handover == NULL) {
		fprintf(stderr, "smokescreen: %s\n", why);
		return false;
	}
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

struct server *server_new(const struct settings *settings, char *why)
{
	struct server *server = calloc(1, sizeof(*server));

	snprintf(why, SERVER_WHY_MAX, "out of memory or descriptors");
	if (server == NULL)
		return NULL;
	raise_descriptors();
	log_sink_init(&server->sink, STDERR_FILENO);
	server->settings = settings;
	server->listening.offer.connection = -1;
	server->shared.settings = settings;
	server->shared.store = &server->store;
	server->shared.sink = &server->sink;
	limits_init(&server->shared.limits, settings);
	server->log = log_new(&server->sink);
	server->base = event_base_new();
	if (server->log == NULL || server->base == NULL || !add_events(server))
		goto fail;
	if (!add_watch(server, why))
		goto fail;
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
	for (size_t i = 0; i < 4; i++)
		if (server->signals[i] != NULL)
			event_free(server->signals[i]);
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

static bool default_rule_is_open(const struct blob *blob)
{
	uint32_t count = blob_rule_count(blob);

	for (uint32_t i = 0; i < count; i++) {
		struct rule_info rule;

		if (blob_rule(blob, i, &rule) && rule.is_default)
			return rule.action == RULE_OPEN;
	}
	return false;
}

/* One line that names every way in which whoever reaches the port may use us;
 * or that nobody can. */
static void warn_of_open_doors(struct server *server)
{
	const struct policy *policy = server->store.current;
	const struct tls_options *tls = &server->settings->tls;
	bool by_role = policy->has_acl && !server->settings->allow_missing_role;
	struct json line;
	char doors[512];

	if (tls->require_client_cert || (by_role && tls->ca_count != 0))
		return;
	if (by_role) {
		log_message(server->log, LOG_WARNING,
			    "every request will be denied: the ACL is by role, "
			    "no client can have one without TLS and "
			    "--tls-client-ca-file, and allow_missing_role is "
			    "not set");
		return;
	}
	snprintf(doors, sizeof(doors), "%s%s%s%s",
		 tls->cert_file == NULL
			 ? "no TLS: clients are not authenticated"
		 : tls->ca_count == 0
			 ? "no client CA: clients are not authenticated"
			 : "no require_client_cert: clients need no "
			   "certificate",
		 policy->has_acl ? "; allow_missing_role: clients without a "
				   "role are served"
				 : "; no ACL: every host is allowed",
		 policy->has_acl && default_rule_is_open(&policy->blob)
			 ? "; the default rule is open"
			 : "",
		 server->settings->proxy_protocol &&
				 server->settings->proxy_trust_count == 0
			 ? "; proxy_protocol_trust: PROXY headers are believed "
			   "from anyone"
			 : "");
	line = log_begin(server->log, LOG_WARNING,
			 "anyone who can reach the port can use this proxy");
	json_put_text(&line, "open_doors", doors);
	log_end(server->log, &line);
}

/* Where we listen: the proxy's own listeners first, then the others. */
static void log_listeners(struct server *server)
{
	const struct self_listeners *listeners = &server->shared.listeners;

	for (size_t i = 0; i < listeners->count; i++) {
		struct json line =
			log_begin(server->log, LOG_INFO,
				  "Self-connection detection initialized");
		char text[ADDR_TEXT_MAX];

		addr_format(&listeners->at[i].addr, text);
		json_put_text(&line, "listening_ip", text);
		json_put_unsigned(&line, "listening_port",
				  listeners->at[i].port);
		log_end(server->log, &line);
	}
}

static void log_ready(struct server *server)
{
	const struct self_listeners *listeners = &server->shared.listeners;
	char where[ENDPOINT_TEXT_MAX];
	struct json line;

	log_listeners(server);
	observers_log(&server->observers);
	if (server->settings->listen_ip == NULL &&
	    server->settings->acl_file == NULL &&
	    server->listening.inherited == 0)
		log_message(server->log, LOG_WARNING,
			    "without an ACL only this machine is served: "
			    "listening on 127.0.0.1");
	endpoint_format(&listeners->at[0].addr, listeners->at[0].port, where);
	line = log_begin(server->log, LOG_INFO, "ready");
	json_put_text(&line, "address", where);
	json_put_unsigned(&line, "port", listeners->at[0].port);
	if (server->listening.inherited != 0)
		json_put_unsigned(&line, "inherited_sockets",
				  (uint64_t)server->listening.inherited);
	json_put_unsigned(&line, "workers", server->count);
	json_put_text(&line, "policy", server->store.current->hash);
	json_put_text(&line, "version", SMOKESCREEN_VERSION);
	log_end(server->log, &line);
}

static void log_ack(struct server *server)
{
	char why[INHERITED_WHY_MAX];

	if (!inherited_ack(why))
		log_message(server->log, LOG_ERROR, why);
}

static void log_start(struct server *server)
{
	char text[512];

	log_message(server->log, LOG_INFO, "starting");
	if (server->settings->acl_file != NULL) {
		snprintf(text, sizeof(text), "Loading egress ACL from %s",
			 server->settings->acl_file);
		log_message(server->log, LOG_INFO, text);
	}
	warn_of_open_doors(server);
	warn_of_failures(server);
	tell_of_roots(server);
	log_ready(server);
	log_ack(server);
	flush_log(server);
}

int server_run(struct server *server)
{
	bool ok = true;

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; ok && i < server->count; i++) {
		int error = worker_start(server->workers[i]);

		if (error != 0) {
			fprintf(stderr, "smokescreen: thread: %s\n",
				strerror(error));
			ok = false;
			stop(server);
		}
	}
	if (ok && !take_over(server)) {
		ok = false;
		stop(server);
	}
	if (ok) {
		log_start(server);
		event_base_dispatch(server->base);
	}
	for (unsigned i = 0; i < server->count; i++)
		worker_join(server->workers[i]);
	observers_finish(&server->observers);
	for (unsigned i = 0; i < server->count; i++)
		log_flush_wait(server->workers[i]->log, FINAL_FLUSH_MS);
	log_flush_wait(server->log, FINAL_FLUSH_MS);
	if (server->interrupted) {
		signal(SIGINT, SIG_DFL);
		raise(SIGINT);
	}
	return ok ? 0 : 1;
}
