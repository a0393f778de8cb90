/* test_crypto_rsa.c - RSA by GMP against what the openssl program made, and
 * against BearSSL's own in both directions: what one signs the other does, to
 * the last bit, and what one refuses, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bearssl.h>
#include <gmp.h>

#include "data/keys.inc"
#include "hex.h"
#include "runtime/tls/crypto.h"
#include "runtime/tls/crypto_gmp.h"
#include "runtime/tls/private_key.h"

#define MAX_SIZE 512 /* octets of a modulus */
#define MAX_HALF 264 /* of a prime */
#define MAX_SPARE 40 /* in front of one */

/* The same numbers each time. */
static br_hmac_drbg_context numbers;

static void fill(uint8_t *out, size_t size)
{
	br_hmac_drbg_generate(&numbers, out, size);
}

static size_t below(size_t n)
{
	uint32_t number;

	br_hmac_drbg_generate(&numbers, &number, sizeof(number));
	return number % n;
}

static int begin(void **unused)
{
	(void)unused;
	br_hmac_drbg_init(&numbers, &br_sha256_vtable, "rsa", 3);
	return 0;
}

static br_rsa_pkcs1_sign their_sign;
static br_rsa_pkcs1_vrfy their_verify;

/* --- keys --- */

struct key {
	br_rsa_private_key secret;
	br_rsa_public_key public;
	uint8_t secret_bytes[BR_RSA_KBUF_PRIV_SIZE(4096)];
	uint8_t public_bytes[BR_RSA_KBUF_PUB_SIZE(4096)];
};

static void make_key(struct key *key, unsigned bits, uint32_t exponent)
{
	assert_int_equal(
		br_rsa_keygen_get_default()(&numbers.vtable, &key->secret,
					    key->secret_bytes, &key->public,
					    key->public_bytes, bits, exponent),
		1);
}

static size_t size_of(const struct key *key)
{
	return (key->secret.n_bitlen + 7) / 8;
}

/* The same private keys, with their numbers written in other ways. */
struct shaped {
	br_rsa_private_key key;
	uint8_t parts[5][MAX_SPARE + MAX_HALF];
};

static void put(struct shaped *out, int part, const mpz_t number, size_t spare,
		unsigned char **at, size_t *size)
{
	uint8_t *to = out->parts[part];

	*size = spare + (mpz_sizeinbase(number, 2) + 7) / 8;
	assert_in_range(*size, 1, sizeof(out->parts[part]));
	memset(to, 0, spare);
	mpz_export(to + spare, NULL, 1, 1, 1, 0, number);
	*at = to;
}

/* From two primes: what PKCS#1 has, with SPARE octets of zeros before each, and
 * exponents and inverse that TIMES their modulus was added to. */
static void shape(struct shaped *out, const mpz_t p, const mpz_t q, uint32_t e,
		  size_t spare, unsigned times)
{
	mpz_t n, less, part, exponent;

	mpz_inits(n, less, part, exponent, NULL);
	mpz_set_ui(exponent, e);
	mpz_mul(n, p, q);
	out->key.n_bitlen = (uint32_t)mpz_sizeinbase(n, 2);
	put(out, 0, p, spare, &out->key.p, &out->key.plen);
	put(out, 1, q, spare, &out->key.q, &out->key.qlen);
	mpz_sub_ui(less, p, 1);
	assert_int_not_equal(mpz_invert(part, exponent, less), 0);
	mpz_addmul_ui(part, less, times);
	put(out, 2, part, spare, &out->key.dp, &out->key.dplen);
	mpz_sub_ui(less, q, 1);
	assert_int_not_equal(mpz_invert(part, exponent, less), 0);
	mpz_addmul_ui(part, less, times);
	put(out, 3, part, spare, &out->key.dq, &out->key.dqlen);
	assert_int_not_equal(mpz_invert(part, q, p), 0);
	mpz_addmul_ui(part, p, times);
	put(out, 4, part, spare, &out->key.iq, &out->key.iqlen);
	mpz_clears(n, less, part, exponent, NULL);
}

static void number_of(mpz_t out, const unsigned char *bytes, size_t size)
{
	mpz_import(out, size, 1, 1, 1, 0, bytes);
}

