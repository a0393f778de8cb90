/* engine-internal.h - what the two sides of a handshake share: engine.c drives
 * one, engine_server.c and engine_client.c begin it. */
#ifndef TLS_ENGINE_INTERNAL_H
#define TLS_ENGINE_INTERNAL_H

#include <bearssl.h>

#include "engine.h"
#include "mint.h"
#include "presented.h"
#include "roots.h"
#include "runtime/policy/hostname.h"
#include "server_policy.h"

/* Enough for the handshake, whose plain records BearSSL takes byte by byte. */
#define ENGINE_IN_SIZE (4096 + 325)
#define ENGINE_OUT_SIZE (4096 + 85)
#define ENGINE_ALERT_SIZE 7

struct engine {
	union {
		br_ssl_engine_context eng; /* first in each of the others */
		br_ssl_server_context server;
		br_ssl_client_context client;
	} tls;
	const char *peer;            /* static: what the other side is called */
	bool must_prove;             /* that side has to show a certificate */
	struct tls_context *context; /* counted; as the server */
	struct minted *minted;       /* counted; as the server that is meant */
	struct tls_roots *roots;     /* counted; as the client */
	struct hostname host;        /* whom we want to speak to, likewise */
	struct engine *next;         /* in the pool */
	size_t received;
	/* How many of N bytes to hand to BearSSL now, which wants at most ROOM;
	 * at least one.  NULL: all. */
	size_t (*pace)(struct engine *engine, size_t n, size_t room);
	struct presented presented;
	struct identity *identity; /* owned: of PRESENTED's, once it is good, or
				    * of the session's, while it is resumed */
	int64_t expires;           /* last second for which IDENTITY holds */
	bool loaded;               /* a session, which may be resumed */
	struct server_policy policy;
	uint8_t alert[ENGINE_ALERT_SIZE];
	size_t alert_at; /* ENGINE_ALERT_SIZE: none is to be sent */
	bool failed;
	uint8_t in[ENGINE_IN_SIZE];
	uint8_t out[ENGINE_OUT_SIZE];
};

/* One that is zeroed, and counted.  NULL: too many, or out of memory. */
struct engine *engine_take(struct engine_pool *pool);

/* What every server of ours begins as: no suite is set, and nothing in it is
 * random. */
void engine_server_template(br_ssl_server_context *server);

/* For PACE, of a server. */
size_t engine_pace_hello(struct engine *engine, size_t n, size_t room);

/* After the template is copied and PRESENTED is set: buffers, and entropy,
 * which no two may share.  False: there is none. */
bool engine_equip(struct engine *engine);

#endif
