/* engine_client.c - see engine.h: handshakes as the client, with a server whose
 * certificate is judged by the roots and must be for the host that we wanted.
 * BearSSL is told to trust what presented.c says. */
#include "engine-internal.h"

#include <string.h>
#include <time.h>

#include "crypto.h"
#include "roots-internal.h"
#include "server_name.h"

/* BearSSL's number for "records of any length", as the exponent of 2. */
#define ANY_FRAGMENT 14

void engine_client_template(struct tls_roots *roots)
{
	static const uint16_t suites[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	};
	br_ssl_engine_context *eng = &roots->template.eng;

	br_ssl_client_zero(&roots->template);
	crypto_equip(eng);
	br_ssl_engine_set_suites(eng, suites,
				 sizeof(suites) / sizeof(suites[0]));
	br_ssl_engine_set_all_flags(eng, BR_OPT_NO_RENEGOTIATION);
}

static enum trust judge_server(void *closure, const struct bytes *chain,
			       size_t count, struct certificate *leaf)
{
	struct engine *engine = closure;
	const struct chain_request request = {
		.anchors = &engine->roots->anchors,
		.now = (int64_t)time(NULL),
		.purpose = CHAIN_SERVER,
	};
	struct chain_result result;

	if (request.anchors->count == 0)
		return TRUST_NO_ROOTS;
	result = chain_check(chain, count, &request);
	*leaf = result.leaf;
	if (result.trust == TRUST_OK &&
	    !server_name_matches(leaf, &engine->host))
		return TRUST_SERVER_NAME;
	return result.trust;
}

struct engine *engine_connect(struct engine_pool *pool, struct tls_roots *roots,
			      const struct hostname *host)
{
	struct engine *engine = engine_take(pool);
	br_ssl_client_context *client;

	if (engine == NULL)
		return NULL;
	engine->peer = "server";
	engine->must_prove = true;
	engine->roots = tls_roots_ref(roots);
	engine->host = *host;
	client = &engine->tls.client;
	memcpy(client, &roots->template, sizeof(*client));
	presented_init(&engine->presented, judge_server, engine);
	if (!engine_equip(engine)) {
		engine_free(pool, engine);
		return NULL;
	}
	/* or the server would be asked to send small records for ever, since
	 * our buffer is small, though it serves the handshake alone */
	client->eng.log_max_frag_len = ANY_FRAGMENT;
	/* no address is sent as a name (RFC 6066 3) */
	if (!br_ssl_client_reset(
		    client, host->form == HOST_NAME ? host->text : NULL, 0)) {
		engine_free(pool, engine);
		return NULL;
	}
	return engine;
}