/* --- known answers --- */

static void test_known_answers(void **unused)
{
	static const struct {
		const br_hash_class *hash;
		int number;
		const char *signature; /* of "sample" by key_rsa_pkcs8 */
	} answers[] = {
#include "data/rsa.inc"
	};
	struct private_key *key;

	(void)unused;
	assert_int_equal(
		private_key_read(
			bytes_make(key_rsa_pkcs8, sizeof(key_rsa_pkcs8)), &key),
		TRUST_OK);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		for (int which = 0; which < CRYPTO_COUNT; which++) {
			uint8_t digest[64], expected[MAX_SIZE];
			uint8_t signature[PRIVATE_KEY_MAX_SIGNATURE];
			br_hash_compat_context hash;
			size_t n = from_hex(answers[i].signature, expected);

			crypto_use((enum crypto)which);
			answers[i].hash->init(&hash.vtable);
			answers[i].hash->update(&hash.vtable, "sample", 6);
			answers[i].hash->out(&hash.vtable, digest);
			assert_int_equal(
				private_key_sign_digest(
					key, answers[i].number,
					bytes_make(
						digest,
						answers[i].hash->desc >>
								BR_HASHDESC_OUT_OFF &
							BR_HASHDESC_OUT_MASK),
					signature),
				n);
			assert_memory_equal(signature, expected, n);
		}
	crypto_use(CRYPTO_NETTLE);
	private_key_free(key);
}

/* --- against BearSSL --- */

static const struct digest {
	const unsigned char *oid; /* NULL: that of TLS 1.1 */
	size_t size;
} digests[] = {
	{NULL, 36},
	{BR_HASH_OID_SHA1, 20},
	{BR_HASH_OID_SHA224, 28},
	{BR_HASH_OID_SHA256, 32},
	{BR_HASH_OID_SHA384, 48},
	{BR_HASH_OID_SHA512, 64},
};
#define DIGESTS (sizeof(digests) / sizeof(digests[0]))

/* Both say the same of a signature, and what it signs. */
static uint32_t both_verify(const br_rsa_public_key *key,
			    const uint8_t *signature, size_t size,
			    const struct digest *digest)
{
	uint8_t one[64] = {0}, two[64] = {0};
	uint32_t good = crypto_gmp_rsa_verify(signature, size, digest->oid,
					      digest->size, key, one);

	assert_int_equal(their_verify(signature, size, digest->oid,
				      digest->size, key, two),
			 good);
	assert_memory_equal(one, two, sizeof(one));
	return good;
}

static void both_sign(const br_rsa_private_key *key,
		      const struct digest *digest, const uint8_t *value,
		      uint8_t *out)
{
	uint8_t expected[MAX_SIZE];

	assert_int_equal(
		crypto_gmp_rsa_sign(digest->oid, value, digest->size, key, out),
		1);
	assert_int_equal(
		their_sign(digest->oid, value, digest->size, key, expected), 1);
	assert_memory_equal(out, expected, (key->n_bitlen + 7) / 8);
}

static void exercise(const struct key *key)
{
	size_t size = size_of(key);

	for (size_t i = 0; i < DIGESTS; i++) {
		const struct digest *digest = &digests[i];
		uint8_t value[64], found[64], signature[MAX_SIZE + 1];
		uint8_t bad[MAX_SIZE + 1] = {0};

		fill(value, digest->size);
		both_sign(&key->secret, digest, value, signature);
		assert_int_equal(crypto_gmp_rsa_verify(
					 signature, size, digest->oid,
					 digest->size, &key->public, found),
				 1);
		assert_memory_equal(found, value, digest->size);
		assert_int_equal(
			both_verify(&key->public, signature, size, digest), 1);
		/* any bit of it */
		for (int k = 0; k < 8; k++) {
			memcpy(bad, signature, size);
			bad[below(size)] ^= (uint8_t)(1u << below(8));
			assert_int_equal(
				both_verify(&key->public, bad, size, digest),
				0);
		}
		/* another digest's */
		for (size_t k = 0; k < DIGESTS; k++)
			assert_int_equal(both_verify(&key->public, signature,
						     size, &digests[k]),
					 k == i);
		/* cut, longer at either end, and nothing */
		memcpy(bad + 1, signature, size);
		bad[0] = 0;
		assert_int_equal(
			both_verify(&key->public, bad, size + 1, digest), 0);
		signature[size] = 0;
		assert_int_equal(
			both_verify(&key->public, signature, size + 1, digest),
			0);
		assert_int_equal(
			both_verify(&key->public, signature, size - 1, digest),
			0);
		assert_int_equal(both_verify(&key->public, signature + 1,
					     size - 1, digest),
				 0);
		assert_int_equal(
			both_verify(&key->public, signature, 0, digest), 0);
	}
}

