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

/* --- the ClientHello --- */

struct hello {
	uint8_t bytes[4096];
	size_t size;
};

static void put8(struct hello *hello, unsigned value)
{
	hello->bytes[hello->size++] = (uint8_t)value;
}

static void put16(struct hello *hello, unsigned value)
{
	put8(hello, value >> 8);
	put8(hello, value & 0xFF);
}

/* A ClientHello in one record, with these suites; CURVE: X25519 or none that we
 * know; EXTENSIONS: any at all. */
static struct hello make_hello(const uint16_t *suites, size_t count,
			       bool extensions, unsigned curve)
{
	struct hello hello = {.size = 0};

	put8(&hello, 22);
	put16(&hello, 0x0301);
	put16(&hello, 0);
	put16(&hello, 0x0100);
	put16(&hello, 0);
	put16(&hello, 0x0303);
	for (int i = 0; i < 32; i++)
		put8(&hello, 7);
	put8(&hello, 0);
	put16(&hello, (unsigned)count * 2);
	for (size_t i = 0; i < count; i++)
		put16(&hello, suites[i]);
	put16(&hello, 0x0100); /* no compression */
	if (extensions) {
		put16(&hello, 18);
		put16(&hello, 10); /* curves */
		put16(&hello, 4);
		put16(&hello, 2);
		put16(&hello, curve);
		put16(&hello, 13); /* SHA-256, ECDSA and RSA */
		put16(&hello, 6);
		put16(&hello, 4);
		put16(&hello, 0x0403);
		put16(&hello, 0x0401);
	}
	hello.bytes[3] = (uint8_t)((hello.size - 5) >> 8);
	hello.bytes[4] = (uint8_t)(hello.size - 5);
	hello.bytes[7] = (uint8_t)((hello.size - 9) >> 8);
	hello.bytes[8] = (uint8_t)(hello.size - 9);
	return hello;
}

/* What the answer to HELLO, in pieces of CHOP bytes, says: the suite of a
 * ServerHello, or an alert's number. */
static unsigned answer_to(const struct hello *hello, size_t chop)
{
	struct engine *engine = engine_accept(&pool, context);
	const uint8_t *answer;
	unsigned result;
	size_t n;

	assert_non_null(engine);
	for (size_t at = 0; at < hello->size; at += chop) {
		assert_int_equal(engine_state(engine), ENGINE_RECEIVE);
		n = chop < hello->size - at ? chop : hello->size - at;
		assert_int_equal(engine_input(engine, hello->bytes + at, n), n);
	}
	assert_int_equal(engine_state(engine), ENGINE_SEND);
	answer = engine_output(engine, &n);
	if (answer[0] == 22) {
		/* record 5, message 4, version 2, random 32, ID 33 */
		result = (unsigned)answer[76] << 8 | answer[77];
	} else {
		assert_int_equal(answer[0], 21);
		assert_int_equal(n, 7);
		result = answer[6];
	}
	engine_free(&pool, engine);
	return result;
}

#define X25519 29
#define UNKNOWN_CURVE 200

static const size_t chops[] = {4096, 1, 2, 5, 11, 50};
#define CHOPS (sizeof(chops) / sizeof(chops[0]))

static void expect(const uint16_t *suites, size_t count, unsigned answer)
{
	struct hello hello = make_hello(suites, count, true, X25519);

	for (size_t i = 0; i < CHOPS; i++)
		assert_int_equal(answer_to(&hello, chops[i]), answer);
}

static void test_good_suites(void **state)
{
	static const uint16_t one[] = {ECDSA_128}, other[] = {ECDSA_256},
			      both[] = {ECDSA_256, ECDSA_128};

	(void)state;
	expect(one, 1, ECDSA_128);
	expect(other, 1, ECDSA_256);
	expect(both, 2, ECDSA_128);
}

/* What stands in for what is not there must never be taken for an offer, nor be
 * accepted when it is one. */
