/* signature.c - see signature.h. */
#include "signature.h"

#include <bearssl.h>

#include "crypto.h"
#include "oid.h"

#define MAX_HASH 64

/* A positive INTEGER without the octet for its sign. */
static bool take_positive(struct bytes *rest, struct bytes *out)
{
	if (!der_expect(rest, DER_INTEGER, out) || !der_integer_valid(*out) ||
	    out->p[0] >= 0x80)
		return false;
	if (out->p[0] == 0) {
		out->p++;
		out->n--;
	}
	return out->n > 0;
}

static unsigned bit_length(struct bytes number)
{
	unsigned bits = (unsigned)number.n * 8;

	for (unsigned mask = 0x80; mask != 0 && !(number.p[0] & mask);
	     mask >>= 1)
		bits--;
	return bits;
}

static enum trust read_rsa(struct bytes bits, struct public_key *out)
{
	struct bytes key;
	struct bytes modulus;
	struct bytes exponent;

	if (!der_only(bits, DER_SEQUENCE, &key) ||
	    !take_positive(&key, &modulus) || !take_positive(&key, &exponent) ||
	    key.n != 0)
		return TRUST_KEY_MALFORMED;
	/* Even numbers make no RSA key, and an exponent of 1 no signature. */
	if (!(modulus.p[modulus.n - 1] & 1) ||
	    !(exponent.p[exponent.n - 1] & 1) ||
	    (exponent.n == 1 && exponent.p[0] == 1) ||
	    exponent.n > KEY_MAX_EXPONENT_BYTES)
		return TRUST_KEY_MALFORMED;
	if (bit_length(modulus) < KEY_MIN_RSA_BITS)
		return TRUST_KEY_SMALL;
	if (bit_length(modulus) > KEY_MAX_RSA_BITS)
		return TRUST_KEY_BIG;
	*out = (struct public_key){
		.kind = KEY_RSA, .modulus = modulus, .exponent = exponent};
	return TRUST_OK;
}

static enum trust read_ec(struct bytes curve, struct bytes point,
			  struct public_key *out)
{
	static const struct {
		struct bytes oid;
		int curve;
		size_t point;
	} curves[] = {
		{OID_P256, BR_EC_secp256r1, 65},
		{OID_P384, BR_EC_secp384r1, 97},
		{OID_P521, BR_EC_secp521r1, 133},
	};

	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (!bytes_equal(curve, curves[i].oid))
			continue;
		/* BearSSL 0.6 takes the length on trust. */
		if (point.n != curves[i].point || point.p[0] != 0x04)
			return TRUST_KEY_MALFORMED;
		*out = (struct public_key){.kind = KEY_EC,
					   .curve = curves[i].curve,
					   .point = point};
		return TRUST_OK;
	}
	return TRUST_KEY_UNSUPPORTED;
}

enum trust public_key_read(struct bytes spki, struct public_key *out)
{
	struct bytes algorithm;
	struct bytes bits;
	struct bytes oid;
	struct bytes parameter;

	*out = (struct public_key){.kind = KEY_NONE};
	if (!der_expect(&spki, DER_SEQUENCE, &algorithm) ||
	    !der_expect(&spki, DER_BIT_STRING, &bits) || spki.n != 0 ||
	    !der_octets_in_bits(bits, &bits) ||
	    !der_expect(&algorithm, DER_OID, &oid) || !der_oid_valid(oid))
		return TRUST_KEY_MALFORMED;
	if (OID_IS(oid, OID_RSA)) {
		if (!der_only(algorithm, DER_NULL, &parameter) ||
		    parameter.n != 0)
			return TRUST_KEY_MALFORMED;
		return read_rsa(bits, out);
	}
	if (OID_IS(oid, OID_EC)) {
		/* A curve spelled out instead of named is not to be trusted. */
		if (!der_only(algorithm, DER_OID, &parameter))
			return TRUST_KEY_UNSUPPORTED;
		return read_ec(parameter, bits, out);
	}
	if (OID_IS(oid, OID_ED25519) || OID_IS(oid, OID_ED448))
		return TRUST_KEY_ED25519;
	return TRUST_KEY_UNSUPPORTED;
}

/* --- signatures --- */

