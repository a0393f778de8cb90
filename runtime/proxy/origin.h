/* origin.h - from a connected socket to somebody who takes the request: TLS
 * with an upstream proxy, its consent to a tunnel (via.h), TLS with the origin;
 * each as far as it is called for, and in this order.  Then it is tunnel.h's
 * turn, or forward.h's. */
#ifndef PROXY_ORIGIN_H
#define PROXY_ORIGIN_H

#include <stdint.h>

struct client;

/* How far CLIENT has come, or is about to. */
enum origin_leg {
	LEG_SOCKET = 0, /* connected to the origin, or an upstream proxy */
	LEG_PROXY,      /* that speaks TLS, */
	LEG_CONSENT,    /* and lets bytes through to the origin, */
	LEG_ORIGIN,     /* which speaks TLS, too */
};

/* The socket is connected. */
void origin_connected(struct client *client);

/* The proxy consents, and LENGTH bytes at BYTES have come behind that. */
void origin_consented(struct client *client, const void *bytes,
		      uint32_t length);

/* In state CLIENT_SECURE: the socket is ready, */
void origin_ready(struct client *client);
/* or the handshake takes too long. */
void origin_timeout(struct client *client);

#endif
