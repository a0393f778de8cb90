/* mint.c - see mint.h: the CA, and the certificates that are kept.
 * The memory is locked to look and to put, not while a certificate is made,
 * which an RSA key takes a millisecond for; two threads may then make the same
 * one, and both are good. */
#include "mint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "crypto.h"
#include "lru.h"
#include "mint-internal.h"

#define DAY 86400
#define MIN_USE 60 /* seconds, of whatever has expired, too */

_Static_assert(TLS_CONTEXT_WHY_MAX >= BUNDLE_WHY_MAX,
	       "who is called may fill it");

struct mint {
	atomic_uint references;
	struct mint_authority *authority; /* counted */
	struct lru *kept; /* owned: struct minted *, counted, by host */
};

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, TLS_CONTEXT_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

/* --- the CA --- */

static void authority_unref(struct mint_authority **slot)
{
	struct mint_authority *authority = *slot;

	*slot = NULL;
	if (authority == NULL ||
	    atomic_fetch_sub_explicit(&authority->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	private_key_free(authority->key);
	bundle_fini(&authority->ca);
	free(authority);
}

/* Clients will take it for one that may sign certificates of servers. */
static bool check_ca(const struct bundle *bundle, char *why)
{
	const struct certificate *ca = &bundle->leaf;

	if (!ca->ca)
		return refuse(why,
			      "%s: the MITM CA is no CA: its basic constraints "
			      "do not say so",
			      bundle->path);
	if ((ca->extensions & HAS_KEY_USAGE) != 0 &&
	    (ca->key_usage & USAGE_CERTIFICATE_SIGN) == 0)
		return refuse(why,
			      "%s: the MITM CA may not sign certificates: its "
			      "key usage lacks keyCertSign",
			      bundle->path);
	if ((ca->extensions & HAS_EXTENDED_KEY_USAGE) != 0 &&
	    !ca->server_auth && !ca->any_purpose)
		return refuse(why,
			      "%s: the MITM CA may not sign certificates of "
			      "servers: its extended key usage lacks "
			      "serverAuth",
			      bundle->path);
	if (bundle->count == BUNDLE_MAX_CHAIN)
		return refuse(why, "%s: more than %d certificates",
			      bundle->path, BUNDLE_MAX_CHAIN - 1);
	return true;
}

/* The pair for the leaves.  The secret half goes the way of one from a file:
 * one kind of key is enough for whoever serves by it. */
static bool make_key(struct mint_authority *authority)
{
	uint8_t secret[BR_EC_KBUF_PRIV_MAX_SIZE], der[256], seed[32];
	br_hmac_drbg_context drbg;
	br_ec_private_key key;
	br_ec_public_key public;
	size_t n = 0;

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return false;
	br_hmac_drbg_init(&drbg, &br_sha256_vtable, seed, sizeof(seed));
	if (br_ec_keygen(&drbg.vtable, crypto_ec(), &key, secret,
			 BR_EC_secp256r1) != 0 &&
	    br_ec_compute_pub(crypto_ec(), &public, authority->point, &key) ==
		    sizeof(authority->point) &&
	    br_encode_ec_raw_der(NULL, &key, &public) <= sizeof(der))
		n = br_encode_ec_raw_der(der, &key, &public);
	if (n != 0 &&
	    private_key_read(bytes_make(der, n), &authority->key) != TRUST_OK)
		n = 0;
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(der, sizeof(der));
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(&drbg, sizeof(drbg));
	mint_key_id(bytes_make(authority->point, sizeof(authority->point)),
		    authority->key_id);
	return n != 0;
}

static struct bytes key_bits(const struct certificate *certificate)
{
	struct bytes info, algorithm, bits = {NULL, 0};

	/* the certificate was read, so its key is in order */
	if (der_only(certificate->spki, DER_SEQUENCE, &info) &&
	    der_expect(&info, DER_SEQUENCE, &algorithm) &&
	    der_expect(&info, DER_BIT_STRING, &bits))
		der_octets_in_bits(bits, &bits);
	return bits;
}

static struct mint_authority *authority_new(const char *cert_file,
					    const char *key_file, char *why)
{
	struct mint_authority *authority = calloc(1, sizeof(*authority));

	if (authority == NULL) {
		refuse(why, "out of memory");
		return NULL;
	}
	atomic_init(&authority->references, 1);
	if (!bundle_load(&authority->ca, cert_file, key_file, "the MITM CA",
			 why) ||
	    !check_ca(&authority->ca, why)) {
		authority_unref(&authority);
		return NULL;
	}
	if (!make_key(authority)) {
		refuse(why, "out of randomness, or of memory");
		authority_unref(&authority);
		return NULL;
	}
	mint_key_id(key_bits(&authority->ca.leaf), authority->ca_key_id);
	engine_minted_template(&authority->template);
	return authority;
}

/* Of struct lru: one is forgotten. */
static void drop(void *value)
{
	minted_unref(value);
}

bool mint_load(const char *cert_file, const char *key_file, struct mint **out,
	       char *why)
{
	struct mint *mint = calloc(1, sizeof(*mint));

	*out = NULL;
	if (mint == NULL)
		return refuse(why, "out of memory");
	atomic_init(&mint->references, 1);
	mint->authority = authority_new(cert_file, key_file, why);
	if (mint->authority == NULL) {
		mint_unref(&mint);
		return false;
	}
	mint->kept = lru_new(MINT_MAX_KEPT, sizeof(struct minted *), drop);
	if (mint->kept == NULL) {
		mint_unref(&mint);
		return refuse(why, "out of memory");
	}
	*out = mint;
	return true;
}

void mint_warn(const struct mint *mint, int64_t now, expiry_say *say,
	       void *closure)
{
	const struct certificate *ca = &mint->authority->ca.leaf;

	if (ca->not_after < now)
		say(closure, "the MITM CA has expired: clients will refuse "
			     "what it signs");
	else if (ca->not_after - now < DAY)
		say(closure, "the MITM CA expires within a day");
	if (ca->not_before > now)
		say(closure, "the MITM CA is not valid yet: clients will "
			     "refuse what it signs");
}

/* --- one certificate --- */

struct minted *minted_ref(struct minted *minted)
{
	atomic_fetch_add_explicit(&minted->references, 1, memory_order_relaxed);
	return minted;
}

void minted_unref(struct minted **slot)
{
	struct minted *minted = *slot;

	*slot = NULL;
	if (minted == NULL ||
	    atomic_fetch_sub_explicit(&minted->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	authority_unref(&minted->authority);
	free(minted);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool make_serial(uint8_t serial[16])
{
	if (getrandom(serial, 16, 0) != 16)
		return false;
	/* positive, and never shorter: 126 random bits */
	serial[0] = (serial[0] & 0x3F) | 0x40;
	return true;
}

/* Of the certificate in DER.  NULL: out of memory. */
static struct minted *minted_new(struct mint_authority *authority,
				 struct bytes der)
{
	struct minted *minted = calloc(1, sizeof(*minted) + der.n);
	struct bundle *bundle;

	if (minted == NULL)
		return NULL;
	atomic_init(&minted->references, 1);
	atomic_fetch_add_explicit(&authority->references, 1,
				  memory_order_relaxed);
	minted->authority = authority;
	memcpy(minted->der, der.p, der.n);
	bundle = &minted->bundle;
	bundle->key = authority->key;
	bundle->count = 1 + authority->ca.count;
	bundle->chain[0] = (br_x509_certificate){minted->der, der.n};
	memcpy(bundle->chain + 1, authority->ca.chain,
	       authority->ca.count * sizeof(authority->ca.chain[0]));
	/* what we have written we can read */
	if (certificate_read(bytes_make(minted->der, der.n), &bundle->leaf) !=
	    TRUST_OK)
		minted_unref(&minted);
	return minted;
}

static struct minted *make(struct mint_authority *authority,
			   const struct hostname *host, int64_t now)
{
	const struct certificate *ca = &authority->ca.leaf;
	int64_t until = earlier(now + MINT_LIFETIME, ca->not_after);
	int64_t from =
		earlier(later(now - MINT_BACKDATE, ca->not_before), until);
	uint8_t *buffer = malloc(MINT_MAX_BYTES);
	struct minted *minted = NULL;
	uint8_t serial[16];
	struct bytes der;

	if (buffer == NULL)
		return NULL;
	der = make_serial(serial) ? mint_write(authority, host, from, until,
					       serial, buffer, MINT_MAX_BYTES)
				  : bytes_make(NULL, 0);
	if (der.n != 0)
		minted = minted_new(authority, der);
	free(buffer);
	if (minted == NULL)
		return NULL;
	minted->from = from;
	minted->renew = later(now + (until - now) / 2, now + MIN_USE);
	return minted;
}

/* --- what is kept --- */

static void key_of(const struct hostname *host, uint8_t key[LRU_KEY])
{
	br_sha256_context sha256;

	br_sha256_init(&sha256);
	br_sha256_update(&sha256, host->text, host->length);
	br_sha256_out(&sha256, key);
}

_Static_assert(LRU_KEY == br_sha256_SIZE, "a hash is a key");

struct wanted {
	int64_t now;
	struct minted *minted; /* the caller's reference */
};

/* Of struct lru: not one from before the clock was set back. */
static bool take(void *closure, const void *value)
{
	struct minted *const *minted = value;
	struct wanted *wanted = closure;

	if (wanted->now < (*minted)->from)
		return false;
	wanted->minted = minted_ref(*minted);
	return true;
}

struct minted *mint_get(struct mint *mint, const struct hostname *host,
			int64_t now, bool *fresh)
{
	struct wanted wanted = {.now = now};
	struct minted *minted, *kept;
	uint8_t key[LRU_KEY];

	key_of(host, key);
	*fresh = !lru_get(mint->kept, key, now, take, &wanted);
	if (!*fresh)
		return wanted.minted;
	minted = make(mint->authority, host, now);
	if (minted == NULL)
		return NULL;
	kept = minted_ref(minted);
	lru_put(mint->kept, key, &kept, minted->renew - 1);
	return minted;
}

struct mint *mint_ref(struct mint *mint)
{
	atomic_fetch_add_explicit(&mint->references, 1, memory_order_relaxed);
	return mint;
}

void mint_unref(struct mint **slot)
{
	struct mint *mint = *slot;

	*slot = NULL;
	if (mint == NULL ||
	    atomic_fetch_sub_explicit(&mint->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	lru_free(&mint->kept);
	authority_unref(&mint->authority);
	free(mint);
}
