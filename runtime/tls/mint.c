/* mint.c - see mint.h: the CA, and the certificates that are kept.
 * What is kept is found by host and leaves in the order of its last use.  The
 * lock is held to look and to put, not while a certificate is made, which an
 * RSA key takes a millisecond for; two threads may then make the same one, and
 * both are good. */
#include "mint.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "crypto.h"
#include "mint-internal.h"

#define BUCKETS 1024
#define DAY 86400
#define MIN_USE 60 /* seconds, of whatever has expired, too */

struct kept {
	LIST_ENTRY(kept) link;  /* in its bucket */
	TAILQ_ENTRY(kept) turn; /* in the queue: the one just used last */
	struct minted *minted;  /* counted */
	uint32_t bucket;
	uint16_t length;
	char host[];
};

LIST_HEAD(kept_list, kept);
TAILQ_HEAD(kept_queue, kept);

struct mint {
	atomic_uint references;
	struct mint_authority *authority; /* counted */
	pthread_mutex_t lock;             /* for the rest */
	struct kept_list buckets[BUCKETS];
	struct kept_queue queue;
	unsigned count;
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
	credentials_fini(&authority->ca);
	explicit_bzero(authority, sizeof(*authority));
	free(authority);
}

/* Clients will take it for one that may sign certificates of servers. */
static bool check_ca(const struct certificate *ca, const char *path, char *why)
{
	if (!ca->ca)
		return refuse(why,
			      "%s: the MITM CA is no CA: its basic constraints "
			      "do not say so",
			      path);
	if ((ca->extensions & HAS_KEY_USAGE) != 0 &&
	    (ca->key_usage & USAGE_CERTIFICATE_SIGN) == 0)
		return refuse(why,
			      "%s: the MITM CA may not sign certificates: its "
			      "key usage lacks keyCertSign",
			      path);
	if ((ca->extensions & HAS_EXTENDED_KEY_USAGE) != 0 &&
	    !ca->server_auth && !ca->any_purpose)
		return refuse(why,
			      "%s: the MITM CA may not sign certificates of "
			      "servers: its extended key usage lacks "
			      "serverAuth",
			      path);
	return true;
}

static bool make_key(struct mint_authority *authority)
{
	br_hmac_drbg_context drbg;
	br_ec_public_key public;
	uint8_t seed[32];
	size_t n;

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return false;
	br_hmac_drbg_init(&drbg, &br_sha256_vtable, seed, sizeof(seed));
	n = br_ec_keygen(&drbg.vtable, crypto_ec(), &authority->key,
			 authority->secret, BR_EC_secp256r1);
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(&drbg, sizeof(drbg));
	if (n == 0 ||
	    br_ec_compute_pub(crypto_ec(), &public, authority->point,
			      &authority->key) != sizeof(authority->point))
		return false;
	mint_key_id(bytes_make(authority->point, sizeof(authority->point)),
		    authority->key_id);
	return true;
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
	if (!credentials_load(&authority->ca, cert_file, key_file,
			      "the MITM CA", why) ||
	    !check_ca(&authority->ca.first, cert_file, why)) {
		authority_unref(&authority);
		return NULL;
	}
	if (!make_key(authority)) {
		refuse(why, "out of randomness");
		authority_unref(&authority);
		return NULL;
	}
	mint_key_id(key_bits(&authority->ca.first), authority->ca_key_id);
	engine_minted_template(&authority->template);
	return authority;
}

bool mint_load(const char *cert_file, const char *key_file, struct mint **out,
	       char *why)
{
	struct mint *mint = calloc(1, sizeof(*mint));

	*out = NULL;
	if (mint == NULL)
		return refuse(why, "out of memory");
	mint->authority = authority_new(cert_file, key_file, why);
	if (mint->authority == NULL) {
		free(mint);
		return false;
	}
	atomic_init(&mint->references, 1);
	pthread_mutex_init(&mint->lock, NULL);
	TAILQ_INIT(&mint->queue);
	for (unsigned i = 0; i < BUCKETS; i++)
		LIST_INIT(&mint->buckets[i]);
	*out = mint;
	return true;
}

