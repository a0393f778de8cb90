/* crypto_gmp.c - see crypto_gmp.h.
 * GMP and not BearSSL, whose loops, as Debian compiles them, take twice as long
 * to sign and five times as long to verify; and not nettle's RSA, which blinds
 * by an inversion that costs as much as the signature.
 * The functions called have scratch memory handed to them and allocate none. */
#include "crypto_gmp.h"

#include "limbs-internal.h"

#define MIN_BITS 1024
#define MAX_BITS 4096
#define MAX_OCTETS ((size_t)MAX_BITS / 8)
/* Of a prime, with room for one that is a little longer than half. */
#define MAX_HALF_LIMBS (LIMBS_FOR(MAX_OCTETS / 2) + 1)
#define SCRATCH_LIMBS (24576 / LIMB)

#define MAX_EXPONENT 4  /* octets */
#define MAX_HASH 64     /* octets */
#define MAX_HASH_OID 32 /* octets */
#define MIN_PADDING 8   /* octets of 0xFF, RFC 8017 9.2 */

/* --- arithmetic --- */

struct scratch {
	mp_limb_t limbs[SCRATCH_LIMBS];
};

static bool has_room(mp_size_t limbs)
{
	return limbs <= (mp_size_t)SCRATCH_LIMBS;
}

/* A prime, or what belongs to one. */
struct half {
	mp_limb_t limbs[MAX_HALF_LIMBS];
	mp_size_t n;
};

/* OUT, of N limbs, is BASE ^ EXPONENT mod MODULUS; that is odd. */
static bool power(mp_limb_t *out, const mp_limb_t *base, mp_size_t base_n,
		  const mp_limb_t *exponent, mp_bitcnt_t bits,
		  const mp_limb_t *modulus, mp_size_t n,
		  struct scratch *scratch)
{
	if (!has_room(mpn_sec_powm_itch(base_n, bits, n)))
		return false;
	mpn_sec_powm(out, base, base_n, exponent, bits, modulus, n,
		     scratch->limbs);
	return true;
}

/* OUT has the limbs of both. */
static bool multiply(mp_limb_t *out, const struct half *a, const struct half *b,
		     struct scratch *scratch)
{
	const struct half *longer = a->n >= b->n ? a : b;
	const struct half *other = longer == a ? b : a;

	if (!has_room(mpn_sec_mul_itch(longer->n, other->n)))
		return false;
	mpn_sec_mul(out, longer->limbs, longer->n, other->limbs, other->n,
		    scratch->limbs);
	return true;
}

/* OUT is NUMBER mod PRIME, and NUMBER, which is not shorter, is lost. */
static bool reduce(struct half *out, mp_limb_t *number, mp_size_t n,
		   const struct half *prime, struct scratch *scratch)
{
	if (!has_room(mpn_sec_div_r_itch(n, prime->n)))
		return false;
	mpn_sec_div_r(number, n, prime->limbs, prime->n, scratch->limbs);
	mpn_copyi(out->limbs, number, prime->n);
	out->n = prime->n;
	return true;
}

/* --- the private operation --- */

struct private_operation {
	struct half p, q, dp, dq, iq;
	struct half at_p, at_q, other; /* results modulo one of the primes */
	mp_limb_t number[2 * MAX_HALF_LIMBS];
	struct scratch scratch;
};

/* How long a prime is, and that it is odd, is no secret. */
static bool load_prime(struct half *out, const uint8_t *bytes, size_t size)
{
	while (size > 0 && *bytes == 0) {
		bytes++;
		size--;
	}
	if (size == 0 || size > sizeof(out->limbs) || !(bytes[size - 1] & 1))
		return false;
	out->n = (mp_size_t)LIMBS_FOR(size);
	limbs_load(out->limbs, out->n, bytes, size);
	return true;
}

/* As long as PRIME, whatever is in it, or longer if it was not reduced. */
static bool load_part(struct half *out, const uint8_t *bytes, size_t size,
		      const struct half *prime)
{
	if (!limbs_skip_zeros(&bytes, &size, sizeof(out->limbs)))
		return false;
	out->n = (mp_size_t)LIMBS_FOR(size);
	if (out->n < prime->n)
		out->n = prime->n;
	limbs_load(out->limbs, out->n, bytes, size);
	return true;
}

