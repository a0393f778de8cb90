/* private_key.c - see private_key.h.  BearSSL's decoder does the reading, once
 * what it gets is known to be of a size and kind that it can take. */
#include "private_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "oid.h"
#include "pki_file.h"

#define MAX_RSA_BYTES (KEY_MAX_RSA_BITS / 8)

struct private_key {
	br_skey_decoder_context decoder; /* has the key, and pointers to it */
	/* of RSA, the public half, by which signatures are checked */
	uint8_t modulus[MAX_RSA_BYTES], exponent[KEY_MAX_EXPONENT_BYTES];
	size_t modulus_size, exponent_size;
};

static const br_rsa_private_key *rsa_of(const struct private_key *key)
{
	return br_skey_decoder_get_rsa(&key->decoder);
}

static const br_ec_private_key *ec_of(const struct private_key *key)
{
	return br_skey_decoder_get_ec(&key->decoder);
}

/* RSAPrivateKey behind its version (RFC 8017 A.1.2): modulus, two exponents,
 * and five numbers of half the length, which BearSSL copies without asking
 * whether they fit.  The first two, which it drops, are the public half. */
static enum trust look_at_rsa(struct bytes body, struct public_key *out)
{
	for (int i = 0; i < 8; i++) {
		size_t limit = i < 3 ? MAX_RSA_BYTES : MAX_RSA_BYTES / 2;
		struct bytes number;

		if (!der_expect(&body, DER_INTEGER, &number) ||
		    !der_integer_valid(number) || number.p[0] >= 0x80)
			return TRUST_SECRET_MALFORMED;
		if (number.n > limit + 1)
			return TRUST_SECRET_SIZE;
		if (number.p[0] == 0) {
			number.p++;
			number.n--;
		}
		if (i == 0)
			out->modulus = number;
		else if (i == 1)
			out->exponent = number;
	}
	if (out->modulus.n > MAX_RSA_BYTES)
		return TRUST_SECRET_SIZE;
	if (out->exponent.n > KEY_MAX_EXPONENT_BYTES)
		return TRUST_SECRET_MALFORMED;
	out->kind = KEY_RSA;
	return body.n == 0 ? TRUST_OK : TRUST_SECRET_MALFORMED;
}

/* ECPrivateKey behind its version (RFC 5915 3). */
static enum trust look_at_ec(struct bytes body)
{
	struct bytes number;

	if (!der_expect(&body, DER_OCTET_STRING, &number) || number.n == 0 ||
	    number.n > BR_EC_KBUF_PRIV_MAX_SIZE)
		return TRUST_SECRET_MALFORMED;
	return TRUST_OK;
}

/* PKCS#1 or SEC1: a version, then a number or octets. */
static enum trust look_at_plain(struct bytes der, struct public_key *out)
{
	struct bytes body;
	struct bytes version;

	if (!der_only(der, DER_SEQUENCE, &body) ||
	    !der_expect(&body, DER_INTEGER, &version) ||
	    !der_integer_valid(version))
		return TRUST_SECRET_MALFORMED;
	return der_at(body, DER_INTEGER) ? look_at_rsa(body, out)
					 : look_at_ec(body);
}

/* Whatever can be said of a key before it is decoded.  PKCS#8 (RFC 5958) has a
 * version, an algorithm, and one of the others in an OCTET STRING. */
static enum trust look(struct bytes der, struct public_key *out)
{
	struct bytes body;
	struct bytes version;
	struct bytes algorithm;
	struct bytes oid;
	struct bytes inner;

	if (!der_only(der, DER_SEQUENCE, &body))
		return TRUST_SECRET_MALFORMED;
	/* EncryptedPrivateKeyInfo starts with its algorithm. */
	if (der_at(body, DER_SEQUENCE))
		return TRUST_SECRET_ENCRYPTED;
	if (!der_expect(&body, DER_INTEGER, &version))
		return TRUST_SECRET_MALFORMED;
	if (!der_at(body, DER_SEQUENCE))
		return look_at_plain(der, out);
	if (!der_expect(&body, DER_SEQUENCE, &algorithm) ||
	    !der_expect(&algorithm, DER_OID, &oid))
		return TRUST_SECRET_MALFORMED;
	if (!OID_IS(oid, OID_RSA) && !OID_IS(oid, OID_EC))
		return TRUST_SECRET_UNSUPPORTED;
	if (!der_expect(&body, DER_OCTET_STRING, &inner))
		return TRUST_SECRET_MALFORMED;
	return look_at_plain(inner, out);
}

