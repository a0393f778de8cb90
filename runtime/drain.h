/* drain.h - waiting for the last clients: upstream's three ways to end, and its
 * words for them.  Pure but for the log: the caller has the clock and the
 * counts. */
#ifndef RUNTIME_DRAIN_H
#define RUNTIME_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/observe/log.h"
#include "settings.h"

struct drain {
	uint64_t began;      /* ms */
	uint64_t next_check; /* ms: when to look for idleness again */
	unsigned idle_ms;    /* quiet for so long is idle */
	unsigned exit_ms;    /* after so long we end anyway */
};

void drain_begin(struct drain *drain, struct log *log,
		 const struct settings *settings, uint64_t now);

/* LIVE clients are left, the last byte of any moved at LAST_ACTIVITY.  True:
 * the end has come, and the log says which. */
bool drain_check(struct drain *drain, struct log *log, uint64_t now,
		 unsigned live, uint64_t last_activity);

#endif
