/* test_mint.c - certificates made for hosts: what they say, who would believe
 * them, when they are made anew, and which CAs will not do; and the DER they
 * are written in. */
#include <pthread.h>
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

#include "data/mint.inc"
#include "runtime/tls/chain.h"
#include "runtime/tls/der_write.h"
#include "runtime/tls/mint-internal.h"
#include "runtime/tls/name.h"
#include "runtime/tls/oid.h"

#define NOW 1780272000 /* 2026-06-01 */
#define DAY 86400

/* --- DER --- */

static void assert_written(const struct der_writer *writer, const char *bytes,
			   size_t n)
{
	struct bytes written = der_written(writer);

	assert_int_equal(written.n, n);
	assert_memory_equal(written.p, bytes, n);
}

#define ASSERT_WRITTEN(writer, text)                                           \
	assert_written(writer, text, sizeof(text) - 1)

static void test_nested(void **state)
{
	struct der_writer writer;
	uint8_t buffer[32];
	size_t outer, inner;

	(void)state;
	der_write_begin(&writer, buffer, sizeof(buffer));
	outer = der_open(&writer, DER_SEQUENCE);
	der_write_boolean(&writer, true);
	inner = der_open_bits(&writer);
	der_write_raw(&writer, bytes_make((const uint8_t *)"x", 1));
	der_close(&writer, inner);
	der_write(&writer, DER_NULL, bytes_make(NULL, 0));
	der_close(&writer, outer);
	ASSERT_WRITTEN(&writer, "\x30\x09\x01\x01\xFF\x03\x02\x00x\x05\x00");
}

/* At each length whose own length has one octet more, in room that is just
 * enough, and one octet short of it. */
static void test_lengths(void **state)
{
	static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
	static uint8_t body[65536], buffer[65536 + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];
		size_t whole = n + 2 + (n > 127) + (n > 255) + (n > 65535);
		struct der_writer writer;
		struct bytes rest, found;

		der_write_begin(&writer, buffer, whole);
		der_write(&writer, DER_OCTET_STRING, bytes_make(body, n));
		rest = der_written(&writer);
		assert_int_equal(rest.n, whole);
		assert_true(der_only(rest, DER_OCTET_STRING, &found));
		assert_int_equal(found.n, n);
		der_write_begin(&writer, buffer, whole - 1);
		der_write(&writer, DER_OCTET_STRING, bytes_make(body, n));
		assert_int_equal(der_written(&writer).n, 0);
	}
}

static void test_times(void **state)
{
	static const struct {
		int64_t when;
		const char *text;
	} times[] = {
		{0, "\x17\x0d"
		    "700101000000Z"},
		{-631152000, "\x17\x0d"
			     "500101000000Z"},
		{-631152001, "\x18\x0f"
			     "19491231235959Z"},
		{2524607999, "\x17\x0d"
			     "491231235959Z"},
		{2524608000, "\x18\x0f"
			     "20500101000000Z"},
		{253402300799, "\x18\x0f"
			       "99991231235959Z"},
	};
	struct der_writer writer;
	uint8_t buffer[32];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct der_item item;
		struct bytes rest;
		int64_t when;

		der_write_begin(&writer, buffer, sizeof(buffer));
		der_write_time(&writer, times[i].when);
		assert_written(&writer, times[i].text, strlen(times[i].text));
		rest = der_written(&writer);
		assert_true(der_next(&rest, &item));
		assert_true(der_time(&item, &when));
		assert_int_equal(when, times[i].when);
	}
	der_write_begin(&writer, buffer, sizeof(buffer));
	der_write_time(&writer, 253402300800);
	assert_int_equal(der_written(&writer).n, 0);
}

/* --- the CA --- */

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* KEY: NULL for one in the same file. */
static struct mint *load(const char *ca, const char *key, char *why)
{
	char cert_file[] = "/tmp/test_mint.XXXXXX";
	char key_file[] = "/tmp/test_mint.XXXXXX";
	struct mint *mint;
	bool ok;

	write_file(cert_file, ca);
	write_file(key_file, key != NULL ? key : ca);
	ok = mint_load(cert_file, key_file, &mint, why);
	unlink(cert_file);
	unlink(key_file);
	assert_int_equal(ok, mint != NULL);
	return mint;
}

static struct mint *load_good(const char *ca, const char *key)
{
	char why[TLS_CONTEXT_WHY_MAX] = "";
	struct mint *mint = load(ca, key, why);

	if (mint == NULL)
		fail_msg("%s", why);
	return mint;
}

