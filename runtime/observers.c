/* observers.c - see observers.h. */
#include "observers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "runtime/observe/prometheus.h"
#include "runtime/proxy/listener.h"
#include "runtime/tls/expiry.h"

#define DEFAULT_ENDPOINT "/metrics"
#define DEFAULT_IP "0.0.0.0"

static uint64_t live_clients(const struct observers *observers)
{
	uint64_t live = 0;

	for (unsigned i = 0; i < observers->count; i++)
		live += atomic_load_explicit(&observers->workers[i]->live,
					     memory_order_relaxed);
	return live;
}

static uint64_t dropped(struct log *log)
{
	return atomic_load_explicit(&log->dropped_ever, memory_order_relaxed);
}

/* --- what ends by itself ----------------------------------------------------
 */

/* CRL_ISSUER is NULL for our certificates; FIRST: no CRL was before. */
typedef void expiry_visit(void *context, const char *crl_issuer, uint64_t at,
			  bool first);

static void walk_expiries(const struct observers *observers,
			  expiry_visit *visit, void *context)
{
	const struct tls_context *tls = observers->shared->store->current->tls;
	const struct expiry *list;
	bool first = true;
	size_t count;

	if (tls == NULL)
		return;
	list = expiry_list(tls, &count);
	for (size_t i = 0; i < count; i++) {
		/* of one issuer's CRLs the first to end is told, and of our
		 * certificates */
		if (i > 0 && list[i].is_crl == list[i - 1].is_crl &&
		    strcmp(list[i].issuer, list[i - 1].issuer) == 0)
			continue;
		visit(context, list[i].is_crl ? list[i].issuer : NULL,
		      list[i].at > 0 ? (uint64_t)list[i].at : 0, first);
		first &= !list[i].is_crl;
	}
}

/* --- statsd -----------------------------------------------------------------
 */

static void send_expiry(void *statsd, const char *crl_issuer, uint64_t at,
			bool first)
{
	char tag[METRICS_LABEL_MAX + 1];

	(void)first;
	if (crl_issuer == NULL) {
		statsd_gauge(statsd, "tls.certificate.expiry", NULL, NULL, at);
		return;
	}
	metrics_label(str_from(crl_issuer), tag);
	statsd_gauge(statsd, "tls.crl.next_update", "issuer", tag, at);
}

static void on_statsd_tick(evutil_socket_t fd, short what, void *context)
{
	struct observers *observers = context;

	(void)fd;
	(void)what;
	if (!statsd_send_counters(&observers->statsd, observers->sent,
				  &observers->registry))
		return;
	statsd_gauge(&observers->statsd, "clients", NULL, NULL,
		     live_clients(observers));
	walk_expiries(observers, send_expiry, &observers->statsd);
	statsd_flush(&observers->statsd);
}

static bool open_statsd(struct observers *observers, char *why)
{
	const char *address = observers->settings->statsd_address;

	if (address == NULL)
		return true;
	observers->shared->statsd_fd = statsd_open(address, why);
	if (observers->shared->statsd_fd < 0)
		return false;
	observers->sent = calloc(1, sizeof(*observers->sent));
	statsd_init(&observers->statsd, observers->shared->statsd_fd,
		    observers->metrics);
	return observers->sent != NULL;
}

static bool start_statsd(struct observers *observers, struct event_base *base)
{
	struct timeval tv = {.tv_usec = STATSD_FLUSH_MS * 1000};

	if (observers->sent == NULL)
		return true;
	event_assign(&observers->statsd_tick, base, -1, EV_PERSIST,
		     on_statsd_tick, observers);
	return event_add(&observers->statsd_tick, &tv) == 0;
}

/* --- Prometheus -------------------------------------------------------------
 */

static const char *endpoint(const struct observers *observers)
{
	const char *path = observers->settings->prometheus_endpoint;

	return path != NULL ? path : DEFAULT_ENDPOINT;
}

static void put_expiry(void *body, const char *crl_issuer, uint64_t at,
		       bool first)
{
	prometheus_put_expiry(body, crl_issuer, at, first);
}

static void on_asked(void *context, struct small_client *client,
		     struct str target)
{
	struct observers *observers = context;
	const struct policy *policy = observers->shared->store->current;
	struct prometheus_now now = {
		.clients = live_clients(observers),
		.log_dropped = dropped(observers->log),
		.policy = policy->hash,
		.version = SMOKESCREEN_VERSION,
		.loaded = policy->loaded,
		.started = observers->started,
		.draining = atomic_load(&observers->shared->draining),
	};
	const char *query =
		target.n != 0 ? memchr(target.p, '?', target.n) : NULL;
	struct text body = {.n = 0};

