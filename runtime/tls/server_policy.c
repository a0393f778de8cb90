/* server_policy.c - see server_policy.h. */
#include "server_policy.h"

#include <string.h>

/* How BearSSL says that it shall hash what is to be signed. */
#define HASHED_BY(hash) (0xFF00u + (unsigned)(hash))

static const struct suite {
	uint16_t number;
	enum key_kind kind; /* of the key that signs */
} suites[] = {
	{BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, KEY_EC},
	{BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, KEY_EC},
	{BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, KEY_EC},
	{BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, KEY_RSA},
	{BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, KEY_RSA},
	{BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, KEY_RSA},
};
#define SUITES (sizeof(suites) / sizeof(suites[0]))

static struct server_policy *
from_class(const br_ssl_server_policy_class **vtable)
{
	return (struct server_policy *)((uintptr_t)vtable -
					offsetof(struct server_policy, vtable));
}

/* --- the choice --- */

static enum key_kind kind_of(uint16_t number)
{
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].number == number)
			return suites[i].kind;
	return KEY_NONE;
}

/* The hash for a signature with a key of KIND; 0: none in common. */
static int choose_hash(const br_ssl_server_context *server, enum key_kind kind)
{
	static const int best[] = {br_sha256_ID, br_sha384_ID, br_sha512_ID};
	uint32_t hashes = br_ssl_server_get_client_hashes(server);

	/* bits for RSA, and 8 further up for ECDSA */
	if (kind == KEY_EC)
		hashes >>= 8;
	for (size_t i = 0; i < sizeof(best) / sizeof(best[0]); i++)
		if ((hashes >> best[i] & 1) != 0)
			return best[i];
	return 0;
}

/* A client that names no curve of ours for the exchange may still know the one
 * that the key is on; a key on one that it names is better. */
static bool knows_curve(const br_ssl_server_context *server,
			const struct bundle *bundle)
{
	uint32_t curves = br_ssl_server_get_client_curves(server);

	return bundle->leaf.key.kind != KEY_EC ||
	       (curves >> bundle->leaf.key.curve & 1) != 0;
}

static const struct bundle *find_bundle(const struct server_policy *policy,
					const br_ssl_server_context *server,
					enum key_kind kind, bool strict)
{
	for (size_t i = 0; i < policy->bundle_count; i++) {
		const struct bundle *bundle = &policy->bundles[i];

		if (bundle->leaf.key.kind == kind &&
		    (!strict || knows_curve(server, bundle)))
			return bundle;
	}
	return NULL;
}

static bool choose_by(struct server_policy *policy,
		      const br_ssl_server_context *server,
		      br_ssl_server_choices *choices, bool strict)
{
	size_t count;
	const br_suite_translated *offered =
		br_ssl_server_get_client_suites(server, &count);

	for (size_t i = 0; i < count; i++) {
		enum key_kind kind = kind_of(offered[i][0]);
		int hash = kind != KEY_NONE ? choose_hash(server, kind) : 0;

		if (hash == 0)
			continue;
		policy->chosen = find_bundle(policy, server, kind, strict);
		if (policy->chosen == NULL)
			continue;
		choices->cipher_suite = offered[i][0];
		choices->algo_id = HASHED_BY(hash);
		choices->chain = policy->chosen->chain;
		choices->chain_len = policy->chosen->count;
		return true;
	}
	return false;
}

static int choose(const br_ssl_server_policy_class **vtable,
		  const br_ssl_server_context *server,
		  br_ssl_server_choices *choices)
{
	struct server_policy *policy = from_class(vtable);

	return choose_by(policy, server, choices, true) ||
	       choose_by(policy, server, choices, false);
}

/* --- the key --- */

/* For RSA key exchange and static ECDH, which are never chosen. */
static uint32_t do_keyx(const br_ssl_server_policy_class **vtable,
			unsigned char *data, size_t *length)
{
	(void)vtable;
	(void)data;
	(void)length;
	return 0;
}

/* DATA is the digest of SIZE bytes, and then the signature. */
static size_t do_sign(const br_ssl_server_policy_class **vtable,
		      unsigned algorithm, unsigned char *data, size_t size,
		      size_t room)
{
	const struct bundle *bundle = from_class(vtable)->chosen;
	uint8_t signature[PRIVATE_KEY_MAX_SIGNATURE];
	size_t n;

	if (bundle == NULL || algorithm < HASHED_BY(0))
		return 0;
	n = private_key_sign_digest(bundle->key,
				    (int)(algorithm - HASHED_BY(0)),
				    bytes_make(data, size), signature);
	if (n > room)
		return 0;
	memcpy(data, signature, n);
	return n;
}

static const br_ssl_server_policy_class our_policy = {
	.context_size = sizeof(struct server_policy),
	.choose = choose,
	.do_keyx = do_keyx,
	.do_sign = do_sign,
};

void server_policy_set_suites(br_ssl_engine_context *engine,
			      const struct bundle *bundles, size_t count)
{
	uint16_t offered[SUITES];
	size_t n = 0;

	for (size_t i = 0; i < SUITES; i++)
		for (size_t k = 0; k < count; k++)
			if (bundles[k].leaf.key.kind == suites[i].kind) {
				offered[n++] = suites[i].number;
				break;
			}
	br_ssl_engine_set_suites(engine, offered, n);
}

void server_policy_init(struct server_policy *policy,
			const struct bundle *bundles, size_t count)
{
	*policy = (struct server_policy){.vtable = &our_policy,
					 .bundles = bundles,
					 .bundle_count = count};
}
