/* test_lru.c - the bounded memory, against a naive one; sessions and verdicts,
 * which are kept in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "data/tls.inc"
#include "runtime/tls/lru.h"
#include "runtime/tls/pem.h"
#include "runtime/tls/sessions.h"
#include "runtime/tls/verdicts.h"

#define NOW 1780272000 /* 2026-06-01 */

static unsigned dropped;

static void count_drop(void *value)
{
	assert_int_not_equal(*(uint64_t *)value, 0);
	dropped++;
}

static void make_key(uint64_t number, uint8_t key[LRU_KEY])
{
	memset(key, 0, LRU_KEY);
	/* half of them with the same hash */
	memcpy(key + (number % 2 ? 0 : 8), &number, sizeof(number));
}

static bool copy_number(void *closure, const void *value)
{
	memcpy(closure, value, sizeof(uint64_t));
	return true;
}

/* 0: it is not there. */
static uint64_t look(struct lru *lru, uint64_t number, int64_t now)
{
	uint8_t key[LRU_KEY];
	uint64_t value = 0;

	make_key(number, key);
	return lru_get(lru, key, now, copy_number, &value) ? value : 0;
}

static void put(struct lru *lru, uint64_t number, uint64_t value,
		int64_t expires)
{
	uint8_t key[LRU_KEY];

	make_key(number, key);
	lru_put(lru, key, &value, expires);
}

static struct lru *fresh(size_t count)
{
	struct lru *lru = lru_new(count, sizeof(uint64_t), count_drop);

	assert_non_null(lru);
	dropped = 0;
	return lru;
}

static void test_put_and_get(void **state)
{
	struct lru *lru = fresh(4);

	(void)state;
	assert_int_equal(look(lru, 1, 0), 0);
	put(lru, 1, 10, 100);
	put(lru, 2, 20, 100);
	assert_int_equal(look(lru, 1, 0), 10);
	assert_int_equal(look(lru, 2, 0), 20);
	assert_int_equal(look(lru, 3, 0), 0);
	put(lru, 1, 11, 100);
	assert_int_equal(dropped, 1);
	assert_int_equal(look(lru, 1, 0), 11);
	assert_int_equal(lru_count(lru), 2);
	lru_free(&lru);
	assert_null(lru);
	assert_int_equal(dropped, 3);
	lru_free(&lru);
}

static void test_expiry(void **state)
{
	struct lru *lru = fresh(4);

	(void)state;
	put(lru, 1, 10, 100);
	assert_int_equal(look(lru, 1, 100), 10);
	assert_int_equal(look(lru, 1, 101), 0);
	/* it is gone for good, and dropped once */
	assert_int_equal(look(lru, 1, 100), 0);
	assert_int_equal(lru_count(lru), 0);
	assert_int_equal(dropped, 1);
	lru_free(&lru);
	assert_int_equal(dropped, 1);
}

static void test_the_oldest_goes(void **state)
{
	struct lru *lru = fresh(3);

	(void)state;
	for (uint64_t i = 1; i <= 3; i++)
		put(lru, i, i * 10, 100);
	assert_int_equal(look(lru, 1, 0), 10); /* which makes 2 the oldest */
	put(lru, 4, 40, 100);
	assert_int_equal(look(lru, 2, 0), 0);
	assert_int_equal(look(lru, 1, 0), 10);
	assert_int_equal(look(lru, 3, 0), 30);
	assert_int_equal(look(lru, 4, 0), 40);
	assert_int_equal(lru_count(lru), 3);
	lru_free(&lru);
}

static bool refuse(void *closure, const void *value)
{
	(void)closure;
	(void)value;
	return false;
}

static void test_refused_is_not_used(void **state)
{
	struct lru *lru = fresh(2);
	uint8_t key[LRU_KEY];

	(void)state;
	put(lru, 1, 10, 100);
	put(lru, 2, 20, 100);
	make_key(1, key);
	assert_false(lru_get(lru, key, 0, refuse, NULL));
	put(lru, 3, 30, 100);
	assert_int_equal(look(lru, 1, 0), 0);
	lru_free(&lru);
}

/* Against lists that are searched from end to end. */
static void test_at_random(void **state)
{
	enum { ROOM = 7, KEYS = 20 };
	struct lru *lru = fresh(ROOM);
	uint64_t order[ROOM], values[KEYS + 1];
	int64_t expires[KEYS + 1];
	size_t count = 0;
	uint32_t seed = 1;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		uint64_t key, value;
		size_t at = 0;
		bool adds;

		seed = seed * 1103515245 + 12345;
		key = 1 + (seed >> 16) % KEYS;
		adds = (seed >> 8) % 2 == 0;
		while (at < count && order[at] != key)
			at++;
		if (!adds && at < count && expires[key] < turn) {
			memmove(order + at, order + at + 1,
				(--count - at) * sizeof(order[0]));
			at = count;
			assert_int_equal(look(lru, key, turn), 0);
			continue;
		}
		if (!adds) {
			assert_int_equal(look(lru, key, turn),
					 at < count ? values[key] : 0);
			if (at == count)
				continue;
		}
		/* to the front */
		if (at == count && count == ROOM)
			at = count - 1;
		else if (at == count)
			count++;
		memmove(order + 1, order, at * sizeof(order[0]));
		order[0] = key;
		if (adds) {
			value = (uint64_t)turn + 1;
			values[key] = value;
			expires[key] = turn + (int64_t)(seed >> 20) % 100;
			put(lru, key, value, expires[key]);
		}
		assert_int_equal(lru_count(lru), count);
	}
	lru_free(&lru);
}

