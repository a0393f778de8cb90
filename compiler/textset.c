/* textset.c - a hash table with open addressing; see textset.h. */
#include "textset.h"

#include <string.h>
#include <unistd.h>

struct textset_slot {
	struct str text;
	uint32_t value;
	uint32_t hash;
	bool used;
};

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 under a key of this run: a policy from a stranger cannot be made
 * of names that collide.  Nothing depends on the order of the slots. */
static uint32_t hash_text(const struct textset *set, struct str text)
{
	uint64_t v[4] = {set->key[0] ^ 0x736f6d6570736575u,
			 set->key[1] ^ 0x646f72616e646f6du,
			 set->key[0] ^ 0x6c7967656e657261u,
			 set->key[1] ^ 0x7465646279746573u};

	for (size_t at = 0; at <= text.n; at += 8) {
		size_t left = text.n - at;
		uint64_t word = left < 8 ? (uint64_t)text.n << 56 : 0;

		for (size_t i = 0; i < 8 && i < left; i++)
			word |= (uint64_t)(unsigned char)text.p[at + i]
				<< (8 * i);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* see textset.h */
void textset_init(struct textset *set, struct arena *arena)
{
	*set = (struct textset){.arena = arena};
	/* Without randomness the set still works. */
	if (getentropy(set->key, sizeof(set->key)) != 0)
		memset(set->key, 0, sizeof(set->key));
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

	uint32_t hash = hash_text(set, text);
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

	const struct textset_slot *slot =
		find_slot(set, text, hash_text(set, text));

	return slot->used ? slot->value : TEXTSET_NONE;
}
