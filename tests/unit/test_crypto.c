/* test_crypto.c - elliptic curves by nettle against published vectors, and
 * against BearSSL's own in both directions: what one computes the other must,
 * what one signs the other must verify, and what one refuses, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bearssl.h>

#include "hex.h"
#include "runtime/policy/str.h"
#include "runtime/tls/crypto.h"
#include "runtime/tls/crypto_nettle.h"

#define MAX_POINT 133
#define MAX_SIGNATURE 160
#define ROUNDS 40 /* BearSSL's P-521 takes its time */

static const struct curve {
	int number;
	size_t point;
	size_t scalar;
} curves[] = {
	{BR_EC_secp256r1, 65, 32},
	{BR_EC_secp384r1, 97, 48},
	{BR_EC_secp521r1, 133, 66},
};
#define CURVES (sizeof(curves) / sizeof(curves[0]))

static const br_ec_impl *const ours = &crypto_nettle_ec;

/* The same numbers each time. */
static uint64_t state = 0x9e3779b97f4a7c15;

static uint8_t next_octet(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint8_t)(state >> 32);
}

static void fill(uint8_t *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = next_octet();
}

/* Below the order of CURVE, and not zero. */
static void make_scalar(const struct curve *curve, uint8_t *out)
{
	fill(out, curve->scalar);
	out[0] = curve->number == BR_EC_secp521r1 ? out[0] & 1 : out[0];
	out[1] &= 0x7F;
	if (curve->number != BR_EC_secp521r1)
		out[0] &= 0x7F;
	out[curve->scalar - 1] |= 1;
}

/* --- published vectors --- */

static void test_agreement_vectors(void **unused)
{
	static const struct {
		int curve;
		const char *secret, *point, *shared;
	} vectors[] = {
#include "data/ecdh.inc"
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t x[80], point[MAX_POINT], shared[80];
		size_t x_size = from_hex(vectors[i].secret, x);
		size_t size = from_hex(vectors[i].point, point);
		size_t expected = from_hex(vectors[i].shared, shared);
		size_t xlen, xoff = ours->xoff(vectors[i].curve, &xlen);

		assert_int_equal(
			ours->mul(point, size, x, x_size, vectors[i].curve), 1);
		assert_int_equal(xlen, expected);
		assert_memory_equal(point + xoff, shared, xlen);
	}
}

/* RFC 6979 A.2.5 to A.2.7, of the message "sample". */
static void test_signature_vectors(void **unused)
{
	static const struct {
		int curve;
		const br_hash_class *hash;
		const char *x, *r, *s;
	} vectors[] = {
		{BR_EC_secp256r1, &br_sha256_vtable,
		 "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B"
		 "120F6721",
		 "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA8"
		 "4EAF3716",
		 "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F"
		 "843ACDA8"},
		{BR_EC_secp384r1, &br_sha384_vtable,
		 "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740"
		 "787137D896D5724E4C70A825F872C9EA60D2EDF5",
		 "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA"
		 "95AD133C81A648152E44ACF96E36DD1E80FABE46",
		 "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351"
		 "D0A3A94FA329C145786E679E7B82C71A38628AC8"},
		{BR_EC_secp521r1, &br_sha512_vtable,
		 "00FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1"
		 "B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB"
		 "89EC0C08B0E996B83538",
		 "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC5395"
		 "0E6D4C5F174E25A1EE9017B5D450606ADD152B534931D7D4E8455CC9"
		 "1F9B15BF05EC36E377FA",
		 "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308"
		 "281B68AF282623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC"
		 "43997F1EE0E44DA4A67A"},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t x[66], digest[64], raw[MAX_SIGNATURE], r[66], s[66];
		br_hash_compat_context hash;
		size_t half = from_hex(vectors[i].r, r), size;
		br_ec_private_key key = {.curve = vectors[i].curve,
					 .x = x,
					 .xlen = from_hex(vectors[i].x, x)};

		from_hex(vectors[i].s, s);
		vectors[i].hash->init(&hash.vtable);
		vectors[i].hash->update(&hash.vtable, "sample", 6);
		vectors[i].hash->out(&hash.vtable, digest);
		size = crypto_nettle_sign(NULL, vectors[i].hash, digest, &key,
					  raw);
		size = br_ecdsa_asn1_to_raw(raw, size);
		/* that form is as short as the longer half lets it be */
		assert_true(size % 2 == 0 && size / 2 <= half);
		size /= 2;
		assert_memory_equal(raw, r + half - size, size);
		assert_memory_equal(raw + size, s + half - size, size);
	}
}

