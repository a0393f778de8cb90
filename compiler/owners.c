/* owners.c - see owners.h. */
#include "owners.h"

/* see owners.h */
void owners_init(struct owners *owners, uint32_t lists)
{
	*owners = (struct owners){
		.lists = lists,
		.id_bytes = lists <= 65536 ? 2 : 4,
	};
}

/* see owners.h */
void owners_fini(struct owners *owners)
{
	intern_free(&owners->postings);
	buffer_free(&owners->scratch);
}

/* Ids in order, or one bit a list where that is smaller. */
static void write_posting(struct owners *owners,
			  const struct canonical_entry *entries, uint32_t count)
{
	struct buffer *out = &owners->scratch;
	size_t bits = 4 * (((size_t)owners->lists + 31) / 32);

	out->n = 0;
	if (bits < (size_t)count * owners->id_bytes) {
		buffer_put_u32(out, POST_BITMAP | count);

		buffer_add_zeros(out, bits);

		uint8_t *p = out->p + 4;

		for (uint32_t i = 0; i < count; i++)
			p[entries[i].list / 8] |=
				(uint8_t)(1u << entries[i].list % 8);
		return;
	}
	buffer_put_u32(out, count);
	for (uint32_t i = 0; i < count; i++)
		if (owners->id_bytes == 2)
			buffer_put_u16(out, (uint16_t)entries[i].list);
		else
			buffer_put_u32(out, entries[i].list);
	buffer_align(out, 4);
}

static uint32_t word_of_lists(struct owners *owners,
			      const struct canonical_entry *entries,
			      uint32_t count)
{
	if (count == 0)
		return OWNER_NOBODY << OWNER_TYPE_SHIFT;
	if (count == 1)
		return OWNER_SINGLE << OWNER_TYPE_SHIFT | entries[0].list;
	write_posting(owners, entries, count);

	uint32_t id = intern_put(&owners->postings, owners->scratch.p,
				 owners->scratch.n);
	size_t word = owners->postings.item[id] / 4;

	return word > OWNER_PAYLOAD
		       ? 0
		       : OWNER_POSTING << OWNER_TYPE_SHIFT | (uint32_t)word;
}

/* see owners.h */
uint32_t owners_word(struct owners *owners,
		     const struct canonical_entry *entries, uint32_t count,
		     const char **why)
{
	uint32_t global = 0, lists = count;

	for (uint32_t i = 1; i < count; i++)
		if (entries[i].list <= entries[i - 1].list) {
			*why = "entries are not in canonical order";
			return 0;
		}
	/* the global lists have the greatest numbers */
	for (; lists > 0 && entries[lists - 1].list >= owners->lists; lists--) {
		if (entries[lists - 1].list == CANONICAL_GLOBAL_DENY) {
			global |= OWNER_DENY;
		} else if (entries[lists - 1].list == CANONICAL_GLOBAL_ALLOW) {
			global |= OWNER_ALLOW;
		} else {
			*why = "an entry of a list that does not exist";
			return 0;
		}
	}

	uint32_t word = word_of_lists(owners, entries, lists);

	if (word == 0 && lists > 0) {
		*why = "too many different sets of rules that share hosts";
		return 0;
	}
	return global | word;
}