static const struct algorithm {
	struct bytes oid;
	enum key_kind kind;
	int hash;
	enum trust refused;
} algorithms[] = {
	{OID_RSA_SHA256, KEY_RSA, br_sha256_ID, TRUST_OK},
	{OID_RSA_SHA384, KEY_RSA, br_sha384_ID, TRUST_OK},
	{OID_RSA_SHA512, KEY_RSA, br_sha512_ID, TRUST_OK},
	{OID_ECDSA_SHA256, KEY_EC, br_sha256_ID, TRUST_OK},
	{OID_ECDSA_SHA384, KEY_EC, br_sha384_ID, TRUST_OK},
	{OID_ECDSA_SHA512, KEY_EC, br_sha512_ID, TRUST_OK},
	{OID_RSA_MD5, KEY_NONE, 0, TRUST_ALGORITHM_WEAK},
	{OID_RSA_SHA1, KEY_NONE, 0, TRUST_ALGORITHM_WEAK},
	{OID_ECDSA_SHA1, KEY_NONE, 0, TRUST_ALGORITHM_WEAK},
	{OID_RSA_PSS, KEY_NONE, 0, TRUST_ALGORITHM_PSS},
	{OID_ED25519, KEY_NONE, 0, TRUST_ALGORITHM_ED25519},
	{OID_ED448, KEY_NONE, 0, TRUST_ALGORITHM_ED25519},
};

enum trust signature_algorithm_read(struct bytes algorithm,
				    struct signature *out)
{
	const struct algorithm *found = NULL;
	struct bytes oid;
	struct bytes null;

	out->kind = KEY_NONE;
	if (!der_expect(&algorithm, DER_OID, &oid) || !der_oid_valid(oid))
		return TRUST_MALFORMED;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (bytes_equal(oid, algorithms[i].oid))
			found = &algorithms[i];
	if (found == NULL)
		return TRUST_ALGORITHM;
	if (found->kind == KEY_NONE)
		return found->refused;
	/* Parameters: NULL for RSA (RFC 4055 5), none for ECDSA (RFC 5758). */
	if (found->kind == KEY_RSA &&
	    (!der_only(algorithm, DER_NULL, &null) || null.n != 0))
		return TRUST_MALFORMED;
	if (found->kind == KEY_EC && algorithm.n != 0)
		return TRUST_MALFORMED;
	out->kind = found->kind;
	out->hash = found->hash;
	return TRUST_OK;
}

static size_t hash_bytes(int hash, struct bytes message, uint8_t out[MAX_HASH])
{
	br_sha256_context sha256;
	br_sha384_context sha384;
	br_sha512_context sha512;

	switch (hash) {
	case br_sha256_ID:
		br_sha256_init(&sha256);
		br_sha256_update(&sha256, message.p, message.n);
		br_sha256_out(&sha256, out);
		return br_sha256_SIZE;
	case br_sha384_ID:
		br_sha384_init(&sha384);
		br_sha384_update(&sha384, message.p, message.n);
		br_sha384_out(&sha384, out);
		return br_sha384_SIZE;
	case br_sha512_ID:
		br_sha512_init(&sha512);
		br_sha512_update(&sha512, message.p, message.n);
		br_sha512_out(&sha512, out);
		return br_sha512_SIZE;
	default:
		return 0;
	}
}

static const unsigned char *hash_oid(int hash)
{
	switch (hash) {
	case br_sha256_ID:
		return BR_HASH_OID_SHA256;
	case br_sha384_ID:
		return BR_HASH_OID_SHA384;
	default:
		return BR_HASH_OID_SHA512;
	}
}

/* BearSSL's keys point to bytes that are not const, though it only reads. */
static unsigned char *writable(const uint8_t *p)
{
	return (unsigned char *)(uintptr_t)p;
}

static bool rsa_check(const struct signature *signature, const uint8_t *hash,
		      size_t length, const struct public_key *key)
{
	br_rsa_public_key rsa = {.n = writable(key->modulus.p),
				 .nlen = key->modulus.n,
				 .e = writable(key->exponent.p),
				 .elen = key->exponent.n};
	uint8_t signed_hash[MAX_HASH];

	return crypto_rsa_verify()(signature->value.p, signature->value.n,
				   hash_oid(signature->hash), length, &rsa,
				   signed_hash) == 1 &&
	       memcmp(signed_hash, hash, length) == 0;
}

static bool ec_check(const struct signature *signature, const uint8_t *hash,
		     size_t length, const struct public_key *key)
{
	br_ec_public_key ec = {.curve = key->curve,
			       .q = writable(key->point.p),
			       .qlen = key->point.n};

	return crypto_ecdsa_verify()(crypto_ec(), hash, length, &ec,
				     signature->value.p,
				     signature->value.n) == 1;
}

enum trust signature_check(const struct signature *signature,
			   struct bytes message, const struct public_key *key)
{
	uint8_t hash[MAX_HASH];
	size_t length;
	bool good = false;

	if (signature->kind == KEY_NONE || signature->kind != key->kind)
		return TRUST_SIGNATURE;
	length = hash_bytes(signature->hash, message, hash);
	if (length == 0)
		return TRUST_SIGNATURE;
	if (key->kind == KEY_RSA)
		good = rsa_check(signature, hash, length, key);
	else if (key->kind == KEY_EC)
		good = ec_check(signature, hash, length, key);
	return good ? TRUST_OK : TRUST_SIGNATURE;
}
