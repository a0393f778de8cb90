#include "textset.h"

struct textset_slot {
	struct str text;
	uint32_t value;
	uint32_t hash;
	bool used;
};

/* FNV-1a with a final mix; the texts are a policy's own. */
static uint32_t hash_text(struct str text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < text.n; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001b3u;
	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

/* see textset.h */
void textset_init(struct textset *set, struct arena *arena)
{
	*set = (struct textset){.arena = arena};
}

/* The slot that holds TEXT, or the empty one where it belongs.  There is
 * always an empty one. */
static struct textset_slot *find_slot(const struct textset *set,
				      struct str text, uint32_t hash)
{
	uint32_t at = hash & set->mask;

	while (set->slots[at].used && (set->slots[at].hash != hash ||
				       !str_equal(set->slots[at].text, text)))
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

static void grow(struct textset *set)
{
	struct textset_slot *old = set->slots;
	uint32_t old_size = old == NULL ? 0 : set->mask + 1;
	uint32_t size = old_size == 0 ? 16 : old_size * 2;

	set->slots = arena_alloc_array(set->arena, size, sizeof(*old));
	set->mask = size - 1;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].used)
			*find_slot(set, old[i].text, old[i].hash) = old[i];
}

/* see textset.h */
uint32_t textset_add(struct textset *set, struct str text, uint32_t value)
{
	if (set->slots == NULL || set->count >= set->mask / 4 * 3)
		grow(set);

	uint32_t hash = hash_text(text);
	struct textset_slot *slot = find_slot(set, text, hash);

	if (slot->used)
		return slot->value;
	*slot = (struct textset_slot){text, value, hash, true};
	set->count++;
	return TEXTSET_NONE;
}

/* see textset.h */
uint32_t textset_find(const struct textset *set, struct str text)
{
	if (set->slots == NULL)
		return TEXTSET_NONE;

	const struct textset_slot *slot = find_slot(set, text, hash_text(text));

	return slot->used ? slot->value : TEXTSET_NONE;
}
