/* client.h - one client from accept to close: the state machine, and the only
 * owner of everything that belongs to it.
 *
 *  (PREAMBLE ->)
 *   PREAMBLE -> HANDSHAKE -> HEAD, as far as they are called for; then
 *
 *   HEAD -> LOOKUP -> DIAL -> TUNNEL ----> (closed)
 *    ^ \________\________\--> FORWARD -+--> HEAD again
 *    |   \________\________\____/ |   |
 *    |____________________________ REPLY --> (closed)
 *
 * With mitm_domains DIAL and TUNNEL are HANDSHAKE and HEAD again (mitm.h).
 * With an upstream proxy, or TLS on our side, VIA and SECURE are between DIAL
 * and TUNNEL or FORWARD, and may lead to REPLY.
 *
 * client.c has the states and the descriptors, handshake.c TLS, head.c the
 * reading of a head, target.c and connect.c the way from there to a connection,
 * origin.c TLS with whom we are connected to, via.c upstream proxies, tunnel.c
 * the relay, forward.c the exchange of plain HTTP, answer.c the requests that
 * get neither, respond.c the words. */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "grammar/request.h"
#include "pipes.h"
#include "runtime/observe/events.h"
#include "runtime/policy/addr.h"
#include "spill.h"
#include "stream.h"
#include "timeouts.h"

struct dial;
struct forward;
struct lookup;
struct mitm;
struct policy;
struct via;
struct worker;

enum client_state {
	CLIENT_CLOSED = 0, /* in the pool; nothing is open */
	CLIENT_PREAMBLE,   /* a PROXY header is to come first */
	CLIENT_HANDSHAKE,  /* TLS */
	CLIENT_HEAD,       /* reading the request head */
	CLIENT_LOOKUP,     /* asking the name servers */
	CLIENT_DIAL,       /* connecting */
	CLIENT_VIA,        /* asking an upstream proxy for the tunnel */
	CLIENT_SECURE,     /* TLS with that proxy, or with the origin */
	CLIENT_TUNNEL,     /* relaying */
	CLIENT_FORWARD,    /* a plain request and its answer pass through */
	CLIENT_REPLY,      /* our answer goes out, then we wait for the end, or
			    * for the next request */
};

enum close_cause {
	CLOSE_DONE = 0,    /* both ways ended, or the client went away */
	CLOSE_ERROR,       /* c->error says */
	CLOSE_IDLE,        /* idle_timeout */
	CLOSE_DURATION,    /* max_tunnel_duration */
	CLOSE_TERMINATION, /* the program ends */
};

/* One of the two ends. */
struct peer {
	struct stream stream; /* owned */
	struct event event;
	short interest; /* EV_READ, EV_WRITE: what EVENT is added for */
};

/* One of the two ways. */
struct flow {
	struct spill spill; /* read, and not yet written */
	struct piped piped; /* spliced, and not yet written: never both */
	uint64_t bytes;     /* written */
	uint8_t large;      /* large reads in a row: what earns splicing */
	bool ended;         /* the source has no more */
	bool shut;          /* the sink was told so, or is gone */
};

#define CLIENT_MAGIC 0x636c6e74u

/* A tunnel that nobody uses holds this and no other memory to speak of: members
 * are in an order that leaves no holes. */
