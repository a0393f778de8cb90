/* curves-internal.h - lengths that BearSSL 0.6 takes on trust. */
#ifndef TLS_CURVES_INTERNAL_H
#define TLS_CURVES_INTERNAL_H

#include <bearssl.h>
#include <stddef.h>

#define CURVES_SUPPORTED                                                       \
	(1u << BR_EC_secp256r1 | 1u << BR_EC_secp384r1 |                       \
	 1u << BR_EC_secp521r1 | 1u << BR_EC_curve25519)

/* Of a point of CURVE, uncompressed; 0: not supported. */
static inline size_t curve_point_size(int curve)
{
	switch (curve) {
	case BR_EC_secp256r1:
		return 1 + 2 * 32;
	case BR_EC_secp384r1:
		return 1 + 2 * 48;
	case BR_EC_secp521r1:
		return 1 + 2 * 66;
	case BR_EC_curve25519:
		return 32;
	default:
		return 0;
	}
}

#endif
