/* mitm.h - tunnels that end here, since the policy has something to say of the
 * requests inside (mitm_domains).
 *
 * CONNECT is decided upon and its addresses are judged as ever.  Then nobody is
 * connected to: the client is answered 200 and finds a TLS server with a
 * certificate for the host that it asked for (runtime/tls/mint.h).  Each
 * request inside is decided upon anew, with the role of the CONNECT and by the
 * policy that is in force by then, and goes to the origin like one for an
 * https:// URL.  It has to be for the host and port of the CONNECT: nothing is
 * reached through a tunnel that was not asked for when it was opened. */
#ifndef PROXY_MITM_H
#define PROXY_MITM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headers.h"
#include "runtime/net/proxy_address.h"
#include "runtime/observe/events.h"
#include "runtime/policy/hostname.h"

struct client;
struct minted;

/* One such tunnel. */
struct mitm {
	struct hostname host; /* what CONNECT was allowed to reach */
	uint16_t port;
	struct id connect_id;       /* of the CONNECT in the log */
	struct str trace_id;        /* of the same; owned */
	bool has_proxy;             /* CONNECT has named one: */
	struct proxy_address proxy; /* owned */
	struct minted *minted;      /* counted; NULL once TLS has begun */
};

/* The policy wants CLIENT's CONNECT, which it allows, to end here. */
bool mitm_is_wanted(const struct client *client);

/* Everything about the CONNECT is decided upon: answer it, and begin. */
void mitm_begin(struct client *client);

/* In CLIENT_HANDSHAKE: our answer is not out yet; the socket takes more. */
bool mitm_is_answering(const struct client *client);
void mitm_answer(struct client *client);

/* The handshake is done: requests come next. */
void mitm_secured(struct client *client);

/* REQUESTED at PORT, of a request inside, is what the CONNECT was for. */
bool mitm_covers(const struct client *client, const struct hostname *requested,
		 uint16_t port);

/* The tunnel is closed.  Idempotent. */
void mitm_end(struct client *client);

/* REQUEST, whose spans are in HEAD, may go over TLS to what URL says and is
 * called HOST.  What the policy sets on it to *SET, which is to be freed, COUNT
 * of them, and what it wants to be told of it to CLIENT's exchange.  False: out
 * of memory. */
bool mitm_apply(struct client *client, const struct request *request,
		const char *head, const struct request_url *url,
		struct str host, struct headers_set **set, size_t *count);

#endif