static void test_bad_cas(void **state)
{
	static const struct {
		const char *ca;
		const char *key;
		const char *why;
	} bad[] = {
		{mint_leaf_ca, mint_ec_key, "is no CA"},
		{mint_crl_ca, mint_ec_key, "lacks keyCertSign"},
		{mint_client_ca, mint_ec_key, "lacks serverAuth"},
		{mint_ec_ca, mint_rsa_bundle, "does not belong"},
		{mint_ec_ca, mint_ec_ca, "no private key"},
		{mint_ec_key, mint_ec_key, "no certificate"},
		{"", mint_ec_key, "is empty"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char why[TLS_CONTEXT_WHY_MAX] = "";

		assert_null(load(bad[i].ca, bad[i].key, why));
		if (strstr(why, bad[i].why) == NULL)
			fail_msg("'%s' is not about '%s'", why, bad[i].why);
	}
}

static void note(void *closure, const char *text)
{
	*(const char **)closure = text;
}

static void test_warnings(void **state)
{
	struct mint *mint = load_good(mint_short_ca, mint_ec_key);
	static const struct {
		int64_t now;
		const char *said;
	} times[] = {
		{NOW, NULL},
		{NOW - 2 * DAY, "not valid yet"},
		{NOW + 3 * DAY + 3600, "within a day"},
		{NOW + 5 * DAY, "has expired"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const char *said = NULL;

		mint_warn(mint, times[i].now, note, &said);
		assert_int_equal(said == NULL, times[i].said == NULL);
		if (said != NULL)
			assert_non_null(strstr(said, times[i].said));
	}
	mint_unref(&mint);
}

/* --- what is made --- */

static struct hostname host_of(const char *text)
{
	struct hostname host;

	assert_int_equal(hostname_normalize(str_from(text), &host), HOST_OK);
	return host;
}

static struct minted *get(struct mint *mint, const char *text, int64_t now,
			  bool fresh)
{
	struct hostname host = host_of(text);
	struct minted *minted;
	bool is_fresh;

	minted = mint_get(mint, &host, now, &is_fresh);
	assert_non_null(minted);
	assert_int_equal(is_fresh, fresh);
	return minted;
}

static struct bytes der_of(const br_x509_certificate *certificate)
{
	return bytes_make(certificate->data, certificate->data_len);
}

/* By our own judgement. */
static void assert_trusted(const struct minted *minted, int64_t now)
{
	struct bytes chain[CHAIN_MAX_CERTIFICATES];
	struct chain_result result;
	struct anchors anchors;

	anchors_init(&anchors);
	assert_int_equal(
		anchors_add(&anchors,
			    der_of(&minted->bundle
					    .chain[minted->bundle.count - 1])),
		TRUST_OK);
	anchors_link(&anchors);
	for (size_t i = 0; i < minted->bundle.count; i++)
		chain[i] = der_of(&minted->bundle.chain[i]);
	result = chain_check(chain, minted->bundle.count,
			     &(struct chain_request){.anchors = &anchors,
						     .now = now,
						     .purpose = CHAIN_SERVER});
	if (result.trust != TRUST_OK)
		fail_msg("%s", trust_text(result.trust));
	anchors_fini(&anchors);
}

static void collect(void *closure, const void *bytes, size_t n)
{
	struct der_writer *writer = closure;

	der_write_raw(writer, bytes_make(bytes, n));
}

/* By BearSSL's, which knows nothing of addresses.  NAME: the server's. */
static unsigned bearssl_says(const struct minted *minted, int64_t now,
			     const char *name)
{
	const br_x509_certificate *ca =
		&minted->bundle.chain[minted->bundle.count - 1];
	br_x509_decoder_context decoder;
	br_x509_minimal_context minimal;
	const br_x509_class **vtable = &minimal.vtable;
	br_x509_trust_anchor anchor;
	struct der_writer names;
	uint8_t dn[256];
	unsigned said;

	der_write_begin(&names, dn, sizeof(dn));
	br_x509_decoder_init(&decoder, collect, &names);
	br_x509_decoder_push(&decoder, ca->data, ca->data_len);
	anchor = (br_x509_trust_anchor){
		.dn = {dn, der_written(&names).n},
		.flags = BR_X509_TA_CA,
		.pkey = *br_x509_decoder_get_pkey(&decoder),
	};
	br_x509_minimal_init_full(&minimal, &anchor, 1);
	br_x509_minimal_set_time(&minimal, (uint32_t)(now / DAY + 719528),
				 (uint32_t)(now % DAY));
	(*vtable)->start_chain(vtable, name);
	for (size_t i = 0; i < minted->bundle.count; i++) {
		(*vtable)->start_cert(
			vtable, (uint32_t)minted->bundle.chain[i].data_len);
		(*vtable)->append(vtable, minted->bundle.chain[i].data,
				  minted->bundle.chain[i].data_len);
		(*vtable)->end_cert(vtable);
	}
	said = (*vtable)->end_chain(vtable);
	return said;
}

static struct certificate read_leaf(const struct minted *minted)
{
	struct certificate leaf;

	assert_int_equal(
		certificate_read(der_of(&minted->bundle.chain[0]), &leaf),
		TRUST_OK);
	return leaf;
}

static void assert_only_name(const struct certificate *leaf,
			     enum general_name kind, const void *value,
			     size_t n)
{
	struct bytes rest = leaf->alt_names, found;
	enum general_name found_kind;

	assert_true(general_name_next(&rest, &found_kind, &found));
	assert_int_equal(found_kind, kind);
	assert_int_equal(found.n, n);
	assert_memory_equal(found.p, value, n);
	assert_false(general_name_next(&rest, &found_kind, &found));
}

static void check_leaf(const char *ca, const char *key, size_t chain)
{
	struct mint *mint = load_good(ca, key);
	struct minted *minted = get(mint, "api.example.com", NOW, true);
	struct certificate leaf = read_leaf(minted);

	assert_int_equal(minted->bundle.count, chain);
	assert_int_equal(leaf.serial.n, 16);
	assert_true(leaf.serial.p[0] < 0x80);
	assert_true(leaf.key.curve == BR_EC_secp256r1);
	assert_int_equal(leaf.not_before, NOW - MINT_BACKDATE);
	assert_int_equal(leaf.not_after, NOW + MINT_LIFETIME);
	assert_false(leaf.ca);
	assert_int_equal(leaf.key_usage, USAGE_DIGITAL_SIGNATURE);
	assert_true(leaf.server_auth && !leaf.client_auth && !leaf.any_purpose);
	assert_int_equal(leaf.extensions,
			 HAS_BASIC_CONSTRAINTS | HAS_KEY_USAGE |
				 HAS_EXTENDED_KEY_USAGE | HAS_SUBJECT_ALT_NAME |
				 HAS_AUTHORITY_KEY_ID | HAS_SUBJECT_KEY_ID);
	assert_int_equal(leaf.critical, HAS_BASIC_CONSTRAINTS | HAS_KEY_USAGE);
	assert_only_name(&leaf, GENERAL_DNS, "api.example.com", 15);
	assert_trusted(minted, NOW);
	assert_int_equal(bearssl_says(minted, NOW, "api.example.com"), 0);
	assert_int_equal(bearssl_says(minted, NOW, "other.example.com"),
			 BR_ERR_X509_BAD_SERVER_NAME);
	minted_unref(&minted);
	mint_unref(&mint);
}

static void test_leaf_of_ec(void **state)
{
	(void)state;
	check_leaf(mint_ec_ca, mint_ec_key, 3);
}

/* Its certificate says nothing of its key's identifier. */
static void test_leaf_of_rsa(void **state)
{
	(void)state;
	check_leaf(mint_rsa_bundle, NULL, 2);
}

static void test_hosts(void **state)
{
	struct mint *mint = load_good(mint_ec_ca, mint_ec_key);
	char name[HOSTNAME_MAX + 1];
	struct minted *minted;
	struct certificate leaf;

	(void)state;
	minted = get(mint, "10.1.2.3", NOW, true);
	leaf = read_leaf(minted);
	assert_only_name(&leaf, GENERAL_IP, "\x0A\x01\x02\x03", 4);
	assert_trusted(minted, NOW);
	minted_unref(&minted);

	minted = get(mint, "2001:db8::1", NOW, true);
	leaf = read_leaf(minted);
	assert_only_name(&leaf, GENERAL_IP,
			 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	assert_trusted(minted, NOW);
	minted_unref(&minted);

	/* from what has room for a CN to what has not, and to the longest */
	for (size_t n = 1; n <= HOSTNAME_MAX; n++) {
		for (size_t i = 0; i < n; i++)
			name[i] = i % 60 == 59 && i + 1 < n ? '.' : 'a';
		name[n] = '\0';
		minted = get(mint, name, NOW, true);
		leaf = read_leaf(minted);
		assert_only_name(&leaf, GENERAL_DNS, name, n);
		assert_int_equal(leaf.subject.n == 0, n > 64);
		assert_int_equal((leaf.critical & HAS_SUBJECT_ALT_NAME) != 0,
				 n > 64);
		assert_trusted(minted, NOW);
		minted_unref(&minted);
	}
	mint_unref(&mint);
}

static void test_all_differ(void **state)
{
	struct mint *mint = load_good(mint_ec_ca, mint_ec_key);
	struct minted *one = get(mint, "one.test", NOW, true);
	struct minted *two = get(mint, "two.test", NOW, true);
	struct mint *again = load_good(mint_ec_ca, mint_ec_key);
	struct minted *other = get(again, "one.test", NOW, true);
	struct certificate a = read_leaf(one), b = read_leaf(two),
			   c = read_leaf(other);

	(void)state;
	assert_false(bytes_equal(a.serial, b.serial));
	assert_true(bytes_equal(a.key.point, b.key.point));
	/* another process, or after a reload */
	assert_false(bytes_equal(a.serial, c.serial));
	assert_false(bytes_equal(a.key.point, c.key.point));
	minted_unref(&one);
	minted_unref(&two);
	minted_unref(&other);
	mint_unref(&mint);
	mint_unref(&again);
}

/* --- what is kept --- */

static void test_made_anew(void **state)
{
	struct mint *mint = load_good(mint_ec_ca, mint_ec_key);
	struct minted *minted[5];

	(void)state;
	minted[0] = get(mint, "a.test", NOW, true);
	minted[1] = get(mint, "a.test", NOW + MINT_LIFETIME / 2 - 1, false);
	assert_ptr_equal(minted[0], minted[1]);
	minted[2] = get(mint, "a.test", NOW + MINT_LIFETIME / 2, true);
	minted[3] = get(mint, "a.test", NOW + MINT_LIFETIME / 2, false);
	assert_ptr_equal(minted[2], minted[3]);
	/* the clock goes back: it would not be valid yet */
	minted[4] = get(mint, "a.test", NOW, true);
	for (size_t i = 0; i < 5; i++)
		minted_unref(&minted[i]);
	mint_unref(&mint);
}

/* A CA that expires before the certificate would. */
static void test_short_ca(void **state)
{
	struct mint *mint = load_good(mint_short_ca, mint_ec_key);
	struct minted *minted = get(mint, "a.test", NOW, true);
	struct certificate leaf = read_leaf(minted);

	(void)state;
	assert_int_equal(leaf.not_before, NOW - DAY);
	assert_int_equal(leaf.not_after, NOW + 4 * DAY);
	minted_unref(&minted);
	minted = get(mint, "a.test", NOW + 2 * DAY, true);
	minted_unref(&minted);
	/* of an expired one everything is expired, and yet kept for a while */
	minted = get(mint, "a.test", NOW + 9 * DAY, true);
	leaf = read_leaf(minted);
	assert_int_equal(leaf.not_after, NOW + 4 * DAY);
	minted_unref(&minted);
	minted = get(mint, "a.test", NOW + 9 * DAY + 59, false);
	minted_unref(&minted);
	minted = get(mint, "a.test", NOW + 9 * DAY + 60, true);
	minted_unref(&minted);
	mint_unref(&mint);
}

/* The one that was not used for longest goes. */
static void test_limit(void **state)
{
	struct mint *mint = load_good(mint_ec_ca, mint_ec_key);
	struct minted *first = get(mint, "host-0.test", NOW, true);
	struct minted *minted;
	char name[32];

	(void)state;
	for (int i = 1; i < MINT_MAX_KEPT; i++) {
		snprintf(name, sizeof(name), "host-%d.test", i);
		minted = get(mint, name, NOW, true);
		minted_unref(&minted);
	}
	minted = get(mint, "host-0.test", NOW, false);
	minted_unref(&minted);
	minted = get(mint, "one-more.test", NOW, true);
	minted_unref(&minted);
	minted = get(mint, "host-0.test", NOW, false);
	minted_unref(&minted);
	minted = get(mint, "host-1.test", NOW, true);
	minted_unref(&minted);
	/* whoever holds one is not touched */
	mint_unref(&mint);
	assert_trusted(first, NOW);
	minted_unref(&first);
}

static void *ask(void *closure)
{
	struct mint *mint = closure; /* the reference is ours */

	for (int i = 0; i < 200; i++) {
		struct hostname host;
		struct minted *minted;
		char name[32];
		bool fresh;

		snprintf(name, sizeof(name), "host-%d.test", i % 8);
		if (hostname_normalize(str_from(name), &host) != HOST_OK)
			break;
		minted = mint_get(mint, &host, NOW + i * 3600, &fresh);
		if (minted == NULL)
			break;
		minted_unref(&minted);
	}
	mint_unref(&mint);
	return NULL;
}

static void test_threads(void **state)
{
	struct mint *mint = load_good(mint_ec_ca, mint_ec_key);
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ask, mint_ref(mint)),
			0);
	mint_unref(&mint);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bad_cas),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_leaf_of_ec),
		cmocka_unit_test(test_leaf_of_rsa),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_all_differ),
		cmocka_unit_test(test_made_anew),
		cmocka_unit_test(test_short_ca),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
