/* expiring.h - warns in the log of certificates and CRLs that are about to end:
 * once a day ahead, once when it has come to that, whatever happens meanwhile.
 * Not here: what they are, runtime/tls/expiry.h. */
#ifndef RUNTIME_EXPIRING_H
#define RUNTIME_EXPIRING_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>

#include "runtime/observe/log.h"
#include "store.h"

/* The clock on the wall may be set: it is looked at so often at least. */
#define EXPIRING_LOOK_MS 3600000

/* Called when something was said, for the log to be flushed. */
typedef void expiring_said(void *context);

struct expiring {
	struct event timer;
	const struct store *store; /* borrowed */
	struct log *log;           /* borrowed */
	expiring_said *said;
	void *context; /* borrowed, for said */
	int64_t then;  /* all that was so then has been said */
};

/* STORE and LOG outlive EXPIRING; events come from BASE's loop. */
void expiring_init(struct expiring *expiring, struct event_base *base,
		   const struct store *store, struct log *log,
		   expiring_said *said, void *context);
/* A zeroed one is fine, too. */
void expiring_fini(struct expiring *expiring);

/* There are other certificates in force: say what there is to say of them, and
 * when there will be more. */
void expiring_loaded(struct expiring *expiring);

#endif