static bool load_key(struct private_operation *op,
		     const br_rsa_private_key *key)
{
	return load_prime(&op->p, key->p, key->plen) &&
	       load_prime(&op->q, key->q, key->qlen) &&
	       load_part(&op->dp, key->dp, key->dplen, &op->p) &&
	       load_part(&op->dq, key->dq, key->dqlen, &op->q) &&
	       load_part(&op->iq, key->iq, key->iqlen, &op->p);
}

static bool power_half(struct half *out, const mp_limb_t *base,
		       mp_size_t base_n, const struct half *exponent,
		       const struct half *prime, struct scratch *scratch)
{
	out->n = prime->n;
	return power(out->limbs, base, base_n, exponent->limbs,
		     (mp_bitcnt_t)exponent->n * GMP_NUMB_BITS, prime->limbs,
		     prime->n, scratch);
}

/* AT_P becomes the H of RFC 8017 5.1.2, (m1 - m2) * qInv mod p. */
static bool difference(struct private_operation *op)
{
	mp_size_t n = op->p.n > op->q.n ? op->p.n : op->q.n;
	mp_limb_t below;

	mpn_zero(op->number, n);
	mpn_copyi(op->number, op->at_q.limbs, op->q.n);
	if (!reduce(&op->other, op->number, n, &op->p, &op->scratch))
		return false;
	below = mpn_sub_n(op->at_p.limbs, op->at_p.limbs, op->other.limbs,
			  op->p.n);
	mpn_cnd_add_n(below, op->at_p.limbs, op->at_p.limbs, op->p.limbs,
		      op->p.n);
	return multiply(op->number, &op->at_p, &op->iq, &op->scratch) &&
	       reduce(&op->at_p, op->number, op->p.n + op->iq.n, &op->p,
		      &op->scratch);
}

/* NUMBER, of the limbs of both primes, becomes m2 + q * h. */
static bool combine(struct private_operation *op)
{
	mp_limb_t carry;

	if (!multiply(op->number, &op->at_p, &op->q, &op->scratch) ||
	    !has_room(mpn_sec_add_1_itch(op->p.n)))
		return false;
	carry = mpn_add_n(op->number, op->number, op->at_q.limbs, op->q.n);
	mpn_sec_add_1(op->number + op->q.n, op->number + op->q.n, op->p.n,
		      carry, op->scratch.limbs);
	return true;
}

/* RSASP1 of RFC 8017 5.2.1: BYTES, of SIZE, to the private exponent. */
static bool apply(struct private_operation *op, const br_rsa_private_key *key,
		  uint8_t *bytes, size_t size)
{
	mp_limb_t message[LIMBS_FOR(MAX_OCTETS)];
	mp_size_t n = (mp_size_t)LIMBS_FOR(size);

	if (!load_key(op, key) || op->p.n + op->q.n < n)
		return false;
	limbs_load(message, n, bytes, size);
	if (!power_half(&op->at_p, message, n, &op->dp, &op->p, &op->scratch) ||
	    !power_half(&op->at_q, message, n, &op->dq, &op->q, &op->scratch) ||
	    !difference(op) || !combine(op))
		return false;
	limbs_store(bytes, size, op->number);
	return true;
}

/* --- the encoding of RFC 8017 9.2 --- */

/* What is before the digest in DigestInfo, into OUT.  An OID, as BearSSL has
 * them, begins with its length; NULL: that of TLS 1.1, nothing.  Its size. */
static size_t digest_prefix(uint8_t out[MAX_HASH_OID + 16], const uint8_t *oid,
			    size_t hash_size, bool with_null)
{
	size_t inner;
	uint8_t *at = out;

	if (oid == NULL)
		return 0;
	inner = 2u + oid[0] + (with_null ? 2 : 0);
	*at++ = 0x30; /* SEQUENCE */
	*at++ = (uint8_t)(2 + inner + 2 + hash_size);
	*at++ = 0x30;
	*at++ = (uint8_t)inner;
	*at++ = 0x06; /* OBJECT IDENTIFIER */
	memcpy(at, oid, 1 + (size_t)oid[0]);
	at += 1 + (size_t)oid[0];
	if (with_null) {
		*at++ = 0x05;
		*at++ = 0;
	}
	*at++ = 0x04; /* OCTET STRING */
	*at++ = (uint8_t)hash_size;
	return (size_t)(at - out);
}

