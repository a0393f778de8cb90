/* sort.c - every glob of a policy in canonical order.
 * Keys are the labels from the last to the first, so that a byte order is the
 * order of the trie.  The sort is a stable radix sort on eight bytes of key at
 * a time: linear, and without a bad case. */
#include <stdio.h>
#include <stdlib.h>

#include "lower.h"
#include "model.h"

/* In a key these follow the name or part its labels.  All are below every
 * character of a name, and "name, exact" < "name, wildcard" < "below name". */
#define KEY_EXACT 1
#define KEY_WILDCARD 2
#define KEY_LABEL 3

/* At most this many records are sorted by insertion. */
#define SMALL 24

struct item {
	const struct glob *glob;
	const unsigned char *key;
	uint32_t list;
};

struct record {
	uint64_t window; /* eight bytes of the key, the first one highest */
	uint32_t item;
};

struct sorter {
	struct item *items;
	struct record *records;
	struct record *scratch;
	unsigned char *keys;
};

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count > 0 ? count : 1, size);

	if (memory == NULL) {
		fputs("smokescreenc: out of memory\n", stderr);
		exit(3);
	}
	return memory;
}

/* NAME's labels from the last to the first, then its kind, then zeros up to a
 * multiple of eight: at least one.  Returns the bytes written. */
static size_t write_key(unsigned char *key, const struct glob *glob)
{
	const char *start = glob->name.p;
	const char *end = start + glob->name.n;
	size_t n = 0;

	while (end > start) {
		const char *dot = memrchr(start, '.', (size_t)(end - start));
		const char *label = dot == NULL ? start : dot + 1;

		memcpy(key + n, label, (size_t)(end - label));
		n += (size_t)(end - label);
		if (dot == NULL)
			break;
		key[n++] = KEY_LABEL;
		end = dot;
	}
	key[n++] = glob->wildcard ? KEY_WILDCARD : KEY_EXACT;
	do
		key[n++] = 0;
	while (n % 8 != 0);
	return n;
}

static size_t key_room(const struct glob *glob)
{
	return (glob->name.n + 1 + 8) / 8 * 8;
}

static uint64_t load_window(const unsigned char *p)
{
	uint64_t window = 0;

	for (int i = 0; i < 8; i++)
		window = window << 8 | p[i];
	return window;
}

/* Keys from DEPTH on; equal ones compare equal. */
static int compare(const struct sorter *sorter, const struct record *a,
		   const struct record *b, size_t depth)
{
	if (a->window != b->window)
		return a->window < b->window ? -1 : 1;
	/* A zero ends a key: equal windows with one are equal keys. */
	while ((a->window & 0xff) != 0) {
		depth += 8;
		uint64_t left = load_window(sorter->items[a->item].key + depth);
		uint64_t right =
			load_window(sorter->items[b->item].key + depth);

		if (left != right)
			return left < right ? -1 : 1;
		if ((left & 0xff) == 0)
			break;
	}
	return 0;
}

static void sort_small(const struct sorter *sorter, struct record *records,
		       size_t count, size_t depth)
{
	for (size_t i = 1; i < count; i++) {
		struct record record = records[i];
		size_t at = i;

		while (at > 0 &&
		       compare(sorter, &records[at - 1], &record, depth) > 0) {
			records[at] = records[at - 1];
			at--;
		}
		records[at] = record;
	}
}

/* Stable sort by window, least significant byte first; bytes that all records
 * share cost one look. */
static void sort_windows(struct sorter *sorter, struct record *records,
			 size_t count)
{
	static const int bytes = 8;
	uint32_t counts[8][256] = {{0}};
	struct record *from = records;
	struct record *to = sorter->scratch;

	for (size_t i = 0; i < count; i++)
		for (int b = 0; b < bytes; b++)
			counts[b][records[i].window >> (8 * b) & 0xff]++;
	for (int b = 0; b < bytes; b++) {
		uint32_t *starts = counts[b];
		uint32_t sum = 0;

		if (starts[from[0].window >> (8 * b) & 0xff] == count)
			continue;
		for (size_t value = 0; value < 256; value++) {
			uint32_t n = starts[value];

			starts[value] = sum;
			sum += n;
		}
		for (size_t i = 0; i < count; i++)
			to[starts[from[i].window >> (8 * b) & 0xff]++] =
				from[i];

		struct record *swap = from;

		from = to;
		to = swap;
	}
	if (from != records)
		memcpy(records, from, count * sizeof(*records));
}

