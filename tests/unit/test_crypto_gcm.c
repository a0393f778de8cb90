/* test_crypto_gcm.c - AES-GCM by this processor's instructions, at every level
 * that it has: against published vectors, and against BearSSL's own in plain C,
 * for whatever length and place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bearssl.h>

#include "hex.h"
#include "page_end.h"
#include "runtime/tls/crypto.h"
#include "runtime/tls/crypto_x86.h"

#define MOST 65536

/* The same numbers each time. */
static uint64_t state = 0x9e3779b97f4a7c15;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void fill(uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (uint8_t)(next() >> 32);
}

/* BearSSL's in plain C for CRYPTO_X86_NONE. */
static const br_block_ctr_class *ctr_of(int level)
{
	return level == CRYPTO_X86_NONE
		       ? &br_aes_ct64_ctr_vtable
		       : crypto_x86_ctr((enum crypto_x86)level);
}

static br_ghash ghash_of(int level)
{
	return level == CRYPTO_X86_NONE
		       ? br_ghash_ctmul64
		       : crypto_x86_ghash((enum crypto_x86)level);
}

/* --- published vectors --- */

static void seal(int level, const uint8_t *key, size_t key_size,
		 const uint8_t *aad, size_t aad_size, const uint8_t *iv,
		 uint8_t *text, size_t size, uint8_t tag[16])
{
	const br_block_ctr_class *ctr = ctr_of(level);
	br_aes_gen_ctr_keys keys;
	br_gcm_context gcm;

	assert_in_range(ctr->context_size, 1, sizeof(keys));
	ctr->init(&keys.vtable, key, key_size);
	br_gcm_init(&gcm, &keys.vtable, ghash_of(level));
	br_gcm_reset(&gcm, iv, 12);
	br_gcm_aad_inject(&gcm, aad, aad_size);
	br_gcm_flip(&gcm);
	br_gcm_run(&gcm, 1, text, size);
	br_gcm_get_tag(&gcm, tag);
}

#define KEY_3 "feffe9928665731c6d6a8f9467308308"
#define TEXT_3                                                                 \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"     \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define SEALED_3                                                               \
	"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"     \
	"21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
#define SEALED_15                                                              \
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"     \
	"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
#define IV_3 "cafebabefacedbaddecaf888"
#define AAD_4 "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define ZERO "00000000000000000000000000000000"
#define ZERO_IV "000000000000000000000000"

/* McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: those
 * of 128 and 256 bits whose nonce has 12 octets. */
static void test_vectors(void **unused)
{
	static const struct {
		const char *key, *text, *aad, *iv, *sealed, *tag;
	} vectors[] = {
		{ZERO, "", "", ZERO_IV, "", "58e2fccefa7e3061367f1d57a4e7455a"},
		{ZERO, ZERO, "", ZERO_IV, "0388dace60b6a392f328c2b971b2fe78",
		 "ab6e47d42cec13bdf53a67b21257bddf"},
		{KEY_3, TEXT_3 "1aafd255", "", IV_3, SEALED_3 "473f5985",
		 "4d5c2af327cd64a62cf35abd2ba6fab4"},
		{KEY_3, TEXT_3, AAD_4, IV_3, SEALED_3,
		 "5bc94fbc3221a5db94fae95ae7121a47"},
		{ZERO ZERO, "", "", ZERO_IV, "",
		 "530f8afbc74536b9a963b4f1c4cb738b"},
		{ZERO ZERO, ZERO, "", ZERO_IV,
		 "cea7403d4d606b6e074ec5d3baf39d18",
		 "d0d1c8a799996bf0265b98b5d48ab919"},
		{KEY_3 KEY_3, TEXT_3 "1aafd255", "", IV_3, SEALED_15 "898015ad",
		 "b094dac5d93471bdec1a502270e3cc6c"},
		{KEY_3 KEY_3, TEXT_3, AAD_4, IV_3, SEALED_15,
		 "76fc6ece0f4e1768cddf8853bb2d551b"},
	};

	(void)unused;
	for (int level = 0; level <= (int)crypto_x86_best(); level++)
		for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]);
		     i++) {
			uint8_t key[32], text[64], aad[20], iv[12], sealed[64];
			uint8_t expected[16], tag[16];
			size_t key_size = from_hex(vectors[i].key, key);
			size_t size = from_hex(vectors[i].text, text);
			size_t aad_size = from_hex(vectors[i].aad, aad);

			from_hex(vectors[i].iv, iv);
			from_hex(vectors[i].tag, expected);
			assert_int_equal(from_hex(vectors[i].sealed, sealed),
					 size);
			seal(level, key, key_size, aad, aad_size, iv, text,
			     size, tag);
			assert_memory_equal(text, sealed, size);
			assert_memory_equal(tag, expected, sizeof(tag));
		}
}

