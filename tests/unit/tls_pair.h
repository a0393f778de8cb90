/* tls_pair.h - BearSSL's client and an engine of ours, in memory, for the tests
 * of handshakes and records. */
#ifndef TESTS_TLS_PAIR_H
#define TESTS_TLS_PAIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bearssl.h>

#include "data/tls.inc"
#include "runtime/tls/certificate.h"
#include "runtime/tls/engine.h"

#define NOW 1780272000 /* 2026-06-01 */

static struct tls_context *context;
static struct engine_pool pool;

/* --- a world of two --- */

struct pair {
	br_ssl_client_context client;
	br_x509_minimal_context unused;
	br_x509_knownkey_context known;
	struct certificate server;
	br_x509_certificate chain;
	br_ec_private_key secret;
	unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
	struct engine *engine;
	struct record_layer records;
	struct identity *identity;
	size_t chop; /* bytes at once to the engine */
};

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	char bundle[] = "/tmp/test_tls.XXXXXX", ca[] = "/tmp/test_tls.XXXXXX";
	char why[TLS_CONTEXT_WHY_MAX];
	char *cas[] = {ca};
	struct tls_options options = {
		.cert_file = bundle, .ca_files = cas, .ca_count = 1};
	bool ok;

	(void)state;
	write_file(bundle, tls_bundle);
	write_file(ca, tls_ca);
	ok = tls_context_load(&options, NOW, &context, why);
	unlink(bundle);
	unlink(ca);
	if (!ok)
		print_error("%s\n", why);
	return ok ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	tls_context_unref(&context);
	engine_pool_fini(&pool);
	return 0;
}

/* BearSSL's types know no const. */
static unsigned char *loose(const uint8_t *p)
{
	return (unsigned char *)(uintptr_t)p;
}

/* Both sides, from the beginning; the client asks for SESSION unless that is
 * NULL. */
static void pair_begin(struct pair *pair,
		       const br_ssl_session_parameters *session)
{
	br_ssl_engine_context *eng = &pair->client.eng;

	engine_free(&pool, pair->engine);
	if (session != NULL)
		br_ssl_engine_set_session_parameters(eng, session);
	assert_true(
		br_ssl_client_reset(&pair->client, "proxy", session != NULL));
	pair->engine = engine_accept(&pool, context);
	assert_non_null(pair->engine);
}

/* KEY: of the client's certificate; NULL: it has none. */
static struct pair *pair_new(const uint8_t *key, uint16_t suite, size_t chop)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	br_ssl_engine_context *eng;

	assert_non_null(pair);
	eng = &pair->client.eng;
	pair->chop = chop;
	assert_int_equal(
		certificate_read(bytes_make(tls_server, sizeof(tls_server)),
				 &pair->server),
		TRUST_OK);
	br_ssl_client_init_full(&pair->client, &pair->unused, NULL, 0);
	br_x509_knownkey_init_ec(
		&pair->known,
		&(br_ec_public_key){.curve = pair->server.key.curve,
				    .q = loose(pair->server.key.point.p),
				    .qlen = pair->server.key.point.n},
		BR_KEYTYPE_SIGN | BR_KEYTYPE_KEYX);
	br_ssl_engine_set_x509(eng, &pair->known.vtable);
	if (suite != 0)
		br_ssl_engine_set_suites(eng, &suite, 1);
	if (key != NULL) {
		pair->chain =
			(br_x509_certificate){loose(tls_web), sizeof(tls_web)};
		pair->secret = (br_ec_private_key){
			.curve = BR_EC_secp256r1, .x = loose(key), .xlen = 32};
		br_ssl_client_set_single_ec(&pair->client, &pair->chain, 1,
					    &pair->secret, BR_KEYTYPE_SIGN,
					    BR_KEYTYPE_EC, br_ec_get_default(),
					    br_ecdsa_sign_asn1_get_default());
	}
	br_ssl_engine_set_buffer(eng, pair->buffer, sizeof(pair->buffer), 1);
	pair_begin(pair, NULL);
	return pair;
}

static void pair_free(struct pair *pair)
{
	engine_free(&pool, pair->engine);
	free(pair->identity);
	free(pair);
	assert_int_equal(pool.live, 0);
}

/* What the client has to send, all of it, to OUT; how much. */
static size_t client_output(struct pair *pair, uint8_t *out, size_t room)
{
	br_ssl_engine_context *eng = &pair->client.eng;
	size_t total = 0;

	while ((br_ssl_engine_current_state(eng) & BR_SSL_SENDREC) != 0) {
		size_t n;
		unsigned char *p = br_ssl_engine_sendrec_buf(eng, &n);

		assert_true(n <= room - total);
		memcpy(out + total, p, n);
		br_ssl_engine_sendrec_ack(eng, n);
		total += n;
	}
	return total;
}

static void client_input(struct pair *pair, const uint8_t *bytes, size_t size)
{
	br_ssl_engine_context *eng = &pair->client.eng;

	while (size > 0 &&
	       (br_ssl_engine_current_state(eng) & BR_SSL_RECVREC) != 0) {
		size_t n;
		unsigned char *p = br_ssl_engine_recvrec_buf(eng, &n);

		n = n < size ? n : size;
		memcpy(p, bytes, n);
		br_ssl_engine_recvrec_ack(eng, n);
		bytes += n;
		size -= n;
	}
}

static void engine_to_client(struct pair *pair)
{
	while (engine_state(pair->engine) == ENGINE_SEND) {
		size_t n;
		const uint8_t *p = engine_output(pair->engine, &n);

		n = pair->chop != 0 && n > pair->chop ? pair->chop : n;
		client_input(pair, p, n);
		engine_sent(pair->engine, n);
	}
}

/* Until there is nothing to do.  True: the handshake is done. */
static bool shake(struct pair *pair)
{
	static uint8_t bytes[65536];

	for (int turn = 0; turn < 20; turn++) {
		size_t size = client_output(pair, bytes, sizeof(bytes));
		size_t at = 0;

		engine_to_client(pair);
		while (at < size &&
		       engine_state(pair->engine) == ENGINE_RECEIVE) {
			size_t n = size - at;

			n = pair->chop != 0 && n > pair->chop ? pair->chop : n;
			at += engine_input(pair->engine, bytes + at, n);
			engine_to_client(pair);
		}
		if (engine_state(pair->engine) == ENGINE_DONE) {
			pair->identity =
				engine_finish(pair->engine, &pair->records);
			return true;
		}
		if (engine_state(pair->engine) == ENGINE_FAILED)
			return false;
	}
	return false;
}

#endif