static void test_bad_suites(void **state)
{
	static const uint16_t bad[] = {
		BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA,
		BR_TLS_RSA_WITH_AES_128_CBC_SHA,
		BR_TLS_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_RSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
		BR_TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA,
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_CCM,
		BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, /* no such key */
		0x1301,                                   /* of TLS 1.3 */
		0x5600,
		0x00FF,
		0x0000,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(&bad[i], 1, ALERT_HANDSHAKE_FAILURE);
	expect(bad, sizeof(bad) / sizeof(bad[0]), ALERT_HANDSHAKE_FAILURE);
}

static void test_many_suites(void **state)
{
	uint16_t suites[200];

	(void)state;
	for (size_t count = 47; count <= 200; count += 1 + count / 3) {
		for (size_t i = 0; i < count; i++)
			suites[i] = (uint16_t)(0xC100 + i);
		expect(suites, count, ALERT_HANDSHAKE_FAILURE);
		suites[0] = BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA;
		suites[count - 1] = ECDSA_256;
		expect(suites, count, ECDSA_256);
	}
	/* and one of them over and over */
	for (size_t i = 0; i < 200; i++)
		suites[i] = ECDSA_128;
	expect(suites, 200, ECDSA_128);
}

static void test_no_curve_in_common(void **state)
{
	static const uint16_t suites[] = {ECDSA_128,
					  BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA};
	struct hello hello = make_hello(suites, 2, true, UNKNOWN_CURVE);

	(void)state;
	for (size_t i = 0; i < CHOPS; i++)
		assert_int_equal(answer_to(&hello, chops[i]),
				 ALERT_HANDSHAKE_FAILURE);
}

/* Then the last byte is that of the compression methods; and only SHA-1 is
 * known of the client, which we do not sign with. */
static void test_no_extensions(void **state)
{
	static const uint16_t suites[] = {ECDSA_128};
	struct hello hello = make_hello(suites, 1, false, 0);

	(void)state;
	for (size_t i = 0; i < CHOPS; i++)
		assert_int_equal(answer_to(&hello, chops[i]),
				 ALERT_HANDSHAKE_FAILURE);
}

/* Cut anywhere into two records. */
static void test_two_records(void **state)
{
	static const uint16_t good[] = {0x1301, ECDSA_256, 0x1302},
			      bad[] = {BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA,
				       0x1301};

	(void)state;
	for (int is_good = 0; is_good < 2; is_good++) {
		struct hello whole = make_hello(is_good ? good : bad,
						is_good ? 3 : 2, true, X25519);

		for (size_t cut = 1; cut < whole.size - 5; cut++) {
			struct hello hello = {.size = 0};

			memcpy(hello.bytes, whole.bytes, 5 + cut);
			hello.size = 5 + cut;
			hello.bytes[3] = 0;
			hello.bytes[4] = (uint8_t)cut;
			put8(&hello, 22);
			put16(&hello, 0x0301);
			put16(&hello, (unsigned)(whole.size - 5 - cut));
			memcpy(hello.bytes + hello.size, whole.bytes + 5 + cut,
			       whole.size - 5 - cut);
			hello.size += whole.size - 5 - cut;
			for (size_t i = 0; i < 2; i++)
				assert_int_equal(
					answer_to(&hello, chops[i]),
					is_good ? ECDSA_256
						: ALERT_HANDSHAKE_FAILURE);
		}
	}
}

/* A record may be longer than the engine's buffer. */
static void test_long_hello(void **state)
{
	static struct hello hello;
	uint16_t suites[1500];

	(void)state;
	for (size_t i = 0; i < 1500; i++)
		suites[i] = (uint16_t)(0xC100 + i);
	suites[700] = ECDSA_256;
	hello = make_hello(suites, 1500, true, X25519);
	for (size_t i = 0; i < CHOPS; i++)
		assert_int_equal(answer_to(&hello, chops[i]), ECDSA_256);
	suites[700] = BR_TLS_RSA_WITH_3DES_EDE_CBC_SHA;
	hello = make_hello(suites, 1500, true, X25519);
	for (size_t i = 0; i < CHOPS; i++)
		assert_int_equal(answer_to(&hello, chops[i]),
				 ALERT_HANDSHAKE_FAILURE);
}

/* The trick is still one: nothing is left for BearSSL to look for in vain. */
static void test_empty_slots_are_filled(void **state)
{
	static const uint16_t suites[] = {ECDSA_128};
	struct hello hello = make_hello(suites, 1, true, X25519);
	struct engine *engine = engine_accept(&pool, context);

	(void)state;
	engine_input(engine, hello.bytes, hello.size);
	assert_null(engine->pace);
	assert_int_equal(engine->tls.server.client_suites_num,
			 BR_MAX_CIPHER_SUITES);
	assert_int_equal(engine->tls.server.client_suites[0][0], ECDSA_128);
	engine_free(&pool, engine);
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
		cmocka_unit_test(test_good_suites),
		cmocka_unit_test(test_bad_suites),
		cmocka_unit_test(test_many_suites),
		cmocka_unit_test(test_no_curve_in_common),
		cmocka_unit_test(test_no_extensions),
		cmocka_unit_test(test_two_records),
		cmocka_unit_test(test_long_hello),
		cmocka_unit_test(test_empty_slots_are_filled),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
