/* engine.c - see engine.h: an engine's birth and death, and what both sides of
 * a handshake have in common. A connection begins as a copy of a template,
 * which takes a fraction of what initialising one does.  Whatever is random
 * must not be in that template: two copies would have the same keys.  So it is
 * never reset, and every copy gets fresh entropy first. */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine-internal.h"

#define ENTROPY 32

_Static_assert(ENGINE_MAX_BYTES > 2 * CHAIN_MAX_BYTES,
	       "the longest chain fits into a handshake");

/* --- birth and death --- */

void engine_pool_fini(struct engine_pool *pool)
{
	while (pool->idle != NULL) {
		struct engine *engine = pool->idle;

		pool->idle = engine->next;
		free(engine);
	}
	pool->idle_count = 0;
}

struct engine *engine_take(struct engine_pool *pool)
{
	struct engine *engine = pool->idle;

	if (pool->live == ENGINE_MAX_LIVE)
		return NULL;
	if (engine == NULL) {
		engine = calloc(1, sizeof(*engine));
		if (engine == NULL)
			return NULL;
	} else {
		pool->idle = engine->next;
		pool->idle_count--;
		engine->next = NULL;
	}
	pool->live++;
	engine->alert_at = ENGINE_ALERT_SIZE;
	return engine;
}

bool engine_equip(struct engine *engine)
{
	br_ssl_engine_context *eng = &engine->tls.eng;
	uint8_t entropy[ENTROPY];

	br_ssl_engine_set_x509(eng, &engine->presented.vtable);
	br_ssl_engine_set_buffers_bidi(eng, engine->in, sizeof(engine->in),
				       engine->out, sizeof(engine->out));
	if (getrandom(entropy, sizeof(entropy), 0) != sizeof(entropy))
		return false;
	br_ssl_engine_inject_entropy(eng, entropy, sizeof(entropy));
	explicit_bzero(entropy, sizeof(entropy));
	/* that was the system's: BearSSL need not ask it again */
	eng->rng_os_rand_done = 1;
	return true;
}

void engine_free(struct engine_pool *pool, struct engine *engine)
{
	if (engine == NULL)
		return;
	tls_context_unref(&engine->context);
	minted_unref(&engine->minted);
	tls_roots_unref(&engine->roots);
	free(engine->identity);
	presented_fini(&engine->presented);
	explicit_bzero(engine, sizeof(*engine));
	pool->live--;
	if (pool->idle_count == ENGINE_MAX_IDLE) {
		free(engine);
		return;
	}
	engine->next = pool->idle;
	pool->idle = engine;
	pool->idle_count++;
}

/* --- the handshake --- */

static unsigned engine_flags(const struct engine *engine)
{
	return br_ssl_engine_current_state(&engine->tls.eng);
}

/* With what the other side has shown of itself. */
static bool is_satisfied(const struct engine *engine)
{
	return engine->presented.trust == TRUST_OK &&
	       (engine->presented.proved || !engine->must_prove);
}

enum engine_state engine_state(const struct engine *engine)
{
	unsigned flags = engine_flags(engine);

	if (engine->failed)
		return engine->alert_at < ENGINE_ALERT_SIZE ? ENGINE_SEND
							    : ENGINE_FAILED;
	/* an alert of BearSSL's own comes out before it is closed */
	if ((flags & BR_SSL_SENDREC) != 0)
		return ENGINE_SEND;
	if ((flags & BR_SSL_CLOSED) != 0)
		return ENGINE_FAILED;
	if ((flags & BR_SSL_SENDAPP) != 0)
		return is_satisfied(engine) ? ENGINE_DONE : ENGINE_FAILED;
	return (flags & BR_SSL_RECVREC) != 0 ? ENGINE_RECEIVE : ENGINE_FAILED;
}

/* Until our ChangeCipherSpec an alert is in the clear, and then not at all:
 * what is refused, is refused before that. */
static void fail(struct engine *engine, uint8_t alert)
{
	const uint8_t record[ENGINE_ALERT_SIZE] = {21, 3, 3, 0, 2, 2, alert};

	engine->failed = true;
	if (engine->tls.eng.out.vtable != &br_sslrec_out_clear_vtable)
		return;
	memcpy(engine->alert, record, sizeof(record));
	engine->alert_at = 0;
}

static uint8_t alert_of(int error)
{
	switch (error) {
	case BR_ERR_UNSUPPORTED_VERSION:
	case BR_ERR_BAD_VERSION:
		return ALERT_PROTOCOL_VERSION;
	case BR_ERR_BAD_MAC:
		return ALERT_BAD_RECORD_MAC;
	case BR_ERR_UNEXPECTED:
		return ALERT_UNEXPECTED_MESSAGE;
	case BR_ERR_BAD_SIGNATURE:
	case BR_ERR_BAD_FINISHED:
		return ALERT_DECRYPT_ERROR;
	case BR_ERR_NO_RANDOM:
		return ALERT_INTERNAL_ERROR;
	default:
		return ALERT_HANDSHAKE_FAILURE;
	}
}