/* --- against BearSSL --- */

static void both_multiply(const struct curve *curve, const uint8_t *point,
			  const uint8_t *x, size_t x_size)
{
	uint8_t one[MAX_POINT], two[MAX_POINT];
	uint32_t good;

	memcpy(one, point, curve->point);
	memcpy(two, point, curve->point);
	good = br_ec_all_m31.mul(two, curve->point, x, x_size, curve->number);
	assert_int_equal(ours->mul(one, curve->point, x, x_size, curve->number),
			 good);
	if (good)
		assert_memory_equal(one, two, curve->point);
}

static void both_generate(const struct curve *curve, const uint8_t *x,
			  size_t x_size, uint8_t *out)
{
	uint8_t expected[MAX_POINT];

	assert_int_equal(ours->mulgen(out, x, x_size, curve->number),
			 curve->point);
	assert_int_equal(
		br_ec_all_m31.mulgen(expected, x, x_size, curve->number),
		curve->point);
	assert_memory_equal(out, expected, curve->point);
}

static void test_multiply(void **unused)
{
	(void)unused;
	for (size_t c = 0; c < CURVES; c++) {
		const struct curve *curve = &curves[c];
		uint8_t point[MAX_POINT], x[67] = {0};

		for (int i = 0; i < ROUNDS; i++) {
			make_scalar(curve, x);
			both_generate(curve, x, curve->scalar, point);
			make_scalar(curve, x);
			both_multiply(curve, point, x, curve->scalar);
			/* short ones, down to one octet */
			both_multiply(
				curve, point, x + (size_t)i % curve->scalar,
				curve->scalar - (size_t)i % curve->scalar);
		}
	}
}

static void test_x25519(void **unused)
{
	const struct curve curve = {BR_EC_curve25519, 32, 32};
	uint8_t point[32], x[32];

	(void)unused;
	for (int i = 0; i < 200; i++) {
		fill(x, sizeof(x));
		both_generate(&curve, x, sizeof(x), point);
		fill(x, sizeof(x));
		both_multiply(&curve, point, x, sizeof(x));
		/* any octets are a point, the highest bit is no matter */
		fill(point, sizeof(point));
		both_multiply(&curve, point, x, sizeof(x));
		both_multiply(&curve, point, x, (size_t)i % 33);
	}
	assert_int_equal(ours->mul(point, 31, x, 32, BR_EC_curve25519), 0);
	assert_int_equal(ours->mul(point, 32, x, 33, BR_EC_curve25519), 0);
}

/* What both sides would agree on whatever they chose, RFC 7748 6.1: 0, 1, a
 * point of order 8, p - 1, p and p + 1. */
static void test_x25519_small_order(void **unused)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000"
		"000000",
		"0100000000000000000000000000000000000000000000000000000000"
		"000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f"
		"49b800",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"ffff7f",
	};
	uint8_t point[32], x[32];

	(void)unused;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		for (int which = 0; which < CRYPTO_COUNT; which++) {
			crypto_use((enum crypto)which);
			fill(x, sizeof(x));
			from_hex(points[i], point);
			assert_int_equal(crypto_ec()->mul(point, 32, x, 32,
							  BR_EC_curve25519),
					 0);
		}
	crypto_use(CRYPTO_NETTLE);
}

/* The order of CURVE and BY. */
static void near_order(const struct curve *curve, int by, uint8_t *out)
{
	size_t size;
	const unsigned char *order = ours->order(curve->number, &size);
	int sum = by;

	assert_int_equal(size, curve->scalar);
	for (size_t i = size; i-- > 0;) {
		sum += order[i];
		out[i] = (uint8_t)sum;
		sum = sum < 0 ? -1 : sum >> 8;
	}
}

