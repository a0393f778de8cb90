/* fuzz_curve.c - points, scalars and signatures of any bytes: nettle and
 * BearSSL compute the same, or both refuse.
 *
 *	octet 0: the curve (2 bits), and what is done: 0 multiply, 4 verify
 *	multiply:  length of the scalar (1 octet), scalar, point
 *	verify:    digest (32), length of the key (1), key, signature */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bearssl.h>

#include "runtime/tls/crypto_nettle.h"

#define MAX_POINT 160

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct curve {
	int number;
	size_t point;
} curves[] = {
	{BR_EC_secp256r1, 65},
	{BR_EC_secp384r1, 97},
	{BR_EC_secp521r1, 133},
	{BR_EC_curve25519, 32},
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* From 1 to the order less 1, of any length: what BearSSL says of others is
 * not defined. */
static bool is_scalar(const struct curve *curve, const uint8_t *x, size_t size)
{
	size_t n;
	const uint8_t *order = br_ec_all_m31.order(curve->number, &n);
	bool zero = true;

	if (curve->number == BR_EC_curve25519)
		return size <= 32;
	for (size_t i = 0; i < size; i++)
		zero = zero && x[i] == 0;
	while (size > n && *x == 0) {
		x++;
		size--;
	}
	return !zero && (size < n || (size == n && memcmp(x, order, n) < 0));
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void multiply(const struct curve *curve, const uint8_t *data,
		     size_t size)
{
	uint8_t ours[MAX_POINT], theirs[MAX_POINT];
	const uint8_t *x = data + 1;
	size_t x_size;
	uint32_t good, expected;

	if (size == 0)
		return;
	x_size = data[0] < size - 1 ? data[0] : size - 1;
	data += 1 + x_size;
	size -= 1 + x_size;
	size = size < MAX_POINT ? size : MAX_POINT;
	memcpy(ours, data, size);
	memcpy(theirs, data, size);
	good = crypto_nettle_ec.mul(ours, size, x, x_size, curve->number);
	if (!is_scalar(curve, x, x_size) || size != curve->point) {
		check(good == 0);
		return;
	}
	expected = br_ec_all_m31.mul(theirs, size, x, x_size, curve->number);
	/* BearSSL hands out what any secret would give */
	if (curve->number == BR_EC_curve25519 && is_zero(theirs, size))
		expected = 0;
	check(good == expected);
	check(good == 0 || memcmp(ours, theirs, size) == 0);
}

static void verify(const struct curve *curve, const uint8_t *data, size_t size)
{
	uint8_t key[MAX_POINT], digest[32];
	br_ec_public_key public = {.curve = curve->number, .q = key};
	uint32_t good, expected;

	if (size < sizeof(digest) + 1)
		return;
	memcpy(digest, data, sizeof(digest));
	data += sizeof(digest);
	size -= sizeof(digest);
	public.qlen = data[0] < size - 1 ? data[0] : size - 1;
	if (public.qlen > sizeof(key))
		return;
	memcpy(key, data + 1, public.qlen);
	data += 1 + public.qlen;
	size -= 1 + public.qlen;
	good = crypto_nettle_verify(NULL, digest, sizeof(digest), &public, data,
				    size);
	if (public.qlen != curve->point || curve->number == BR_EC_curve25519) {
		check(good == 0);
		return;
	}
	/* it refuses this digest, for no reason that matters */
	if (is_zero(digest, sizeof(digest)))
		return;
	expected = br_ecdsa_vrfy_asn1_get_default()(
		&br_ec_all_m31, digest, sizeof(digest), &public, data, size);
	check(good == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct curve *curve;

	if (size == 0)
		return 0;
	curve = &curves[data[0] & 3];
	if ((data[0] & 4) != 0)
		verify(curve, data + 1, size - 1);
	else
		multiply(curve, data + 1, size - 1);
	return 0;
}
