/* engine_server.c - see engine.h: handshakes as the server; sessions that are
 * resumed. */
#include "engine-internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "context-internal.h"
#include "crypto.h"
#include "sessions.h"
#include "verdicts.h"

static struct engine *engine_of(br_ssl_server_context *server)
{
	return (struct engine *)((uintptr_t)server -
				 offsetof(struct engine, tls));
}

/* --- the ClientHello --- */

/* BearSSL puts the suites that both sides know where they are in our list, in
 * an array of BR_MAX_CIPHER_SUITES, and then looks each entry up in a table of
 * all that there are, from its beginning: an entry that is empty makes it read
 * the whole table, by an interpreter.  The first in that table is found at once
 * and so is put where nothing is; it is one that server_policy.c never takes,
 * whether a client has offered it or not. */
#define FIRST_IN_TABLE BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA

/* All of this is about the version that it was written for; another must be
 * looked at. */
_Static_assert(BR_MAX_CIPHER_SUITES == 48 && sizeof(br_suite_translated) == 4 &&
		       sizeof(((br_ssl_server_context *)NULL)->client_suites) ==
			       48 * sizeof(br_suite_translated),
	       "BearSSL 0.6");

static void fill_suites(br_ssl_server_context *server)
{
	for (size_t i = 0; i < BR_MAX_CIPHER_SUITES; i++)
		if (server->client_suites[i][0] == 0)
			server->client_suites[i][0] = FIRST_IN_TABLE;
}

/* The suites have been read when all but the last byte of the first record has
 * been, which nearly always is all of the ClientHello.  If not, nothing is lost
 * but time: BearSSL clears the array before it reads them. */
size_t engine_pace_hello(struct engine *engine, size_t n, size_t room)
{
	if (engine->received < RECORD_HEADER || n < room)
		return n;
	if (n > 1)
		return n - 1;
	fill_suites(&engine->tls.server);
	engine->pace = NULL;
	return n;
}

/* --- sessions --- */

static void save_session(const br_ssl_session_cache_class **unused,
			 br_ssl_server_context *server,
			 const br_ssl_session_parameters *parameters)
{
	const struct engine *engine = engine_of(server);
	bool somebody = engine->presented.proved;

	(void)unused;
	if (engine->failed || engine->presented.trust != TRUST_OK)
		return;
	sessions_save(engine->context->sessions, parameters,
		      somebody ? engine->identity : NULL, (int64_t)time(NULL),
		      somebody ? engine->expires : INT64_MAX);
}

/* That there is one does not mean that it is resumed: the client must still
 * offer its suite, or all begins anew. */
static int load_session(const br_ssl_session_cache_class **unused,
			br_ssl_server_context *server,
			br_ssl_session_parameters *parameters)
{
	struct engine *engine = engine_of(server);

	(void)unused;
	engine->loaded = sessions_load(engine->context->sessions, parameters,
				       (int64_t)time(NULL), &engine->identity);
	return engine->loaded;
}

static const br_ssl_session_cache_class our_sessions = {
	.context_size = sizeof(const br_ssl_session_cache_class *),
	.save = save_session,
	.load = load_session,
};

bool engine_resumed(const struct engine *engine)
{
	/* in a full handshake a certificate of ours is chosen */
	return engine->loaded && engine->policy.chosen == NULL;
}

/* --- the template --- */

void engine_server_template(br_ssl_server_context *server)
{
	br_ssl_engine_context *eng = &server->eng;

	br_ssl_server_zero(server);
	crypto_equip(eng);
	br_ssl_engine_set_all_flags(eng, BR_OPT_ENFORCE_SERVER_PREFERENCES |
						 BR_OPT_NO_RENEGOTIATION);
}

void engine_template(struct tls_context *context, bool require)
{
	/* BearSSL takes the address of a pointer, for what may be behind it */
	static const br_ssl_session_cache_class *sessions = &our_sessions;
	br_ssl_server_context *server = &context->template;

	engine_server_template(server);
	server_policy_set_suites(&server->eng, context->bundles,
				 context->bundle_count);
	if (!require)
		br_ssl_engine_add_flags(&server->eng,
					BR_OPT_TOLERATE_NO_CLIENT_AUTH);
	br_ssl_server_set_trust_anchor_names(server, context->names,
					     context->name_count);
	br_ssl_server_set_cache(server, &sessions);
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
	struct chain_result result =
		verdicts_check(context->verdicts, chain, count, &request);

	*leaf = result.leaf;
	if (result.trust != TRUST_OK)
		return result.trust;
	engine->expires = result.expires;
	/* of a session that is not resumed after all */
	free(engine->identity);
	engine->identity = NULL;
	return identity_new(&context->spec, leaf, &engine->identity);
}

struct engine *engine_accept(struct engine_pool *pool,
			     struct tls_context *context)
{
	struct engine *engine = engine_take(pool);

	if (engine == NULL)
		return NULL;
	engine->peer = "client";
	engine->pace = engine_pace_hello;
	engine->context = tls_context_ref(context);
	memcpy(&engine->tls.server, &context->template,
	       sizeof(engine->tls.server));
	server_policy_init(&engine->policy, context->bundles,
			   context->bundle_count);
	br_ssl_server_set_policy(&engine->tls.server, &engine->policy.vtable);
	presented_init(&engine->presented, judge_client, engine);
	if (!engine_equip(engine) ||
	    !br_ssl_server_reset(&engine->tls.server)) {
		engine_free(pool, engine);
		return NULL;
	}
	return engine;
}
