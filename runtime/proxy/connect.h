/* connect.h - from what a request asks for to a connected origin: whose role,
 * what the policy says, which addresses, which of them answers. */
#ifndef PROXY_CONNECT_H
#define PROXY_CONNECT_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/policy/hostname.h"
#include "runtime/policy/ranges.h"

struct addr;
struct client;

/* What decide() is asked about. */
struct asked {
	struct hostname host;
	/* Why X-Upstream-Https-Proxy makes no sense; NULL: it is not there, or
	 * in client->via. */
	const char *bad_proxy;
};

/* May CLIENT have what it has ASKED for?  Its text and log fields are kept
 * there already.  False: no, and it has been answered. */
bool connect_decide(struct client *client, const struct asked *asked);

/* It may: on to HOST, at the client's port. */
void connect_go(struct client *client, const struct hostname *host);

/* Connect to the first of the COUNT addresses at ADDRS, which have been decided
 * upon, that answers. */
void connect_dial(struct client *client, const struct addr *addrs,
		  size_t count);

/* Between connect.c and via.c: */

/* The policy allows HOST: look it up, judge its addresses, connect. */
void connect_destination(struct client *client, const struct hostname *host);

struct classification connect_classify(struct client *client,
				       const struct addr *addr, uint16_t port);

/* The class of ADDR, in the exchange, denies the request. */
void connect_deny_address(struct client *client, const struct addr *addr,
			  const char *what);

#endif
