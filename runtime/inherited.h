/* inherited.h - listening sockets that whoever started us has opened: systemd's
 * socket activation (sd_listen_fds(3)) or an einhorn master.  They outlive us,
 * so that a successor takes over without a connection refused.
 * Not here: opening our own, listener.h. */
#ifndef RUNTIME_INHERITED_H
#define RUNTIME_INHERITED_H

#include <stdbool.h>

#define INHERITED_WHY_MAX 256

/* The sockets, not blocking and closed on exec, into FDS with room for MAX; how
 * many.  0: there are none.  -1: WHY, of INHERITED_WHY_MAX bytes, says what is
 * wrong with them. */
int inherited_listeners(int *fds, int max, char *why);

/* Tell an einhorn master that we serve.  True too when there is none. */
bool inherited_ack(char *why);

#endif