static void *hammer(void *argument)
{
	struct lru *lru = argument;

	for (uint64_t i = 1; i < 20000; i++) {
		uint64_t value = look(lru, i % 50 + 1, 0);

		assert_true(value == 0 || value == i % 50 + 1);
		put(lru, i % 50 + 1, i % 50 + 1, 100);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct lru *lru = lru_new(20, sizeof(uint64_t), NULL);
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, lru),
				 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(lru_count(lru), 20);
	lru_free(&lru);
}

/* --- sessions --- */

static struct certificate web;

static struct identity *make_identity(void)
{
	struct role_spec spec;
	struct identity *identity;
	char why[ROLE_WHY_MAX];

	assert_true(role_spec_parse("cn", &spec, why));
	assert_int_equal(
		certificate_read(bytes_make(tls_web, sizeof(tls_web)), &web),
		TRUST_OK);
	assert_int_equal(identity_new(&spec, &web, &identity), TRUST_OK);
	role_spec_fini(&spec);
	return identity;
}

static br_ssl_session_parameters session(uint8_t id)
{
	br_ssl_session_parameters parameters = {
		.session_id_len = 32, .version = BR_TLS12, .cipher_suite = id};

	memset(parameters.session_id, id, 32);
	memset(parameters.master_secret, id + 1, 48);
	return parameters;
}

static br_ssl_session_parameters only_id(uint8_t id)
{
	br_ssl_session_parameters parameters = {.session_id_len = 32};

	memset(parameters.session_id, id, 32);
	return parameters;
}

static void test_sessions_keep_who_it_is(void **state)
{
	struct lru *sessions = sessions_new(10);
	struct identity *identity = make_identity(), *back = NULL;
	br_ssl_session_parameters one = session(1), two = session(2), got;

	(void)state;
	sessions_save(sessions, &one, identity, NOW, INT64_MAX);
	sessions_save(sessions, &two, NULL, NOW, INT64_MAX);
	free(identity);
	got = only_id(1);
	assert_true(sessions_load(sessions, &got, NOW, &back));
	assert_memory_equal(&got.master_secret, &one.master_secret, 48);
	assert_int_equal(got.cipher_suite, 1);
	assert_non_null(back);
	assert_true(back->has_role);
	assert_true(str_equal(back->role, STR("web")));
	assert_true(str_equal(back->source, STR("cn")));
	assert_true(str_equal(back->cn, STR("web")));
	free(back);
	got = only_id(2);
	assert_true(sessions_load(sessions, &got, NOW, &back));
	assert_null(back);
	got = only_id(3);
	assert_false(sessions_load(sessions, &got, NOW, &back));
	assert_int_equal(got.cipher_suite, 0);
	got = only_id(2);
	got.session_id_len = 31;
	assert_false(sessions_load(sessions, &got, NOW, &back));
	lru_free(&sessions);
}

static void test_sessions_with_certificates(void **state)
{
	struct lru *sessions = sessions_new(10);
	struct identity *identity = make_identity(), *back = NULL;
	br_ssl_session_parameters one = session(1), got = only_id(1);
	uint8_t big[SESSIONS_MAX_LEAF + 1] = {0};

	(void)state;
	identity->leaf = bytes_make(tls_web, sizeof(tls_web));
	sessions_save(sessions, &one, identity, NOW, INT64_MAX);
	assert_true(sessions_load(sessions, &got, NOW, &back));
	assert_int_equal(back->leaf.n, sizeof(tls_web));
	assert_memory_equal(back->leaf.p, tls_web, sizeof(tls_web));
	assert_true(back->has_certificate);
	free(back);
	identity->leaf = bytes_make(big, sizeof(big));
	one = session(2);
	sessions_save(sessions, &one, identity, NOW, INT64_MAX);
	assert_int_equal(lru_count(sessions), 1);
	free(identity);
	lru_free(&sessions);
}

