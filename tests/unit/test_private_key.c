/* test_private_key.c - private keys: every form that is taken, and what is said
 * of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/keys.inc"
#include "page_end.h"
#include "runtime/tls/certificate.h"
#include "runtime/tls/crypto.h"
#include "runtime/tls/private_key.h"

#define BYTES(array) bytes_make(array, sizeof(array))

static enum trust read_key(struct bytes der, const struct public_key *public)
{
	struct page_end page = page_end_copy(der.p, der.n);
	struct private_key *key;
	enum trust trust =
		private_key_read(bytes_make(page.bytes, der.n), &key);

	page_end_free(&page);
	if (trust != TRUST_OK)
		return trust;
	trust = private_key_matches(key, public);
	private_key_free(key);
	return trust;
}

static void test_keys(void **state)
{
	struct certificate web;
	struct public_key rsa;
	struct bytes spki;

	(void)state;
	assert_int_equal(certificate_read(BYTES(key_certificate), &web),
			 TRUST_OK);
	assert_true(der_only(BYTES(key_rsa_spki), DER_SEQUENCE, &spki));
	assert_int_equal(public_key_read(spki, &rsa), TRUST_OK);
	assert_int_equal(read_key(BYTES(key_ec_pkcs8), &web.key), TRUST_OK);
	assert_int_equal(read_key(BYTES(key_ec_sec1), &web.key), TRUST_OK);
	assert_int_equal(read_key(BYTES(key_rsa_pkcs8), &rsa), TRUST_OK);
	assert_int_equal(read_key(BYTES(key_rsa_pkcs1), &rsa), TRUST_OK);
	assert_int_equal(read_key(BYTES(key_ec_sec1), &rsa),
			 TRUST_SECRET_MISMATCH);
	assert_int_equal(read_key(BYTES(key_rsa_pkcs1), &web.key),
			 TRUST_SECRET_MISMATCH);
	assert_int_equal(read_key(BYTES(key_encrypted), &rsa),
			 TRUST_SECRET_ENCRYPTED);
	assert_int_equal(read_key(BYTES(key_ed25519), &rsa),
			 TRUST_SECRET_UNSUPPORTED);
	assert_int_equal(read_key(BYTES(key_k256), &rsa),
			 TRUST_SECRET_UNSUPPORTED);
	assert_int_equal(read_key(BYTES(key_rsa_small), &rsa),
			 TRUST_SECRET_SIZE);
	assert_int_equal(read_key(BYTES(key_rsa_spki), &rsa),
			 TRUST_SECRET_ENCRYPTED);
	for (size_t n = 0; n < sizeof(key_rsa_pkcs8); n += 7)
		assert_int_equal(read_key(bytes_make(key_rsa_pkcs8, n), &rsa),
				 TRUST_SECRET_MALFORMED);
	for (size_t n = 0; n < sizeof(key_ec_sec1); n++)
		assert_int_equal(read_key(bytes_make(key_ec_sec1, n), &rsa),
				 TRUST_SECRET_MALFORMED);
}

/* Only these hashes, and only what they put out. */
static void test_digests(void **state)
{
	static const int known[] = {br_sha256_ID, br_sha384_ID, br_sha512_ID};
	static const size_t sizes[] = {32, 48, 64};
	static const uint8_t digest[64];
	const struct bytes keys[] = {BYTES(key_rsa_pkcs1), BYTES(key_ec_sec1)};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		uint8_t out[PRIVATE_KEY_MAX_SIGNATURE];
		struct private_key *key;

		assert_int_equal(private_key_read(keys[k], &key), TRUST_OK);
		for (int hash = -1; hash < 10; hash++)
			for (size_t n = 0; n <= 64; n++) {
				bool fits = false;

				for (size_t i = 0; i < 3; i++)
					fits = fits || (hash == known[i] &&
							n == sizes[i]);
				assert_int_equal(private_key_sign_digest(
							 key, hash,
							 bytes_make(digest, n),
							 out) > 0,
						 fits);
			}
		private_key_free(key);
	}
}

/* --- damaged keys --- */