struct client {
	uint32_t magic; /* CLIENT_MAGIC, checked wherever a void * comes back */
	uint8_t state;  /* enum client_state */
	uint8_t minor;  /* HTTP/1.minor of the request */
	bool bodiless;  /* an answer of ours has no body: HEAD */
	bool kept;      /* HEAD, but not the first */
	bool rescan;    /* HEAD: there are bytes that nobody looked at yet */
	bool keep;      /* REPLY: then HEAD */
	uint8_t leg;    /* enum origin_leg */
	bool has_request_slot; /* see limits.h */
	bool has_tunnel_slot;
	bool error_is_origins;
	uint16_t port;           /* of the destination */
	LIST_ENTRY(client) link; /* in the worker's clients, or its pool */
	struct worker *worker;   /* borrowed */
	struct peer client;
	struct peer origin;
	struct flow up;   /* client to origin; before the tunnel, what the
			   * client sent so far */
	struct flow down; /* origin to client; our answers too */
	struct timeout timeout;
	union {
		struct timeout duration;          /* armed from TUNNEL on */
		struct {                          /* in HANDSHAKE */
			TAILQ_ENTRY(client) slow; /* the worker's, if FLIGHTS */
			unsigned flights; /* ours of it so far, and one */
		} pace;
	};
	union {
		struct lookup *lookup; /* owned in LOOKUP */
		struct dial *dial;     /* owned in DIAL */
	};
	struct forward *forward; /* owned; NULL: no plain request in hand */
	struct via *via;         /* owned; NULL: no upstream proxy */
	struct policy *policy;   /* counted, from the decision on */
	struct mitm *mitm;       /* owned; NULL: no tunnel that ends here */
	char *text;              /* owned: what EXCHANGE's strings point into */
	const char *reason;      /* static: why it was allowed */
	struct exchange exchange;
	uint64_t active_ms;   /* timeouts_now() of the last byte */
	unsigned judged;      /* who it is, by which of the store's judges */
	uint32_t mark_us;     /* when the lookup or the dial began */
	uint32_t connect_us;  /* how long the dial took */
	int error;            /* errno that ended the tunnel */
	struct addr remote;   /* whom we are connected to, */
	uint16_t remote_port; /* or try to be */
	uint16_t local_port;  /* and our end of the connection */
	union {
		struct addr local;
		struct head_progress progress; /* in HEAD */
	};
	/* EXCHANGE's identity is owned: by the word of the program around us */
	bool introduced;
};

/* FD was accepted from PEER and becomes a client's. */
void client_accept(struct worker *worker, int fd, const struct sockaddr *peer);

/* The one way out: closes and frees all there is, from any state.  Idempotent.
 */
void client_close(struct client *client, enum close_cause cause);

void client_pool_free(struct worker *worker);

/* For struct timeouts. */
timeout_expired client_on_head_timeout, client_on_keep_timeout,
	client_on_idle_timeout, client_on_body_timeout,
	client_on_linger_timeout, client_on_connect_timeout,
	client_on_duration_timeout;

/* We are draining: if the client merely waits to ask again, it is closed. */
void client_drain(struct client *client);

/* After a reload: who has an identity that was judged by other CAs or CRLs has
 * to show it again.  A client that waits to ask again is closed, which it has
 * to reckon with (RFC 9112 9.5); one that has not asked yet, whose first
 * request may be on its way, will hear of it in the answer. */
void client_follow(struct client *client);
bool client_is_stale(const struct client *client);

/* Between the files of a client: */

/* It has a role, or needs none by the policy that it holds; and nobody refuses
 * it. */
bool client_may_ask(const struct client *client);

/* Be called when one of WANT is possible; 0: not at all. */
void client_want(struct client *client, struct peer *peer, short want);

/* Read from PEER.  What is left of it where no socket knows makes it readable
 * again. */
ssize_t client_read(struct peer *peer, void *buffer, size_t size);

/* The exchange that a head, or the lack of one, will be logged as. */
void client_begin_exchange(struct client *client);

/* FD is the origin's connected socket and becomes the client's; WATCH, the
 * event that it was waited for with, is deleted. */
void client_set_origin(struct client *client, int fd, struct event *watch);

/* The origin of CONTEXT, a client, is ready for WHAT. */
void client_on_origin(evutil_socket_t fd, short what, void *context);

/* Close the origin's connection.  Idempotent. */
void client_close_origin(struct client *client);

/* LENGTH bytes of answer at BYTES go out.  Then the connection ends, or with
 * KEEP the client may ask again, and its upward spill has what it sent already.
 */
void client_reply(struct client *client, const char *bytes, uint32_t length,
		  bool keep);

/* The request is done: AHEAD, taken over, has what came behind it. */
void client_next(struct client *client, struct spill *ahead);

/* Nothing more will be sent: wait for the client's end. */
void client_end(struct client *client);

/* The request is done with, or is a tunnel now: it no longer counts as one.
 * Idempotent. */
void client_release_request(struct client *client);

/* Of a clock that only goes forward, without what is more than 32 bits: for
 * differences of up to an hour. */
uint32_t client_clock_us(void);

#endif
