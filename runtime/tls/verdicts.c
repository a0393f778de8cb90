/* verdicts.c - see verdicts.h. */
#include "verdicts.h"

#include <bearssl.h>
#include <string.h>

struct verdict {
	size_t depth;
	int64_t expires;
	bool unchecked;
};

struct lru *verdicts_new(size_t count)
{
	return lru_new(count, sizeof(struct verdict), NULL);
}

/* Of what was presented, and as what; certificates are kept apart by their
 * lengths. */
static void hash(const struct bytes *der, size_t count,
		 enum chain_purpose purpose, uint8_t key[LRU_KEY])
{
	br_sha256_context sha256;
	uint64_t number = (uint64_t)purpose;

	_Static_assert(br_sha256_SIZE == LRU_KEY, "a hash is a key");
	br_sha256_init(&sha256);
	br_sha256_update(&sha256, &number, sizeof(number));
	for (size_t i = 0; i < count; i++) {
		number = der[i].n;
		br_sha256_update(&sha256, &number, sizeof(number));
		br_sha256_update(&sha256, der[i].p, der[i].n);
	}
	br_sha256_out(&sha256, key);
}

static bool copy(void *closure, const void *value)
{
	memcpy(closure, value, sizeof(struct verdict));
	return true;
}

/* The first of DER was read before, or there would be no verdict. */
static struct chain_result recall(const struct verdict *verdict,
				  const struct bytes *der)
{
	struct chain_result result = {.depth = verdict->depth,
				      .expires = verdict->expires,
				      .unchecked = verdict->unchecked};

	result.trust = certificate_read(der[0], &result.leaf);
	return result;
}

static void remember(struct lru *memory, const uint8_t key[LRU_KEY],
		     const struct chain_result *result, int64_t now)
{
	const struct verdict verdict = {.depth = result->depth,
					.expires = result->expires,
					.unchecked = result->unchecked};
	int64_t until = result->expires;

	if (until - now > VERDICTS_SECONDS)
		until = now + VERDICTS_SECONDS;
	lru_put(memory, key, &verdict, until);
}

struct chain_result verdicts_check(struct lru *memory, const struct bytes *der,
				   size_t count,
				   const struct chain_request *request)
{
	struct verdict verdict;
	struct chain_result result;
	uint8_t key[LRU_KEY];

	if (count == 0 || count > CHAIN_MAX_CERTIFICATES)
		return chain_check(der, count, request);
	hash(der, count, request->purpose, key);
	if (lru_get(memory, key, request->now, copy, &verdict))
		return recall(&verdict, der);
	result = chain_check(der, count, request);
	if (result.trust == TRUST_OK)
		remember(memory, key, &result, request->now);
	return result;
}
