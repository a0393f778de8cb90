/* lru.c - see lru.h.
 * One mapping, zeroed by the kernel: slots, and behind them the heads of the
 * lists that keys are hashed to.  A link is the number of a slot counted from
 * 1, so that 0 is none.  Slots in use are in a ring through slot 0, from the
 * one used last to the one to go first; the others are in a list, or not yet
 * touched. */
#include "lru.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct slot {
	uint8_t key[LRU_KEY];
	int64_t expires;
	uint32_t next; /* with the same hash, or that is free */
	uint32_t newer;
	uint32_t older;
	uint32_t unused;
	uint8_t value[];
};

struct lru {
	pthread_mutex_t lock;
	lru_drop *drop;
	size_t value_size;
	size_t stride; /* of slots */
	uint32_t count;
	uint32_t mask;    /* of heads */
	uint32_t used;    /* slots */
	uint32_t touched; /* slots */
	uint32_t free;    /* the first of those that were given back */
	uint8_t *memory;
	size_t memory_size;
	uint32_t *heads; /* in MEMORY */
};

static struct slot *at(const struct lru *lru, uint32_t link)
{
	return (void *)(lru->memory + link * lru->stride);
}

static uint32_t *head_of(const struct lru *lru, const uint8_t *key)
{
	uint32_t hash;

	memcpy(&hash, key, sizeof(hash));
	return &lru->heads[hash & lru->mask];
}

static bool map(struct lru *lru)
{
	size_t slots = (lru->count + (size_t)1) * lru->stride;

	lru->memory_size = slots + ((size_t)lru->mask + 1) * sizeof(uint32_t);
	lru->memory = mmap(NULL, lru->memory_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (lru->memory == MAP_FAILED)
		return false;
	/* a kernel that cannot do that is no reason to go without */
	madvise(lru->memory, lru->memory_size, MADV_DONTDUMP);
	lru->heads = (void *)(lru->memory + slots);
	return true;
}

struct lru *lru_new(size_t count, size_t size, lru_drop *drop)
{
	struct lru *lru = calloc(1, sizeof(*lru));

	assert(count > 0 && count <= LRU_MAX_COUNT);
	if (lru == NULL)
		return NULL;
	lru->drop = drop;
	lru->value_size = size;
	lru->stride = (sizeof(struct slot) + size + 15) & ~(size_t)15;
	lru->count = (uint32_t)count;
	lru->mask = 1;
	while (lru->mask < count)
		lru->mask = lru->mask << 1 | 1;
	if (!map(lru)) {
		free(lru);
		return NULL;
	}
	pthread_mutex_init(&lru->lock, NULL);
	return lru;
}

/* --- the ring --- */

static void ring_remove(struct lru *lru, uint32_t link)
{
	struct slot *slot = at(lru, link);

	at(lru, slot->newer)->older = slot->older;
	at(lru, slot->older)->newer = slot->newer;
}

static void ring_add(struct lru *lru, uint32_t link)
{
	struct slot *slot = at(lru, link);
	struct slot *ring = at(lru, 0);

	slot->newer = 0;
	slot->older = ring->older;
	at(lru, ring->older)->newer = link;
	ring->older = link;
}

/* --- slots --- */

static void forget(struct lru *lru, uint32_t link)
{
	struct slot *slot = at(lru, link);
	uint32_t *from = head_of(lru, slot->key);

	while (*from != link)
		from = &at(lru, *from)->next;
	*from = slot->next;
	ring_remove(lru, link);
	if (lru->drop != NULL)
		lru->drop(slot->value);
	explicit_bzero(slot, lru->stride);
	slot->next = lru->free;
	lru->free = link;
	lru->used--;
}

/* A slot that is free, if need be by forgetting the oldest. */
static uint32_t take(struct lru *lru)
{
	uint32_t link = lru->free;

	if (link == 0 && lru->touched < lru->count)
		return ++lru->touched;
	if (link == 0) {
		forget(lru, at(lru, 0)->newer);
		link = lru->free;
	}
	lru->free = at(lru, link)->next;
	return link;
}

static uint32_t find(const struct lru *lru, const uint8_t *key)
{
	uint32_t link = *head_of(lru, key);

	while (link != 0 && memcmp(at(lru, link)->key, key, LRU_KEY) != 0)
		link = at(lru, link)->next;
	return link;
}

void lru_put(struct lru *lru, const uint8_t key[LRU_KEY], const void *value,
	     int64_t expires)
{
	uint32_t link;
	struct slot *slot;

	pthread_mutex_lock(&lru->lock);
	link = find(lru, key);
	if (link != 0)
		forget(lru, link);
	link = take(lru);
	slot = at(lru, link);
	memcpy(slot->key, key, LRU_KEY);
	memcpy(slot->value, value, lru->value_size);
	slot->expires = expires;
	slot->next = *head_of(lru, key);
	*head_of(lru, key) = link;
	ring_add(lru, link);
	lru->used++;
	pthread_mutex_unlock(&lru->lock);
}

bool lru_get(struct lru *lru, const uint8_t key[LRU_KEY], int64_t now,
	     lru_look *look, void *closure)
{
	uint32_t link;
	bool found;

	pthread_mutex_lock(&lru->lock);
	link = find(lru, key);
	if (link != 0 && at(lru, link)->expires < now) {
		forget(lru, link);
		link = 0;
	}
	found = link != 0 && look(closure, at(lru, link)->value);
	if (found) {
		ring_remove(lru, link);
		ring_add(lru, link);
	}
	pthread_mutex_unlock(&lru->lock);
	return found;
}

size_t lru_count(struct lru *lru)
{
	size_t count;

	pthread_mutex_lock(&lru->lock);
	count = lru->used;
	pthread_mutex_unlock(&lru->lock);
	return count;
}

void lru_free(struct lru **slot)
{
	struct lru *lru = *slot;

	*slot = NULL;
	if (lru == NULL)
		return;
	while (lru->used != 0)
		forget(lru, at(lru, 0)->newer);
	munmap(lru->memory, lru->memory_size);
	pthread_mutex_destroy(&lru->lock);
	free(lru);
}
