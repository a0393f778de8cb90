/* via.h - the way through an upstream proxy: whose, where it is, and its
 * consent to the tunnel.  connect.c decides about the destination as ever; then
 * this takes over for the dial, and for the consent when origin.c says that it
 * is time.  Of plain HTTP, which needs no consent, only the dial is done here.
 *
 * A declared proxy (--upstream-https-proxy-addr for tunnels and https://,
 * --upstream-http-proxy-addr for http://) may be anywhere, whatever the
 * policy says of its address, and is no destination for anybody.  One that a
 * client names (X-Upstream-Https-Proxy) is judged like a destination, and is
 * for CONNECT alone: with other requests it is subject to the policy, but no
 * way.
 */
#ifndef PROXY_VIA_H
#define PROXY_VIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/net/proxy_address.h"

struct client;
struct worker;

#define VIA_DECLARED 2 /* for plain HTTP, for tunnels */

/* Addresses that a declared proxy was found at: none of them, at its port, is a
 * destination.  More than one answer of a name server are remembered, since
 * the next may differ. */
#define VIA_MAX_KNOWN 64
struct via_known {
	struct addr addrs[VIA_MAX_KNOWN];
	size_t count;
	size_t next; /* the one to forget when there is no room */
};

/* Is ADDR at PORT a declared proxy? */
bool via_is_declared(const struct worker *worker, const struct addr *addr,
		     uint16_t port);

/* Take TEXT, the value of X-Upstream-Https-Proxy, for CLIENT. */
enum proxy_address_error via_take_header(struct client *client,
					 struct str text);

/* CLIENT goes by PROXY, which it has named before; borrowed.  False: out of
 * memory. */
bool via_name(struct client *client, const struct proxy_address *proxy);

/* Forget the way.  True: it was by a proxy that CLIENT has named, which is now
 * the caller's, in *OUT. */
bool via_take_named(struct client *client, struct proxy_address *out);

/* The policy allows HOST.  True: CLIENT goes to it directly.  False: by a
 * proxy, and everything from here on happens here. */
bool via_goes_direct(struct client *client, const struct hostname *host);

/* The host of the proxy that CLIENT named, or NULL. */
const struct hostname *via_host(const struct client *client);

/* The destination may be connected to: connect to the proxy instead. */
void via_dial(struct client *client);

/* The proxy is connected to, by TLS if it speaks that: ask it for a tunnel, and
 * come back to origin_consented(). */
void via_connected(struct client *client);

/* The proxy's socket is ready for WHAT. */
void via_ready(struct client *client, short what);

/* It did not answer in time. */
void via_timeout(struct client *client);

/* The proxy that CLIENT goes by, or NULL. */
const struct proxy_address *via_proxy(const struct client *client);

/* Forget the way, whatever of it there is.  NULL is allowed. */
struct via;
void via_free(struct via *via);

/* CLIENT needs no way any more.  Idempotent. */
void via_forget(struct client *client);

#endif
