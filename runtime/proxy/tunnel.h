/* tunnel.h - the relay: two ways, each with its own end and its own pace. */
#ifndef PROXY_TUNNEL_H
#define PROXY_TUNNEL_H

#include <stdint.h>

#include "client.h"

/* Both ends are open.  Answers 200 and relays from here on; what the client
 * sent already is in its upward spill. */
void tunnel_begin(struct client *client);

/* The same, where LENGTH bytes at BYTES have come from the origin already. */
void tunnel_begin_with(struct client *client, const void *bytes,
		       uint32_t length);

/* Relay from here on, without a word: what waits is in the spills. */
void tunnel_continue(struct client *client);

/* PEER, one of the two ends, is ready for WHAT (EV_READ, EV_WRITE). */
void tunnel_ready(struct client *client, struct peer *peer, short what);

/* It ends for CAUSE: one line in the log. */
void tunnel_log_end(struct client *client, enum close_cause cause);

#endif
