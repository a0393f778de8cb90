/* small_server.h - HTTP for the few who ask about the proxy itself: metrics
 * over TCP, open tunnels over a UNIX socket.  One GET or HEAD a connection,
 * bounded in size, time and number, on the main thread's loop.
 * Not here: what is told. */
#ifndef OBSERVE_SMALL_SERVER_H
#define OBSERVE_SMALL_SERVER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "grammar/request.h"
#include "runtime/policy/str.h"
#include "text.h"

#define SMALL_MAX_CLIENTS 16
#define SMALL_MAX_HEAD 8192u
#define SMALL_HEAD_MS 5000
#define SMALL_PAUSE_MS 100
#define SMALL_STALL_MS 10000 /* the longest between two steps of an answer */

struct small_client;

LIST_HEAD(small_clients, small_client);

/* Answer with small_answer(), now or later; TARGET is borrowed for the call. */
typedef void small_asked(void *context, struct small_client *client,
			 struct str target);
/* CLIENT is gone, and its answer was not given yet. */
typedef void small_gone(void *context, struct small_client *client);

struct small_server {
	struct event_base *base; /* borrowed */
	int fd;                  /* owned; -1: closed */
	struct event event;
	struct event pause; /* accepting goes on after it: no descriptor was
			     * left */
	struct small_clients clients;
	unsigned count;
	struct request request; /* the one being looked at */
	small_asked *asked;
	small_gone *gone; /* NULL: every answer is given at once */
	void *context;
};

/* FD listens and becomes the server's, whatever happens. */
bool small_server_init(struct small_server *server, struct event_base *base,
		       int fd, small_asked *asked, small_gone *gone,
		       void *context);
/* Idempotent; nothing is said of the clients that are still there. */
void small_server_fini(struct small_server *server);

/* BODY's text is taken over, and BODY empty afterwards. */
void small_answer(struct small_client *client, unsigned status,
		  const char *content_type, struct text *body);

#endif