/* Each number of an RSA key, as BearSSL found it, is of a sane length. */
static enum trust check_rsa(const br_rsa_private_key *rsa)
{
	if (rsa->n_bitlen < KEY_MIN_RSA_BITS ||
	    rsa->n_bitlen > KEY_MAX_RSA_BITS)
		return TRUST_SECRET_SIZE;
	if (rsa->plen == 0 || rsa->qlen == 0 || rsa->dplen == 0 ||
	    rsa->dqlen == 0 || rsa->iqlen == 0 || rsa->plen > MAX_RSA_BYTES ||
	    rsa->qlen > MAX_RSA_BYTES)
		return TRUST_SECRET_MALFORMED;
	/* Both primes are odd, or the arithmetic has no inverse to use. */
	if (!(rsa->p[rsa->plen - 1] & 1) || !(rsa->q[rsa->qlen - 1] & 1))
		return TRUST_SECRET_MALFORMED;
	return TRUST_OK;
}

static enum trust check_ec(const br_ec_private_key *ec)
{
	switch (ec->curve) {
	case BR_EC_secp256r1:
	case BR_EC_secp384r1:
	case BR_EC_secp521r1:
		break;
	default:
		return TRUST_SECRET_UNSUPPORTED;
	}
	return ec->xlen > 0 && ec->xlen <= BR_EC_KBUF_PRIV_MAX_SIZE
		       ? TRUST_OK
		       : TRUST_SECRET_MALFORMED;
}

static void keep_public(struct private_key *key,
			const struct public_key *public)
{
	memcpy(key->modulus, public->modulus.p, public->modulus.n);
	key->modulus_size = public->modulus.n;
	memcpy(key->exponent, public->exponent.p, public->exponent.n);
	key->exponent_size = public->exponent.n;
}

static enum trust check(const struct private_key *key)
{
	int error = br_skey_decoder_last_error(&key->decoder);

	if (error == BR_ERR_X509_UNSUPPORTED)
		return TRUST_SECRET_UNSUPPORTED;
	if (error != 0)
		return TRUST_SECRET_MALFORMED;
	if (private_key_kind(key) == KEY_RSA)
		return check_rsa(rsa_of(key));
	if (private_key_kind(key) == KEY_EC)
		return check_ec(ec_of(key));
	return TRUST_SECRET_MALFORMED;
}

enum trust private_key_read(struct bytes der, struct private_key **out)
{
	struct private_key *key;
	struct public_key public = {.kind = KEY_NONE};
	enum trust trust = look(der, &public);

	*out = NULL;
	if (trust != TRUST_OK)
		return trust;
	if (der.n > PRIVATE_KEY_MAX_BYTES)
		return TRUST_SECRET_SIZE;
	key = calloc(1, sizeof(*key));
	if (key == NULL)
		return TRUST_NO_MEMORY;
	br_skey_decoder_init(&key->decoder);
	br_skey_decoder_push(&key->decoder, der.p, der.n);
	trust = check(key);
	if (trust != TRUST_OK) {
		private_key_free(key);
		return trust;
	}
	if (public.kind == KEY_RSA)
		keep_public(key, &public);
	*out = key;
	return TRUST_OK;
}

void private_key_free(struct private_key *key)
{
	if (key == NULL)
		return;
	explicit_bzero(key, sizeof(*key));
	free(key);
}

enum key_kind private_key_kind(const struct private_key *key)
{
	switch (br_skey_decoder_key_type(&key->decoder)) {
	case BR_KEYTYPE_RSA:
		return KEY_RSA;
	case BR_KEYTYPE_EC:
		return KEY_EC;
	default:
		return KEY_NONE;
	}
}

/* The file says so, and what the private half computes is what the public one
 * expects.  (BearSSL 0.6 does not multiply primes of 2048 bits.) */
static bool rsa_matches(const struct private_key *key,
			const struct public_key *public)
{
	uint8_t signature[PRIVATE_KEY_MAX_SIGNATURE];

	return bytes_equal(bytes_make(key->modulus, key->modulus_size),
			   public->modulus) &&
	       bytes_equal(bytes_make(key->exponent, key->exponent_size),
			   public->exponent) &&
	       private_key_sign(key, public->modulus, signature) != 0;
}

static bool ec_matches(const br_ec_private_key *ec,
		       const struct public_key *public)
{
	uint8_t point[BR_EC_KBUF_PUB_MAX_SIZE];
	br_ec_public_key computed;
	size_t n = br_ec_compute_pub(crypto_ec(), &computed, point, ec);

	return n > 0 && ec->curve == public->curve &&
	       bytes_equal(bytes_make(point, n), public->point);
}

enum trust private_key_matches(const struct private_key *key,
			       const struct public_key *public)
{
	bool good = false;

	if (private_key_kind(key) != public->kind)
		return TRUST_SECRET_MISMATCH;
	if (public->kind == KEY_RSA)
		good = rsa_matches(key, public);
	else if (public->kind == KEY_EC)
		good = ec_matches(ec_of(key), public);
	return good ? TRUST_OK : TRUST_SECRET_MISMATCH;
}

