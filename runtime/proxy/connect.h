/* connect.h - from what a request asks for to a connected origin: whose role,
 * what the policy says, which addresses, which of them answers. */
#ifndef PROXY_CONNECT_H
#define PROXY_CONNECT_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/policy/hostname.h"

struct addr;
struct client;

/* What decide() is asked about. */
struct asked {
	struct hostname host;
	struct hostname proxy; /* X-Upstream-Https-Proxy's */
	bool has_proxy;
	bool proxy_is_bad; /* it was there and made no sense */
};

/* ASKED is what CLIENT wants, with its port; its text and log fields are kept
 * there already. */
void connect_decide(struct client *client, const struct asked *asked);

/* Connect to the first of the COUNT addresses at ADDRS, which have been decided
 * upon, that answers. */
void connect_dial(struct client *client, const struct addr *addrs,
		  size_t count);

#endif
