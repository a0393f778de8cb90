/* test_tls.c - the handshake and the record layer against BearSSL's client, all
 * in memory: byte by byte, with proofs that are none, and records that were
 * touched, repeated, or are empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls_pair.h"

static struct pair *connected(uint16_t suite)
{
	struct pair *pair = pair_new(NULL, suite, 0);

	assert_true(shake(pair));
	return pair;
}

/* --- handshakes --- */

static void test_nobody(void **state)
{
	struct pair *pair = pair_new(NULL, 0, 0);

	(void)state;
	assert_true(shake(pair));
	assert_null(pair->identity);
	pair_free(pair);
}

static void test_somebody(void **state)
{
	static const size_t chops[] = {0, 1, 7, 300};

	(void)state;
	for (size_t i = 0; i < sizeof(chops) / sizeof(chops[0]); i++) {
		struct pair *pair = pair_new(tls_web_key, 0, chops[i]);

		assert_true(shake(pair));
		assert_non_null(pair->identity);
		assert_true(pair->identity->has_role);
		assert_true(str_equal(pair->identity->role, STR("web")));
		assert_true(str_equal(pair->identity->source, STR("cn")));
		pair_free(pair);
	}
}

/* Somebody else's certificate, without the key to it. */
static void test_thief(void **state)
{
	struct pair *pair = pair_new(tls_other_key, 0, 0);
	struct engine_failure failure;

	(void)state;
	assert_false(shake(pair));
	engine_failure(pair->engine, &failure);
	assert_int_equal(failure.trust, TRUST_OK);
	assert_non_null(strstr(failure.why, "error"));
	assert_int_equal(br_ssl_engine_last_error(&pair->client.eng),
			 BR_ERR_RECV_FATAL_ALERT + ALERT_DECRYPT_ERROR);
	pair_free(pair);
}

static void test_alone_in_the_world(void **state)
{
	struct pair *pair = pair_new(NULL, 0, 0);
	uint8_t garbage[] = {22, 3, 1, 0, 4, 9, 9, 9, 9};

	(void)state;
	engine_input(pair->engine, garbage, sizeof(garbage));
	engine_to_client(pair);
	assert_int_equal(engine_state(pair->engine), ENGINE_FAILED);
	pair_free(pair);
}

/* The same ClientHello twice: all that is random in the answers differs, though
 * both engines began as copies of the same bytes. */
static void test_copies_differ(void **state)
{
	struct pair *pair = pair_new(NULL, 0, 0);
	struct engine *second = engine_accept(&pool, context);
	uint8_t hello[4096];
	const uint8_t *one, *two;
	size_t size = client_output(pair, hello, sizeof(hello)), n, m;

	(void)state;
	assert_int_equal(engine_input(pair->engine, hello, size), size);
	assert_int_equal(engine_input(second, hello, size), size);
	one = engine_output(pair->engine, &n);
	two = engine_output(second, &m);
	assert_true(n > 80 && m > 80);
	/* record header 5, message header 4, version 2: then the random */
	assert_memory_equal(one, two, 3);
	assert_memory_not_equal(one + 11, two + 11, 32);
	/* and a session's id, of the same source */
	assert_memory_not_equal(one + 44, two + 44, 32);
	engine_free(&pool, second);
	pair_free(pair);
}