/* Into OUT, of SIZE octets.  False: there are too few. */
static bool encode(uint8_t *out, size_t size, const uint8_t *oid,
		   const uint8_t *hash, size_t hash_size, bool with_null)
{
	uint8_t prefix[MAX_HASH_OID + 16];
	size_t n, padding;

	if (hash_size > MAX_HASH || (oid != NULL && oid[0] > MAX_HASH_OID))
		return false;
	n = digest_prefix(prefix, oid, hash_size, with_null);
	if (size < 3 + MIN_PADDING + n + hash_size)
		return false;
	padding = size - 3 - n - hash_size;
	out[0] = 0x00;
	out[1] = 0x01;
	memset(out + 2, 0xFF, padding);
	out[2 + padding] = 0x00;
	memcpy(out + 3 + padding, prefix, n);
	memcpy(out + 3 + padding + n, hash, hash_size);
	return true;
}

uint32_t crypto_gmp_rsa_sign(const unsigned char *hash_oid,
			     const unsigned char *hash, size_t hash_size,
			     const br_rsa_private_key *key, unsigned char *out)
{
	struct private_operation op;
	size_t size = ((size_t)key->n_bitlen + 7) / 8;
	bool good;

	if (key->n_bitlen < MIN_BITS || key->n_bitlen > MAX_BITS ||
	    !encode(out, size, hash_oid, hash, hash_size, true))
		return 0;
	good = apply(&op, key, out, size);
	explicit_bzero(&op, sizeof(op));
	return good;
}

/* --- the public operation --- */

static void skip_zeros(const uint8_t **bytes, size_t *size)
{
	while (*size > 0 && **bytes == 0) {
		++*bytes;
		--*size;
	}
}

/* RSAVP1 of RFC 8017 5.2.2: BYTES, of SIZE, to the public exponent, in place.
 * False for a key that is none and for numbers from the modulus on. */
static bool apply_public(const br_rsa_public_key *key, uint8_t *bytes,
			 size_t size)
{
	mp_limb_t modulus[LIMBS_FOR(MAX_OCTETS)], number[LIMBS_FOR(MAX_OCTETS)],
		result[LIMBS_FOR(MAX_OCTETS)], exponent[1];
	const uint8_t *n = key->n, *e = key->e;
	size_t n_size = key->nlen, e_size = key->elen;
	mp_size_t limbs = (mp_size_t)LIMBS_FOR(size);
	struct scratch scratch;

	skip_zeros(&n, &n_size);
	skip_zeros(&e, &e_size);
	if (n_size < MIN_BITS / 8 || n_size > MAX_OCTETS || size != n_size ||
	    !(n[n_size - 1] & 1) || e_size == 0 || e_size > MAX_EXPONENT ||
	    !(e[e_size - 1] & 1) || (e_size == 1 && e[0] == 1))
		return false;
	limbs_load(modulus, limbs, n, n_size);
	limbs_load(number, limbs, bytes, size);
	limbs_load(exponent, 1, e, e_size);
	if (mpn_cmp(number, modulus, limbs) >= 0 || mpn_zero_p(number, limbs))
		return false;
	if (!power(result, number, limbs, exponent,
		   mpn_sizeinbase(exponent, 1, 2), modulus, limbs, &scratch))
		return false;
	limbs_store(bytes, size, result);
	return true;
}

/* BYTES is the encoding of the digest at its end. */
static bool is_encoding(const uint8_t *bytes, size_t size, const uint8_t *oid,
			size_t hash_size, bool with_null)
{
	uint8_t expected[MAX_OCTETS];

	return encode(expected, size, oid, bytes + size - hash_size, hash_size,
		      with_null) &&
	       memcmp(expected, bytes, size) == 0;
}

uint32_t crypto_gmp_rsa_verify(const unsigned char *signature, size_t size,
			       const unsigned char *hash_oid, size_t hash_size,
			       const br_rsa_public_key *key,
			       unsigned char *hash_out)
{
	uint8_t bytes[MAX_OCTETS];

	if (size > sizeof(bytes) || hash_size > size)
		return 0;
	memcpy(bytes, signature, size);
	if (!apply_public(key, bytes, size) ||
	    (!is_encoding(bytes, size, hash_oid, hash_size, true) &&
	     !is_encoding(bytes, size, hash_oid, hash_size, false)))
		return 0;
	memcpy(hash_out, bytes + size - hash_size, hash_size);
	return 1;
}
