/* watch.c - see watch.h.
 * A path is a walk: every step names an entry of a directory, and a link puts
 * more steps in front.  Each entry is watched before it is looked at, and the
 * file is looked at when all are, so that no change falls in between.  A sign
 * of a change on any step leads to a new walk. */
#include "watch.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "runtime/net/clock.h"
#include "runtime/net/file_stamp.h"

#define SIGNS                                                                  \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE)

/* The entry NAME of the directory that DESCRIPTOR watches. */
struct step {
	int descriptor;
	char name[NAME_MAX + 1];
};

struct watch {
	char *path; /* owned */
	watch_changed *changed;
	void *context; /* borrowed, for changed */
	struct file_stamp seen;
	int fd;             /* owned: inotify; -1: none could be had */
	struct event event; /* for FD, while there is one */
	struct event timer; /* until we look */
	struct event_base *base;
	struct step steps[WATCH_MAX_STEPS];
	size_t count;
};

/* --- the walk --- */

struct walk {
	char at[PATH_MAX];   /* the directory we are in; "" is the root */
	char rest[PATH_MAX]; /* what is left to go */
};

/* Take the next name off the rest.  False: there is none. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
	const char *from = walk->rest + strspn(walk->rest, "/");
	size_t n = strcspn(from, "/");

	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(name, from, n);
	name[n] = '\0';
	memmove(walk->rest, from + n, strlen(from + n) + 1);
	return true;
}

static void go_up(struct walk *walk)
{
	char *slash = strrchr(walk->at, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* Go to NAME, or where it leads if it is a link.  False: too long. */
static bool enter(struct walk *walk, const char *name)
{
	char full[PATH_MAX], link[PATH_MAX], rest[PATH_MAX];
	ssize_t n;

	if ((size_t)snprintf(full, sizeof(full), "%s/%s", walk->at, name) >=
	    sizeof(full))
		return false;
	n = readlink(full, link, sizeof(link) - 1);
	if (n < 0) {
		memcpy(walk->at, full, sizeof(full));
		return true;
	}
	link[n] = '\0';
	if ((size_t)snprintf(rest, sizeof(rest), "%s/%s", link, walk->rest) >=
	    sizeof(rest))
		return false;
	memcpy(walk->rest, rest, sizeof(rest));
	if (link[0] == '/')
		walk->at[0] = '\0';
	return true;
}

/* Watch the entry NAME of the directory the walk is in. */
static bool add_step(struct watch *watch, int fd, const struct walk *walk,
		     const char *name)
{
	struct step *step;
	int descriptor;

	if (watch->count == WATCH_MAX_STEPS)
		return false;
	/* for the same directory it is the same descriptor */
	descriptor = inotify_add_watch(fd, walk->at[0] != '\0' ? walk->at : "/",
				       SIGNS | IN_ONLYDIR);
	/* a directory that is not there is awaited by the step before */
	if (descriptor < 0)
		return errno == ENOENT || errno == ENOTDIR;
	step = &watch->steps[watch->count++];
	step->descriptor = descriptor;
	snprintf(step->name, sizeof(step->name), "%s", name);
	return true;
}

/* Watch all of the way to the file.  False: some of it could not be. */
static bool walk_path(struct watch *watch, int fd)
{
	char name[NAME_MAX + 1];
	struct walk walk = {.at = ""};

	watch->count = 0;
	if (strlen(watch->path) >= sizeof(walk.rest) ||
	    (watch->path[0] != '/' && getcwd(walk.at, sizeof(walk.at)) == NULL))
		return false;
	if (strcmp(walk.at, "/") == 0)
		walk.at[0] = '\0';
	snprintf(walk.rest, sizeof(walk.rest), "%s", watch->path);
	while (next_name(&walk, name)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			go_up(&walk);
			continue;
		}
		if (!add_step(watch, fd, &walk, name) || !enter(&walk, name))
			return false;
	}
	return true;
}

/* --- the signs --- */

static void look_later(struct watch *watch, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	/* the first sign sets the time: a stream of them must not put it off */
	if (!evtimer_pending(&watch->timer, NULL))
		event_add(&watch->timer, &tv);
}

static bool concerns_us(const struct watch *watch,
			const struct inotify_event *event)
{
	/* signs were lost, or a directory went away */
	if ((event->mask & (IN_Q_OVERFLOW | IN_IGNORED)) != 0)
		return true;
	for (size_t i = 0; event->len != 0 && i < watch->count; i++)
		if (watch->steps[i].descriptor == event->wd &&
		    strcmp(watch->steps[i].name, event->name) == 0)
			return true;
	return false;
}

static void on_signs(evutil_socket_t fd, short what, void *context)
{
	_Alignas(struct inotify_event) char buffer[16384];
	struct watch *watch = context;
	ssize_t n = read((int)fd, buffer, sizeof(buffer));
	const struct inotify_event *event;

	(void)what;
	for (ssize_t at = 0; at < n;
	     at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const void *)(buffer + at);
		if (concerns_us(watch, event))
			look_later(watch, WATCH_SETTLE_MS);
	}
}

static void stop_watching(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	event_del(&watch->event);
	close(watch->fd);
	watch->fd = -1;
}

/* Walk anew; without a kernel that helps we look again by the clock. */
static bool start_watching(struct watch *watch)
{
	int error;

	stop_watching(watch);
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0)
		return false;
	event_assign(&watch->event, watch->base, watch->fd,
		     EV_READ | EV_PERSIST, on_signs, watch);
	if (event_add(&watch->event, NULL) == 0 && walk_path(watch, watch->fd))
		return true;
	error = errno;
	stop_watching(watch);
	errno = error;
	return false;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	static const struct file_stamp none;
	struct watch *watch = context;
	struct file_stamp now;

	(void)fd;
	(void)what;
	if (!start_watching(watch))
		look_later(watch, WATCH_POLL_MS);
	now = file_stamp_at(watch->path);
	/* it may be between being removed and coming back */
	if (file_stamp_equal(&now, &none) ||
	    file_stamp_equal(&now, &watch->seen))
		return;
	watch->seen = now;
	watch->changed(watch->context);
}

void watch_note(struct watch *watch)
{
	watch->seen = file_stamp_at(watch->path);
}

struct watch *watch_new(struct event_base *base, const char *path,
			watch_changed *changed, void *context)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->fd = -1;
	watch->base = base;
	watch->changed = changed;
	watch->context = context;
	evtimer_assign(&watch->timer, base, on_timer, watch);
	watch->path = strdup(path);
	if (watch->path == NULL || !start_watching(watch)) {
		int error = errno;

		watch_free(watch);
		errno = error;
		return NULL;
	}
	watch_note(watch);
	return watch;
}

void watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	stop_watching(watch);
	event_del(&watch->timer);
	free(watch->path);
	free(watch);
}
