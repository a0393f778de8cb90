/* forward.h - one request that is no CONNECT and its answer, between a client
 * and an origin that connect.c has decided upon, over TLS if its URL says so,
 * or the proxy (via.h) that is asked for it in the origin's place.
 *
 *   up     HELD ---> BODY ---> DONE         what the client sends
 *             \__________________/
 *   down   HEAD ---> BODY ---> DONE         what the origin answers
 *
 * HELD lasts until there is an origin.  The two ways go on at the same time: an
 * answer may come, and end, before the request has.  When the answer has ended
 * the client has its next turn, or its end.  Both heads are written anew
 * (headers.h), both bodies framed anew (body.h); either is read only when what
 * was read before it has been taken.  So an exchange holds no more than one
 * buffer for each of what is said in this struct to wait and of what waits to
 * be sent, some 400 KiB at the very worst, however long the bodies are, and
 * nothing but the struct while both ends keep up. */
#ifndef PROXY_FORWARD_H
#define PROXY_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "body.h"
#include "grammar/request.h"
#include "runtime/policy/addr.h"
#include "runtime/policy/str.h"
#include "spill.h"

struct client;
struct hostname;
struct peer;
struct proxy_address;
struct upstream;

#define FORWARD_MAX_INTERIM 32u /* 1xx answers to one request */

enum up_state { UP_HELD = 0, UP_BODY, UP_DONE };
enum down_state { DOWN_HEAD = 0, DOWN_BODY, DOWN_DONE };

struct forward {
	uint8_t up;       /* enum up_state */
	uint8_t down;     /* enum down_state */
	uint8_t sink;     /* enum body_kind: how the answer's body goes on */
	uint8_t interims; /* 1xx answers so far */
	bool tls;         /* https:// */
	bool unshared;    /* by a way that is this client's alone */
	bool is_head;     /* HEAD: its answer has no body */
	bool idempotent;  /* RFC 9110 9.2.2: may be asked twice */
	bool upgrade;     /* asks for a websocket */
	bool keep;        /* the client may send another request after it */
	bool reusable;    /* the origin's connection may be used again */
	bool pooled;      /* it was, this time */
	bool lost;        /* the origin takes no more of the request */
	bool gone;        /* the client takes no more of the answer */
	bool logged;      /* the decision is in the log */
	uint16_t host;    /* length of the normalised host */
	struct body request;
	struct body response;
	struct head_progress progress; /* in the answer's head */
	/* Read, but not yet understood: from the client, what comes after the
	 * request or the start of trailers; from the origin, the start of a
	 * head or of trailers. */
	struct spill ahead;
	struct spill early;
	/* The pool's, which listens to the origin for us; NULL: we listen
	 * ourselves. */
	struct upstream *lent;
	struct spill replay; /* the head as sent, while it may be sent again */
};

/* Begin with REQUEST, whose spans are in HEAD, for an origin that is spoken to
 * over TLS if TLS; the LENGTH bytes at REST came behind the head.  False: out
 * of memory. */
bool forward_begin(struct client *client, const struct request *request,
		   const char *head, bool tls, const char *rest, size_t length);

/* The policy allows it.  Write the head that goes to the origin, which is
 * called HOST and whose URL is split as URL says, or to the proxy declared for
 * it, if one is.  CLIENT holds what is to be sent from here on, and is told of
 * an origin by one of the next two.  False: out of memory. */
bool forward_write_head(struct client *client, const struct request *request,
			const char *head, const struct request_url *url,
			struct str host);

/* The proxy that the exchange goes by, or NULL: asked in the origin's place, or
 * with TLS for a tunnel. */
const struct proxy_address *forward_proxy(const struct client *client);

/* Which host the exchange is with, to OUT. */
void forward_host(const struct client *client, struct hostname *out);

/* Is a connection there that one of the COUNT vetted addresses at ADDRS, of the
 * origin or the proxy, may be asked over?  Then the exchange goes on with it.
 */
bool forward_reuse(struct client *client, const struct addr *addrs,
		   size_t count);

/* The pool has no part in the origin's connection any more, which is listened
 * to otherwise or closed next.  Idempotent. */
void forward_end_loan(struct forward *forward);

/* The client's origin is connected. */
void forward_connected(struct client *client);

/* PEER is ready for WHAT. */
void forward_ready(struct client *client, struct peer *peer, short what);

/* Nothing has moved for too long. */
void forward_timed_out(struct client *client);

/* We answer ourselves.  True: all of the request has come, and the client may
 * go on; what came behind it is in the client's upward spill. */
bool forward_answered(struct client *client);

/* The client is being closed in mid-exchange: say so in the log. */
void forward_closed(struct client *client, const char *why);

/* Idempotent; sets *FORWARD NULL. */
void forward_free(struct forward **forward);

#endif