/* 20,000 octets, as none of those is long: tags by OpenSSL 3.0. */
static void test_long_vectors(void **unused)
{
	static const struct {
		const char *key, *tag;
	} vectors[] = {
		{KEY_3, "d084760d9c3174a81529e2bf274cd7f1"},
		{KEY_3 KEY_3, "7a059084939c9e8be793abeac5cd61bd"},
	};
	static uint8_t text[20000];

	(void)unused;
	for (int level = 0; level <= (int)crypto_x86_best(); level++)
		for (size_t i = 0; i < 2; i++) {
			uint8_t key[32], iv[12], tag[16], expected[16];
			size_t key_size = from_hex(vectors[i].key, key);

			for (size_t k = 0; k < sizeof(text); k++)
				text[k] = (uint8_t)(k % 251);
			from_hex(IV_3, iv);
			from_hex(vectors[i].tag, expected);
			seal(level, key, key_size, NULL, 0, iv, text,
			     sizeof(text), tag);
			assert_memory_equal(tag, expected, sizeof(tag));
		}
}

/* --- against BearSSL's own --- */

/* Of SIZE octets that begin at any address, the last before an unmapped page;
 * the counter begins at CC. */
static void both_count(int level, size_t key_size, size_t size, uint32_t cc)
{
	static uint8_t text[MOST], expected[MOST];
	uint8_t key[32], iv[12], *at;
	br_aes_gen_ctr_keys plain, fast;
	struct page_end copy;
	uint32_t end;

	fill(key, sizeof(key));
	fill(iv, sizeof(iv));
	fill(text, size);
	memcpy(expected, text, size);
	br_aes_ct64_ctr_vtable.init(&plain.vtable, key, key_size);
	end = plain.vtable->run(&plain.vtable, iv, cc, expected, size);
	crypto_x86_ctr((enum crypto_x86)level)
		->init(&fast.vtable, key, key_size);
	copy = page_end_copy(text, size);
	at = copy.map + (copy.bytes - copy.map);
	assert_int_equal(fast.vtable->run(&fast.vtable, iv, cc, at, size), end);
	assert_memory_equal(at, expected, size);
	page_end_free(&copy);
}

static size_t some_length(void)
{
	return next() % MOST;
}

static void test_counter_mode(void **unused)
{
	static const size_t keys[] = {16, 24, 32};

	(void)unused;
	for (int level = 1; level <= (int)crypto_x86_best(); level++) {
		for (size_t size = 0; size <= 1200; size++)
			both_count(level, keys[size % 3], size,
				   (uint32_t)next());
		for (int i = 0; i < 100; i++)
			both_count(level, keys[i % 3], some_length(), 2);
	}
}

/* 2^32 blocks after the first the counter is where it was, and the nonce as it
 * was, wherever in a piece that happens. */
static void test_counter_wraps(void **unused)
{
	(void)unused;
	for (int level = 1; level <= (int)crypto_x86_best(); level++)
		for (uint32_t before = 0; before <= 130; before++)
			both_count(level, before % 2 ? 16 : 32, 128 * 16 + 5,
				   0 - before);
}

static void both_hash(int level, const uint8_t h[16], size_t size)
{
	static uint8_t data[MOST];
	uint8_t y[16], expected[16];
	struct page_end copy;

	fill(y, sizeof(y));
	memcpy(expected, y, sizeof(y));
	fill(data, size);
	br_ghash_ctmul64(expected, h, data, size);
	copy = page_end_copy(data, size);
	crypto_x86_ghash((enum crypto_x86)level)(y, h, copy.bytes, size);
	assert_memory_equal(y, expected, sizeof(y));
	page_end_free(&copy);
}

