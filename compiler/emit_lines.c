/* emit_lines.c - the source map: where each entry, rule and address rule was
 * written.  An entry is known by a hash as wide as the line number leaves room
 * for in 8 bytes; a salt is sought with which no two entries of a list share
 * one, so that what is found is exact.  Then as much of the hashes is kept as
 * it takes to tell them apart. */
#include <stdlib.h>

#include "emit_sections.h"

#define SALTS 32

/* How many entries ahead of their use names are fetched. */
#define AHEAD 12

static void emit_files(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	struct emit_section *out = &emit->section[SECTION_FILES];
	uint32_t offset = 0;

	out->present = true;
	out->count = policy->file_count;
	for (uint32_t i = 0; i < policy->file_count; i++) {
		buffer_put_u32(&out->bytes, offset);
		offset += (uint32_t)strlen(policy->files[i]) + 1;
	}
	buffer_put_u32(&out->bytes, offset);
	for (uint32_t i = 0; i < policy->file_count; i++)
		buffer_put(&out->bytes, policy->files[i],
			   strlen(policy->files[i]) + 1);
}

/* Entries by list, and in each by word. */
struct lines {
	uint32_t lists;     /* the two global ones included */
	uint32_t bits;      /* of a line */
	uint32_t hash_bits; /* that it takes to tell entries of a list apart */
	uint32_t *first;
	uint64_t *words;
	uint64_t *spare;
};

static uint32_t list_index(const struct canonical *policy, uint32_t list)
{
	if (list == CANONICAL_GLOBAL_DENY)
		return policy->list_count;
	if (list == CANONICAL_GLOBAL_ALLOW)
		return policy->list_count + 1;
	return list;
}

/* Where each list starts. */
static void count_lists(struct lines *lines, const struct canonical *policy)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < policy->entry_count; i++) {
		const struct canonical_entry *e = &policy->entries[i];

		lines->first[list_index(policy, e->list) + 1]++;
		if (e->line > most)
			most = e->line;
	}
	for (uint32_t i = 0; i < lines->lists; i++)
		lines->first[i + 1] += lines->first[i];
	while (lines->bits < 32 && most >> lines->bits != 0)
		lines->bits++;
}

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define SHORT_LIST 256

