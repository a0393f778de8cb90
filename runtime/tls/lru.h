/* lru.h - a bounded memory of things that may be forgotten: values by keys of
 * 32 octets, each until its time is over or it is the one that was of no use
 * for longest.  Whatever is forgotten is wiped, and none of it gets into a core
 * dump.  For any number of threads.
 *
 * Keys are random or hashes, so that nobody can choose how they spread. */
#ifndef TLS_LRU_H
#define TLS_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LRU_KEY 32
#define LRU_MAX_COUNT (1u << 20)

struct lru;

/* VALUE is about to be wiped: free what it points to. */
typedef void lru_drop(void *value);

/* Room for COUNT values, at most LRU_MAX_COUNT, of SIZE bytes each, which takes
 * memory only once they are there.  DROP may be NULL.  NULL: out of memory. */
struct lru *lru_new(size_t count, size_t size, lru_drop *drop);
/* Drops all that is in it, and sets *LRU NULL.  NULL is allowed. */
void lru_free(struct lru **lru);

/* Keep a copy of VALUE until EXPIRES, the last second for which it is good, in
 * place of what was there under KEY.  What VALUE points to is the memory's from
 * now on. */
void lru_put(struct lru *lru, const uint8_t key[LRU_KEY], const void *value,
	     int64_t expires);

/* Look at VALUE, which stays where it is; whatever is to be kept must be
 * copied.  The result is lru_get()'s. */
typedef bool lru_look(void *closure, const void *value);

/* False: nothing is there at NOW, or LOOK said so. */
bool lru_get(struct lru *lru, const uint8_t key[LRU_KEY], int64_t now,
	     lru_look *look, void *closure);

/* How many are there, expired ones included. */
size_t lru_count(struct lru *lru);

#endif