static void test_pool(void **state)
{
	struct engine *engines[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		engines[i] = engine_accept(&pool, context);
	for (int i = 0; i < 3; i++)
		engine_free(&pool, engines[i]);
	assert_int_equal(pool.live, 0);
	assert_true(pool.idle_count >= 3);
	pool.live = ENGINE_MAX_LIVE;
	assert_null(engine_accept(&pool, context));
	pool.live = 0;
}

/* --- records --- */

/* One record of the client's with TEXT in it; its length. */
static size_t client_seal(struct pair *pair, const void *text, size_t length,
			  uint8_t *out, size_t room)
{
	br_ssl_engine_context *eng = &pair->client.eng;
	size_t n;
	unsigned char *p = br_ssl_engine_sendapp_buf(eng, &n);

	assert_true(p != NULL && n >= length);
	if (length > 0) {
		memcpy(p, text, length);
		br_ssl_engine_sendapp_ack(eng, length);
	}
	br_ssl_engine_flush(eng, length == 0);
	return client_output(pair, out, room);
}

static void test_both_ways(void **state)
{
	static const uint16_t suites[] = {
		BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	};
	static const size_t sizes[] = {1, 2, 1000, 16000, RECORD_MAX_PLAIN};
	static uint8_t text[RECORD_MAX_PLAIN], sealed[RECORD_MAX + 64];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t s = 0; s < 3; s++) {
		struct pair *pair = connected(suites[s]);

		for (size_t i = 0; i < 5; i++) {
			struct record record;
			size_t n, size = sizes[i];
			unsigned char *p;

			n = record_seal(&pair->records, text, size, sealed);
			assert_true(n <= RECORD_MAX);
			assert_int_equal(record_size(sealed, n), n);
			client_input(pair, sealed, n);
			p = br_ssl_engine_recvapp_buf(&pair->client.eng, &n);
			assert_non_null(p);
			assert_int_equal(n, size);
			assert_memory_equal(p, text, size);
			br_ssl_engine_recvapp_ack(&pair->client.eng, n);

			size = size < 16000 ? size : 16000;
			n = client_seal(pair, text, size, sealed,
					sizeof(sealed));
			for (size_t cut = 0; cut < n; cut += 1 + n / 50)
				assert_int_equal(record_open(&pair->records,
							     sealed, cut,
							     &record),
						 RECORD_MORE);
			assert_int_equal(
				record_open(&pair->records, sealed, n, &record),
				RECORD_DATA);
			assert_int_equal(record.used, n);
			assert_int_equal(record.length, size);
			assert_memory_equal(record.text, text, size);
		}
		pair_free(pair);
	}
}

static void test_every_byte_counts(void **state)
{
	(void)state;
	for (size_t at = 0; at < 5 + 8 + 4 + 16; at++) {
		struct pair *pair =
			connected(BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256);
		uint8_t sealed[128];
		struct record record;
		size_t n = client_seal(pair, "text", 4, sealed, 128);

		assert_int_equal(n, 5 + 8 + 4 + 16);
		sealed[at] ^= 1;
		switch (record_open(&pair->records, sealed, n, &record)) {
		case RECORD_BAD:
			break;
		case RECORD_MORE:
			/* the length has grown: so it waits */
			assert_true(at == 3 || at == 4);
			break;
		case RECORD_DATA:
		case RECORD_NOTHING:
		case RECORD_END:
		case RECORD_ABORT:
			fail_msg("byte %zu", at);
		}
		pair_free(pair);
	}
}

static void test_replay(void **state)
{
	struct pair *pair = connected(0);
	uint8_t sealed[128], again[128];
	struct record record;
	size_t n = client_seal(pair, "text", 4, sealed, sizeof(sealed));

	(void)state;
	memcpy(again, sealed, n);
	assert_int_equal(record_open(&pair->records, sealed, n, &record),
			 RECORD_DATA);
	assert_int_equal(record_open(&pair->records, again, n, &record),
			 RECORD_BAD);
	assert_int_equal(record.alert, ALERT_BAD_RECORD_MAC);
	pair_free(pair);
}

/* A length that cannot be is told by the header: nobody waits for it. */
static void test_absurd_lengths(void **state)
{
	struct pair *pair = connected(0);
	uint8_t header[5] = {23, 3, 3, 0, 0};
	struct record record;

	(void)state;
	for (unsigned length = 0; length < 65536; length++) {
		bool fits;

		header[3] = (uint8_t)(length >> 8);
		header[4] = (uint8_t)length;
		fits = record_open(&pair->records, header, 5, &record) ==
		       RECORD_MORE;
		if (length < 16 || length > RECORD_MAX_PLAIN + 24)
			assert_false(fits);
		if (length >= 24 && length <= RECORD_MAX_PLAIN + 16)
			assert_true(fits);
	}
	header[2] = 1;
	assert_int_equal(record_open(&pair->records, header, 5, &record),
			 RECORD_BAD);
	pair_free(pair);
}

