/* announce.h - what the log says once, as the proxy begins to serve: in which
 * ways strangers may use it, and where it listens. */
#ifndef RUNTIME_ANNOUNCE_H
#define RUNTIME_ANNOUNCE_H

#include "observers.h"
#include "runtime/observe/log.h"
#include "runtime/proxy/self.h"
#include "settings.h"
#include "store.h"

/* All borrowed. */
struct announcement {
	const struct settings *settings;
	const struct policy *policy;
	const struct self_listeners *listeners; /* the proxy's own first */
	struct observers *observers;
	int inherited; /* listening sockets */
	unsigned workers;
};

/* One line that names every way in which whoever reaches the port may use us;
 * or that nobody can. */
void announce_open_doors(struct log *log, const struct announcement *about);

/* The listeners, and the line "ready". */
void announce_ready(struct log *log, const struct announcement *about);

#endif
