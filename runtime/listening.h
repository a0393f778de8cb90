/* listening.h - where the workers' listening sockets come from: from whoever
 * started us, from a predecessor, or opened by ourselves. */
#ifndef RUNTIME_LISTENING_H
#define RUNTIME_LISTENING_H

#include <stdbool.h>

#include "handover.h"
#include "runtime/proxy/worker.h"
#include "settings.h"
#include "store.h"

struct listening {
	const struct settings *settings; /* borrowed, as all here */
	struct shared *shared;
	struct worker **workers;
	unsigned count;              /* of the workers */
	struct handover_offer offer; /* owned: a predecessor's */
	int inherited;               /* sockets that we were given */
};

/* Give every worker something to accept from, and tell the self-connection
 * guard where that is.  The first four fields are set; OFFER and INHERITED are
 * filled in.  False: WHY, of STORE_WHY_MAX bytes, says why. */
bool listening_open(struct listening *listening, char *why);

#endif
