/* crypto.c - see crypto.h. */
#include "crypto.h"

#include <stdbool.h>

/* BearSSL 0.6 does not look at the length of a point it is given. */
static bool point_fits(int curve, size_t length)
{
	switch (curve) {
	case BR_EC_secp256r1:
		return length == 65;
	case BR_EC_secp384r1:
		return length == 97;
	case BR_EC_secp521r1:
		return length == 133;
	case BR_EC_curve25519:
		return length == 32;
	default:
		return false;
	}
}

static const unsigned char *ec_generator(int curve, size_t *length)
{
	return br_ec_all_m31.generator(curve, length);
}

static const unsigned char *ec_order(int curve, size_t *length)
{
	return br_ec_all_m31.order(curve, length);
}

static size_t ec_xoff(int curve, size_t *length)
{
	return br_ec_all_m31.xoff(curve, length);
}

static uint32_t ec_mul(unsigned char *point, size_t size,
		       const unsigned char *x, size_t x_size, int curve)
{
	return point_fits(curve, size) &&
	       br_ec_all_m31.mul(point, size, x, x_size, curve);
}

static size_t ec_mulgen(unsigned char *out, const unsigned char *x,
			size_t x_size, int curve)
{
	return br_ec_all_m31.mulgen(out, x, x_size, curve);
}

static uint32_t ec_muladd(unsigned char *a, const unsigned char *b, size_t size,
			  const unsigned char *x, size_t x_size,
			  const unsigned char *y, size_t y_size, int curve)
{
	return point_fits(curve, size) &&
	       br_ec_all_m31.muladd(a, b, size, x, x_size, y, y_size, curve);
}

static const br_ec_impl checked_curves = {
	.supported_curves = 1u << BR_EC_secp256r1 | 1u << BR_EC_secp384r1 |
			    1u << BR_EC_secp521r1 | 1u << BR_EC_curve25519,
	.generator = ec_generator,
	.order = ec_order,
	.xoff = ec_xoff,
	.mul = ec_mul,
	.mulgen = ec_mulgen,
	.muladd = ec_muladd,
};

const br_ec_impl *crypto_ec(void)
{
	return &checked_curves;
}

br_ecdsa_sign crypto_ecdsa_sign(void)
{
	return br_ecdsa_sign_asn1_get_default();
}

br_ecdsa_vrfy crypto_ecdsa_verify(void)
{
	return br_ecdsa_vrfy_asn1_get_default();
}

void crypto_equip(br_ssl_engine_context *engine)
{
	br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
	/* each one set is computed over the whole handshake, and offered */
	br_ssl_engine_set_hash(engine, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(engine, br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(engine, br_tls12_sha384_prf);
	br_ssl_engine_set_default_aes_gcm(engine);
	br_ssl_engine_set_default_chapol(engine);
	br_ssl_engine_set_default_rsavrfy(engine);
	br_ssl_engine_set_ecdsa(engine, crypto_ecdsa_verify());
	br_ssl_engine_set_ec(engine, crypto_ec());
}
