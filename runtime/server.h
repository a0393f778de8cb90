/* server.h - the running proxy: its workers, its signals, its reloads and its
 * end.  The main thread does that and nothing else; no request waits for it.
 *
 *   TERM, USR2  take no new clients, end when the old ones have
 *   HUP         load the policy again
 *   INT         end at once
 */
#ifndef RUNTIME_SERVER_H
#define RUNTIME_SERVER_H

#include <stdbool.h>

#include "settings.h"
#include "store.h"

struct server;

#define SERVER_WHY_MAX STORE_WHY_MAX

/* Load the policy and open the listeners.  NULL: WHY says why not, and nothing
 * was logged.  SETTINGS is borrowed. */
struct server *server_new(const struct settings *settings, char *why);

/* Log that we are there and serve until a signal ends it.  The exit status;
 * after SIGINT the process ends by that signal instead. */
int server_run(struct server *server);

void server_free(struct server *server);

#endif
