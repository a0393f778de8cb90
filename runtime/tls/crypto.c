/* crypto.c - see crypto.h. */
#include "crypto.h"

#include <stdbool.h>

#include "crypto_gmp.h"
#include "crypto_nettle.h"
#include "crypto_x86.h"
#include "curves-internal.h"

/* Chosen before there is a second thread. */
static enum crypto chosen;

void crypto_use(enum crypto which)
{
	chosen = which;
}

const char *crypto_name(enum crypto which)
{
	return which == CRYPTO_STOCK ? "stock" : "nettle";
}

/* --- BearSSL's own curves --- */

/* BearSSL 0.6 does not look at the length of a point it is given. */
static bool point_fits(int curve, size_t length)
{
	return length != 0 && length == curve_point_size(curve);
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

/* A point of small order gives zero, whatever the other side's secret: RFC 8422
 * 5.11 demands that somebody looks. */
static bool is_useful(const uint8_t *x25519, size_t size)
{
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++)
		any |= x25519[i];
	return any != 0;
}

static uint32_t ec_mul(unsigned char *point, size_t size,
		       const unsigned char *x, size_t x_size, int curve)
{
	return point_fits(curve, size) &&
	       br_ec_all_m31.mul(point, size, x, x_size, curve) &&
	       (curve != BR_EC_curve25519 || is_useful(point, size));
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

static const br_ec_impl stock_curves = {
	.supported_curves = CURVES_SUPPORTED,
	.generator = ec_generator,
	.order = ec_order,
	.xoff = ec_xoff,
	.mul = ec_mul,
	.mulgen = ec_mulgen,
	.muladd = ec_muladd,
};

/* --- whichever is chosen --- */

const br_ec_impl *crypto_ec(void)
{
	return chosen == CRYPTO_STOCK ? &stock_curves : &crypto_nettle_ec;
}

br_ecdsa_sign crypto_ecdsa_sign(void)
{
	return chosen == CRYPTO_STOCK ? br_ecdsa_sign_asn1_get_default()
				      : crypto_nettle_sign;
}

br_ecdsa_vrfy crypto_ecdsa_verify(void)
{
	return chosen == CRYPTO_STOCK ? br_ecdsa_vrfy_asn1_get_default()
				      : crypto_nettle_verify;
}

br_rsa_pkcs1_sign crypto_rsa_sign(void)
{
	return chosen == CRYPTO_STOCK ? br_rsa_pkcs1_sign_get_default()
				      : crypto_gmp_rsa_sign;
}

br_rsa_pkcs1_vrfy crypto_rsa_verify(void)
{
	return chosen == CRYPTO_STOCK ? br_rsa_pkcs1_vrfy_get_default()
				      : crypto_gmp_rsa_verify;
}

/* Where there is nothing better, BearSSL's choice stands. */
static void set_aes_gcm(br_ssl_engine_context *engine)
{
	enum crypto_x86 level =
		chosen == CRYPTO_STOCK ? CRYPTO_X86_NONE : crypto_x86_best();

	br_ssl_engine_set_default_aes_gcm(engine);
	if (level == CRYPTO_X86_NONE)
		return;
	br_ssl_engine_set_aes_ctr(engine, crypto_x86_ctr(level));
	br_ssl_engine_set_ghash(engine, crypto_x86_ghash(level));
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
	set_aes_gcm(engine);
	br_ssl_engine_set_default_chapol(engine);
	br_ssl_engine_set_rsavrfy(engine, crypto_rsa_verify());
	br_ssl_engine_set_ecdsa(engine, crypto_ecdsa_verify());
	br_ssl_engine_set_ec(engine, crypto_ec());
}
