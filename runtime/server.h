/* server.h - the running proxy: its workers, its signals, its reloads and its
 * end.  The main thread does that and nothing else; no request waits for it.
 *
 *   TERM, USR2  take no new clients, end when the old ones have
 *   HUP         load the policy again
 *   INT         end at once
 *
 * and the same of struct control, from whoever has it. */
#ifndef RUNTIME_SERVER_H
#define RUNTIME_SERVER_H

#include <stdbool.h>

#include "hooks.h"
#include "settings.h"
#include "store.h"

struct server;

#define SERVER_WHY_MAX STORE_WHY_MAX

/* Load the policy and open the listeners.  NULL: WHY says why not, and nothing
 * was logged.  SETTINGS and HOOKS are borrowed. */
struct server *server_new(const struct settings *settings, struct hooks *hooks,
			  char *why);

/* Log that we are there and serve until a signal or HOOKS' control ends it. */
enum server_end {
	SERVER_FAILED = 0, /* it could not begin: WHY says why not */
	SERVER_ENDED,
	SERVER_INTERRUPTED, /* by SIGINT */
};
enum server_end server_run(struct server *server, char *why);

void server_free(struct server *server);

#endif
