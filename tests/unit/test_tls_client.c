/* test_tls_client.c - our handshake as the client against our own as the
 * server, and against one of BearSSL's that cheats; what the roots are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <bearssl.h>

#include "data/servers.inc"
#include "data/tls.inc"
#include "runtime/tls/certificate.h"
#include "runtime/tls/engine.h"

#define NOW 1780272000 /* 2026-06-01 */

static struct tls_context *ec, *rsa;
static struct tls_roots *roots;
static struct engine_pool pool;

/* --- files --- */

/* TEXT in a file of its own, whose name is put into PATH. */
static void write_file(char path[64], const char *text)
{
	int fd;

	strcpy(path, "/tmp/test_tls_client.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static struct tls_context *load_server(const char *text)
{
	char path[64], why[TLS_CONTEXT_WHY_MAX];
	struct tls_options options = {.cert_file = path};
	struct tls_context *context;

	write_file(path, text);
	if (!tls_context_load(&options, NOW, &context, why))
		print_error("%s\n", why);
	unlink(path);
	return context;
}

/* NULL: WHY says why. */
static struct tls_roots *load_roots(const char *text, char *why)
{
	char path[64];
	struct tls_roots *out;

	write_file(path, text);
	tls_roots_load(path, &out, why);
	unlink(path);
	return out;
}

static int setup(void **state)
{
	char why[ROOTS_WHY_MAX];

	(void)state;
	ec = load_server(servers_ec);
	rsa = load_server(servers_rsa);
	roots = load_roots(servers_root, why);
	return ec != NULL && rsa != NULL && roots != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	tls_context_unref(&ec);
	tls_context_unref(&rsa);
	tls_roots_unref(&roots);
	engine_pool_fini(&pool);
	return 0;
}

/* --- two of us --- */

struct pair {
	struct engine *client;
	struct engine *server;
	size_t chop; /* bytes at once; 0: all */
};

static struct engine *client_new(struct tls_roots *trusted, const char *host)
{
	struct hostname wanted;
	struct engine *engine;

	assert_int_equal(hostname_normalize(str_from(host), &wanted), HOST_OK);
	engine = engine_connect(&pool, trusted, &wanted);
	assert_non_null(engine);
	return engine;
}

static struct pair pair_new(struct tls_context *context, const char *host,
			    size_t chop)
{
	struct pair pair = {.client = client_new(roots, host),
			    .server = engine_accept(&pool, context),
			    .chop = chop};

	assert_non_null(pair.server);
	return pair;
}

static void pair_free(struct pair *pair)
{
	engine_free(&pool, pair->client);
	engine_free(&pool, pair->server);
	assert_int_equal(pool.live, 0);
}

/* True: something was said. */
static bool pass(struct engine *from, struct engine *to, size_t chop)
{
	bool any = false;

	while (engine_state(from) == ENGINE_SEND) {
		size_t n, used;
		const uint8_t *p = engine_output(from, &n);

		n = chop != 0 && n > chop ? chop : n;
		used = engine_state(to) == ENGINE_RECEIVE
			       ? engine_input(to, p, n)
			       : 0;
		/* what it does not want it has no use for any more */
		assert_true(used == n || engine_state(to) != ENGINE_RECEIVE);
		engine_sent(from, n);
		any = true;
	}
	return any;
}

static void shake(struct pair *pair)
{
	bool any;

	do {
		any = pass(pair->client, pair->server, pair->chop);
		any |= pass(pair->server, pair->client, pair->chop);
	} while (any);
}

static void test_good(void **state)
{
	static const char *const hosts[] = {"origin.test", "a.wild.test",
					    "127.0.0.1"};
	static const size_t chops[] = {0, 1, 7, 300};
	struct tls_context *servers[] = {ec, rsa};

	(void)state;
	for (size_t i = 0; i < 2 * 3 * 4; i++) {
		struct pair pair = pair_new(servers[i % 2], hosts[i / 2 % 3],
					    chops[i / 6]);
		struct record_layer ours, theirs;
		uint8_t sealed[RECORD_MAX];
		struct record record;

		shake(&pair);
		assert_int_equal(engine_state(pair.client), ENGINE_DONE);
		assert_int_equal(engine_state(pair.server), ENGINE_DONE);
		assert_null(engine_finish(pair.client, &ours));
		assert_null(engine_finish(pair.server, &theirs));
		/* nobody was asked for small records */
		assert_int_equal(theirs.max_plain, RECORD_MAX_PLAIN);
		assert_int_equal(
			record_open(&theirs, sealed,
				    record_seal(&ours, "ping", 4, sealed),
				    &record),
			RECORD_DATA);
		assert_memory_equal(record.text, "ping", 4);
		assert_int_equal(
			record_open(&ours, sealed,
				    record_seal(&theirs, "pong", 4, sealed),
				    &record),
			RECORD_DATA);
		assert_memory_equal(record.text, "pong", 4);
		pair_free(&pair);
	}
}

static void expect(struct pair *pair, enum trust trust, const char *what)
{
	struct engine_failure failure;

	shake(pair);
	assert_int_equal(engine_state(pair->client), ENGINE_FAILED);
	assert_int_equal(engine_state(pair->server), ENGINE_FAILED);
	engine_failure(pair->client, &failure);
	assert_int_equal(failure.trust, trust);
	assert_non_null(strstr(failure.why, what));
	assert_non_null(strstr(failure.why, "server"));
	/* and the server has heard it */
	engine_failure(pair->server, &failure);
	assert_non_null(strstr(failure.why, "the client gave up with alert"));
}

static void test_wrong_name(void **state)
{
	static const char *const hosts[] = {
		"elsewhere.test", /* its CN */
		"wild.test",      "a.b.wild.test", "127.0.0.2", "::1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct pair pair = pair_new(ec, hosts[i], 0);

		expect(&pair, TRUST_SERVER_NAME, "not for this host");
		pair_free(&pair);
	}
}

static void test_unknown_ca(void **state)
{
	struct tls_context *other = load_server(tls_bundle);
	struct pair pair = pair_new(other, "origin.test", 0);

	(void)state;
	expect(&pair, TRUST_UNKNOWN_CA, "no way leads from it");
	pair_free(&pair);
	tls_context_unref(&other);
}

static void test_no_roots(void **state)
{
	char why[ROOTS_WHY_MAX];
	struct tls_roots *none;
	struct pair pair;

	(void)state;
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	assert_true(tls_roots_load(NULL, &none, why));
	unsetenv("SSL_CERT_FILE");
	pair = (struct pair){.client = client_new(none, "origin.test"),
			     .server = engine_accept(&pool, ec)};
	tls_roots_unref(&none);
	expect(&pair, TRUST_NO_ROOTS, "--origin-ca-file");
	pair_free(&pair);
}

/* --- a server that has somebody's certificate, and not the key --- */

static void test_thief(void **state)
{
	static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
	br_x509_certificate chain = {(unsigned char *)(uintptr_t)servers_ec_der,
				     sizeof(servers_ec_der)};
	br_ec_private_key key = {
		.curve = BR_EC_secp256r1,
		.x = (unsigned char *)(uintptr_t)servers_other_key,
		.xlen = sizeof(servers_other_key)};
	struct engine *client = client_new(roots, "origin.test");
	struct engine_failure failure;
	br_ssl_server_context server;
	br_ssl_engine_context *eng = &server.eng;

	(void)state;
	br_ssl_server_init_full_ec(&server, &chain, 1, BR_KEYTYPE_EC, &key);
	br_ssl_engine_set_buffer(eng, buffer, sizeof(buffer), 1);
	assert_true(br_ssl_server_reset(&server));
	for (int turn = 0; turn < 10; turn++) {
		size_t n, m;

		while (engine_state(client) == ENGINE_SEND) {
			const uint8_t *p = engine_output(client, &n);
			unsigned char *q = br_ssl_engine_recvrec_buf(eng, &m);

			assert_non_null(q);
			n = n < m ? n : m;
			memcpy(q, p, n);
			br_ssl_engine_recvrec_ack(eng, n);
			engine_sent(client, n);
		}
		while ((br_ssl_engine_current_state(eng) & BR_SSL_SENDREC) !=
			       0 &&
		       engine_state(client) == ENGINE_RECEIVE) {
			unsigned char *q = br_ssl_engine_sendrec_buf(eng, &n);

			n = engine_input(client, q, n);
			br_ssl_engine_sendrec_ack(eng, n);
		}
	}
	assert_int_equal(engine_state(client), ENGINE_FAILED);
	engine_failure(client, &failure);
	assert_int_equal(failure.trust, TRUST_OK);
	assert_int_equal(br_ssl_engine_last_error(eng),
			 BR_ERR_RECV_FATAL_ALERT + ALERT_DECRYPT_ERROR);
	engine_free(&pool, client);
}

/* --- what we say first --- */

/* Where the extension of NUMBER is in a ClientHello, or NULL. */
static const uint8_t *find_extension(const uint8_t *hello, size_t size,
				     unsigned number)
{
	/* record 5, message 4, version 2, random 32 */
	size_t at = 43, end;

	at += 1u + hello[at];
	at += 2u + (size_t)(hello[at] << 8 | hello[at + 1]);
	at += 1u + hello[at];
	end = at + 2 + (size_t)(hello[at] << 8 | hello[at + 1]);
	assert_int_equal(end, size);
	for (at += 2; at < end;
	     at += 4u + (size_t)(hello[at + 2] << 8 | hello[at + 3]))
		if ((unsigned)(hello[at] << 8 | hello[at + 1]) == number)
			return hello + at;
	return NULL;
}

static void test_hello(void **state)
{
	static const char *const hosts[] = {"origin.test", "127.0.0.1", "::1"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct engine *client = client_new(roots, hosts[i]);
		const uint8_t *hello, *name;
		size_t n;

		hello = engine_output(client, &n);
		assert_non_null(hello);
		name = find_extension(hello, n, 0);
		if (i == 0) {
			assert_non_null(name);
			assert_memory_equal(name + 9, hosts[i],
					    strlen(hosts[i]));
		} else {
			assert_null(name);
		}
		assert_null(find_extension(hello, n, 1));
		engine_free(&pool, client);
	}
}

static void test_copies_differ(void **state)
{
	struct engine *one = client_new(roots, "origin.test");
	struct engine *two = client_new(roots, "origin.test");
	const uint8_t *first, *second;
	size_t n, m;

	(void)state;
	first = engine_output(one, &n);
	second = engine_output(two, &m);
	assert_int_equal(n, m);
	/* BearSSL says nothing of the time: four zeros, then the random */
	assert_memory_not_equal(first + 15, second + 15, 28);
	assert_memory_equal(first + 43, second + 43, n - 43);
	engine_free(&pool, one);
	engine_free(&pool, two);
}

/* What comes is no TLS, or from a server of another age. */
static void test_strangers(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *why;
	} cases[] = {
		{"HTTP/1.1 400 Bad Request\r\n\r\n", 28, "TLS"},
		{"\25\3\3\0\2\2\106", 7, "the server does not speak TLS 1.2"},
		{"\25\3\3\0\2\2\50", 7, "no cipher suite"},
		{"\25\3\3\0\2\2\160", 7, "the server gave up with alert 112"},
		{"\26\3\1\0\52\2\0\0\46\3\1", 11, "does not speak TLS 1.2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct engine *client = client_new(roots, "origin.test");
		struct engine_failure failure;
		uint8_t rest[64] = {0};
		size_t n;

		while (engine_state(client) == ENGINE_SEND) {
			engine_output(client, &n);
			engine_sent(client, n);
		}
		engine_input(client, (const uint8_t *)cases[i].bytes,
			     cases[i].size);
		if (engine_state(client) == ENGINE_RECEIVE)
			engine_input(client, rest, sizeof(rest));
		while (engine_state(client) == ENGINE_SEND) {
			engine_output(client, &n);
			engine_sent(client, n);
		}
		assert_int_equal(engine_state(client), ENGINE_FAILED);
		engine_failure(client, &failure);
		assert_int_equal(failure.trust, TRUST_OK);
		if (strstr(failure.why, cases[i].why) == NULL)
			fail_msg("%zu: %s", i, failure.why);
		engine_free(&pool, client);
	}
}

/* --- roots --- */

static void test_roots(void **state)
{
	char why[ROOTS_WHY_MAX], path[64];
	struct tls_roots *out;
	struct roots_info info;

	(void)state;
	write_file(path, servers_root);
	assert_true(tls_roots_load(path, &out, why));
	info = tls_roots_info(out);
	assert_int_equal(info.source, ROOTS_GIVEN);
	assert_string_equal(info.path, path);
	assert_int_equal(info.count, 1);
	assert_null(info.why);
	tls_roots_unref(&out);
	assert_null(out);

	setenv("SSL_CERT_FILE", path, 1);
	assert_true(tls_roots_load(NULL, &out, why));
	info = tls_roots_info(out);
	assert_int_equal(info.source, ROOTS_ENVIRONMENT);
	assert_string_equal(info.path, path);
	assert_int_equal(info.count, 1);
	tls_roots_unref(&out);
	unlink(path);

	/* what the operator did not give is no reason not to start */
	assert_true(tls_roots_load(NULL, &out, why));
	info = tls_roots_info(out);
	assert_int_equal(info.source, ROOTS_NONE);
	assert_int_equal(info.count, 0);
	assert_non_null(strstr(info.why, path));
	tls_roots_unref(&out);

	setenv("SSL_CERT_FILE", "", 1);
	assert_true(tls_roots_load(NULL, &out, why));
	info = tls_roots_info(out);
	assert_true(info.source == ROOTS_SYSTEM || info.source == ROOTS_NONE);
	tls_roots_unref(&out);
	unsetenv("SSL_CERT_FILE");
}

static void test_bad_roots(void **state)
{
	static const char broken[] = "-----BEGIN CERTIFICATE-----\nMAA=\n"
				     "-----END CERTIFICATE-----\n";
	char why[ROOTS_WHY_MAX], path[64], both[4096];
	struct tls_roots *out;

	(void)state;
	assert_null(load_roots("", why));
	assert_non_null(strstr(why, "the file is empty"));
	assert_null(load_roots("nothing\n", why));
	assert_non_null(strstr(why, "no certificate in it"));
	assert_null(load_roots(broken, why));
	assert_non_null(strstr(why, ":1: this certificate cannot be a CA's"));
	assert_false(tls_roots_load("/nonexistent", &out, why));
	assert_null(out);
	assert_non_null(strstr(why, "/nonexistent"));

	/* in a file of the system's, the others are still good */
	snprintf(both, sizeof(both), "%s%s", broken, servers_root);
	assert_null(load_roots(both, why));
	write_file(path, both);
	setenv("SSL_CERT_FILE", path, 1);
	assert_true(tls_roots_load(NULL, &out, why));
	assert_int_equal(tls_roots_info(out).count, 1);
	assert_int_equal(tls_roots_info(out).skipped, 1);
	tls_roots_unref(&out);
	unsetenv("SSL_CERT_FILE");
	unlink(path);
}

/* A handshake goes on by the roots that it has begun with. */
static void test_roots_are_counted(void **state)
{
	char why[ROOTS_WHY_MAX];
	struct tls_roots *own = load_roots(servers_root, why);
	struct pair pair = {.client = client_new(own, "origin.test"),
			    .server = engine_accept(&pool, ec)};

	(void)state;
	tls_roots_unref(&own);
	shake(&pair);
	assert_int_equal(engine_state(pair.client), ENGINE_DONE);
	pair_free(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_unknown_ca),
		cmocka_unit_test(test_no_roots),
		cmocka_unit_test(test_thief),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_copies_differ),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_bad_roots),
		cmocka_unit_test(test_roots_are_counted),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
