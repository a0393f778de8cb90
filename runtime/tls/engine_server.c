/* engine_server.c - see engine.h: handshakes as the server. */
#include "engine-internal.h"

#include <string.h>
#include <time.h>

#include "context-internal.h"
#include "crypto.h"

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
			crypto_ec(), crypto_ecdsa_sign());
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
	crypto_equip(eng);
	if (private_key_kind(context->key) == KEY_RSA)
		br_ssl_engine_set_suites(eng, rsa, 3);
	else
		br_ssl_engine_set_suites(eng, ec, 3);
	if (!require)
		flags |= BR_OPT_TOLERATE_NO_CLIENT_AUTH;
	br_ssl_engine_set_all_flags(eng, flags);
	br_ssl_server_set_trust_anchor_names(server, context->names,
					     context->name_count);
}

/* --- the client's certificate --- */

static enum trust judge_client(void *closure, const struct bytes *chain,
			       size_t count, struct certificate *leaf)
{
	struct engine *engine = closure;
	const struct tls_context *context = engine->context;
	const struct chain_request request = {
		.anchors = &context->anchors,
		.crls = &context->crls,
		.now = (int64_t)time(NULL),
		.purpose = CHAIN_CLIENT,
	};
	struct chain_result result = chain_check(chain, count, &request);

	*leaf = result.leaf;
	if (result.trust != TRUST_OK)
		return result.trust;
	return identity_new(&context->spec, leaf, &engine->identity);
}

struct engine *engine_accept(struct engine_pool *pool,
			     struct tls_context *context)
{
	struct engine *engine = engine_take(pool);

	if (engine == NULL)
		return NULL;
	engine->peer = "client";
	engine->context = tls_context_ref(context);
	memcpy(&engine->tls.server, &context->template,
	       sizeof(engine->tls.server));
	/* these hold pointers into the context they are in */
	set_key(&engine->tls.server, context);
	presented_init(&engine->presented, judge_client, engine);
	if (!engine_equip(engine) ||
	    !br_ssl_server_reset(&engine->tls.server)) {
		engine_free(pool, engine);
		return NULL;
	}
	return engine;
}
