/* dns_cache.h - what was found out about a name, kept for as long as DNS says,
 * within bounds.  One cache per worker: no locks.  The least recently used
 * entry goes when the cache is full. */
#ifndef NET_DNS_CACHE_H
#define NET_DNS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "resolver.h"

#define DNS_CACHE_ENTRIES 4096
/* Seconds.  Less than the minimum is the minimum: a burst of requests for one
 * name asks once.  More than the maximum is the maximum. */
#define DNS_CACHE_TTL_MIN 1
#define DNS_CACHE_TTL_MAX 600
#define DNS_CACHE_NEGATIVE_TTL_MAX 30

/* The end of a lookup, shared by all who asked. */
struct dns_result {
	unsigned refs;
	enum lookup_status status;
	uint32_t ttl; /* seconds; only OK and NOT_FOUND are worth keeping */
	size_t count;
	const char *error; /* NUL-terminated, behind addrs */
	struct addr addrs[];
};

/* ADDRS and ERROR are copied.  One reference, the caller's.  NULL: out of
 * memory. */
struct dns_result *dns_result_new(enum lookup_status status,
				  const struct addr *addrs, size_t count,
				  uint32_t ttl, const char *error);
struct dns_result *dns_result_ref(struct dns_result *result);
void dns_result_unref(struct dns_result *result); /* NULL is ignored */

struct dns_cache;

/* MAX_ENTRIES >= 1.  NULL: out of memory. */
struct dns_cache *dns_cache_new(size_t max_entries);
void dns_cache_free(struct dns_cache *cache);

/* NULL: not known, or no longer.  Borrowed until the next call. */
struct dns_result *dns_cache_find(struct dns_cache *cache, const char *name,
				  uint64_t now_ms);

/* Remember RESULT for NAME, instead of what was known.  Takes a reference of
 * its own.  Results that are not worth keeping, or out of memory: nothing. */
void dns_cache_put(struct dns_cache *cache, const char *name,
		   struct dns_result *result, uint64_t now_ms);

size_t dns_cache_count(const struct dns_cache *cache);

#endif
