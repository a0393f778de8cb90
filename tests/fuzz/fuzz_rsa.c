/* fuzz_rsa.c - RSA keys, encodings and signatures of any bytes: GMP and BearSSL
 * compute the same, or both refuse.
 *
 *	octet 0: what is done, modulo 3
 *	0 encoding:  what a key of 1024 bits signed, whatever it is (128 octets)
 *	1 verify:    length of the exponent (1), exponent, length of the modulus
 *		     (2), modulus, signature
 *	2 sign:      lengths of p, q, dp, dq, iq (2 each), and these */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bearssl.h>
#include <gmp.h>

#include "runtime/tls/crypto_gmp.h"
#include "tests/unit/data/keys.inc"

#define MAX_SIZE 512
#define MAX_PARTS 3000
#define HASH_SIZE 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The next N octets, or as many as there are, which may be written to. */
struct input {
	uint8_t bytes[MAX_PARTS];
	size_t at, n;
};

static uint8_t *take(struct input *input, size_t *n)
{
	uint8_t *taken = input->bytes + input->at;

	if (*n > input->n - input->at)
		*n = input->n - input->at;
	input->at += *n;
	return taken;
}

static size_t take_length(struct input *input, size_t octets)
{
	const uint8_t *bytes = take(input, &octets);
	size_t length = 0;

	for (size_t i = 0; i < octets; i++)
		length = length << 8 | bytes[i];
	return length;
}

/* --- verifying --- */

/* What only we refuse: see crypto_gmp.h. */
static bool is_strange(const br_rsa_public_key *key)
{
	const uint8_t *n = key->n, *e = key->e;
	size_t n_size = key->nlen, e_size = key->elen;

	for (; n_size > 0 && *n == 0; n++)
		n_size--;
	for (; e_size > 0 && *e == 0; e++)
		e_size--;
	return n_size < 128 || n_size > MAX_SIZE || e_size == 0 || e_size > 4 ||
	       !(e[e_size - 1] & 1) || (e_size == 1 && e[0] == 1);
}

static void verify(const br_rsa_public_key *key, const uint8_t *signature,
		   size_t size)
{
	uint8_t ours[HASH_SIZE], theirs[HASH_SIZE];
	uint32_t good = crypto_gmp_rsa_verify(
		signature, size, BR_HASH_OID_SHA256, HASH_SIZE, key, ours);

	if (is_strange(key)) {
		check(good == 0);
		return;
	}
	check(br_rsa_pkcs1_vrfy_get_default()(signature, size,
					      BR_HASH_OID_SHA256, HASH_SIZE,
					      key, theirs) == good);
	check(good == 0 || memcmp(ours, theirs, HASH_SIZE) == 0);
}

static void any_encoding(struct input *input)
{
	static br_skey_decoder_context decoder;
	static uint8_t modulus[128];
	const br_rsa_private_key *key;
	br_rsa_public_key public = {modulus, sizeof(modulus),
				    (unsigned char[]){1, 0, 1}, 3};
	uint8_t bytes[128] = {0};
	size_t n = sizeof(bytes);
	const uint8_t *message = take(input, &n);

	if (decoder.key_type == 0) {
		br_skey_decoder_init(&decoder);
		br_skey_decoder_push(&decoder, key_rsa_small,
				     sizeof(key_rsa_small));
		key = br_skey_decoder_get_rsa(&decoder);
		check(key != NULL && key->n_bitlen == 1024);
		br_rsa_compute_modulus_get_default()(modulus, key);
	}
	key = br_skey_decoder_get_rsa(&decoder);
	memcpy(bytes, message, n);
	if (br_rsa_private_get_default()(bytes, key) == 1)
		verify(&public, bytes, sizeof(bytes));
}

static void any_public_key(struct input *input)
{
	br_rsa_public_key key;
	uint8_t *signature;
	size_t size = input->n;

	key.elen = take_length(input, 1);
	key.e = take(input, &key.elen);
	key.nlen = take_length(input, 2);
	key.n = take(input, &key.nlen);
	signature = take(input, &size);
	/* so that most have the right length */
	if (size > key.nlen)
		size = key.nlen;
	verify(&key, signature, size);
}

/* --- signing --- */

/* Of P times Q; 0: of one that is even, or tiny. */
static uint32_t product_bits(const br_rsa_private_key *key)
{
	uint32_t bits = 0;
	mpz_t p, q;

	mpz_inits(p, q, NULL);
	mpz_import(p, key->plen, 1, 1, 1, 0, key->p);
	mpz_import(q, key->qlen, 1, 1, 1, 0, key->q);
	if (mpz_odd_p(p) && mpz_odd_p(q) && mpz_cmp_ui(p, 1) > 0 &&
	    mpz_cmp_ui(q, 1) > 0) {
		mpz_mul(p, p, q);
		bits = (uint32_t)mpz_sizeinbase(p, 2);
	}
	mpz_clears(p, q, NULL);
	return bits;
}

static void any_private_key(struct input *input)
{
	static const uint8_t hash[HASH_SIZE] = {0x5A, 0xA5};
	uint8_t ours[MAX_SIZE], theirs[MAX_SIZE];
	br_rsa_private_key key;

	key.plen = take_length(input, 2);
	key.qlen = take_length(input, 2);
	key.dplen = take_length(input, 2);
	key.dqlen = take_length(input, 2);
	key.iqlen = take_length(input, 2);
	key.p = take(input, &key.plen);
	key.q = take(input, &key.qlen);
	key.dp = take(input, &key.dplen);
	key.dq = take(input, &key.dqlen);
	key.iq = take(input, &key.iqlen);
	key.n_bitlen = product_bits(&key);
	if (crypto_gmp_rsa_sign(BR_HASH_OID_SHA256, hash, HASH_SIZE, &key,
				ours) != 1)
		return;
	check(br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, hash,
					      HASH_SIZE, &key, theirs) == 1);
	check(memcmp(ours, theirs, (key.n_bitlen + 7) / 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const what[])(struct input *) = {
		any_encoding, any_public_key, any_private_key};
	struct input input = {.n = size > 0 ? size - 1 : 0};

	if (size == 0 || input.n > sizeof(input.bytes))
		return 0;
	memcpy(input.bytes, data + 1, input.n);
	what[data[0] % 3](&input);
	return 0;
}