/* An hour, or what the certificates are good for. */
static void test_sessions_end(void **state)
{
	static const struct {
		int64_t expires, last;
	} cases[] = {
		{INT64_MAX, NOW + SESSIONS_SECONDS},
		{NOW + SESSIONS_SECONDS + 1, NOW + SESSIONS_SECONDS},
		{NOW + 5, NOW + 5},
		{NOW, NOW},
		{NOW - 1, NOW - 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lru *sessions = sessions_new(10);
		struct identity *identity = make_identity(), *back;
		br_ssl_session_parameters one = session(1), got = only_id(1);

		sessions_save(sessions, &one, identity, NOW, cases[i].expires);
		free(identity);
		assert_true(
			sessions_load(sessions, &got, cases[i].last, &back));
		free(back);
		got = only_id(1);
		assert_false(sessions_load(sessions, &got, cases[i].last + 1,
					   &back));
		lru_free(&sessions);
	}
}

/* --- verdicts --- */

static struct anchors anchors;

static struct chain_result check(struct lru *verdicts, const uint8_t *der,
				 size_t size, int64_t now)
{
	const struct chain_request request = {.anchors = &anchors, .now = now};
	struct bytes chain = bytes_make(der, size);

	return verdicts_check(verdicts, &chain, 1, &request);
}

static void load_anchor(void)
{
	static uint8_t text[sizeof(tls_ca)];
	struct pem_object object;
	struct pem pem;

	memcpy(text, tls_ca, sizeof(text));
	pem_init(&pem, text, sizeof(text) - 1);
	assert_int_equal(pem_next(&pem, &object), PEM_OBJECT);
	anchors_init(&anchors);
	assert_int_equal(anchors_add(&anchors, object.body), TRUST_OK);
	anchors_link(&anchors);
}

static void test_verdicts(void **state)
{
	struct lru *verdicts = verdicts_new(10);
	uint8_t touched[sizeof(tls_web)];
	struct chain_result first, again;

	(void)state;
	load_anchor();
	first = check(verdicts, tls_web, sizeof(tls_web), NOW);
	assert_int_equal(first.trust, TRUST_OK);
	assert_int_equal(lru_count(verdicts), 1);
	again = check(verdicts, tls_web, sizeof(tls_web), NOW + 1);
	assert_int_equal(again.trust, TRUST_OK);
	assert_int_equal(again.expires, first.expires);
	assert_int_equal(again.depth, first.depth);
	assert_int_equal(again.unchecked, first.unchecked);
	assert_ptr_equal(again.leaf.der.p, tls_web);
	assert_int_equal(again.leaf.key.kind, first.leaf.key.kind);
	assert_int_equal(lru_count(verdicts), 1);

	/* what is refused is judged anew each time */
	memcpy(touched, tls_web, sizeof(tls_web));
	touched[sizeof(touched) - 1] ^= 1;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			check(verdicts, touched, sizeof(touched), NOW).trust,
			TRUST_SIGNATURE);
		assert_int_equal(lru_count(verdicts), 1);
	}

	/* with the anchor gone one can see what is only remembered */
	anchors_fini(&anchors);
	anchors_init(&anchors);
	assert_int_equal(check(verdicts, tls_web, sizeof(tls_web),
			       NOW + VERDICTS_SECONDS)
				 .trust,
			 TRUST_OK);
	assert_int_not_equal(check(verdicts, tls_web, sizeof(tls_web),
				   NOW + VERDICTS_SECONDS + 1)
				     .trust,
			     TRUST_OK);
	assert_int_equal(lru_count(verdicts), 0);
	lru_free(&verdicts);
	anchors_fini(&anchors);
}

/* A verdict does not outlast the certificate. */
static void test_verdicts_end(void **state)
{
	struct lru *verdicts = verdicts_new(10);
	int64_t last;

	(void)state;
	load_anchor();
	last = check(verdicts, tls_web, sizeof(tls_web), NOW).expires;
	assert_int_equal(
		check(verdicts, tls_web, sizeof(tls_web), last - 5).trust,
		TRUST_OK);
	assert_int_equal(
		check(verdicts, tls_web, sizeof(tls_web), last + 1).trust,
		TRUST_EXPIRED);
	lru_free(&verdicts);
	anchors_fini(&anchors);
}

/* The same octets in other pieces, or as a server's, are something else. */
static void test_verdicts_of_pieces(void **state)
{
	struct lru *verdicts = verdicts_new(10);
	struct bytes chain[] = {bytes_make(tls_web, sizeof(tls_web) - 1),
				bytes_make(tls_web + sizeof(tls_web) - 1, 1)};
	struct chain_request request = {.anchors = &anchors, .now = NOW};

	(void)state;
	load_anchor();
	assert_int_equal(check(verdicts, tls_web, sizeof(tls_web), NOW).trust,
			 TRUST_OK);
	assert_int_not_equal(verdicts_check(verdicts, chain, 2, &request).trust,
			     TRUST_OK);
	chain[0].n++;
	request.purpose = CHAIN_SERVER;
	assert_int_not_equal(verdicts_check(verdicts, chain, 1, &request).trust,
			     TRUST_OK);
	assert_int_not_equal(verdicts_check(verdicts, chain, 0, &request).trust,
			     TRUST_OK);
	lru_free(&verdicts);
	anchors_fini(&anchors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_and_get),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_the_oldest_goes),
		cmocka_unit_test(test_refused_is_not_used),
		cmocka_unit_test(test_at_random),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_sessions_keep_who_it_is),
		cmocka_unit_test(test_sessions_with_certificates),
		cmocka_unit_test(test_sessions_end),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_verdicts_end),
		cmocka_unit_test(test_verdicts_of_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
