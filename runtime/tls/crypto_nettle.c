/* crypto_nettle.c - see crypto_nettle.h.
 * Numbers are arrays of GMP's limbs, the lowest first, as many as a coordinate
 * of the curve takes; all of them are on the stack.  Nettle asks GMP for
 * scratch memory, which gets it from the stack of whoever calls, too: so there
 * is nothing to run out of, and nothing left behind in the heap. */
#include "crypto_nettle.h"

#include <gmp.h>
#include <nettle/curve25519.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "curves-internal.h"
#include "limbs-internal.h"

#define MAX_OCTETS 66 /* of a number of P-521 */
#define MAX_LIMBS LIMBS_FOR(MAX_OCTETS)
#define P521_SPARE_BITS 7 /* in its 66 octets */
#define X25519_SIZE 32

/* --- memory --- */

struct room {
	uint8_t bytes[12288];
	size_t used;
};

static _Thread_local struct room *room; /* of the call under way */
static _Thread_local size_t most_used;

static bool is_in_room(const void *p)
{
	return room != NULL && (uintptr_t)p >= (uintptr_t)room->bytes &&
	       (uintptr_t)p < (uintptr_t)room->bytes + sizeof(room->bytes);
}

/* What GMP did before: there may be others in this process who use it. */
static void *(*others_allocate)(size_t);
static void *(*others_reallocate)(void *, size_t, size_t);
static void (*others_release)(void *, size_t);

static void *allocate(size_t size)
{
	size_t rounded = (size + 15) & ~(size_t)15;
	void *p;

	if (room == NULL || rounded > sizeof(room->bytes) - room->used)
		return others_allocate(size);
	p = room->bytes + room->used;
	room->used += rounded;
	return p;
}

static void release(void *p, size_t size)
{
	if (!is_in_room(p))
		others_release(p, size);
}

static void *reallocate(void *p, size_t old, size_t size)
{
	void *grown;

	if (!is_in_room(p))
		return others_reallocate(p, old, size);
	grown = allocate(size);
	memcpy(grown, p, old < size ? old : size);
	return grown;
}

static void hook(void)
{
	mp_get_memory_functions(&others_allocate, &others_reallocate,
				&others_release);
	mp_set_memory_functions(allocate, reallocate, release);
}

/* Between these two whatever GMP allocates is in MINE. */
static void enter(struct room *mine)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, hook);
	mine->used = ((uintptr_t)0 - (uintptr_t)mine->bytes) & 15;
	room = mine;
}

static void leave(void)
{
	struct room *mine = room;

	room = NULL;
	if (mine->used > most_used)
		most_used = mine->used;
	explicit_bzero(mine->bytes, mine->used);
}

size_t crypto_nettle_scratch_used(void)
{
	return most_used;
}

/* --- numbers --- */

struct curve {
	const struct ecc_curve *ecc;
	size_t octets; /* of a coordinate, and of a scalar */
	mp_size_t limbs;
	unsigned spare; /* bits that the order is short of OCTETS */
	mp_limb_t order[MAX_LIMBS];
};

static bool find_curve(int number, struct curve *out)
{
	const unsigned char *order;
	size_t size;

	out->spare = 0;
	switch (number) {
	case BR_EC_secp256r1:
		out->ecc = nettle_get_secp_256r1();
		break;
	case BR_EC_secp384r1:
		out->ecc = nettle_get_secp_384r1();
		break;
	case BR_EC_secp521r1:
		out->ecc = nettle_get_secp_521r1();
		out->spare = P521_SPARE_BITS;
		break;
	default:
		return false;
	}
	out->limbs = ecc_size(out->ecc);
	order = br_ec_all_m31.order(number, &size);
	out->octets = size;
	limbs_load(out->order, out->limbs, order, size);
	return true;
}

/* From 1 to the order less 1; in the same time for all that are. */
static bool in_range(const struct curve *curve, const mp_limb_t *number)
{
	mp_limb_t unused[MAX_LIMBS], any = 0;
	mp_limb_t below = mpn_sub_n(unused, number, curve->order, curve->limbs);

	for (mp_size_t i = 0; i < curve->limbs; i++)
		any |= number[i];
	explicit_bzero(unused, sizeof(unused));
	return (below != 0) & (any != 0);
}

static bool load_scalar(const struct curve *curve, mp_limb_t *out,
			const uint8_t *bytes, size_t size)
{
	if (!limbs_skip_zeros(&bytes, &size, curve->octets))
		return false;
	limbs_load(out, curve->limbs, bytes, size);
	return in_range(curve, out);
}

/* --- points --- */

