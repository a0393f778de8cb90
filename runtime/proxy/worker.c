/* worker.c - see worker.h. */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client.h"
#include "runtime/tls/secure.h"

static void on_accepted(void *context, int fd, const struct sockaddr *peer)
{
	client_accept(context, fd, peer);
}

static void close_all(struct worker *worker)
{
	struct client *client;

	while ((client = LIST_FIRST(&worker->clients)) != NULL)
		client_close(client, CLOSE_TERMINATION);
}

/* Who only waits to ask again is not waited for. */
static void drain_clients(struct worker *worker)
{
	struct client *client, *next;

	for (client = LIST_FIRST(&worker->clients); client != NULL;
	     client = next) {
		next = LIST_NEXT(client, link);
		client_drain(client);
	}
}

/* Who was let in by other CAs or CRLs and only waits to ask again, has to come
 * in again. */
static void follow_clients(struct worker *worker)
{
	struct client *client, *next;

	for (client = LIST_FIRST(&worker->clients); client != NULL;
	     client = next) {
		next = LIST_NEXT(client, link);
		client_follow(client);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;
	uint64_t count;

	(void)what;
	/* only the waking matters; a failed read wakes us again */
	if (read((int)fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	/* after a reload: let go of the old policy now, not at some request */
	upstreams_follow(&worker->upstreams,
			 store_current(worker->shared->store, &worker->view));
	if (worker->shared->settings->tls.cert_file != NULL)
		follow_clients(worker);
	if (atomic_load(&worker->shared->draining)) {
		for (unsigned i = 0; i < worker->listener_count; i++)
			listener_drain(&worker->listeners[i]);
		drain_clients(worker);
	}
	report_serve(worker);
}

static void on_statsd_timer(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;

	(void)fd;
	(void)what;
	statsd_flush(worker->statsd);
}

/* What waits to fill a datagram waits no longer than that. */
static void arm_statsd(struct worker *worker)
{
	struct timeval tv = {.tv_usec = STATSD_FLUSH_MS * 1000};

	if (worker->statsd != NULL && worker->statsd->length != 0 &&
	    !evtimer_pending(&worker->statsd_timer, NULL))
		event_add(&worker->statsd_timer, &tv);
}

static void on_log_retry(evutil_socket_t fd, short what, void *context)
{
	/* the loop flushes after every turn: to have woken is all */
	(void)fd;
	(void)what;
	(void)context;
}

static void flush_log(struct worker *worker)
{
	struct timeval tv = {.tv_usec = LOG_RETRY_MS * 1000};

	if (!log_flush(worker->log) &&
	    !evtimer_pending(&worker->log_retry, NULL))
		event_add(&worker->log_retry, &tv);
}

/* Nobody cancels a worker (pthread_cancel(3)).  In glibc before 2.41 each call
 * that could be cancelled takes two atomic steps to say so, for nothing, unless
 * the thread says it all the time. */
static void decline_cancellation(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
}

static void *run(void *context)
{
	struct worker *worker = context;

	decline_cancellation();
	while (!atomic_load(&worker->shared->stopping)) {
		worker->turns++;
		if (event_base_loop(worker->base, EVLOOP_ONCE) < 0)
			break;
		flush_log(worker);
		arm_statsd(worker);
	}
	close_all(worker);
	if (worker->statsd != NULL)
		statsd_flush(worker->statsd);
	log_flush(worker->log);
	return NULL;
}

/* Without libevent's change list: it would remove descriptors from the kernel's
 * set after they are closed, when another thread may have them again. */
static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

/* A worker's part of what all of them may have; 0 stays 0. */
static unsigned share(const struct worker *worker, unsigned all)
{
	unsigned workers = worker->shared->workers;

	return all / workers + (all % workers != 0);
}

static void init_upstreams(struct worker *worker)
{
	const struct settings *settings = worker->shared->settings;

	upstreams_init(&worker->upstreams, worker->base,
		       share(worker, settings->max_idle_conns),
		       share(worker, settings->max_idle_conns_per_host),
		       settings->idle_timeout_ms);
}

static bool init_events(struct worker *worker)
{
	const struct settings *settings = worker->shared->settings;

	timeouts_init(&worker->head_timeouts, worker->base,
		      settings->head_timeout_ms, client_on_head_timeout);
	timeouts_init(&worker->keep_timeouts, worker->base,
		      settings->idle_timeout_ms != 0
			      ? settings->idle_timeout_ms
			      : settings->read_timeout_ms,
		      client_on_keep_timeout);
	timeouts_init(&worker->idle_timeouts, worker->base,
		      settings->idle_timeout_ms, client_on_idle_timeout);
	timeouts_init(&worker->read_timeouts, worker->base,
		      settings->read_timeout_ms, client_on_body_timeout);
	timeouts_init(&worker->write_timeouts, worker->base,
		      settings->write_timeout_ms, client_on_body_timeout);
	timeouts_init(&worker->linger_timeouts, worker->base, LINGER_MS,
		      client_on_linger_timeout);
	timeouts_init(&worker->connect_timeouts, worker->base,
		      settings->connect_timeout_ms, client_on_connect_timeout);
	timeouts_init(&worker->duration_timeouts, worker->base,
		      settings->max_tunnel_duration_ms,
		      client_on_duration_timeout);
	evtimer_assign(&worker->statsd_timer, worker->base, on_statsd_timer,
		       worker);
	evtimer_assign(&worker->log_retry, worker->base, on_log_retry, NULL);
	event_assign(&worker->wake, worker->base, worker->wake_fd,
		     EV_READ | EV_PERSIST, on_wake, worker);
	return event_add(&worker->wake, NULL) == 0;
}

static bool init_metrics(struct worker *worker)
{
	struct shared *shared = worker->shared;

	worker->metrics = metrics_add_thread(shared->metrics);
	worker->report.notify = shared->report_fd;
	if (worker->metrics == NULL || shared->statsd_fd < 0)
		return worker->metrics != NULL;
	worker->statsd = calloc(1, sizeof(*worker->statsd));
	if (worker->statsd == NULL)
		return false;
	statsd_init(worker->statsd, shared->statsd_fd, worker->metrics);
	worker->metrics->statsd = worker->statsd;
	return true;
}

struct worker *worker_new(struct shared *shared, const char **why)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	*why = "out of memory or descriptors";
	if (worker == NULL)
		return NULL;
	worker->shared = shared;
	worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	worker->base = new_base();
	worker->log = log_new(shared->sink);
	worker->secure = secure_worker_new();
	LIST_INIT(&worker->clients);
	LIST_INIT(&worker->pool);
	TAILQ_INIT(&worker->handshakes);
	id_source_init(&worker->ids);
	if (worker->base == NULL || worker->log == NULL ||
	    worker->secure == NULL || worker->wake_fd < 0 ||
	    !init_events(worker) || !init_metrics(worker))
		goto fail;
	init_upstreams(worker);
	worker->resolver =
		resolver_new(worker->base, &shared->settings->resolver, why);
	if (worker->resolver != NULL)
		return worker;
fail:
	worker_free(worker);
	return NULL;
}

bool worker_listen(struct worker *worker, int fd, bool is_shared)
{
	struct listener *listener = &worker->listeners[worker->listener_count];

	if (worker->listener_count == WORKER_MAX_LISTENERS) {
		close(fd);
		return false;
	}
	if (!listener_init(listener, worker->base, fd, is_shared,
			   &worker->turns, on_accepted, worker))
		return false;
	worker->listener_count++;
	return true;
}

unsigned worker_listeners(const struct worker *worker,
			  int fds[WORKER_MAX_LISTENERS])
{
	for (unsigned i = 0; i < worker->listener_count; i++)
		fds[i] = worker->listeners[i].fd;
	return worker->listener_count;
}

void worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	close_all(worker);
	client_pool_free(worker);
	pipe_pool_fini(&worker->pipes);
	upstreams_fini(&worker->upstreams);
	/* the connections that wait say good-bye by it */
	secure_worker_free(worker->secure);
	if (worker->resolver != NULL)
		resolver_free(worker->resolver);
	for (unsigned i = 0; i < worker->listener_count; i++)
		listener_close(&worker->listeners[i]);
	if (worker->base != NULL)
		event_base_free(worker->base);
	if (worker->wake_fd >= 0)
		close(worker->wake_fd);
	store_view_fini(&worker->view);
	self_cache_fini(&worker->self);
	text_free(&worker->report.text);
	free(worker->statsd);
	log_free(worker->log);
	free(worker);
}

int worker_start(struct worker *worker)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->running = error == 0;
	return error;
}

void worker_join(struct worker *worker)
{
	if (!worker->running)
		return;
	pthread_join(worker->thread, NULL);
	worker->running = false;
}

void worker_wake(struct worker *worker)
{
	const uint64_t one = 1;

	/* a full counter is awake anyway */
	if (write(worker->wake_fd, &one, sizeof(one)) < 0)
		return;
}