void mint_warn(const struct mint *mint, int64_t now, tls_context_say *say,
	       void *closure)
{
	const struct certificate *ca = &mint->authority->ca.first;

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

static struct minted *minted_new(struct mint_authority *authority,
				 struct bytes der)
{
	struct minted *minted = calloc(1, sizeof(*minted) + der.n);

	if (minted == NULL)
		return NULL;
	atomic_init(&minted->references, 1);
	atomic_fetch_add_explicit(&authority->references, 1,
				  memory_order_relaxed);
	minted->authority = authority;
	memcpy(minted->der, der.p, der.n);
	minted->chain[0] = (br_x509_certificate){minted->der, der.n};
	memcpy(minted->chain + 1, authority->ca.chain,
	       authority->ca.count * sizeof(authority->ca.chain[0]));
	minted->count = 1 + authority->ca.count;
	return minted;
}

static struct minted *make(struct mint_authority *authority,
			   const struct hostname *host, int64_t now)
{
	const struct certificate *ca = &authority->ca.first;
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

/* FNV-1a: hosts here are those that a policy names. */
static uint32_t bucket_of(const struct hostname *host)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < host->length; i++)
		hash = (hash ^ (unsigned char)host->text[i]) * 16777619u;
	return (hash ^ hash >> 16) % BUCKETS;
}

static struct kept *find(struct mint *mint, const struct hostname *host)
{
	struct kept *kept;

	LIST_FOREACH(kept, &mint->buckets[bucket_of(host)], link)
	if (kept->length == host->length &&
	    memcmp(kept->host, host->text, host->length) == 0)
		return kept;
	return NULL;
}

static void forget(struct mint *mint, struct kept *kept)
{
	LIST_REMOVE(kept, link);
	TAILQ_REMOVE(&mint->queue, kept, turn);
	mint->count--;
	minted_unref(&kept->minted);
	free(kept);
}

/* The caller's reference, or NULL. */
static struct minted *take_kept(struct mint *mint, const struct hostname *host,
				int64_t now)
{
	struct minted *minted = NULL;
	struct kept *kept;

	pthread_mutex_lock(&mint->lock);
	kept = find(mint, host);
	/* neither too old, nor from before the clock was set back */
	if (kept != NULL && now < kept->minted->renew &&
	    now >= kept->minted->from) {
		TAILQ_REMOVE(&mint->queue, kept, turn);
		TAILQ_INSERT_TAIL(&mint->queue, kept, turn);
		minted = minted_ref(kept->minted);
	}
	pthread_mutex_unlock(&mint->lock);
	return minted;
}

/* Without memory for it the next client has one made again. */
static void keep(struct mint *mint, const struct hostname *host,
		 struct minted *minted)
{
	struct kept *kept = malloc(sizeof(*kept) + host->length), *old;

	if (kept == NULL)
		return;
	kept->bucket = bucket_of(host);
	kept->minted = minted_ref(minted);
	kept->length = host->length;
	memcpy(kept->host, host->text, host->length);
	pthread_mutex_lock(&mint->lock);
	old = find(mint, host);
	if (old == NULL && mint->count == MINT_MAX_KEPT)
		old = TAILQ_FIRST(&mint->queue);
	if (old != NULL)
		forget(mint, old);
	LIST_INSERT_HEAD(&mint->buckets[kept->bucket], kept, link);
	TAILQ_INSERT_TAIL(&mint->queue, kept, turn);
	mint->count++;
	pthread_mutex_unlock(&mint->lock);
}

struct minted *mint_get(struct mint *mint, const struct hostname *host,
			int64_t now, bool *fresh)
{
	struct minted *minted = take_kept(mint, host, now);

	*fresh = false;
	if (minted != NULL)
		return minted;
	minted = make(mint->authority, host, now);
	if (minted == NULL)
		return NULL;
	*fresh = true;
	keep(mint, host, minted);
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
	for (struct kept *kept = TAILQ_FIRST(&mint->queue), *next; kept != NULL;
	     kept = next) {
		next = TAILQ_NEXT(kept, turn);
		forget(mint, kept);
	}
	pthread_mutex_destroy(&mint->lock);
	authority_unref(&mint->authority);
	free(mint);
}