/* --- signing --- */

_Static_assert(PRIVATE_KEY_MAX_SIGNATURE >= 2 * 66 + 9,
	       "two numbers of P-521 in DER have room");

static const struct hash {
	int number;
	const br_hash_class *class;
	const unsigned char *oid;
	size_t size;
} hashes[] = {
	{br_sha256_ID, &br_sha256_vtable, BR_HASH_OID_SHA256, br_sha256_SIZE},
	{br_sha384_ID, &br_sha384_vtable, BR_HASH_OID_SHA384, br_sha384_SIZE},
	{br_sha512_ID, &br_sha512_vtable, BR_HASH_OID_SHA512, br_sha512_SIZE},
};

static const struct hash *find_hash(int number)
{
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (hashes[i].number == number)
			return &hashes[i];
	return NULL;
}

/* A signature that a fault in the machine has spoilt modulo one prime gives
 * both away to whoever sees it (Boneh, DeMillo, Lipton: "On the Importance of
 * Checking Cryptographic Protocols for Faults"), so each is verified first. */
static size_t rsa_sign(const struct private_key *key, const struct hash *hash,
		       const uint8_t *digest, uint8_t *out)
{
	const br_rsa_private_key *rsa = rsa_of(key);
	/* BearSSL's keys point to bytes that are not const, and only reads */
	const br_rsa_public_key public = {
		.n = (unsigned char *)(uintptr_t)key->modulus,
		.nlen = key->modulus_size,
		.e = (unsigned char *)(uintptr_t)key->exponent,
		.elen = key->exponent_size,
	};
	size_t size = (rsa->n_bitlen + 7) / 8;
	uint8_t signed_digest[br_sha512_SIZE];

	if (crypto_rsa_sign()(hash->oid, digest, hash->size, rsa, out) == 1 &&
	    crypto_rsa_verify()(out, size, hash->oid, hash->size, &public,
				signed_digest) == 1 &&
	    memcmp(signed_digest, digest, hash->size) == 0)
		return size;
	explicit_bzero(out, size);
	return 0;
}

size_t private_key_sign_digest(const struct private_key *key, int hash_number,
			       struct bytes digest,
			       uint8_t out[PRIVATE_KEY_MAX_SIGNATURE])
{
	const struct hash *hash = find_hash(hash_number);

	if (hash == NULL || digest.n != hash->size)
		return 0;
	if (private_key_kind(key) == KEY_RSA)
		return rsa_sign(key, hash, digest.p, out);
	return crypto_ecdsa_sign()(crypto_ec(), hash->class, digest.p,
				   ec_of(key), out);
}

size_t private_key_sign(const struct private_key *key, struct bytes message,
			uint8_t out[PRIVATE_KEY_MAX_SIGNATURE])
{
	uint8_t digest[br_sha256_SIZE];
	br_sha256_context sha256;

	br_sha256_init(&sha256);
	br_sha256_update(&sha256, message.p, message.n);
	br_sha256_out(&sha256, digest);
	return private_key_sign_digest(key, br_sha256_ID,
				       bytes_make(digest, sizeof(digest)), out);
}

/* --- files --- */

static bool is_key_label(struct str label)
{
	static const struct str tail = {"PRIVATE KEY", 11};

	return label.n == 0 ||
	       (label.n >= tail.n &&
		memcmp(label.p + label.n - tail.n, tail.p, tail.n) == 0);
}

static enum trust read_object(const struct pem_object *object,
			      struct private_key **out)
{
	if (object->encrypted)
		return TRUST_SECRET_ENCRYPTED;
	return private_key_read(object->body, out);
}

struct private_key *private_key_load(const char *path, char *why)
{
	struct pki_file file;
	struct pem_object object;
	struct private_key *key = NULL;
	enum pem_result result;
	enum trust trust = TRUST_UNDECIDED;

	if (!pki_file_open(&file, path, PRIVATE_KEY_MAX_FILE, why,
			   PRIVATE_KEY_WHY_MAX))
		return NULL;
	while ((result = pki_file_next(&file, &object)) == PEM_OBJECT) {
		if (!is_key_label(object.label))
			continue;
		trust = read_object(&object, &key);
		break;
	}
	if (result == PEM_ERROR)
		snprintf(why, PRIVATE_KEY_WHY_MAX, "%s:%zu: %s", path,
			 file.pem.line, file.pem.why);
	else if (result == PEM_END)
		snprintf(why, PRIVATE_KEY_WHY_MAX, "%s: no private key in it",
			 path);
	else if (trust != TRUST_OK)
		snprintf(why, PRIVATE_KEY_WHY_MAX, "%s:%zu: %s", path,
			 object.line, trust_text(trust));
	pki_file_close(&file);
	return key;
}