static void test_edge_scalars(void **unused)
{
	(void)unused;
	for (size_t c = 0; c < CURVES; c++) {
		const struct curve *curve = &curves[c];
		uint8_t g[MAX_POINT], point[MAX_POINT], x[68] = {0};
		size_t size;

		memcpy(g, ours->generator(curve->number, &size), curve->point);
		assert_int_equal(size, curve->point);
		/* 0, of whatever length */
		for (size_t n = 0; n <= curve->scalar + 2; n++) {
			memcpy(point, g, curve->point);
			assert_int_equal(ours->mul(point, curve->point, x, n,
						   curve->number),
					 0);
			assert_int_equal(
				ours->mulgen(point, x, n, curve->number), 0);
		}
		/* 1 to 20, some padded */
		for (uint8_t i = 1; i <= 20; i++) {
			memset(x, 0, sizeof(x));
			x[curve->scalar - 1] = i;
			both_generate(curve, x, curve->scalar, point);
			both_multiply(curve, g, x, curve->scalar);
			both_generate(curve, &i, 1, point);
		}
		memcpy(point, g, curve->point);
		x[curve->scalar - 1] = 0;
		x[curve->scalar] = 1;
		assert_int_equal(ours->mul(point, curve->point, x,
					   curve->scalar + 1, curve->number),
				 1);
		assert_memory_equal(point, g, curve->point);
		/* and the last ones */
		for (int by = -20; by < 0; by++) {
			near_order(curve, by, x);
			both_generate(curve, x, curve->scalar, point);
			both_multiply(curve, g, x, curve->scalar);
		}
		for (int by = 0; by < 20; by++) {
			near_order(curve, by, x);
			memcpy(point, g, curve->point);
			assert_int_equal(ours->mul(point, curve->point, x,
						   curve->scalar,
						   curve->number),
					 0);
			assert_int_equal(ours->mulgen(point, x, curve->scalar,
						      curve->number),
					 0);
		}
		memset(x, 0xFF, sizeof(x));
		assert_int_equal(
			ours->mulgen(point, x, sizeof(x), curve->number), 0);
	}
}

/* Where few or many bits in a row are alike. */
static void test_odd_scalars(void **unused)
{
	(void)unused;
	for (size_t c = 0; c < CURVES; c++) {
		const struct curve *curve = &curves[c];
		uint8_t point[MAX_POINT], x[66];
		size_t bits = curve->scalar * 8 -
			      (curve->number == BR_EC_secp521r1 ? 8 : 1);

		for (size_t i = 0; i < bits; i += c == 0 ? 1 : 13) {
			memset(x, 0, sizeof(x));
			x[curve->scalar - 1 - i / 8] = (uint8_t)(1 << i % 8);
			both_generate(curve, x, curve->scalar, point);
			memset(x, 0xFF, sizeof(x));
			memset(x, 0, curve->scalar - 1 - i / 8);
			x[curve->scalar - 1 - i / 8] =
				(uint8_t)((2u << i % 8) - 1);
			both_multiply(curve, point, x, curve->scalar);
		}
	}
}

static void test_bad_points(void **unused)
{
	(void)unused;
	for (size_t c = 0; c < CURVES; c++) {
		const struct curve *curve = &curves[c];
		uint8_t good[MAX_POINT], bad[MAX_POINT + 1] = {0}, x[66];

		make_scalar(curve, x);
		ours->mulgen(good, x, curve->scalar, curve->number);
		for (size_t i = 0; i < curve->point; i++) {
			memcpy(bad, good, curve->point);
			bad[i] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(ours->mul(bad, curve->point, x,
						   curve->scalar,
						   curve->number),
					 0);
		}
		for (size_t n = 0; n <= curve->point + 1; n++) {
			memcpy(bad, good, curve->point);
			if (n != curve->point)
				assert_int_equal(ours->mul(bad, n, x,
							   curve->scalar,
							   curve->number),
						 0);
		}
		/* infinity, zeros, and coordinates that are no residues */
		memset(bad, 0, sizeof(bad));
		assert_int_equal(ours->mul(bad, curve->point, x, curve->scalar,
					   curve->number),
				 0);
		bad[0] = 4;
		assert_int_equal(ours->mul(bad, curve->point, x, curve->scalar,
					   curve->number),
				 0);
		memset(bad + 1, 0xFF, curve->point - 1);
		assert_int_equal(ours->mul(bad, curve->point, x, curve->scalar,
					   curve->number),
				 0);
		/* another curve's, and no curve at all */
		assert_int_equal(ours->mul(good, curve->point, x, curve->scalar,
					   curves[(c + 1) % CURVES].number),
				 0);
		assert_int_equal(ours->mul(good, curve->point, x, curve->scalar,
					   BR_EC_secp224r1),
				 0);
		assert_int_equal(
			ours->mulgen(bad, x, curve->scalar, BR_EC_secp224r1),
			0);
	}
}

