/* handover.h - a successor takes the listening sockets themselves from the
 * process it replaces, over a Unix socket: the queue of connections is the
 * socket's, so none is refused or reset, whoever accepts it.
 *
 *   predecessor                     successor
 *   listens on PATH   <----------   connects
 *   the sockets       ---------->   serves on them, listens on PATH itself
 *   drains            <----------   "taken"
 *
 * A successor that fails before it says so changes nothing.  Only processes of
 * the same user, or root's, are served. */
#ifndef RUNTIME_HANDOVER_H
#define RUNTIME_HANDOVER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#define HANDOVER_MAX 256 /* SETTINGS_MAX_WORKERS */
#define HANDOVER_PATH_MAX 100
#define HANDOVER_WHY_MAX 256
#define HANDOVER_WAIT_MS 5000 /* for a predecessor to answer */

/* --- the successor --- */

struct handover_offer {
	int connection; /* owned; -1: there is no predecessor */
	int fds[HANDOVER_MAX];
	size_t count;
};

/* Ask who listens on PATH for its sockets.  False: somebody does, and it went
 * wrong; WHY says how.  Nobody there: true, and OFFER is empty. */
bool handover_ask(const char *path, struct handover_offer *offer, char *why);
/* We serve: the predecessor may end.  Closes the connection. */
void handover_taken(struct handover_offer *offer);
/* Close the sockets of OFFER: there are other references. */
void handover_drop_sockets(struct handover_offer *offer);
/* Close what is left of OFFER.  Idempotent. */
void handover_offer_fini(struct handover_offer *offer);

/* --- the predecessor --- */

struct handover;

typedef void handover_done(void *context);

/* Offer the COUNT sockets at FDS, borrowed until handover_free(), to whoever
 * connects to PATH, which is made ours in one step.  DONE is called from BASE's
 * loop when a successor has taken over.  NULL: WHY says why. */
struct handover *handover_new(struct event_base *base, const char *path,
			      const int *fds, size_t count, handover_done *done,
			      void *context, char *why);
/* Take PATH away unless it is a successor's by now. */
void handover_free(struct handover *handover);

#endif
