/* report.h - one worker's open tunnels, told to the main thread in batches: the
 * worker formats a few hundred a turn of its loop and serves everybody else in
 * between.  The two threads take turns, and STATE says whose turn it is.
 * Not here: who asked, runtime/observe/stats_socket.h. */
#ifndef PROXY_REPORT_H
#define PROXY_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/observe/text.h"

struct client;
struct worker;

#define REPORT_BATCH 256 /* clients looked at in one turn */

enum report_state {
	REPORT_IDLE = 0, /* the main thread's: nothing was asked */
	REPORT_FIRST,    /* the worker's: begin at its first client */
	REPORT_MORE,     /* the worker's: go on */
	REPORT_READY,    /* the main thread's: TEXT, and there is more */
	REPORT_LAST,     /* the main thread's: TEXT, and that is all */
};

struct report {
	_Atomic int state;   /* enum report_state */
	struct text text;    /* whose turn it is; each object ends in ",\n" */
	struct client *next; /* the worker's: the next to look at */
	int notify; /* borrowed eventfd: it is the main thread's turn */
};

/* In the worker: do what STATE asks for. */
void report_serve(struct worker *worker);

/* CLIENT is about to leave the worker's list. */
void report_forget(struct worker *worker, const struct client *client);

#endif
