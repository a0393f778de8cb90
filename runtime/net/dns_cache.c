/* dns_cache.c - results by name, and in order of use: see dns_cache.h.
 * A balanced tree rather than a hash: clients choose the names, and must not
 * be able to choose collisions. */
#include "dns_cache.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct cached {
	const char *name; /* first: the tree's key; in the same block */
	struct dns_result *result; /* counted */
	uint64_t expires_ms;
	TAILQ_ENTRY(cached) by_use;
	char text[];
};

struct dns_cache {
	void *by_name; /* tsearch(3) of struct cached */
	TAILQ_HEAD(cached_list, cached) by_use; /* least recently used first */
	size_t count;
	size_t max_entries;
};

struct dns_result *dns_result_new(enum lookup_status status,
				  const struct addr *addrs, size_t count,
				  uint32_t ttl, const char *error)
{
	size_t length = strlen(error) + 1;
	size_t table = count * sizeof(struct addr);
	struct dns_result *result;

	assert(count <= RESOLVER_MAX_ADDRESSES);
	result = malloc(sizeof(*result) + table + length);
	if (result == NULL)
		return NULL;

	char *text = (char *)result->addrs + table;

	*result = (struct dns_result){.refs = 1,
				      .status = status,
				      .ttl = ttl,
				      .count = count,
				      .error = text};
	if (count > 0)
		memcpy(result->addrs, addrs, table);
	memcpy(text, error, length);
	return result;
}

struct dns_result *dns_result_ref(struct dns_result *result)
{
	result->refs++;
	return result;
}

void dns_result_unref(struct dns_result *result)
{
	if (result != NULL && --result->refs == 0)
		free(result);
}

/* Both are structs that begin with the pointer to the name. */
static int compare_names(const void *left, const void *right)
{
	const char *const *a = left;
	const char *const *b = right;

	return strcmp(*a, *b);
}

static struct cached *find(const struct dns_cache *cache, const char *name)
{
	struct cached *const *node =
		tfind(&name, &cache->by_name, compare_names);

	return node != NULL ? *node : NULL;
}

static void drop(struct dns_cache *cache, struct cached *entry)
{
	tdelete(entry, &cache->by_name, compare_names);
	TAILQ_REMOVE(&cache->by_use, entry, by_use);
	cache->count--;
	dns_result_unref(entry->result);
	free(entry);
}

struct dns_cache *dns_cache_new(size_t max_entries)
{
	struct dns_cache *cache = calloc(1, sizeof(*cache));

	assert(max_entries >= 1);
	if (cache == NULL)
		return NULL;
	cache->max_entries = max_entries;
	TAILQ_INIT(&cache->by_use);
	return cache;
}

void dns_cache_free(struct dns_cache *cache)
{
	struct cached *entry;

	if (cache == NULL)
		return;
	while ((entry = TAILQ_FIRST(&cache->by_use)) != NULL)
		drop(cache, entry);
	free(cache);
}

struct dns_result *dns_cache_find(struct dns_cache *cache, const char *name,
				  uint64_t now_ms)
{
	struct cached *entry = find(cache, name);

	if (entry == NULL)
		return NULL;
	if (entry->expires_ms <= now_ms) {
		drop(cache, entry);
		return NULL;
	}
	TAILQ_REMOVE(&cache->by_use, entry, by_use);
	TAILQ_INSERT_TAIL(&cache->by_use, entry, by_use);
	return entry->result;
}

/* Milliseconds; 0: not worth keeping. */
static uint64_t lifetime(const struct dns_result *result)
{
	uint32_t most = DNS_CACHE_TTL_MAX;
	uint32_t ttl = result->ttl;

	switch (result->status) {
	case LOOKUP_OK:
		break;
	case LOOKUP_NOT_FOUND:
		most = DNS_CACHE_NEGATIVE_TTL_MAX;
		break;
	case LOOKUP_FAILED:
	case LOOKUP_TIMEOUT:
		return 0;
	}
	if (ttl < DNS_CACHE_TTL_MIN)
		ttl = DNS_CACHE_TTL_MIN;
	return (uint64_t)(ttl < most ? ttl : most) * 1000;
}

void dns_cache_put(struct dns_cache *cache, const char *name,
		   struct dns_result *result, uint64_t now_ms)
{
	uint64_t keep_ms = lifetime(result);
	struct cached *old = find(cache, name);
	size_t size = strlen(name) + 1;

	if (old != NULL)
		drop(cache, old);
	if (keep_ms == 0)
		return;
	if (cache->count == cache->max_entries)
		drop(cache, TAILQ_FIRST(&cache->by_use));

	struct cached *entry = calloc(1, sizeof(*entry) + size);

	if (entry == NULL)
		return;
	memcpy(entry->text, name, size);
	entry->name = entry->text;
	if (tsearch(entry, &cache->by_name, compare_names) == NULL) {
		free(entry);
		return;
	}
	entry->result = dns_result_ref(result);
	entry->expires_ms = now_ms + keep_ms;
	TAILQ_INSERT_TAIL(&cache->by_use, entry, by_use);
	cache->count++;
}

size_t dns_cache_count(const struct dns_cache *cache)
{
	return cache->count;
}