/* After every step: what BearSSL would pass over, or not tell the peer. */
static void watch(struct engine *engine)
{
	int error = br_ssl_engine_last_error(&engine->tls.eng);

	if (engine->failed)
		return;
	if (engine->presented.trust != TRUST_OK &&
	    engine->presented.trust != TRUST_UNDECIDED)
		fail(engine, trust_alert(engine->presented.trust));
	else if (error > BR_ERR_OK && error < BR_ERR_RECV_FATAL_ALERT)
		fail(engine, alert_of(error));
	else if (engine->received > ENGINE_MAX_BYTES)
		fail(engine, ALERT_HANDSHAKE_FAILURE);
}

size_t engine_input(struct engine *engine, const uint8_t *bytes, size_t size)
{
	size_t used = 0;

	while (used < size && engine_state(engine) == ENGINE_RECEIVE) {
		size_t room, n;
		unsigned char *into =
			br_ssl_engine_recvrec_buf(&engine->tls.eng, &room);

		n = size - used < room ? size - used : room;
		if (engine->pace != NULL)
			n = engine->pace(engine, n, room);
		memcpy(into, bytes + used, n);
		br_ssl_engine_recvrec_ack(&engine->tls.eng, n);
		used += n;
		engine->received += n;
		watch(engine);
	}
	return used;
}

const uint8_t *engine_output(struct engine *engine, size_t *length)
{
	if (!engine->failed)
		return br_ssl_engine_sendrec_buf(&engine->tls.eng, length);
	*length = ENGINE_ALERT_SIZE - engine->alert_at;
	return engine->alert + engine->alert_at;
}

void engine_sent(struct engine *engine, size_t length)
{
	if (engine->failed) {
		engine->alert_at += length;
		return;
	}
	br_ssl_engine_sendrec_ack(&engine->tls.eng, length);
	watch(engine);
}

struct identity *engine_finish(struct engine *engine,
			       struct record_layer *layer)
{
	struct identity *identity = NULL;

	record_take(layer, &engine->tls.eng);
	if (engine->presented.proved || engine_resumed(engine)) {
		identity = engine->identity;
		engine->identity = NULL;
	}
	return identity;
}

/* What the alerts say that people meet, behind their numbers (RFC 5246 7.2). */
static const char *alert_text(int alert)
{
	switch (alert) {
	case 42:
		return ": bad certificate";
	case 43:
		return ": unsupported certificate";
	case 44:
		return ": certificate revoked";
	case 45:
		return ": certificate expired";
	case 46:
		return ": certificate unknown";
	case 48:
		return ": unknown CA";
	case 49:
		return ": access denied";
	case 116:
		return ": certificate required";
	default:
		return "";
	}
}

void engine_failure(const struct engine *engine, struct engine_failure *out)
{
	int error = br_ssl_engine_last_error(&engine->tls.eng);

	out->trust = TRUST_OK;
	if (engine->presented.trust != TRUST_OK &&
	    engine->presented.trust != TRUST_UNDECIDED) {
		out->trust = engine->presented.trust;
		snprintf(out->why, sizeof(out->why), "the %s's certificate: %s",
			 engine->peer, trust_text(engine->presented.trust));
	} else if (error == BR_ERR_SEND_FATAL_ALERT + ALERT_PROTOCOL_VERSION ||
		   error == BR_ERR_RECV_FATAL_ALERT + ALERT_PROTOCOL_VERSION ||
		   error == BR_ERR_UNSUPPORTED_VERSION) {
		snprintf(out->why, sizeof(out->why),
			 "the %s does not speak TLS 1.2", engine->peer);
	} else if (error == BR_ERR_SEND_FATAL_ALERT + ALERT_HANDSHAKE_FAILURE ||
		   error == BR_ERR_RECV_FATAL_ALERT + ALERT_HANDSHAKE_FAILURE) {
		snprintf(out->why, sizeof(out->why),
			 "no cipher suite, curve or signature of TLS 1.2 in "
			 "common");
	} else if (error == BR_ERR_SEND_FATAL_ALERT + ALERT_NO_PROTOCOL) {
		snprintf(out->why, sizeof(out->why),
			 "the %s does not speak HTTP/1.1", engine->peer);
	} else if (error >= BR_ERR_SEND_FATAL_ALERT) {
		snprintf(out->why, sizeof(out->why), "refused with alert %d",
			 error - BR_ERR_SEND_FATAL_ALERT);
	} else if (error >= BR_ERR_RECV_FATAL_ALERT) {
		snprintf(out->why, sizeof(out->why),
			 "the %s gave up with alert %d%s", engine->peer,
			 error - BR_ERR_RECV_FATAL_ALERT,
			 alert_text(error - BR_ERR_RECV_FATAL_ALERT));
	} else if (error == BR_ERR_NO_CLIENT_AUTH) {
		snprintf(out->why, sizeof(out->why),
			 "the client has shown no certificate");
	} else if (engine->received > ENGINE_MAX_BYTES) {
		snprintf(out->why, sizeof(out->why), "it takes too many bytes");
	} else {
		snprintf(out->why, sizeof(out->why),
			 "broken or hostile: error %d", error);
	}
}