static const br_hash_class *const hashes[] = {
	&br_sha256_vtable, &br_sha384_vtable, &br_sha512_vtable};

static size_t size_of(const br_hash_class *hash)
{
	return (hash->desc >> BR_HASHDESC_OUT_OFF) & BR_HASHDESC_OUT_MASK;
}

/* Signatures are deterministic, so they must be the very same. */
static void test_sign_and_verify(void **unused)
{
	br_ecdsa_sign sign = br_ecdsa_sign_asn1_get_default();
	br_ecdsa_vrfy verify = br_ecdsa_vrfy_asn1_get_default();

	(void)unused;
	for (size_t c = 0; c < CURVES; c++)
		for (int i = 0; i < ROUNDS; i++) {
			const struct curve *curve = &curves[c];
			const br_hash_class *hash = hashes[i % 3];
			uint8_t x[66], q[MAX_POINT], digest[64];
			uint8_t one[MAX_SIGNATURE], two[MAX_SIGNATURE];
			br_ec_private_key secret = {.curve = curve->number,
						    .x = x,
						    .xlen = curve->scalar};
			br_ec_public_key public = {.curve = curve->number,
						   .q = q,
						   .qlen = curve->point};
			size_t n, size = size_of(hash);

			make_scalar(curve, x);
			fill(digest, size);
			if (i % 10 == 0) /* beyond the order */
				memset(digest, 0xFF, size);
			ours->mulgen(q, x, curve->scalar, curve->number);
			n = crypto_nettle_sign(NULL, hash, digest, &secret,
					       one);
			assert_true(n > 0);
			assert_int_equal(sign(&br_ec_all_m31, hash, digest,
					      &secret, two),
					 n);
			assert_memory_equal(one, two, n);
			assert_int_equal(verify(&br_ec_all_m31, digest, size,
						&public, one, n),
					 1);
			assert_int_equal(crypto_nettle_verify(NULL, digest,
							      size, &public,
							      two, n),
					 1);
			/* any bit of any of it */
			two[next_octet() % n] ^= (uint8_t)(1 << i % 8);
			assert_int_equal(crypto_nettle_verify(NULL, digest,
							      size, &public,
							      two, n),
					 0);
			digest[next_octet() % 32] ^= 1;
			assert_int_equal(crypto_nettle_verify(NULL, digest,
							      size, &public,
							      one, n),
					 0);
		}
}

/* A SEQUENCE of two INTEGERs of SIZE octets each. */
static size_t wrap(const uint8_t *r, const uint8_t *s, size_t size,
		   uint8_t *out)
{
	memcpy(out, r, size);
	memcpy(out + size, s, size);
	return br_ecdsa_raw_to_asn1(out, 2 * size);
}

