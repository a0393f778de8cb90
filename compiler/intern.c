/* intern.c - see intern.h: open addressing, at most half full. */
#include "intern.h"

#include <stdlib.h>

#define FIRST_SLOTS 64

static uint32_t hash_bytes(const void *bytes, size_t n)
{
	return (uint32_t)(format_hash(bytes, n) * HASH_PAIR >> 32);
}

static void place(struct intern *intern, struct intern_slot slot)
{
	uint32_t mask = intern->slot_count - 1;
	uint32_t i = slot.hash & mask;

	while (intern->slots[i].id != 0)
		i = (i + 1) & mask;
	intern->slots[i] = slot;
}

static void grow_slots(struct intern *intern)
{
	struct intern_slot *old = intern->slots;
	uint32_t n = intern->slot_count;

	intern->slot_count = n ? 2 * n : FIRST_SLOTS;
	intern->slots = allocate(intern->slot_count, sizeof(*intern->slots));
	for (uint32_t i = 0; i < n; i++)
		if (old[i].id != 0)
			place(intern, old[i]);
	free(old);
}

static void grow_items(struct intern *intern)
{
	uint32_t room = intern->item_room ? 2 * intern->item_room : FIRST_SLOTS;
	size_t *item = allocate(room, sizeof(*item));

	if (intern->item != NULL)
		memcpy(item, intern->item,
		       sizeof(*item) * ((size_t)intern->count + 1));
	free(intern->item);
	intern->item = item;
	intern->item_room = room;
}

/* see intern.h */
uint32_t intern_put(struct intern *intern, const void *bytes, size_t n)
{
	if (intern->count >= intern->slot_count / 2)
		grow_slots(intern);

	uint32_t hash = hash_bytes(bytes, n);
	uint32_t mask = intern->slot_count - 1;

	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		struct intern_slot slot = intern->slots[i];

		if (slot.id == 0)
			break;
		if (slot.hash != hash)
			continue;

		size_t start = intern->item[slot.id - 1];

		if (intern->item[slot.id] - start == n &&
		    memcmp(intern->bytes.p + start, bytes, n) == 0)
			return slot.id - 1;
	}
	if (intern->count + 1 >= intern->item_room)
		grow_items(intern);
	buffer_put(&intern->bytes, bytes, n);
	intern->count++;
	intern->item[intern->count] = intern->bytes.n;
	place(intern, (struct intern_slot){hash, intern->count});
	return intern->count - 1;
}

/* see intern.h */
void intern_free(struct intern *intern)
{
	buffer_free(&intern->bytes);
	free(intern->item);
	free(intern->slots);
	*intern = (struct intern){.item = NULL};
}
