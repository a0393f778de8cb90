/* stats_socket.h - the tunnels that are open, as JSON over a UNIX socket named
 * after the process: DIR/track-PID.sock, any path.
 * The objects come from the workers, report.h, one worker after the other. */
#ifndef OBSERVE_STATS_SOCKET_H
#define OBSERVE_STATS_SOCKET_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

#include "small_server.h"

struct worker;

#define STATS_WHY_MAX 512

struct stats_socket {
	char *path; /* owned; NULL: there is none */
	struct small_server server;
	struct event ready;      /* a worker has its report */
	struct worker **workers; /* borrowed, COUNT of them */
	unsigned count;
	unsigned at;      /* the worker that is asked */
	bool running;     /* one is */
	struct text text; /* what they have said */
	struct small_client *queue[SMALL_MAX_CLIENTS]; /* who asked */
	unsigned queued;
	bool first_is_gone; /* nobody wants what is being gathered */
};

/* Bind DIR/track-PID.sock with MODE; the socket, not blocking.  -1: WHY, of
 * STATS_WHY_MAX bytes, says why not. */
int stats_socket_open(struct stats_socket *stats, const char *dir,
		      unsigned mode, char *why);

/* Serve on FD, which becomes the callee's.  READY_FD is the workers' notify. */
bool stats_socket_start(struct stats_socket *stats, struct event_base *base,
			int fd, int ready_fd, struct worker **workers,
			unsigned count);

/* Close and unlink.  Idempotent; the workers have ended or never run. */
void stats_socket_stop(struct stats_socket *stats);

#endif