static void test_empty_records(void **state)
{
	struct pair *pair = connected(0);
	uint8_t sealed[128];
	struct record record;

	(void)state;
	for (int round = 0; round < 2; round++) {
		size_t n;

		for (int i = 0; i < RECORD_MAX_EMPTY; i++) {
			n = client_seal(pair, "", 0, sealed, sizeof(sealed));
			assert_int_equal(
				record_open(&pair->records, sealed, n, &record),
				RECORD_NOTHING);
		}
		if (round != 0)
			break;
		n = client_seal(pair, "x", 1, sealed, sizeof(sealed));
		assert_int_equal(
			record_open(&pair->records, sealed, n, &record),
			RECORD_DATA);
	}
	assert_int_equal(
		record_open(&pair->records, sealed,
			    client_seal(pair, "", 0, sealed, sizeof(sealed)),
			    &record),
		RECORD_BAD);
	pair_free(pair);
}

/* A record of any TYPE, with the client's keys. */
static size_t any_record(struct pair *pair, int type, const void *text,
			 size_t length, uint8_t *out)
{
	const br_sslrec_out_class **keys = &pair->client.eng.out.vtable;
	unsigned char *record;

	memcpy(out + 13, text, length);
	record = (*keys)->encrypt(keys, type, BR_TLS12, out + 13, &length);
	memmove(out, record, length);
	return length;
}

static void test_no_renegotiation(void **state)
{
	struct pair *pair = connected(0);
	uint8_t bytes[128];
	struct record record;

	(void)state;
	assert_int_equal(record_open(&pair->records, bytes,
				     any_record(pair, 22, "hello", 5, bytes),
				     &record),
			 RECORD_NOTHING);
	assert_int_equal(record.alert, ALERT_NO_RENEGOTIATION);
	/* business as usual, and then the second time */
	assert_int_equal(record_open(&pair->records, bytes,
				     any_record(pair, 23, "text", 4, bytes),
				     &record),
			 RECORD_DATA);
	assert_int_equal(record_open(&pair->records, bytes,
				     any_record(pair, 22, "hello", 5, bytes),
				     &record),
			 RECORD_BAD);
	assert_int_equal(record.alert, ALERT_UNEXPECTED_MESSAGE);
	pair_free(pair);
}

static void test_kinds(void **state)
{
	static const struct {
		int type;
		const char *text;
		size_t length;
		enum record_result result;
		uint8_t alert;
	} kinds[] = {
		{20, "\1", 1, RECORD_BAD, ALERT_UNEXPECTED_MESSAGE},
		{24, "heart", 5, RECORD_BAD, ALERT_UNEXPECTED_MESSAGE},
		{21, "\1\0", 2, RECORD_END, ALERT_CLOSE_NOTIFY},
		{21, "\2\0", 2, RECORD_END, ALERT_CLOSE_NOTIFY},
		{21, "\1\132", 2, RECORD_NOTHING, ALERT_CLOSE_NOTIFY},
		{21, "\2\50", 2, RECORD_ABORT, ALERT_HANDSHAKE_FAILURE},
		{21, "\7\50", 2, RECORD_ABORT, ALERT_HANDSHAKE_FAILURE},
		{21, "\1", 1, RECORD_BAD, ALERT_UNEXPECTED_MESSAGE},
		{21, "\1\0\0", 3, RECORD_BAD, ALERT_UNEXPECTED_MESSAGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct pair *pair = connected(0);
		uint8_t bytes[128];
		struct record record;
		size_t n = any_record(pair, kinds[i].type, kinds[i].text,
				      kinds[i].length, bytes);

		assert_int_equal(record_open(&pair->records, bytes, n, &record),
				 kinds[i].result);
		assert_int_equal(record.alert, kinds[i].alert);
		pair_free(pair);
	}
}

static void test_ends(void **state)
{
	struct pair *pair = connected(0);
	uint8_t sealed[128];
	struct record record;
	size_t n;

	(void)state;
	br_ssl_engine_close(&pair->client.eng);
	n = client_output(pair, sealed, sizeof(sealed));
	assert_int_equal(record_open(&pair->records, sealed, n, &record),
			 RECORD_END);
	n = record_seal_alert(&pair->records, ALERT_CLOSE_NOTIFY, sealed);
	client_input(pair, sealed, n);
	assert_int_equal(br_ssl_engine_current_state(&pair->client.eng),
			 BR_SSL_CLOSED);
	assert_int_equal(br_ssl_engine_last_error(&pair->client.eng),
			 BR_ERR_OK);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_somebody),
		cmocka_unit_test(test_thief),
		cmocka_unit_test(test_alone_in_the_world),
		cmocka_unit_test(test_copies_differ),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_absurd_lengths),
		cmocka_unit_test(test_empty_records),
		cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