/* BYTES, of the curve's length; OUT has the limbs of both coordinates. */
static bool load_point(const struct curve *curve, mp_limb_t *out,
		       const uint8_t *bytes)
{
	mp_limb_t xy[2 * MAX_LIMBS];
	struct ecc_point point = {.ecc = curve->ecc, .p = out};
	mpz_t x, y;

	if (bytes[0] != 0x04)
		return false;
	limbs_load(xy, curve->limbs, bytes + 1, curve->octets);
	limbs_load(xy + curve->limbs, curve->limbs, bytes + 1 + curve->octets,
		   curve->octets);
	/* it looks whether that is on the curve */
	return ecc_point_set(
		       &point, mpz_roinit_n(x, xy, curve->limbs),
		       mpz_roinit_n(y, xy + curve->limbs, curve->limbs)) == 1;
}

static void store_point(const struct curve *curve, uint8_t *out,
			const mp_limb_t *xy)
{
	out[0] = 0x04;
	limbs_store(out + 1, curve->octets, xy);
	limbs_store(out + 1 + curve->octets, curve->octets, xy + curve->limbs);
}

static const unsigned char *ec_generator(int curve, size_t *size)
{
	return br_ec_all_m31.generator(curve, size);
}

static const unsigned char *ec_order(int curve, size_t *size)
{
	return br_ec_all_m31.order(curve, size);
}

static size_t ec_xoff(int curve, size_t *size)
{
	return br_ec_all_m31.xoff(curve, size);
}

/* BearSSL 0.6 takes X25519's scalars with the lowest octet first and pads them
 * at the end. */
static uint32_t x25519(uint8_t *out, const uint8_t *point,
		       const unsigned char *scalar, size_t size)
{
	uint8_t padded[X25519_SIZE] = {0};
	uint8_t any = 0;
	struct room mine;

	if (size > sizeof(padded))
		return 0;
	memcpy(padded, scalar, size);
	enter(&mine);
	if (point != NULL)
		curve25519_mul(out, padded, point);
	else
		curve25519_mul_g(out, padded);
	leave();
	explicit_bzero(padded, sizeof(padded));
	for (size_t i = 0; i < X25519_SIZE; i++)
		any |= out[i];
	return any != 0;
}

/* POINT becomes SCALAR times itself, or times THE_GENERATOR. */
static uint32_t multiply(const struct curve *curve, uint8_t *point,
			 bool the_generator, const unsigned char *scalar,
			 size_t size)
{
	mp_limb_t n[MAX_LIMBS], from[2 * MAX_LIMBS], to[2 * MAX_LIMBS];
	struct ecc_scalar by = {.ecc = curve->ecc, .p = n};
	struct ecc_point what = {.ecc = curve->ecc, .p = from};
	struct ecc_point result = {.ecc = curve->ecc, .p = to};
	bool good = load_scalar(curve, n, scalar, size);
	struct room mine;

	enter(&mine);
	if (good && !the_generator)
		good = load_point(curve, from, point);
	if (good && the_generator)
		ecc_point_mul_g(&result, &by);
	else if (good)
		ecc_point_mul(&result, &by, &what);
	leave();
	if (good)
		store_point(curve, point, to);
	explicit_bzero(n, sizeof(n));
	explicit_bzero(to, sizeof(to));
	return good;
}

static uint32_t ec_mul(unsigned char *point, size_t size,
		       const unsigned char *x, size_t x_size, int number)
{
	struct curve curve;
	uint8_t copy[X25519_SIZE];

	if (size == 0 || size != curve_point_size(number))
		return 0;
	if (number == BR_EC_curve25519) {
		memcpy(copy, point, sizeof(copy));
		return x25519(point, copy, x, x_size);
	}
	return find_curve(number, &curve) &&
	       multiply(&curve, point, false, x, x_size);
}

static size_t ec_mulgen(unsigned char *out, const unsigned char *x,
			size_t x_size, int number)
{
	struct curve curve;
	bool good;

	if (number == BR_EC_curve25519)
		good = x25519(out, NULL, x, x_size);
	else
		good = find_curve(number, &curve) &&
		       multiply(&curve, out, true, x, x_size);
	return good ? curve_point_size(number) : 0;
}

static uint32_t ec_muladd(unsigned char *a, const unsigned char *b, size_t size,
			  const unsigned char *x, size_t x_size,
			  const unsigned char *y, size_t y_size, int curve)
{
	return size != 0 && size == curve_point_size(curve) &&
	       br_ec_all_m31.muladd(a, b, size, x, x_size, y, y_size, curve);
}

const br_ec_impl crypto_nettle_ec = {
	.supported_curves = CURVES_SUPPORTED,
	.generator = ec_generator,
	.order = ec_order,
	.xoff = ec_xoff,
	.mul = ec_mul,
	.mulgen = ec_mulgen,
	.muladd = ec_muladd,
};

/* --- ECDSA --- */

#define MAX_SCRATCH_LIMBS 1024

static size_t digest_size_of(const br_hash_class *hash)
{
	return (hash->desc >> BR_HASHDESC_OUT_OFF) & BR_HASHDESC_OUT_MASK;
}

