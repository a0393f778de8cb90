/* engine_minted.c - see engine.h: handshakes as the server that a client wanted
 * to reach, by a certificate that was minted for it.  No client is asked for a
 * certificate, which would be meant for the other server. */
#include "engine-internal.h"

#include <string.h>

#include "mint-internal.h"

/* What is spoken inside (RFC 7301).  Whoever speaks HTTP/2 only is told. */
static const char *protocols[] = {"http/1.1"};

void engine_minted_template(br_ssl_server_context *template)
{
	const struct bundle any = {.leaf.key.kind = KEY_EC};

	engine_server_template(template);
	server_policy_set_suites(&template->eng, &any, 1);
	br_ssl_engine_set_protocol_names(&template->eng, protocols, 1);
	br_ssl_engine_add_flags(&template->eng, BR_OPT_FAIL_ON_ALPN_MISMATCH);
}

/* Never called: nobody was asked. */
static enum trust judge_nobody(void *closure, const struct bytes *chain,
			       size_t count, struct certificate *leaf)
{
	(void)closure;
	(void)chain;
	(void)count;
	(void)leaf;
	return TRUST_UNKNOWN_CA;
}

struct engine *engine_accept_minted(struct engine_pool *pool,
				    struct minted *minted)
{
	const struct mint_authority *authority = minted->authority;
	struct engine *engine = engine_take(pool);

	if (engine == NULL)
		return NULL;
	engine->peer = "client";
	engine->pace = engine_pace_hello;
	engine->minted = minted_ref(minted);
	memcpy(&engine->tls.server, &authority->template,
	       sizeof(engine->tls.server));
	server_policy_init(&engine->policy, &minted->bundle, 1);
	br_ssl_server_set_policy(&engine->tls.server, &engine->policy.vtable);
	presented_init(&engine->presented, judge_nobody, NULL);
	if (!engine_equip(engine) ||
	    !br_ssl_server_reset(&engine->tls.server)) {
		engine_free(pool, engine);
		return NULL;
	}
	return engine;
}