static int compare_words(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* By digits for long lists; SPARE has room for N. */
static void sort_words(uint64_t *words, uint64_t *spare, uint32_t n)
{
	if (n <= SHORT_LIST) {
		if (n > 1)
			qsort(words, n, sizeof(*words), compare_words);
		return;
	}

	uint64_t *from = words, *to = spare;

	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		uint32_t at[DIGITS + 1] = {0};
		uint64_t *swap = from;

		for (uint32_t i = 0; i < n; i++)
			at[(from[i] >> shift & (DIGITS - 1)) + 1]++;
		for (uint32_t i = 0; i < DIGITS; i++)
			at[i + 1] += at[i];
		for (uint32_t i = 0; i < n; i++)
			to[at[from[i] >> shift & (DIGITS - 1)]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != words)
		memcpy(words, from, n * sizeof(*words));
}

/* How many of the upper bits it takes to tell WORDS apart, which are sorted. */
static uint32_t bits_that_differ(const uint64_t *words, uint32_t n)
{
	uint32_t most = 0;

	for (uint32_t i = 1; i < n; i++) {
		uint64_t differ = words[i] ^ words[i - 1];
		uint32_t bits =
			differ ? 1 + (uint32_t)__builtin_clzll(differ) : 64;

		if (bits > most)
			most = bits;
	}
	return most;
}

/* Hash all entries with SALT; false when two of a list have one hash. */
static bool hash_entries(struct lines *lines, const struct canonical *policy,
			 uint64_t salt)
{
	uint32_t *at = allocate(lines->lists, sizeof(*at));
	uint64_t line_mask = ((uint64_t)1 << lines->bits) - 1;

	lines->hash_bits = 0;
	memcpy(at, lines->first, lines->lists * sizeof(*at));
	for (uint32_t i = 0; i < policy->entry_count; i++) {
		const struct canonical_entry *e = &policy->entries[i];
		uint64_t hash;

		/* names lie wherever they were written */
		if (policy->entry_count - i > AHEAD)
			__builtin_prefetch(e[AHEAD].name);
		hash = entry_hash(e->name, e->length, e->wildcard, salt);

		lines->words[at[list_index(policy, e->list)]++] =
			(hash & ~line_mask) | e->line;
	}
	for (uint32_t k = 0; k < lines->lists; k++) {
		uint64_t *words = lines->words + lines->first[k];
		uint32_t n = lines->first[k + 1] - lines->first[k];
		uint32_t bits;

		sort_words(words, lines->spare, n);
		bits = bits_that_differ(words, n);
		if (bits > lines->hash_bits)
			lines->hash_bits = bits;
	}
	free(at);
	return lines->hash_bits + lines->bits <= 64;
}

static void write_lines(struct emit *emit, const struct lines *lines,
			uint64_t salt)
{
	struct emit_section *out = &emit->section[SECTION_LINES];
	uint32_t n = lines->first[lines->lists];
	uint32_t width = (lines->hash_bits + lines->bits + 7) / 8;
	uint64_t line_mask = ((uint64_t)1 << lines->bits) - 1;

	if (width < LINES_MIN_WIDTH)
		width = LINES_MIN_WIDTH;
	if (width < 8)
		emit->required |= FEATURE_NARROW_LINES;
	out->present = true;
	out->count = n;
	put_u64le(buffer_add(&out->bytes, 8), salt);
	buffer_put_u32(&out->bytes, lines->bits);
	buffer_put_u32(&out->bytes, width < 8 ? width : 0);
	for (uint32_t i = 0; i <= lines->lists; i++)
		buffer_put_u32(&out->bytes, lines->first[i]);
	buffer_align(&out->bytes, 8);

	uint8_t *p = buffer_add(&out->bytes, width * (size_t)n);

	for (uint32_t i = 0; i < n; i++, p += width) {
		uint64_t hash = lines->words[i] >> (64 - 8 * width);
		uint8_t word[8];

		put_u64le(word,
			  (hash & ~line_mask) | (lines->words[i] & line_mask));
		memcpy(p, word, width);
	}
}

static void emit_entry_lines(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	struct lines lines = {.lists = policy->list_count + 2, .bits = 1};
	uint64_t salt = 0;

	lines.first = allocate((size_t)lines.lists + 1, sizeof(*lines.first));
	lines.words = allocate(policy->entry_count, sizeof(*lines.words));
	lines.spare = allocate(policy->entry_count, sizeof(*lines.spare));
	count_lists(&lines, policy);
	while (salt < SALTS && !hash_entries(&lines, policy, salt))
		salt++;
	if (salt == SALTS)
		emit->why = "too many entries in one list for a source map: "
			    "use --strip";
	else
		write_lines(emit, &lines, salt);
	free(lines.first);
	free(lines.words);
	free(lines.spare);
}

/* see emit_sections.h */
void emit_lines(struct emit *emit)
{
	const struct canonical *policy = emit->policy;
	struct emit_section *rules = &emit->section[SECTION_RULE_LINES];
	struct emit_section *ranges = &emit->section[SECTION_RANGE_LINES];

	emit_files(emit);
	emit_entry_lines(emit);
	rules->present = true;
	rules->count = policy->rule_count;
	for (uint32_t i = 0; i < policy->rule_count; i++)
		buffer_put_u32(&rules->bytes, policy->rules[i].line);
	ranges->present = true;
	ranges->count = policy->range_count;
	for (uint32_t i = 0; i < policy->range_count; i++) {
		const struct canonical_range *range = &policy->ranges[i];

		buffer_put_u32(&ranges->bytes, range->file < policy->file_count
						       ? range->file
						       : NO_INDEX);
		buffer_put_u32(&ranges->bytes, range->line);
	}
}