static void test_bad_signatures(void **unused)
{
	br_ecdsa_vrfy theirs = br_ecdsa_vrfy_asn1_get_default();

	(void)unused;
	for (size_t c = 0; c < CURVES; c++) {
		const struct curve *curve = &curves[c];
		uint8_t x[66], q[MAX_POINT], digest[32], zero[66] = {0};
		uint8_t n[66], good[MAX_SIGNATURE], bad[MAX_SIGNATURE + 8];
		br_ec_private_key secret = {
			.curve = curve->number, .x = x, .xlen = curve->scalar};
		br_ec_public_key public = {
			.curve = curve->number, .q = q, .qlen = curve->point};
		size_t size, length;

		make_scalar(curve, x);
		fill(digest, sizeof(digest));
		ours->mulgen(q, x, curve->scalar, curve->number);
		size = crypto_nettle_sign(NULL, &br_sha256_vtable, digest,
					  &secret, good);
		near_order(curve, 0, n);
		/* zero and the order, in either half */
		for (int i = 0; i < 4; i++) {
			length = wrap(i & 1 ? zero : n, i & 2 ? zero : n,
				      curve->scalar, bad);
			assert_int_equal(crypto_nettle_verify(NULL, digest, 32,
							      &public, bad,
							      length),
					 0);
		}
		/* cut, and with something behind it */
		for (size_t cut = 0; cut < size; cut++)
			assert_int_equal(crypto_nettle_verify(NULL, digest, 32,
							      &public, good,
							      cut),
					 0);
		memset(bad, 0, sizeof(bad));
		memcpy(bad, good, size);
		assert_int_equal(crypto_nettle_verify(NULL, digest, 32, &public,
						      bad, sizeof(bad)),
				 0);
		/* rubbish, of which both say the same */
		for (int i = 0; i < 200; i++) {
			memcpy(bad, good, size);
			for (int k = 0; k < 1 + i % 3; k++)
				bad[next_octet() % (i % 2 ? 8 : size)] =
					next_octet();
			assert_int_equal(crypto_nettle_verify(NULL, digest, 32,
							      &public, bad,
							      size),
					 theirs(&br_ec_all_m31, digest, 32,
						&public, bad, size));
		}
		/* keys that are none */
		q[curve->point - 1] ^= 1;
		assert_int_equal(crypto_nettle_verify(NULL, digest, 32, &public,
						      good, size),
				 0);
		q[curve->point - 1] ^= 1;
		public.qlen--;
		assert_int_equal(crypto_nettle_verify(NULL, digest, 32, &public,
						      good, size),
				 0);
		public.qlen = 0;
		assert_int_equal(crypto_nettle_verify(NULL, digest, 32, &public,
						      good, size),
				 0);
		memcpy(x, n, curve->scalar);
		assert_int_equal(crypto_nettle_sign(NULL, &br_sha256_vtable,
						    digest, &secret, bad),
				 0);
		memset(x, 0, sizeof(x));
		assert_int_equal(crypto_nettle_sign(NULL, &br_sha256_vtable,
						    digest, &secret, bad),
				 0);
		secret.curve = BR_EC_curve25519;
		assert_int_equal(crypto_nettle_sign(NULL, &br_sha256_vtable,
						    digest, &secret, bad),
				 0);
	}
}

static void test_sums(void **unused)
{
	(void)unused;
	for (size_t c = 0; c < CURVES; c++) {
		const struct curve *curve = &curves[c];
		uint8_t x[66], a[MAX_POINT], b[MAX_POINT];

		make_scalar(curve, x);
		ours->mulgen(a, x, curve->scalar, curve->number);
		memcpy(b, a, sizeof(b));
		assert_int_equal(ours->muladd(a, NULL, curve->point, x,
					      curve->scalar, x, curve->scalar,
					      curve->number),
				 1);
		br_ec_all_m31.muladd(b, NULL, curve->point, x, curve->scalar, x,
				     curve->scalar, curve->number);
		assert_memory_equal(a, b, curve->point);
		assert_int_equal(ours->muladd(a, NULL, curve->point - 1, x,
					      curve->scalar, x, curve->scalar,
					      curve->number),
				 0);
	}
}

/* Which of BearSSL's others are taken: the fast ones, on a machine of 64 bits
 * with instructions for AES. */
static void test_which(void **unused)
{
	(void)unused;
	if (br_rsa_i62_private_get() != 0)
		assert_ptr_equal(br_rsa_private_get_default(),
				 br_rsa_i62_private_get());
	for (int which = 0; which < CRYPTO_COUNT; which++) {
		crypto_use((enum crypto)which);
		assert_string_equal(crypto_name((enum crypto)which),
				    which == CRYPTO_STOCK ? "stock" : "nettle");
		assert_ptr_equal(crypto_ecdsa_sign() == crypto_nettle_sign,
				 which == CRYPTO_NETTLE);
		assert_int_equal(crypto_ec()->supported_curves,
				 crypto_nettle_ec.supported_curves);
	}
	crypto_use(CRYPTO_NETTLE);
}

/* The last test: none of the others has asked the heap. */
static void test_scratch(void **unused)
{
	(void)unused;
	assert_in_range(crypto_nettle_scratch_used(), 4096, 12288 - 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreement_vectors),
		cmocka_unit_test(test_signature_vectors),
		cmocka_unit_test(test_multiply),
		cmocka_unit_test(test_x25519),
		cmocka_unit_test(test_x25519_small_order),
		cmocka_unit_test(test_edge_scalars),
		cmocka_unit_test(test_odd_scalars),
		cmocka_unit_test(test_bad_points),
		cmocka_unit_test(test_sign_and_verify),
		cmocka_unit_test(test_bad_signatures),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