	if (query != NULL)
		target.n = (size_t)(query - target.p);
	if (!str_equal(target, str_from(endpoint(observers)))) {
		text_put(&body, "metrics are at ");
		text_put(&body, endpoint(observers));
		text_put(&body, "\n");
		small_answer(client, 404, "text/plain", &body);
		return;
	}
	for (unsigned i = 0; i < observers->count; i++)
		now.log_dropped += dropped(observers->workers[i]->log);
	prometheus_write(&body, &observers->registry, &now);
	walk_expiries(observers, put_expiry, &body);
	small_answer(client, 200, PROMETHEUS_CONTENT_TYPE, &body);
}

void observers_log(struct observers *observers)
{
	const struct listen_address *address = &observers->address;
	struct addr addr = {{0}};
	char text[ADDR_TEXT_MAX];
	uint16_t port = 0;
	struct json *line;

	if (observers->prometheus.fd < 0)
		return;
	self_from_sockaddr((const struct sockaddr *)&address->storage, &addr,
			   &port);
	addr_format(&addr, text);
	line = log_begin(observers->log, LOG_INFO, "serving metrics");
	json_put_text(line, "ip", text);
	json_put_unsigned(line, "port", port);
	json_put_text(line, "endpoint", endpoint(observers));
	log_end(observers->log);
}

static bool start_prometheus(struct observers *observers,
			     struct event_base *base, char *why)
{
	const struct settings *settings = observers->settings;
	const char *ip = settings->prometheus_ip;
	struct listen_address *address = &observers->address;
	char reason[LISTENER_WHY_MAX];
	int fd;

	if (!settings->prometheus)
		return true;
	if (!listen_address_parse(ip != NULL ? ip : DEFAULT_IP,
				  settings->prometheus_port, address, reason) ||
	    /* a predecessor that hands over to us is still there */
	    (fd = listener_open(address, settings->handover_socket == NULL,
				reason)) < 0) {
		snprintf(why, OBSERVERS_WHY_MAX, "metrics: %s", reason);
		return false;
	}
	if (!self_add(&observers->shared->listeners, fd)) {
		snprintf(why, OBSERVERS_WHY_MAX, "metrics: too many listeners");
		close(fd);
		return false;
	}
	return small_server_init(&observers->prometheus, base, fd, on_asked,
				 NULL, observers);
}

/* --- the stats socket -------------------------------------------------------
 */

static bool start_stats(struct observers *observers, struct event_base *base,
			char *why)
{
	const struct settings *settings = observers->settings;
	int fd;

	if (settings->stats_socket_dir == NULL)
		return true;
	fd = stats_socket_open(&observers->stats, settings->stats_socket_dir,
			       settings->stats_socket_mode, why);
	return fd >= 0 &&
	       stats_socket_start(&observers->stats, base, fd,
				  observers->shared->report_fd,
				  observers->workers, observers->count);
}

/* --- all of them ------------------------------------------------------------
 */

bool observers_init(struct observers *observers, struct shared *shared,
		    struct log *log, char *why)
{
	observers->settings = shared->settings;
	observers->shared = shared;
	observers->log = log;
	observers->started = (uint64_t)time(NULL);
	observers->prometheus.fd = -1;
	shared->statsd_fd = -1;
	shared->report_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	snprintf(why, OBSERVERS_WHY_MAX, "out of memory or descriptors");
	if (!metrics_init(&observers->registry))
		return false;
	shared->metrics = &observers->registry;
	observers->metrics = metrics_add_thread(&observers->registry);
	return observers->metrics != NULL && shared->report_fd >= 0 &&
	       open_statsd(observers, why);
}

bool observers_start(struct observers *observers, struct event_base *base,
		     struct worker **workers, unsigned count, char *why)
{
	observers->workers = workers;
	observers->count = count;
	snprintf(why, OBSERVERS_WHY_MAX, "out of memory or descriptors");
	return start_statsd(observers, base) &&
	       start_prometheus(observers, base, why) &&
	       start_stats(observers, base, why);
}

void observers_leave(struct observers *observers)
{
	small_server_fini(&observers->prometheus);
}

void observers_finish(struct observers *observers)
{
	if (observers->sent != NULL)
		on_statsd_tick(-1, 0, observers);
}

void observers_fini(struct observers *observers)
{
	struct shared *shared = observers->shared;

	if (shared == NULL)
		return;
	stats_socket_stop(&observers->stats);
	small_server_fini(&observers->prometheus);
	if (event_initialized(&observers->statsd_tick))
		event_del(&observers->statsd_tick);
	if (shared->statsd_fd >= 0)
		close(shared->statsd_fd);
	if (shared->report_fd >= 0)
		close(shared->report_fd);
	free(observers->sent);
	if (shared->metrics != NULL)
		metrics_fini(&observers->registry);
}
