/* engine.c - see engine.h.
 * A connection begins as a copy of the context's template, which takes a
 * fraction of what initialising one does.  Whatever is random must not be in
 * that template: two copies would have the same keys.  So it is never reset,
 * and every copy gets fresh entropy first. */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "chain.h"
#include "context-internal.h"

/* Enough for the handshake, whose plain records BearSSL takes byte by byte. */
#define IN_SIZE (4096 + 325)
#define OUT_SIZE (4096 + 85)
#define ENTROPY 32
#define ALERT_SIZE 7

/* We say nothing that could be sealed before our ChangeCipherSpec, so that an
 * alert until then is in the clear. */
_Static_assert(ENGINE_MAX_BYTES > 2 * CHAIN_MAX_BYTES,
	       "the longest chain fits into a handshake");

struct engine {
	br_ssl_server_context server;
	const br_x509_class *x509;
	struct tls_context *context; /* counted */
	struct engine *next;         /* in the pool */
	size_t received;
	enum trust trust; /* of the client's certificate; TRUST_OK: none yet */
	bool proved;      /* one was shown, and is good */
	uint8_t *der;     /* owned: the chain, one after the other */
	size_t der_size;
	size_t der_room;
	size_t lengths[CHAIN_MAX_CERTIFICATES];
	size_t count;
	struct identity *identity; /* owned */
	br_x509_pkey key;          /* points into DER */
	uint8_t alert[ALERT_SIZE];
	size_t alert_at; /* ALERT_SIZE: none is to be sent */
	bool failed;
	uint8_t in[IN_SIZE];
	uint8_t out[OUT_SIZE];
};

/* --- elliptic curves --- */

/* BearSSL 0.6 does not look at the length of a point it is given. */
static bool point_fits(int curve, size_t length)
{
	switch (curve) {
	case BR_EC_secp256r1:
		return length == 65;
	case BR_EC_secp384r1:
		return length == 97;
	case BR_EC_secp521r1:
		return length == 133;
	case BR_EC_curve25519:
		return length == 32;
	default:
		return false;
	}
}

static const unsigned char *ec_generator(int curve, size_t *length)
{
	return br_ec_all_m31.generator(curve, length);
}

static const unsigned char *ec_order(int curve, size_t *length)
{
	return br_ec_all_m31.order(curve, length);
}

static size_t ec_xoff(int curve, size_t *length)
{
	return br_ec_all_m31.xoff(curve, length);
}

static uint32_t ec_mul(unsigned char *point, size_t size,
		       const unsigned char *x, size_t x_size, int curve)
{
	return point_fits(curve, size) &&
	       br_ec_all_m31.mul(point, size, x, x_size, curve);
}

static size_t ec_mulgen(unsigned char *out, const unsigned char *x,
			size_t x_size, int curve)
{
	return br_ec_all_m31.mulgen(out, x, x_size, curve);
}

static uint32_t ec_muladd(unsigned char *a, const unsigned char *b, size_t size,
			  const unsigned char *x, size_t x_size,
			  const unsigned char *y, size_t y_size, int curve)
{
	return point_fits(curve, size) &&
	       br_ec_all_m31.muladd(a, b, size, x, x_size, y, y_size, curve);
}

static const br_ec_impl checked_curves = {
	.supported_curves = 1u << BR_EC_secp256r1 | 1u << BR_EC_secp384r1 |
			    1u << BR_EC_secp521r1 | 1u << BR_EC_curve25519,
	.generator = ec_generator,
	.order = ec_order,
	.xoff = ec_xoff,
	.mul = ec_mul,
	.mulgen = ec_mulgen,
	.muladd = ec_muladd,
};

/* --- the template --- */