/* Recursion is as deep as the longest key has windows. */
static void sort_records(struct sorter *sorter, struct record *records,
			 size_t count, size_t depth)
{
	if (count <= SMALL) {
		sort_small(sorter, records, count, depth);
		return;
	}
	sort_windows(sorter, records, count);
	for (size_t i = 0, end; i < count; i = end) {
		uint64_t window = records[i].window;

		for (end = i + 1; end < count; end++)
			if (records[end].window != window)
				break;
		if (end - i < 2 || (window & 0xff) == 0)
			continue;
		for (size_t k = i; k < end; k++)
			records[k].window = load_window(
				sorter->items[records[k].item].key + depth + 8);
		sort_records(sorter, records + i, end - i, depth + 8);
	}
}

static int compare_rules(const void *a, const void *b)
{
	const struct rule *left = *(struct rule *const *)a;
	const struct rule *right = *(struct rule *const *)b;

	return str_compare(left->name, right->name);
}

static void sort_rules(struct model *model, struct arena *arena)
{
	struct glob_order *order = &model->order;

	order->rules = arena_alloc_array(arena, model->service_count + 1,
					 sizeof(struct rule *));
	for (uint32_t i = 0; i < model->service_count; i++)
		order->rules[i] = &model->services[i];
	order->rule_count = model->service_count;
	qsort(order->rules, order->rule_count, sizeof(struct rule *),
	      compare_rules);
	if (model->default_rule != NULL)
		order->rules[order->rule_count++] = model->default_rule;
	order->owners = arena_alloc_array(arena, order->rule_count + 1,
					  2 * sizeof(*order->owners));
}

/* Calls ADD for every list that is not empty, with its number, in order. */
typedef void add_list(struct sorter *sorter, const struct glob_list *list,
		      uint32_t number, size_t totals[2]);

static void each_list(struct sorter *sorter, struct model *model, add_list *add,
		      size_t totals[2])
{
	struct glob_order *order = &model->order;
	uint32_t number = 0;

	for (uint32_t i = 0; i < order->rule_count; i++) {
		const struct rule *rule = order->rules[i];

		if (rule->domains.count > 0) {
			order->owners[number] =
				(struct list_owner){rule, false};
			add(sorter, &rule->domains, number++, totals);
		}
		if (rule->proxies.count > 0) {
			order->owners[number] = (struct list_owner){rule, true};
			add(sorter, &rule->proxies, number++, totals);
		}
	}
	add(sorter, &model->global_allow, CANONICAL_GLOBAL_ALLOW, totals);
	add(sorter, &model->global_deny, CANONICAL_GLOBAL_DENY, totals);
	order->list_count = number;
}

/* totals: entries, bytes of keys */
static void count_list(struct sorter *sorter, const struct glob_list *list,
		       uint32_t number, size_t totals[2])
{
	(void)sorter;
	(void)number;
	totals[0] += list->count;
	for (uint32_t i = 0; i < list->count; i++)
		totals[1] += key_room(&list->items[i]);
}

static void fill_list(struct sorter *sorter, const struct glob_list *list,
		      uint32_t number, size_t totals[2])
{
	for (uint32_t i = 0; i < list->count; i++) {
		size_t n = totals[0]++;
		unsigned char *key = sorter->keys + totals[1];

		totals[1] += write_key(key, &list->items[i]);
		sorter->items[n] = (struct item){&list->items[i], key, number};
		sorter->records[n] =
			(struct record){load_window(key), (uint32_t)n};
	}
}

/* see model.h */
void model_sort(struct model *model, struct arena *arena)
{
	struct glob_order *order = &model->order;
	struct sorter sorter = {NULL, NULL, NULL, NULL};
	size_t totals[2] = {0, 0};

	sort_rules(model, arena);
	each_list(&sorter, model, count_list, totals);

	size_t count = totals[0];

	if (count > UINT32_MAX) {
		fputs("smokescreenc: more than 4294967295 entries\n", stderr);
		exit(3);
	}
	sorter.items = allocate(count, sizeof(*sorter.items));
	sorter.records = allocate(count, sizeof(*sorter.records));
	sorter.scratch = allocate(count, sizeof(*sorter.scratch));
	sorter.keys = allocate(totals[1], 1);
	totals[0] = totals[1] = 0;
	each_list(&sorter, model, fill_list, totals);
	sort_records(&sorter, sorter.records, count, 0);

	order->count = (uint32_t)count;
	order->refs = arena_alloc_array(arena, count, sizeof(*order->refs));
	for (size_t i = 0; i < count; i++) {
		const struct item *item = &sorter.items[sorter.records[i].item];

		order->refs[i] = (struct glob_ref){item->glob, item->list};
	}
	free(sorter.items);
	free(sorter.records);
	free(sorter.scratch);
	free(sorter.keys);
}