/* It does not sign, and nothing of what it computed is left. */
static void assert_useless(const uint8_t *der, const struct public_key *public)
{
	static const uint8_t digest[32] = {1}, zeros[256];
	uint8_t out[PRIVATE_KEY_MAX_SIGNATURE];
	struct private_key *key;

	assert_int_equal(
		private_key_read(bytes_make(der, sizeof(key_rsa_pkcs1)), &key),
		TRUST_OK);
	memset(out, 0xFF, sizeof(out));
	assert_int_equal(private_key_sign_digest(key, br_sha256_ID,
						 bytes_make(digest, 32), out),
			 0);
	assert_memory_equal(out, zeros, sizeof(zeros));
	assert_int_equal(private_key_matches(key, public),
			 TRUST_SECRET_MISMATCH);
	private_key_free(key);
}

/* One number of an RSA key is wrong, which has the same effect as a fault of
 * the machine. */
static void test_damaged(void **state)
{
	enum { VERSION, MODULUS, PUBLIC, PRIVATE, P, Q, DP, DQ, IQ, NUMBERS };
	struct public_key rsa;
	struct bytes spki;

	(void)state;
	assert_true(der_only(BYTES(key_rsa_spki), DER_SEQUENCE, &spki));
	assert_int_equal(public_key_read(spki, &rsa), TRUST_OK);
	for (int which = 0; which < CRYPTO_COUNT; which++) {
		struct bytes body, number;

		crypto_use((enum crypto)which);
		assert_true(
			der_only(BYTES(key_rsa_pkcs1), DER_SEQUENCE, &body));
		for (int i = VERSION; i < NUMBERS; i++) {
			uint8_t der[sizeof(key_rsa_pkcs1)];

			assert_true(der_expect(&body, DER_INTEGER, &number));
			/* one is not used */
			if (i == VERSION || i == PRIVATE)
				continue;
			memcpy(der, key_rsa_pkcs1, sizeof(der));
			der[number.p - key_rsa_pkcs1 +
			    (ptrdiff_t)number.n / 2] ^= 0x10;
			assert_useless(der, &rsa);
		}
	}
	crypto_use(CRYPTO_NETTLE);
}

/* --- files --- */

static char path[] = "/tmp/test_private_key.XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

/* What is said of a file that has SIZE bytes of TEXT: what is after its name,
 * or "" for a key. */
static const char *load(const void *text, size_t size)
{
	static char why[PRIVATE_KEY_WHY_MAX];
	FILE *file = fopen(path, "w");
	struct private_key *key;

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	why[0] = '\0';
	key = private_key_load(path, why);
	assert_true((key != NULL) == (why[0] == '\0'));
	private_key_free(key);
	if (why[0] == '\0')
		return why;
	assert_memory_equal(why, path, strlen(path));
	return why + strlen(path);
}

static void test_files(void **state)
{
	char cut[64];

	(void)state;
	assert_string_equal(load(key_ec_sec1, sizeof(key_ec_sec1)), "");
	assert_string_equal(
		load(pem_with_parameters, strlen(pem_with_parameters)), "");
	assert_string_equal(load("", 0), ": the file is empty");
	assert_string_equal(load("text", 4), ": no private key in it");
	assert_non_null(
		strstr(load(pem_encrypted_old, strlen(pem_encrypted_old)),
		       ":1: the private key is encrypted"));
	assert_non_null(
		strstr(load(pem_encrypted_new, strlen(pem_encrypted_new)),
		       ":1: the private key is encrypted"));
	memcpy(cut, pem_encrypted_new, sizeof(cut));
	assert_non_null(strstr(load(cut, sizeof(cut)), "the file ends"));
	assert_non_null(strstr(load(key_certificate, sizeof(key_certificate)),
			       ":1: the private key is encrypted"));
}

static void test_no_file(void **state)
{
	char why[PRIVATE_KEY_WHY_MAX];

	(void)state;
	assert_null(private_key_load("/nowhere/key", why));
	assert_string_equal(why, "/nowhere/key: No such file or directory");
	private_key_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test_setup_teardown(test_files, make_file,
						remove_file),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests_name("private_key", tests, NULL, NULL);
}