static void set_key(br_ssl_server_context *server,
		    const struct tls_context *context)
{
	if (private_key_kind(context->key) == KEY_RSA)
		br_ssl_server_set_single_rsa(
			server, context->chain, context->chain_count,
			private_key_rsa(context->key), BR_KEYTYPE_SIGN,
			br_rsa_private_get_default(),
			br_rsa_pkcs1_sign_get_default());
	else
		br_ssl_server_set_single_ec(
			server, context->chain, context->chain_count,
			private_key_ec(context->key), BR_KEYTYPE_SIGN, 0,
			&checked_curves, br_ecdsa_sign_asn1_get_default());
}

void engine_template(struct tls_context *context, bool require)
{
	static const uint16_t ec[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	};
	static const uint16_t rsa[] = {
		BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	};
	br_ssl_server_context *server = &context->template;
	br_ssl_engine_context *eng = &server->eng;
	uint32_t flags =
		BR_OPT_ENFORCE_SERVER_PREFERENCES | BR_OPT_NO_RENEGOTIATION;

	br_ssl_server_zero(server);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	if (private_key_kind(context->key) == KEY_RSA)
		br_ssl_engine_set_suites(eng, rsa, 3);
	else
		br_ssl_engine_set_suites(eng, ec, 3);
	br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(eng, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(eng, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(eng, br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, br_tls12_sha384_prf);
	br_ssl_engine_set_default_aes_gcm(eng);
	br_ssl_engine_set_default_chapol(eng);
	br_ssl_engine_set_default_rsavrfy(eng);
	br_ssl_engine_set_ecdsa(eng, br_ecdsa_vrfy_asn1_get_default());
	br_ssl_engine_set_ec(eng, &checked_curves);
	if (!require)
		flags |= BR_OPT_TOLERATE_NO_CLIENT_AUTH;
	br_ssl_engine_set_all_flags(eng, flags);
	br_ssl_server_set_trust_anchor_names(server, context->names,
					     context->name_count);
}

/* --- the client's certificate, as BearSSL hands it over --- */

static struct engine *from_x509(const br_x509_class *const *vtable)
{
	return (struct engine *)((uintptr_t)vtable -
				 offsetof(struct engine, x509));
}

static void start_chain(const br_x509_class **ctx, const char *name)
{
	struct engine *engine = from_x509(ctx);

	(void)name;
	engine->trust = TRUST_UNDECIDED;
	engine->count = 0;
	engine->der_size = 0;
}

static void refuse(struct engine *engine, enum trust trust)
{
	if (engine->trust == TRUST_UNDECIDED)
		engine->trust = trust;
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct engine *engine = from_x509(ctx);
	size_t need;
	uint8_t *grown;

	if (engine->count == CHAIN_MAX_CERTIFICATES) {
		refuse(engine, TRUST_TOO_MANY);
		return;
	}
	if (length > CHAIN_MAX_BYTES - engine->der_size) {
		refuse(engine, TRUST_TOO_BIG);
		return;
	}
	engine->lengths[engine->count++] = 0;
	need = engine->der_size + length;
	if (need <= engine->der_room)
		return;
	grown = realloc(engine->der, need);
	if (grown == NULL) {
		refuse(engine, TRUST_NO_MEMORY);
		return;
	}
	engine->der = grown;
	engine->der_room = need;
}

static void append(const br_x509_class **ctx, const unsigned char *bytes,
		   size_t size)
{
	struct engine *engine = from_x509(ctx);

	if (engine->trust != TRUST_UNDECIDED || size == 0)
		return;
	if (engine->count == 0 || size > engine->der_room - engine->der_size) {
		refuse(engine, TRUST_TOO_BIG);
		return;
	}
	memcpy(engine->der + engine->der_size, bytes, size);
	engine->der_size += size;
	engine->lengths[engine->count - 1] += size;
}

static void end_cert(const br_x509_class **ctx)
{
	(void)ctx;
}

/* The key by which the client will prove that the certificate is its own. */
static void set_pkey(struct engine *engine, const struct public_key *key)
{
	/* BearSSL's types know no const, and it writes to none of this */
	if (key->kind == KEY_RSA) {
		engine->key.key_type = BR_KEYTYPE_RSA;
		engine->key.key.rsa = (br_rsa_public_key){
			.n = (unsigned char *)(uintptr_t)key->modulus.p,
			.nlen = key->modulus.n,
			.e = (unsigned char *)(uintptr_t)key->exponent.p,
			.elen = key->exponent.n,
		};
	} else {
		engine->key.key_type = BR_KEYTYPE_EC;
		engine->key.key.ec = (br_ec_public_key){
			.curve = key->curve,
			.q = (unsigned char *)(uintptr_t)key->point.p,
			.qlen = key->point.n,
		};
	}
}

static enum trust judge(struct engine *engine)
{
	const struct tls_context *context = engine->context;
	const struct chain_request request = {
		.anchors = &context->anchors,
		.crls = &context->crls,
		.now = (int64_t)time(NULL),
		.purpose = CHAIN_CLIENT,
	};
	struct bytes chain[CHAIN_MAX_CERTIFICATES];
	struct chain_result result;
	const uint8_t *at = engine->der;

	for (size_t i = 0; i < engine->count; i++) {
		chain[i] = bytes_make(at, engine->lengths[i]);
		at += engine->lengths[i];
	}
	result = chain_check(chain, engine->count, &request);
	if (result.trust != TRUST_OK)
		return result.trust;
	set_pkey(engine, &result.leaf.key);
	return identity_new(&context->spec, &result.leaf, &engine->identity);
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct engine *engine = from_x509(ctx);

	if (engine->trust == TRUST_UNDECIDED)
		engine->trust = judge(engine);
	engine->proved = engine->trust == TRUST_OK;
	return engine->proved ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx,
				    unsigned *usages)
{
	struct engine *engine = from_x509(ctx);

	if (!engine->proved)
		return NULL;
	if (usages != NULL)
		*usages = BR_KEYTYPE_SIGN;
	return &engine->key;
}

static const br_x509_class client_certificates = {
	.context_size = sizeof(const br_x509_class *),
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

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

static struct engine *take(struct engine_pool *pool)
{
	struct engine *engine = pool->idle;

	if (engine == NULL)
		return calloc(1, sizeof(*engine));
	pool->idle = engine->next;
	pool->idle_count--;
	engine->next = NULL;
	return engine;
}

struct engine *engine_new(struct engine_pool *pool, struct tls_context *context)
{
	br_ssl_engine_context *eng;
	uint8_t entropy[ENTROPY];
	struct engine *engine;

	if (pool->live == ENGINE_MAX_LIVE ||
	    getrandom(entropy, sizeof(entropy), 0) != sizeof(entropy))
		return NULL;
	engine = take(pool);
	if (engine == NULL) {
		explicit_bzero(entropy, sizeof(entropy));
		return NULL;
	}
	pool->live++;
	engine->context = tls_context_ref(context);
	engine->trust = TRUST_OK;
	engine->alert_at = ALERT_SIZE;
	engine->x509 = &client_certificates;
	eng = &engine->server.eng;
	memcpy(&engine->server, &context->template, sizeof(engine->server));
	/* these hold pointers into the context they are in */
	set_key(&engine->server, context);
	br_ssl_engine_set_x509(eng, &engine->x509);
	br_ssl_engine_set_buffers_bidi(eng, engine->in, sizeof(engine->in),
				       engine->out, sizeof(engine->out));
	br_ssl_engine_inject_entropy(eng, entropy, sizeof(entropy));
	explicit_bzero(entropy, sizeof(entropy));
	/* that was the system's: BearSSL need not ask it again */
	eng->rng_os_rand_done = 1;
	if (!br_ssl_server_reset(&engine->server)) {
		engine_free(pool, engine);
		return NULL;
	}
	return engine;
}

void engine_free(struct engine_pool *pool, struct engine *engine)
{
	if (engine == NULL)
		return;
	tls_context_unref(&engine->context);
	free(engine->identity);
	free(engine->der);
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
	return br_ssl_engine_current_state(&engine->server.eng);
}

enum engine_state engine_state(const struct engine *engine)
{
	unsigned flags = engine_flags(engine);

	if (engine->failed)
		return engine->alert_at < ALERT_SIZE ? ENGINE_SEND
						     : ENGINE_FAILED;
	/* an alert of BearSSL's own comes out before it is closed */
	if ((flags & BR_SSL_SENDREC) != 0)
		return ENGINE_SEND;
	if ((flags & BR_SSL_CLOSED) != 0)
		return ENGINE_FAILED;
	if ((flags & BR_SSL_SENDAPP) != 0)
		return engine->trust == TRUST_OK ? ENGINE_DONE : ENGINE_FAILED;
	return (flags & BR_SSL_RECVREC) != 0 ? ENGINE_RECEIVE : ENGINE_FAILED;
}

static void fail(struct engine *engine, uint8_t alert)
{
	const uint8_t record[ALERT_SIZE] = {21, 3, 3, 0, 2, 2, alert};

	engine->failed = true;
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

/* After every step: what BearSSL would pass over, or not tell the client. */
static void watch(struct engine *engine)
{
	int error = br_ssl_engine_last_error(&engine->server.eng);

	if (engine->failed)
		return;
	if (engine->trust != TRUST_OK && engine->trust != TRUST_UNDECIDED)
		fail(engine, trust_alert(engine->trust));
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
			br_ssl_engine_recvrec_buf(&engine->server.eng, &room);

		n = size - used < room ? size - used : room;
		memcpy(into, bytes + used, n);
		br_ssl_engine_recvrec_ack(&engine->server.eng, n);
		used += n;
		engine->received += n;
		watch(engine);
	}
	return used;
}

const uint8_t *engine_output(struct engine *engine, size_t *length)
{
	if (!engine->failed)
		return br_ssl_engine_sendrec_buf(&engine->server.eng, length);
	*length = ALERT_SIZE - engine->alert_at;
	return engine->alert + engine->alert_at;
}

void engine_sent(struct engine *engine, size_t length)
{
	if (engine->failed) {
		engine->alert_at += length;
		return;
	}
	br_ssl_engine_sendrec_ack(&engine->server.eng, length);
	watch(engine);
}

struct identity *engine_finish(struct engine *engine,
			       struct record_layer *layer)
{
	struct identity *identity = NULL;

	record_take(layer, &engine->server.eng);
	if (engine->proved) {
		identity = engine->identity;
		engine->identity = NULL;
	}
	return identity;
}

void engine_failure(const struct engine *engine, struct engine_failure *out)
{
	int error = br_ssl_engine_last_error(&engine->server.eng);

	out->trust = TRUST_OK;
	if (engine->trust != TRUST_OK && engine->trust != TRUST_UNDECIDED) {
		out->trust = engine->trust;
		snprintf(out->why, sizeof(out->why),
			 "the client's certificate: %s",
			 trust_text(engine->trust));
	} else if (error == BR_ERR_SEND_FATAL_ALERT + ALERT_PROTOCOL_VERSION) {
		snprintf(out->why, sizeof(out->why),
			 "the client does not speak TLS 1.2");
	} else if (error == BR_ERR_SEND_FATAL_ALERT + ALERT_HANDSHAKE_FAILURE) {
		snprintf(out->why, sizeof(out->why),
			 "no cipher suite, curve or signature in common");
	} else if (error >= BR_ERR_SEND_FATAL_ALERT) {
		snprintf(out->why, sizeof(out->why), "refused with alert %d",
			 error - BR_ERR_SEND_FATAL_ALERT);
	} else if (error >= BR_ERR_RECV_FATAL_ALERT) {
		snprintf(out->why, sizeof(out->why),
			 "the client gave up with alert %d",
			 error - BR_ERR_RECV_FATAL_ALERT);
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