/* The odd ones have primes of which one is longer by a bit; moduli of 65 limbs
 * less some bits, and of 16 and a bit. */
static void test_sign_and_verify(void **unused)
{
	static const struct {
		unsigned bits;
		uint32_t exponent;
	} keys[] = {
		{1024, 65537}, {1025, 3},           {1027, 17},
		{1032, 65537}, {1089, 3},           {1343, 65537},
		{1536, 257},   {2047, 65537},       {2048, 3},
		{2048, 65537}, {2048, 65537},       {2049, 65537},
		{3072, 65537}, {2048, 4294967291u},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct key key;

		make_key(&key, keys[i].bits, keys[i].exponent);
		exercise(&key);
	}
}

/* --- private keys of all shapes --- */

static void sign_all(const struct shaped *shaped)
{
	for (size_t i = 0; i < DIGESTS; i++) {
		uint8_t value[64], signature[MAX_SIZE];

		fill(value, digests[i].size);
		both_sign(&shaped->key, &digests[i], value, signature);
	}
}

/* Of one and a half times the limbs of the other, and either before the other;
 * padded; not reduced. */
static void test_shapes(void **unused)
{
	static const unsigned sizes[][2] = {
		{1024, 1024}, {1024, 2048}, {1024, 1500}, {1030, 1100}};
	mpz_t p, q;

	(void)unused;
	mpz_inits(p, q, NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct key one, two;
		struct shaped shaped;

		make_key(&one, sizes[i][0], 65537);
		make_key(&two, sizes[i][1], 65537);
		number_of(p, one.secret.p, one.secret.plen);
		number_of(q, two.secret.q, two.secret.qlen);
		for (size_t spare = 0; spare <= MAX_SPARE; spare += 8) {
			shape(&shaped, p, q, 65537, spare, 0);
			sign_all(&shaped);
			shape(&shaped, q, p, 65537, spare, 0);
			sign_all(&shaped);
		}
		for (unsigned times = 1; times < 300; times *= 7) {
			shape(&shaped, p, q, 65537, 0, times);
			sign_all(&shaped);
			shape(&shaped, q, p, 65537, 1, times);
			sign_all(&shaped);
		}
	}
	mpz_clears(p, q, NULL);
}

/* 4096 bits, whose primes are written down, since BearSSL would look for some
 * for long: 2^2047 * 3/2 + 439 and 2^2047 * 7/4 + 263. */
static void test_longest(void **unused)
{
	struct shaped shaped;
	struct key key;
	uint8_t modulus[MAX_SIZE], exponent[] = {1, 0, 1};
	mpz_t p, q;

	(void)unused;
	mpz_inits(p, q, NULL);
	mpz_set_ui(p, 3);
	mpz_mul_2exp(p, p, 2046);
	mpz_add_ui(p, p, 439);
	mpz_set_ui(q, 7);
	mpz_mul_2exp(q, q, 2045);
	mpz_add_ui(q, q, 263);
	shape(&shaped, p, q, 65537, 0, 0);
	assert_int_equal(shaped.key.n_bitlen, 4096);
	sign_all(&shaped);
	mpz_mul(p, p, q);
	mpz_export(modulus, NULL, 1, 1, 1, 0, p);
	key.secret = shaped.key;
	key.public = (br_rsa_public_key){modulus, MAX_SIZE, exponent, 3};
	exercise(&key);
	mpz_clears(p, q, NULL);
}