static void test_ghash(void **unused)
{
	uint8_t h[16];

	(void)unused;
	for (int level = 1; level <= (int)crypto_x86_best(); level++) {
		for (size_t size = 0; size <= 1200; size++) {
			fill(h, sizeof(h));
			both_hash(level, h, size);
		}
		for (int i = 0; i < 100; i++) {
			fill(h, sizeof(h));
			both_hash(level, h, some_length());
		}
		/* each of its bits alone, and all of them */
		for (size_t bit = 0; bit < 128; bit++) {
			memset(h, 0, sizeof(h));
			h[bit / 8] = (uint8_t)(0x80 >> bit % 8);
			both_hash(level, h, 1536 + bit);
		}
		memset(h, 0, sizeof(h));
		both_hash(level, h, 1536);
		memset(h, 0xFF, sizeof(h));
		both_hash(level, h, 1536);
	}
}

/* --- as records --- */

/* What one level seals every other opens, with keys that have been copied
 * somewhere else. */
static void test_records(void **unused)
{
	static uint8_t record[16384 + 64];
	int best = (int)crypto_x86_best();
	uint8_t key[32], iv[4];

	(void)unused;
	fill(key, sizeof(key));
	fill(iv, sizeof(iv));
	for (int one = 0; one <= best; one++)
		for (int two = 0; two <= best; two++) {
			br_sslrec_gcm_context made, out, in;

			br_sslrec_out_gcm_vtable.init(&made.vtable.out,
						      ctr_of(one), key, 32,
						      ghash_of(one), iv);
			memcpy(&out, &made, sizeof(out));
			br_sslrec_in_gcm_vtable.init(&made.vtable.in,
						     ctr_of(two), key, 32,
						     ghash_of(two), iv);
			memcpy(&in, &made, sizeof(in));
			memset(&made, 0xFF, sizeof(made));
			for (int i = 0; i < 60; i++) {
				size_t size = i == 0 ? 16384 : next() % 16385;
				size_t length = size;
				uint8_t *at = record + 13, *text;

				memset(at, i, size);
				at = out.vtable.out->inner.encrypt(
					(const br_sslrec_out_class **)&out
						.vtable.out,
					23, BR_TLS12, at, &length);
				assert_int_equal(length, size + 29);
				length -= 5;
				if (i == 59) /* and not what was altered */
					at[5 + next() % length] ^= 1;
				text = in.vtable.in->inner.decrypt(
					(const br_sslrec_in_class **)&in.vtable
						.in,
					23, BR_TLS12, at + 5, &length);
				if (i == 59) {
					assert_null(text);
					continue;
				}
				assert_non_null(text);
				assert_int_equal(length, size);
				for (size_t k = 0; k < size; k++)
					assert_int_equal(text[k], i);
			}
		}
}

/* --- which --- */

static void test_which(void **unused)
{
	enum crypto_x86 best = crypto_x86_best();
	br_ssl_server_context server;

	(void)unused;
	assert_null(crypto_x86_ctr(CRYPTO_X86_NONE));
	assert_true(crypto_x86_ghash(CRYPTO_X86_NONE) == 0);
	/* without BearSSL's there is no key schedule */
	if (br_aes_x86ni_ctr_get_vtable() == NULL)
		assert_int_equal(best, CRYPTO_X86_NONE);
	br_ssl_server_zero(&server);
	crypto_equip(&server.eng);
	if (best != CRYPTO_X86_NONE) {
		assert_ptr_equal(server.eng.iaes_ctr, crypto_x86_ctr(best));
		assert_true(server.eng.ighash == crypto_x86_ghash(best));
	}
	crypto_use(CRYPTO_STOCK);
	br_ssl_server_zero(&server);
	crypto_equip(&server.eng);
	if (best != CRYPTO_X86_NONE) {
		assert_ptr_equal(server.eng.iaes_ctr,
				 br_aes_x86ni_ctr_get_vtable());
		assert_true(server.eng.ighash == br_ghash_pclmul_get());
	}
	crypto_use(CRYPTO_NETTLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_long_vectors),
		cmocka_unit_test(test_counter_mode),
		cmocka_unit_test(test_counter_wraps),
		cmocka_unit_test(test_ghash),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
