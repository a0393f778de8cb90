/* stats_socket.c - see stats_socket.h. */
#include "stats_socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/proxy/worker.h"

#define BACKLOG 16

/* --- the socket -------------------------------------------------------------
 */

/* Whether somebody answers at ADDRESS.  In containers that share a directory
 * two processes may have one id. */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true;
	alive = connect(fd, (const struct sockaddr *)address,
			sizeof(*address)) == 0 ||
		errno == EAGAIN;
	close(fd);
	return alive;
}

/* Remove what a process that is no more has left there; never a file that is
 * no socket. */
static void remove_stale(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    !is_alive(address))
		unlink(address->sun_path);
}

static bool bind_and_listen(int fd, const struct sockaddr_un *address,
			    unsigned mode)
{
	/* nobody may connect in between who may not afterwards */
	mode_t before = umask((mode_t)(~mode & 0777));
	bool ok = bind(fd, (const struct sockaddr *)address,
		       sizeof(*address)) == 0;

	umask(before);
	return ok && chmod(address->sun_path, (mode_t)mode) == 0 &&
	       listen(fd, BACKLOG) == 0;
}

int stats_socket_open(struct stats_socket *stats, const char *dir,
		      unsigned mode, char *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path),
			 "%s/track-%ld.sock", dir, (long)getpid());
	int fd = -1;

	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		snprintf(why, STATS_WHY_MAX,
			 "stats socket: the directory's name is too long");
		return -1;
	}
	remove_stale(&address);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind_and_listen(fd, &address, mode)) {
		stats->path = strdup(address.sun_path);
		if (stats->path != NULL)
			return fd;
	}
	snprintf(why, STATS_WHY_MAX, "stats socket %s: %s", address.sun_path,
		 strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* --- gathering --------------------------------------------------------------
 */

static void ask(struct stats_socket *stats, enum report_state what)
{
	struct worker *worker = stats->workers[stats->at];

	atomic_store_explicit(&worker->report.state, what,
			      memory_order_release);
	worker_wake(worker);
}

static void begin(struct stats_socket *stats)
{
	if (stats->running || stats->queued == 0)
		return;
	stats->running = true;
	stats->first_is_gone = false;
	stats->at = 0;
	text_free(&stats->text);
	text_put(&stats->text, "[\n");
	ask(stats, REPORT_FIRST);
}

static void remove_queued(struct stats_socket *stats, unsigned at)
{
	stats->queued--;
	for (unsigned i = at; i < stats->queued; i++)
		stats->queue[i] = stats->queue[i + 1];
}

static void finish(struct stats_socket *stats)
{
	struct text *text = &stats->text;

	stats->running = false;
	/* the last object has no comma */
	if (text->n > 2)
		text->n -= 2;
	text_put(text, "]\n");
	if (!stats->first_is_gone) {
		struct small_client *client = stats->queue[0];

		remove_queued(stats, 0);
		small_answer(client, 200, "application/json", text);
	}
	begin(stats);
}

static void take(struct stats_socket *stats)
{
	struct report *report = &stats->workers[stats->at]->report;
	int state = atomic_load_explicit(&report->state, memory_order_acquire);

	if (!stats->running || (state != REPORT_READY && state != REPORT_LAST))
		return;
	text_add(&stats->text, str_make(report->text.p, report->text.n));
	stats->text.failed |= report->text.failed;
	report->text.n = 0;
	if (state == REPORT_READY) {
		ask(stats, REPORT_MORE);
		return;
	}
	text_free(&report->text);
	atomic_store_explicit(&report->state, REPORT_IDLE,
			      memory_order_relaxed);
	if (++stats->at < stats->count)
		ask(stats, REPORT_FIRST);
	else
		finish(stats);
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	struct stats_socket *stats = context;
	uint64_t count;

	(void)what;
	if (read((int)fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	take(stats);
}

/* --- who asks ---------------------------------------------------------------
 */

static void on_asked(void *context, struct small_client *client,
		     struct str target)
{
	struct stats_socket *stats = context;

	(void)target;
	/* the server has no more clients than this has room for */
	stats->queue[stats->queued++] = client;
	begin(stats);
}

static void on_gone(void *context, struct small_client *client)
{
	struct stats_socket *stats = context;

	for (unsigned i = 0; i < stats->queued; i++) {
		if (stats->queue[i] != client)
			continue;
		if (i == 0 && stats->running)
			stats->first_is_gone = true;
		remove_queued(stats, i);
		return;
	}
}

bool stats_socket_start(struct stats_socket *stats, struct event_base *base,
			int fd, int ready_fd, struct worker **workers,
			unsigned count)
{
	stats->workers = workers;
	stats->count = count;
	if (!small_server_init(&stats->server, base, fd, on_asked, on_gone,
			       stats))
		return false;
	event_assign(&stats->ready, base, ready_fd, EV_READ | EV_PERSIST,
		     on_ready, stats);
	return event_add(&stats->ready, NULL) == 0;
}

void stats_socket_stop(struct stats_socket *stats)
{
	if (stats->path == NULL)
		return;
	if (stats->workers != NULL) {
		small_server_fini(&stats->server);
		if (event_initialized(&stats->ready))
			event_del(&stats->ready);
	}
	unlink(stats->path);
	free(stats->path);
	stats->path = NULL;
	text_free(&stats->text);
}