static uint32_t sign(const br_rsa_private_key *key)
{
	uint8_t value[32] = {1}, out[MAX_SIZE + 8];

	return crypto_gmp_rsa_sign(BR_HASH_OID_SHA256, value, 32, key, out);
}

static void test_bad_keys(void **unused)
{
	uint8_t zeros[MAX_HALF + 8] = {0}, ones[MAX_HALF + 8];
	uint8_t value[64] = {0}, out[MAX_SIZE];
	br_rsa_private_key bad;
	struct key key;

	(void)unused;
	memset(ones, 0xFF, sizeof(ones));
	make_key(&key, 1024, 65537);
	assert_int_equal(sign(&key.secret), 1);
	bad = key.secret; /* no prime */
	bad.plen = 0;
	assert_int_equal(sign(&bad), 0);
	bad = key.secret;
	bad.qlen = 0;
	assert_int_equal(sign(&bad), 0);
	bad = key.secret;
	bad.q = zeros;
	bad.qlen = sizeof(zeros);
	assert_int_equal(sign(&bad), 0);
	bad = key.secret; /* an even one */
	key.secret.p[bad.plen - 1]--;
	assert_int_equal(sign(&bad), 0);
	key.secret.p[bad.plen - 1]++;
	bad = key.secret; /* too long */
	bad.p = ones;
	bad.plen = sizeof(ones);
	assert_int_equal(sign(&bad), 0);
	bad = key.secret;
	bad.dq = ones;
	bad.dqlen = sizeof(ones);
	assert_int_equal(sign(&bad), 0);
	bad = key.secret;
	bad.iq = ones;
	bad.iqlen = sizeof(ones);
	assert_int_equal(sign(&bad), 0);
	/* numbers that are not there are zeros */
	bad = key.secret;
	bad.dplen = bad.dqlen = bad.iqlen = 0;
	sign(&bad);
	/* a modulus that the primes are too short for, and one out of bounds */
	bad = key.secret;
	bad.n_bitlen = 2048;
	assert_int_equal(sign(&bad), 0);
	bad.n_bitlen = 1023;
	assert_int_equal(sign(&bad), 0);
	bad.n_bitlen = 4097;
	assert_int_equal(sign(&bad), 0);
	bad.n_bitlen = UINT32_MAX;
	assert_int_equal(sign(&bad), 0);
	/* digests that there is no room for */
	assert_int_equal(crypto_gmp_rsa_sign(BR_HASH_OID_SHA512, value, 65,
					     &key.secret, out),
			 0);
	assert_int_equal(crypto_gmp_rsa_sign((const uint8_t *)"\x21", value, 32,
					     &key.secret, out),
			 0);
}

/* --- forgeries --- */

/* MESSAGE to the private exponent, whatever it is. */
static void raw_sign(const struct key *key, const uint8_t *message,
		     uint8_t *out)
{
	memcpy(out, message, size_of(key));
	assert_int_equal(br_rsa_private_get_default()(out, &key->secret), 1);
}

static const uint8_t with_null[] = {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60,
				    0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
				    0x01, 0x05, 0x00, 0x04, 0x20};
static const uint8_t without[] = {0x30, 0x2F, 0x30, 0x0B, 0x06, 0x09,
				  0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
				  0x04, 0x02, 0x01, 0x04, 0x20};

/* PADDING octets of 0xFF, a zero, PREFIX, a digest of 32 octets, and SIZE is
 * filled up with zeros. */
static void encode(uint8_t *out, size_t size, size_t padding,
		   const uint8_t *prefix, size_t n)
{
	uint8_t *at = out + 2 + padding;

	memset(out, 0, size);
	out[1] = 0x01;
	memset(out + 2, 0xFF, padding);
	at++;
	memcpy(at, prefix, n);
	memset(at + n, 0xAB, 32);
}

static void forged(const struct key *key, const uint8_t *message, bool good)
{
	uint8_t signature[MAX_SIZE];

	raw_sign(key, message, signature);
	assert_int_equal(
		both_verify(&key->public, signature, size_of(key), &digests[3]),
		good);
}