/* bits2int of RFC 6979 2.3.2, for SIZE octets of no more than the curve's. */
static void bits_to_number(const struct curve *curve, mp_limb_t *out,
			   const uint8_t *bytes, size_t size)
{
	limbs_load(out, curve->limbs, bytes, size);
	if (size == curve->octets && curve->spare != 0)
		mpn_rshift(out, out, curve->limbs, curve->spare);
}

/* The nonces for a signature, RFC 6979 3.2. */
static void nonces_begin(br_hmac_drbg_context *nonces,
			 const struct curve *curve, const br_hash_class *hash,
			 const uint8_t *digest, size_t size,
			 const mp_limb_t *secret)
{
	uint8_t seed[2 * MAX_OCTETS];
	mp_limb_t number[MAX_LIMBS], less[MAX_LIMBS];

	if (size > curve->octets)
		size = curve->octets;
	bits_to_number(curve, number, digest, size);
	/* modulo the order; a digest is no secret */
	if (mpn_sub_n(less, number, curve->order, curve->limbs) == 0)
		memcpy(number, less, sizeof(number));
	limbs_store(seed, curve->octets, secret);
	limbs_store(seed + curve->octets, curve->octets, number);
	br_hmac_drbg_init(nonces, hash, seed, 2 * curve->octets);
	explicit_bzero(seed, sizeof(seed));
}

static void next_nonce(br_hmac_drbg_context *nonces, const struct curve *curve,
		       mp_limb_t *out)
{
	uint8_t octets[MAX_OCTETS];

	do {
		br_hmac_drbg_generate(nonces, octets, curve->octets);
		bits_to_number(curve, out, octets, curve->octets);
	} while (!in_range(curve, out));
	explicit_bzero(octets, sizeof(octets));
}

size_t crypto_nettle_sign(const br_ec_impl *unused, const br_hash_class *hash,
			  const void *digest, const br_ec_private_key *key,
			  void *out)
{
	struct curve curve;
	mp_limb_t secret[MAX_LIMBS], nonce[MAX_LIMBS], r[MAX_LIMBS],
		s[MAX_LIMBS], scratch[MAX_SCRATCH_LIMBS];
	size_t size = digest_size_of(hash);
	br_hmac_drbg_context nonces;
	uint8_t *raw = out;

	(void)unused;
	if (!find_curve(key->curve, &curve) ||
	    ecc_ecdsa_sign_itch(curve.ecc) > MAX_SCRATCH_LIMBS ||
	    !load_scalar(&curve, secret, key->x, key->xlen))
		return 0;
	nonces_begin(&nonces, &curve, hash, digest, size, secret);
	do {
		next_nonce(&nonces, &curve, nonce);
		ecc_ecdsa_sign(curve.ecc, secret, nonce, size, digest, r, s,
			       scratch);
	} while (!in_range(&curve, r) || !in_range(&curve, s));
	limbs_store(raw, curve.octets, r);
	limbs_store(raw + curve.octets, curve.octets, s);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(nonce, sizeof(nonce));
	explicit_bzero(&nonces, sizeof(nonces));
	explicit_bzero(scratch, sizeof(scratch));
	return br_ecdsa_raw_to_asn1(out, 2 * curve.octets);
}

/* Half of a signature. */
static bool load_half(const struct curve *curve, mp_limb_t *out,
		      const uint8_t *bytes, size_t size)
{
	if (!limbs_skip_zeros(&bytes, &size, curve->octets))
		return false;
	limbs_load(out, curve->limbs, bytes, size);
	return true;
}

static bool verify(const struct curve *curve, const void *digest,
		   size_t digest_size, const uint8_t *point, const uint8_t *raw,
		   size_t half)
{
	mp_limb_t q[2 * MAX_LIMBS], r[MAX_LIMBS], s[MAX_LIMBS],
		scratch[MAX_SCRATCH_LIMBS];
	struct room mine;
	bool good;

	enter(&mine);
	good = load_point(curve, q, point);
	leave();
	return good && load_half(curve, r, raw, half) &&
	       load_half(curve, s, raw + half, half) &&
	       ecc_ecdsa_verify(curve->ecc, q, digest_size, digest, r, s,
				scratch) == 1;
}

uint32_t crypto_nettle_verify(const br_ec_impl *unused, const void *digest,
			      size_t digest_size, const br_ec_public_key *key,
			      const void *signature, size_t size)
{
	struct curve curve;
	uint8_t raw[2 * MAX_OCTETS + 24]; /* and ASN.1 around it */

	(void)unused;
	if (size > sizeof(raw) || !find_curve(key->curve, &curve) ||
	    key->qlen != curve_point_size(key->curve) ||
	    ecc_ecdsa_verify_itch(curve.ecc) > MAX_SCRATCH_LIMBS)
		return 0;
	memcpy(raw, signature, size);
	size = br_ecdsa_asn1_to_raw(raw, size);
	return size != 0 && size % 2 == 0 &&
	       verify(&curve, digest, digest_size, key->q, raw, size / 2);
}
