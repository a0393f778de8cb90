/* watch.c - see watch.h.
 * A path is a walk: every step names an entry of a directory, and a link puts
 * more steps in front.  Each entry is watched before it is looked at, and the
 * files are looked at when all are, so that no change falls in between.  A sign
 * of a change on any step leads to new walks. */
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

struct watched {
	char *path; /* owned */
	struct file_stamp seen;
};

struct watch {
	struct watched *files; /* owned, FILE_COUNT of them */
	size_t file_count;
	watch_changed *changed;
	void *context;      /* borrowed, for changed */
	int fd;             /* owned: inotify; -1: none could be had */
	struct event event; /* for FD, while there is one */
	struct event timer; /* until we look */
	struct event_base *base;
	struct step *steps; /* owned, of all paths; room for CAPACITY */
	size_t count;
	size_t capacity;
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

/* Paths share directories, and often all steps but the last. */
static bool has_step(const struct watch *watch, int descriptor,
		     const char *name)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->steps[i].descriptor == descriptor &&
		    strcmp(watch->steps[i].name, name) == 0)
			return true;
	return false;
}

static bool make_room(struct watch *watch)
{
	size_t capacity = watch->capacity + WATCH_MAX_STEPS;
	struct step *steps;

	if (watch->count < watch->capacity)
		return true;
	steps = reallocarray(watch->steps, capacity, sizeof(*steps));
	if (steps == NULL)
		return false;
	watch->steps = steps;
	watch->capacity = capacity;
	return true;
}

/* Watch the entry NAME of the directory the walk is in. */
static bool add_step(struct watch *watch, int fd, const struct walk *walk,
		     const char *name)
{
	struct step *step;
	int descriptor;

	/* for the same directory it is the same descriptor */
	descriptor = inotify_add_watch(fd, walk->at[0] != '\0' ? walk->at : "/",
				       SIGNS | IN_ONLYDIR);
	/* a directory that is not there is awaited by the step before */
	if (descriptor < 0)
		return errno == ENOENT || errno == ENOTDIR;
	if (has_step(watch, descriptor, name))
		return true;
	if (!make_room(watch))
		return false;
	step = &watch->steps[watch->count++];
	step->descriptor = descriptor;
	snprintf(step->name, sizeof(step->name), "%s", name);
	return true;
}

/* Watch all of the way to PATH.  False: some of it could not be. */
static bool walk_path(struct watch *watch, int fd, const char *path)
{
	char name[NAME_MAX + 1];
	struct walk walk = {.at = ""};
	unsigned steps = 0;

	if (strlen(path) >= sizeof(walk.rest) ||
	    (path[0] != '/' && getcwd(walk.at, sizeof(walk.at)) == NULL))
		return false;
	if (strcmp(walk.at, "/") == 0)
		walk.at[0] = '\0';
	snprintf(walk.rest, sizeof(walk.rest), "%s", path);
	while (next_name(&walk, name)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			go_up(&walk);
			continue;
		}
		errno = ELOOP;
		if (++steps > WATCH_MAX_STEPS ||
		    !add_step(watch, fd, &walk, name) || !enter(&walk, name))
			return false;
	}
	return true;
}

static bool walk_all(struct watch *watch, int fd)
{
	watch->count = 0;
	for (size_t i = 0; i < watch->file_count; i++)
		if (!walk_path(watch, fd, watch->files[i].path))
			return false;
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
	if (event_add(&watch->event, NULL) == 0 && walk_all(watch, watch->fd))
		return true;
	error = errno;
	stop_watching(watch);
	errno = error;
	return false;
}

/* Is there another file than was seen?  Then that one is. */
static bool look(struct watched *file)
{
	static const struct file_stamp none;
	struct file_stamp now = file_stamp_at(file->path);

	/* it may be between being removed and coming back */
	if (file_stamp_equal(&now, &none) ||
	    file_stamp_equal(&now, &file->seen))
		return false;
	file->seen = now;
	return true;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;
	const char *path = NULL;

	(void)fd;
	(void)what;
	if (!start_watching(watch))
		look_later(watch, WATCH_POLL_MS);
	for (size_t i = 0; i < watch->file_count; i++)
		if (look(&watch->files[i]) && path == NULL)
			path = watch->files[i].path;
	if (path != NULL)
		watch->changed(watch->context, path);
}

void watch_note(struct watch *watch)
{
	for (size_t i = 0; i < watch->file_count; i++)
		watch->files[i].seen = file_stamp_at(watch->files[i].path);
}

static bool copy_paths(struct watch *watch, const char *const *paths,
		       size_t count)
{
	watch->files = calloc(count, sizeof(*watch->files));
	if (watch->files == NULL)
		return false;
	while (watch->file_count < count) {
		char *copy = strdup(paths[watch->file_count]);

		if (copy == NULL)
			return false;
		watch->files[watch->file_count++].path = copy;
	}
	return true;
}

struct watch *watch_new(struct event_base *base, const char *const *paths,
			size_t count, watch_changed *changed, void *context)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->fd = -1;
	watch->base = base;
	watch->changed = changed;
	watch->context = context;
	evtimer_assign(&watch->timer, base, on_timer, watch);
	if (!copy_paths(watch, paths, count) || !start_watching(watch)) {
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
	for (size_t i = 0; i < watch->file_count; i++)
		free(watch->files[i].path);
	free(watch->files);
	free(watch->steps);
	free(watch);
}
