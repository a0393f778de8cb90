/* test_tls_server.c - what the server side of a handshake has of its own:
 * sessions that are resumed, which certificate and suite it takes, and a
 * ClientHello in all shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/tls/context-internal.h"
#include "runtime/tls/engine-internal.h"
#include "tls_pair.h"

#define ECDSA_128 BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
#define ECDSA_256 BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384

/* --- sessions --- */

/* A session of the client that KEY is of, or of one without a certificate. */
static br_ssl_session_parameters make_session(const uint8_t *key)
{
	struct pair *pair = pair_new(key, ECDSA_128, 0);
	br_ssl_session_parameters session;

	assert_true(shake(pair));
	assert_false(engine_resumed(pair->engine));
	br_ssl_engine_get_session_parameters(&pair->client.eng, &session);
	pair_free(pair);
	return session;
}

static struct pair *resume(const br_ssl_session_parameters *session,
			   uint16_t suite, const uint8_t *key)
{
	struct pair *pair = pair_new(key, suite, 0);

	pair_begin(pair, session);
	return pair;
}

static void test_resume_somebody(void **state)
{
	br_ssl_session_parameters session = make_session(tls_web_key);
	br_ssl_session_parameters again;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct pair *pair = resume(&session, ECDSA_128, NULL);

		assert_true(shake(pair));
		assert_true(engine_resumed(pair->engine));
		assert_non_null(pair->identity);
		assert_true(pair->identity->has_role);
		assert_true(str_equal(pair->identity->role, STR("web")));
		assert_true(str_equal(pair->identity->cn, STR("web")));
		br_ssl_engine_get_session_parameters(&pair->client.eng, &again);
		assert_memory_equal(&session, &again, sizeof(session));
		pair_free(pair);
	}
}

static void test_resume_nobody(void **state)
{
	br_ssl_session_parameters session = make_session(NULL);
	struct pair *pair = resume(&session, ECDSA_128, tls_web_key);

	(void)state;
	assert_true(shake(pair));
	assert_true(engine_resumed(pair->engine));
	assert_null(pair->identity);
	pair_free(pair);
}

/* There is such a session, but the client does not offer its suite any more:
 * the handshake is a full one, and what the session knows counts for nothing.
 */
static void test_resume_with_another_suite(void **state)
{
	br_ssl_session_parameters session = make_session(tls_web_key);
	struct pair *pair = resume(&session, ECDSA_256, NULL);

	(void)state;
	assert_true(shake(pair));
	assert_true(pair->engine->loaded);
	assert_false(engine_resumed(pair->engine));
	assert_null(pair->identity);
	pair_free(pair);

	pair = resume(&session, ECDSA_256, tls_web_key);
	assert_true(shake(pair));
	assert_false(engine_resumed(pair->engine));
	assert_non_null(pair->identity);
	pair_free(pair);
}

static void test_resume_what_is_not_there(void **state)
{
	br_ssl_session_parameters session = make_session(tls_web_key);
	struct pair *pair;

	(void)state;
	session.session_id[7] ^= 1;
	pair = resume(&session, ECDSA_128, NULL);
	assert_true(shake(pair));
	assert_false(engine_resumed(pair->engine));
	assert_null(pair->identity);
	pair_free(pair);
}

/* Who has seen an ID on the wire has not its secret. */
static void test_resume_without_the_secret(void **state)
{
	br_ssl_session_parameters session = make_session(tls_web_key);
	struct pair *pair;

	(void)state;
	session.master_secret[0] ^= 1;
	pair = resume(&session, ECDSA_128, NULL);
	assert_false(shake(pair));
	assert_null(pair->identity);
	pair_free(pair);
	/* and cannot spoil it for its owner */
	session.master_secret[0] ^= 1;
	pair = resume(&session, ECDSA_128, NULL);
	assert_true(shake(pair));
	assert_non_null(pair->identity);
	pair_free(pair);
}

/* A handshake that comes to nothing leaves none behind. */
static void test_failed_handshakes_make_no_session(void **state)
{
	size_t before = lru_count(context->sessions);
	struct pair *pair = pair_new(tls_other_key, 0, 0);

	(void)state;
	assert_false(shake(pair));
	pair_free(pair);
	assert_int_equal(lru_count(context->sessions), before);
}

static void test_other_contexts_know_nothing(void **state)
{
	br_ssl_session_parameters session = make_session(tls_web_key);
	struct tls_context *first = context;
	struct pair *pair;

	context = NULL;
	assert_int_equal(setup(state), 0);
	pair = resume(&session, ECDSA_128, NULL);
	assert_true(shake(pair));
	assert_false(engine_resumed(pair->engine));
	pair_free(pair);
	tls_context_unref(&context);
	context = first;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resume_somebody),
		cmocka_unit_test(test_resume_nobody),
		cmocka_unit_test(test_resume_with_another_suite),
		cmocka_unit_test(test_resume_what_is_not_there),
		cmocka_unit_test(test_resume_without_the_secret),
		cmocka_unit_test(test_failed_handshakes_make_no_session),
		cmocka_unit_test(test_other_contexts_know_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