static void test_encodings(void **unused)
{
	uint8_t message[MAX_SIZE], spoilt[MAX_SIZE];
	struct key key;
	size_t size, full;

	(void)unused;
	make_key(&key, 1024, 65537);
	size = size_of(&key);
	full = size - 3 - 32;
	encode(message, size, full - sizeof(without), without, sizeof(without));
	forged(&key, message, true);
	encode(message, size, full - sizeof(with_null), with_null,
	       sizeof(with_null));
	forged(&key, message, true);
	/* every octet before the digest counts */
	for (size_t i = 0; i < size - 32; i++) {
		memcpy(spoilt, message, size);
		spoilt[i] ^= (uint8_t)(1u << below(i == 0 ? 6 : 8));
		forged(&key, spoilt, false);
	}
	/* something after the digest, for which the padding is shorter */
	for (size_t padding = 0; padding < full - sizeof(with_null);
	     padding += 1 + padding / 8) {
		encode(message, size, padding, with_null, sizeof(with_null));
		forged(&key, message, false);
	}
	/* or before it */
	for (size_t more = 1; more < 20; more++) {
		uint8_t prefix[40] = {0};

		memcpy(prefix, with_null, sizeof(with_null));
		encode(message, size, full - sizeof(with_null) - more, prefix,
		       sizeof(with_null) + more);
		forged(&key, message, false);
	}
	/* nothing but padding */
	memset(message, 0xFF, size);
	message[0] = 0;
	message[1] = 1;
	forged(&key, message, false);
}

/* What Bleichenbacher did to those who do not look behind the digest: with an
 * exponent of 3 the root of a number that begins well is a signature. */
static void test_cube_roots(void **unused)
{
	uint8_t message[MAX_SIZE], signature[MAX_SIZE] = {0}, found[32];
	size_t size;
	struct key key;
	mpz_t number;

	(void)unused;
	make_key(&key, 2048, 3);
	size = size_of(&key);
	encode(message, size, 8, with_null, sizeof(with_null));
	memset(message + 11 + sizeof(with_null) + 32, 0xFF,
	       size - 11 - sizeof(with_null) - 32);
	mpz_init(number);
	number_of(number, message, size);
	mpz_root(number, number, 3);
	mpz_export(signature + size - (mpz_sizeinbase(number, 2) + 7) / 8, NULL,
		   1, 1, 1, 0, number);
	mpz_pow_ui(number, number, 3);
	memset(message, 0, size);
	mpz_export(message + size - (mpz_sizeinbase(number, 2) + 7) / 8, NULL,
		   1, 1, 1, 0, number);
	assert_memory_equal(message + 11, with_null, sizeof(with_null));
	assert_int_equal(message[11 + sizeof(with_null) + 31], 0xAB);
	assert_int_equal(both_verify(&key.public, signature, size, &digests[3]),
			 0);
	assert_int_equal(crypto_gmp_rsa_verify(signature, size, NULL, 32,
					       &key.public, found),
			 0);
	mpz_clear(number);
}

/* --- public keys and numbers at their bounds --- */

