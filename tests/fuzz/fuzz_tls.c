/* fuzz_tls.c - what a peer can send: a handshake of any bytes, be it a client
 *or a server; then, with keys that both ends have, records of any kind, and any
 * bytes behind them.
 *
 *	handshake:  00 of a client, 02 of a server;
 *	            then pieces: length (1 octet), bytes
 *	records:    01, then scripts: kind (1 octet, not 0), length (2), text;
 *	            after the kind 0: bytes as they are */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/tls/context-internal.h"
#include "runtime/tls/engine.h"
#include "runtime/tls/sessions.h"
#include "tests/unit/data/servers.inc"
#include "tests/unit/data/tls.inc"

#define NOW 1780272000
#define STREAM_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* --- the handshake --- */

static struct tls_context *context;
static struct tls_roots *roots;
static struct engine_pool pool;

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	check(fd >= 0);
	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* One that a client may name, though it cannot know the secret: its ID is 32
 * times 'S'. */
static void keep_session(void)
{
	br_ssl_session_parameters session = {
		.session_id_len = 32,
		.version = BR_TLS12,
		.cipher_suite = BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256};

	memset(session.session_id, 'S', 32);
	memset(session.master_secret, 's', 48);
	sessions_save(context->sessions, &session, NULL, (int64_t)time(NULL),
		      INT64_MAX);
}

static void load(void)
{
	char bundle[] = "/tmp/fuzz_tls.XXXXXX", ca[] = "/tmp/fuzz_tls.XXXXXX";
	char why[TLS_CONTEXT_WHY_MAX];
	char *cas[] = {ca};
	struct tls_options options = {
		.cert_file = bundle, .ca_files = cas, .ca_count = 1};

	write_file(bundle, tls_bundle);
	write_file(ca, tls_ca);
	check(tls_context_load(&options, NOW, &context, why));
	unlink(bundle);
	unlink(ca);
	keep_session();
}

static void load_roots(void)
{
	char ca[] = "/tmp/fuzz_tls.XXXXXX", why[ROOTS_WHY_MAX];

	write_file(ca, servers_root);
	check(tls_roots_load(ca, &roots, why));
	unlink(ca);
}

static struct engine *new_server(void)
{
	if (context == NULL)
		load();
	return engine_accept(&pool, context);
}

static struct engine *new_client(void)
{
	struct hostname host;

	if (roots == NULL)
		load_roots();
	check(hostname_normalize(STR("origin.test"), &host) == HOST_OK);
	return engine_connect(&pool, roots, &host);
}

static void drain(struct engine *engine)
{
	while (engine_state(engine) == ENGINE_SEND) {
		size_t n;

		check(engine_output(engine, &n) != NULL && n > 0);
		engine_sent(engine, n);
	}
}

static void handshake(struct engine *engine, const uint8_t *data, size_t size)
{
	size_t at = 0;

	check(engine != NULL);
	drain(engine);
	while (at < size && engine_state(engine) == ENGINE_RECEIVE) {
		size_t piece = data[at++], used;

		piece = piece < size - at ? piece : size - at;
		used = engine_input(engine, data + at, piece);
		check(used <= piece);
		/* what is left is not for a handshake that goes on */
		check(used == piece || engine_state(engine) != ENGINE_RECEIVE);
		at += piece;
		drain(engine);
	}
	/* nobody can finish it who cannot answer our random */
	check(engine_state(engine) != ENGINE_DONE);
	engine_free(&pool, engine);
	check(pool.live == 0);
}

/* --- records --- */

static const uint8_t key[16] = "sixteen octets!!";

static size_t seal(br_sslrec_gcm_context *peer, int kind, const uint8_t *text,
		   size_t length, uint8_t *out)
{
	unsigned char *record;

	memcpy(out + 13, text, length);
	record = peer->vtable.out->inner.encrypt(
		(const br_sslrec_out_class **)&peer->vtable.out, kind, BR_TLS12,
		out + 13, &length);
	memmove(out, record, length);
	return length;
}

/* The records that DATA asks for, to OUT; how many bytes. */
static size_t write_stream(const uint8_t *data, size_t size, uint8_t *out)
{
	br_sslrec_gcm_context peer;
	size_t at = 0, n = 0;

	br_sslrec_out_gcm_vtable.init(&peer.vtable.out, &br_aes_ct64_ctr_vtable,
				      key, sizeof(key), br_ghash_ctmul64, key);
	while (size - at >= 3 && data[at] != 0) {
		size_t length = (size_t)data[at + 1] << 8 | data[at + 2];
		int kind = data[at];

		at += 3;
		length = length < size - at ? length : size - at;
		if (length > RECORD_MAX_PLAIN || n + RECORD_MAX > STREAM_MAX)
			break;
		n += seal(&peer, kind, data + at, length, out + n);
		at += length;
	}
	size -= at;
	size = size < STREAM_MAX - n ? size : STREAM_MAX - n;
	memcpy(out + n, data + at, size);
	return n + size;
}

static void records(const uint8_t *data, size_t size)
{
	static uint8_t stream[STREAM_MAX];
	struct record_layer layer = {.max_plain = RECORD_MAX_PLAIN};
	size_t length = write_stream(data, size, stream), at = 0;
	enum record_result result;

	br_sslrec_in_gcm_vtable.init(&layer.in.gcm.vtable.in,
				     &br_aes_ct64_ctr_vtable, key, sizeof(key),
				     br_ghash_ctmul64, key);
	do {
		struct record record;

		result = record_open(&layer, stream + at, length - at, &record);
		check(record.used <= length - at);
		if (result == RECORD_DATA)
			check(record.length > 0 &&
			      record.length <= RECORD_MAX_PLAIN &&
			      record.text >= stream + at &&
			      record.text + record.length <=
				      stream + at + record.used);
		if (result == RECORD_NOTHING)
			check(record.used > 0);
		at += record.used;
	} while (result == RECORD_DATA || result == RECORD_NOTHING);
	record_wipe(&layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 0)
		handshake(new_server(), data + 1, size - 1);
	else if (data[0] == 2)
		handshake(new_client(), data + 1, size - 1);
	else
		records(data + 1, size - 1);
	return 0;
}
