/* engine.h - one TLS 1.2 handshake, we being either side, by BearSSL: bytes in,
 * bytes out, no I/O.  Once it is done the record layer takes over and the
 * engine, with its buffers, serves the next.
 *
 * BearSSL goes on without a word when a client's certificate is refused, and
 * merely does not let it prove anything.  Here that is the end. */
#ifndef TLS_ENGINE_H
#define TLS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "identity.h"
#include "record.h"
#include "roots.h"
#include "runtime/policy/hostname.h"
#include "trust.h"

/* Of all that the peer sends before it is done. */
#define ENGINE_MAX_BYTES (192u << 10)
/* Handshakes at once, and engines kept for the next ones, of one worker. */
#define ENGINE_MAX_LIVE 1024
#define ENGINE_MAX_IDLE 64

struct engine;
struct minted;

/* The engines of one thread. */
struct engine_pool {
	struct engine *idle; /* owned */
	unsigned idle_count;
	unsigned live;
};

void engine_pool_fini(struct engine_pool *pool);

/* A handshake as the server, by CONTEXT, of which a reference is kept.  NULL:
 * too many, or out of memory, or of randomness. */
struct engine *engine_accept(struct engine_pool *pool,
			     struct tls_context *context);
/* The same by a certificate that was MINTED for whomever the client wants to
 * reach; no client certificate is asked for. */
struct engine *engine_accept_minted(struct engine_pool *pool,
				    struct minted *minted);

/* A handshake as the client, with a server whose certificate ROOTS, of which a
 * reference is kept, and HOST, which is normalised, have to be satisfied with.
 * NULL: as above. */
struct engine *engine_connect(struct engine_pool *pool, struct tls_roots *roots,
			      const struct hostname *host);

/* Back to the pool, wiped.  NULL is allowed. */
void engine_free(struct engine_pool *pool, struct engine *engine);

enum engine_state {
	ENGINE_FAILED = 0, /* nothing more to send */
	ENGINE_SEND,       /* engine_output() has something */
	ENGINE_RECEIVE,
	ENGINE_DONE,
};
enum engine_state engine_state(const struct engine *engine);

/* Take what is wanted of SIZE bytes, never more than up to the end of the
 * handshake; how many.  Call in state ENGINE_RECEIVE. */
size_t engine_input(struct engine *engine, const uint8_t *bytes, size_t size);

/* What is to be sent, and then: that LENGTH bytes of it have been. */
const uint8_t *engine_output(struct engine *engine, size_t *length);
void engine_sent(struct engine *engine, size_t length);

/* In state ENGINE_DONE: the record layer that goes on, and who the client is
 * (NULL: no certificate, or it is we), which is the caller's to free(). */
struct identity *engine_finish(struct engine *engine,
			       struct record_layer *layer);

/* In state ENGINE_DONE: the client has resumed a session. */
bool engine_resumed(const struct engine *engine);

#define ENGINE_WHY_MAX 128
struct engine_failure {
	enum trust trust; /* TRUST_OK: it was not about a certificate */
	char why[ENGINE_WHY_MAX];
};
void engine_failure(const struct engine *engine, struct engine_failure *out);

#endif