static void test_bounds(void **unused)
{
	uint8_t value[32] = {7}, found[64], signature[MAX_SIZE];
	uint8_t padded[MAX_SIZE + 4] = {0}, number[MAX_SIZE], wide[600];
	static uint8_t exponents[][6] = {{0},
					 {1},
					 {0, 0, 0, 1},
					 {2},
					 {1, 0, 0},
					 {1, 0, 0, 0, 1},
					 {0xFF, 0, 0, 0, 0, 1}};
	static const size_t lengths[] = {1, 1, 4, 1, 3, 5, 6};
	br_rsa_public_key bad;
	struct key key;
	size_t size;

	(void)unused;
	make_key(&key, 1024, 65537);
	size = size_of(&key);
	both_sign(&key.secret, &digests[3], value, signature);
	/* zeros before the modulus and the exponent say nothing */
	bad = key.public;
	memcpy(padded + 4, bad.n, bad.nlen);
	bad.n = padded;
	bad.nlen += 4;
	bad.e = (unsigned char[]){0, 0, 0, 1, 0, 1};
	bad.elen = 6;
	assert_int_equal(both_verify(&bad, signature, size, &digests[3]), 1);
	/* exponents of which there are none */
	bad = key.public;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		bad.e = exponents[i];
		bad.elen = lengths[i];
		assert_int_equal(crypto_gmp_rsa_verify(signature, size,
						       BR_HASH_OID_SHA256, 32,
						       &bad, found),
				 0);
	}
	bad.elen = 0;
	assert_int_equal(crypto_gmp_rsa_verify(signature, size,
					       BR_HASH_OID_SHA256, 32, &bad,
					       found),
			 0);
	/* the modulus, and what is beyond it: nothing is reduced */
	assert_int_equal(
		both_verify(&key.public, key.public.n, size, &digests[3]), 0);
	memset(number, 0xFF, size);
	assert_int_equal(both_verify(&key.public, number, size, &digests[3]),
			 0);
	/* 0, 1 and the last one are their own powers */
	memset(number, 0, size);
	assert_int_equal(both_verify(&key.public, number, size, &digests[3]),
			 0);
	number[size - 1] = 1;
	assert_int_equal(both_verify(&key.public, number, size, &digests[3]),
			 0);
	memcpy(number, key.public.n, size);
	number[size - 1]--;
	assert_int_equal(both_verify(&key.public, number, size, &digests[3]),
			 0);
	/* moduli that are even, or have another size */
	number[size - 1] = 0xFE;
	bad = key.public;
	bad.n = number;
	assert_int_equal(both_verify(&bad, signature, size, &digests[3]), 0);
	memset(wide, 0xFF, sizeof(wide));
	memset(padded, 0x55, sizeof(padded));
	bad.n = wide;
	for (bad.nlen = 0; bad.nlen < sizeof(wide); bad.nlen++) {
		size_t n =
			bad.nlen <= sizeof(padded) ? bad.nlen : sizeof(padded);

		assert_int_equal(crypto_gmp_rsa_verify(padded, n,
						       BR_HASH_OID_SHA256, 32,
						       &bad, found),
				 0);
	}
	/* digests that do not fit */
	assert_int_equal(crypto_gmp_rsa_verify(signature, size,
					       BR_HASH_OID_SHA256, size + 1,
					       &key.public, found),
			 0);
	assert_int_equal(crypto_gmp_rsa_verify(signature, size,
					       (const uint8_t *)"\xFF", 32,
					       &key.public, found),
			 0);
}

/* A signature and the modulus are the same modulo the modulus, and have the
 * same length if there is room for both. */
static void test_another_residue(void **unused)
{
	uint8_t value[32] = {7}, signature[MAX_SIZE];
	bool fitted = false;
	struct key key;
	size_t size;
	mpz_t s, n;

	(void)unused;
	mpz_inits(s, n, NULL);
	make_key(&key, 1025, 65537);
	size = size_of(&key);
	for (uint8_t i = 0; i < 8; i++) {
		value[0] = i;
		both_sign(&key.secret, &digests[3], value, signature);
		number_of(s, signature, size);
		number_of(n, key.public.n, key.public.nlen);
		mpz_add(s, s, n);
		fitted = fitted || mpz_sizeinbase(s, 2) <= 8 * size;
		memset(signature, 0, size);
		mpz_export(signature, NULL, 1, 1, 1, 0, s);
		assert_int_equal(
			both_verify(&key.public, signature, size, &digests[3]),
			0);
	}
	assert_true(fitted);
	mpz_clears(s, n, NULL);
}

static void test_which(void **unused)
{
	(void)unused;
	for (int which = 0; which < CRYPTO_COUNT; which++) {
		crypto_use((enum crypto)which);
		assert_ptr_equal(crypto_rsa_sign() == crypto_gmp_rsa_sign,
				 which == CRYPTO_NETTLE);
		assert_ptr_equal(crypto_rsa_verify() == crypto_gmp_rsa_verify,
				 which == CRYPTO_NETTLE);
	}
	crypto_use(CRYPTO_NETTLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_sign_and_verify),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_cube_roots),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_another_residue),
		cmocka_unit_test(test_which),
	};

	their_sign = br_rsa_pkcs1_sign_get_default();
	their_verify = br_rsa_pkcs1_vrfy_get_default();
	return cmocka_run_group_tests(tests, begin, NULL);
}
