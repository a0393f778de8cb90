/* watch.h - tells when there is another file at one of some paths: renamed
 * over, rewritten, or because a symbolic link on the way to it points elsewhere
 * now, as when Kubernetes swaps a ConfigMap's ..data or a release its
 * "current".  Not here: which paths, and what is done about it. */
#ifndef RUNTIME_WATCH_H
#define RUNTIME_WATCH_H

#include <event2/event.h>
#include <stddef.h>

/* After the first sign of a change it is looked at so much later, since one
 * change makes several signs. */
#define WATCH_SETTLE_MS 100
/* When the kernel can't watch, we look so often. */
#define WATCH_POLL_MS 1000
/* Directories and links between / and a file. */
#define WATCH_MAX_STEPS 64

struct watch;

/* There is another file at PATH, and maybe at more of the paths. */
typedef void watch_changed(void *context, const char *path);

/* CHANGED is called from BASE's loop when the file at one of the COUNT paths is
 * no longer the one that was there at the last call of watch_new(),
 * watch_note() or CHANGED, and is there at all.  PATHS is copied.  NULL: errno
 * says why. */
struct watch *watch_new(struct event_base *base, const char *const *paths,
			size_t count, watch_changed *changed, void *context);
void watch_free(struct watch *watch);

/* The caller is about to look at the files: what is there now is no change. */
void watch_note(struct watch *watch);

#endif
