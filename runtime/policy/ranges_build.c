/* ranges_build.c - see ranges_build.h.
 *
 * Prefixes nest or are disjoint, never anything between.  So a sweep over them
 * in order of their first address needs no more than a stack: what holds at an
 * address is what the prefixes on the stack say together.  Each stretch between
 * two changes is judged once, in the order of the manual, and neighbours with
 * the same verdict become one range. */
#include "ranges_build.h"

#include <stdlib.h>
#include <string.h>

#include "ranges-format.h"
#include "ranges.h"
#include "ranges_items.h"
#include "ranges_pack.h"

#define NO_RULE VERDICT_RULE /* also: greater than every index */
#define MAX_RULES (NO_RULE - 1)
#define MAX_DEPTH 131 /* the root, and lengths 0 to 128 once each */

/* A + 1; wraps. */
static struct wide wide_next(struct wide a)
{
	a.low++;
	a.high += a.low == 0;
	return a;
}

/* The last address of a prefix: all host bits set. */
static struct wide wide_fill(struct wide a, unsigned host_bits)
{
	if (host_bits >= 128)
		return (struct wide){UINT64_MAX, UINT64_MAX};
	if (host_bits > 64)
		a.high |= ((uint64_t)1 << (host_bits - 64)) - 1;
	if (host_bits >= 64)
		a.low = UINT64_MAX;
	else
		a.low |= ((uint64_t)1 << host_bits) - 1;
	return a;
}

/* --- what holds at an address --- */

/* The best configured rules, by index; NO_RULE when there is none. */
struct choice {
	uint32_t allow_exact; /* for the very address */
	uint32_t allow;
	uint32_t deny;
};

struct port_choice {
	struct choice choice;
	uint16_t port;
};

struct frame {
	struct wide end; /* last address of the prefix */
	struct choice any;
	struct port_choice *ports; /* ascending; of the frame that owns it */
	size_t port_count;
	bool owns_ports;
	bool metadata;
	bool judged;
	uint8_t built_in; /* enum addr_class */
	uint8_t nat64;    /* 0: outside of any NAT64 prefix */
	uint32_t verdict; /* once judged */
};

static const struct choice no_choice = {NO_RULE, NO_RULE, NO_RULE};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void choose(struct choice *choice, const struct item *item, bool exact)
{
	uint32_t *slot = item->value == RANGE_ALLOW
				 ? exact ? &choice->allow_exact : &choice->allow
				 : &choice->deny;

	*slot = least(*slot, item->rule);
}

/* The order of the manual, for one port or for all that have no rule of their
 * own.  An allow rule beats a deny rule and everything built in. */
static uint32_t judge(const struct frame *frame, const struct choice *port,
		      bool allow_private)
{
	struct choice choice = {
		least(frame->any.allow_exact, port->allow_exact),
		least(frame->any.allow, port->allow),
		least(frame->any.deny, port->deny),
	};

	if (choice.allow_exact != NO_RULE)
		return verdict_plain(RANGES_ALLOWED_EXACT, choice.allow_exact);
	if (choice.allow != NO_RULE && !frame->metadata)
		return verdict_plain(ADDR_USER_ALLOWED, choice.allow);
	if (frame->built_in == ADDR_NOT_GLOBAL_UNICAST)
		return verdict_plain(ADDR_NOT_GLOBAL_UNICAST, NO_RULE);
	if (choice.deny != NO_RULE)
		return verdict_plain(ADDR_USER_DENIED, choice.deny);
	if (!frame->metadata) {
		if (frame->nat64 != 0)
			return verdict_plain(RANGES_INNER, frame->nat64);
		if (frame->built_in == ADDR_PRIVATE_RANGE && allow_private)
			return verdict_plain(ADDR_DEFAULT, NO_RULE);
	}
	return verdict_plain(frame->built_in, NO_RULE);
}

/* --- growing arrays --- */

struct array {
	void *at;
	size_t count, room;
};

/* Room for MORE further items of SIZE; false: out of memory. */
static bool array_reserve(struct array *array, size_t more, size_t size)
{
	size_t room = array->room ? array->room : 64;
	void *moved;

	if (array->room - array->count >= more)
		return true;
	while (room - array->count < more)
		if (__builtin_mul_overflow(room, 2, &room))
			return false;
	if (room > SIZE_MAX / size)
		return false;
	moved = realloc(array->at, room * size);
	if (!moved)
		return false;
	array->at = moved;
	array->room = room;
	return true;
}

/* --- records with ports --- */

struct records {
	struct array words; /* uint32_t */
	struct array spans; /* uint32_t: where each begins, and the end */
	uint32_t *slots;    /* hash table: record + 1, 0 for free */
	size_t slot_count;  /* a power of two, or 0 */
};

static uint64_t hash_words(const uint32_t *words, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15 ^ hash >> 29;
	return hash ^ hash >> 32;
}

static const uint32_t *record_words(const struct records *records, size_t index,
				    size_t *n)
{
	const uint32_t *spans = records->spans.at;

	*n = spans[index + 1] - spans[index];
	return (const uint32_t *)records->words.at + spans[index];
}

/* The slot where the N words are, or are to go. */
static size_t find_slot(const struct records *records, const uint32_t *words,
			size_t n)
{
	size_t slot = hash_words(words, n) & (records->slot_count - 1);

	for (; records->slots[slot] != 0;
	     slot = (slot + 1) & (records->slot_count - 1)) {
		size_t m;
		const uint32_t *other =
			record_words(records, records->slots[slot] - 1, &m);

		if (m == n && memcmp(other, words, n * sizeof(*words)) == 0)
			break;
	}
	return slot;
}

static bool grow_slots(struct records *records)
{
	size_t count = records->spans.count - 1;
	size_t room = records->slot_count ? 2 * records->slot_count : 64;
	uint32_t *slots;

	if (2 * (count + 1) <= records->slot_count)
		return true;
	slots = calloc(room, sizeof(*slots));
	if (!slots)
		return false;
	free(records->slots);
	records->slots = slots;
	records->slot_count = room;
	for (size_t i = 0; i < count; i++) {
		size_t n;
		const uint32_t *words = record_words(records, i, &n);

		slots[find_slot(records, words, n)] = (uint32_t)i + 1;
	}
	return true;
}

/* The last N words of RECORDS->words, beyond its count, become a record unless
 * there is an equal one. */
static bool intern(struct records *records, size_t n, uint32_t *verdict)
{
	uint32_t *spans;
	size_t slot, record;

	if (!grow_slots(records) ||
	    !array_reserve(&records->spans, 1, sizeof(uint32_t)))
		return false;
	spans = records->spans.at;
	slot = find_slot(records,
			 (uint32_t *)records->words.at + records->words.count,
			 n);
	if (records->slots[slot] == 0) {
		if (records->words.count + n > RANGES_SIZE_MAX / 4)
			return false;
		records->words.count += n;
		spans[records->spans.count++] = (uint32_t)records->words.count;
		records->slots[slot] = (uint32_t)records->spans.count - 1;
	}
	record = records->slots[slot] - 1;
	*verdict = VERDICT_INDIRECT | (uint32_t)record;
	return true;
}

/* The verdict of FRAME as it goes into an entry. */
static bool frame_verdict(struct frame *frame, struct records *records,
			  bool allow_private, uint32_t *verdict)
{
	uint32_t otherwise = judge(frame, &no_choice, allow_private);
	uint32_t *words;
	size_t n = 1;

	if (!frame->judged) {
		if (!array_reserve(&records->words, 1 + 2 * frame->port_count,
				   sizeof(uint32_t)))
			return false;
		words = (uint32_t *)records->words.at + records->words.count;
		words[0] = otherwise;
		for (size_t i = 0; i < frame->port_count; i++) {
			uint32_t special = judge(frame, &frame->ports[i].choice,
						 allow_private);

			if (special == otherwise)
				continue;
			words[n++] = frame->ports[i].port;
			words[n++] = special;
		}
		frame->verdict = otherwise;
		if (n > 1 && !intern(records, n, &frame->verdict))
			return false;
		frame->judged = true;
	}
	*verdict = frame->verdict;
	return true;
}

/* --- the sweep --- */

struct sweep {
	struct array boundaries; /* struct boundary */
	struct records *records;
	bool allow_private;
	int depth;
	struct frame stack[MAX_DEPTH];
};

/* From START on, what the top of the stack says. */
static bool emit(struct sweep *sweep, struct wide start)
{
	struct boundary *boundaries;
	size_t count = sweep->boundaries.count;
	uint32_t verdict;

	if (!frame_verdict(&sweep->stack[sweep->depth - 1], sweep->records,
			   sweep->allow_private, &verdict) ||
	    !array_reserve(&sweep->boundaries, 1, sizeof(*boundaries)))
		return false;
	boundaries = sweep->boundaries.at;
	if (count > 0 && boundaries[count - 1].verdict == verdict)
		return true;
	boundaries[count] = (struct boundary){start, verdict};
	sweep->boundaries.count = count + 1;
	return true;
}

static void pop(struct sweep *sweep)
{
	struct frame *top = &sweep->stack[--sweep->depth];

	if (top->owns_ports)
		free(top->ports);
}

/* Leave every prefix that ends before START (all but the root at the end of the
 * sweep, when there is no START). */
static bool leave(struct sweep *sweep, const struct wide *start)
{
	while (sweep->depth > 1) {
		struct wide end = sweep->stack[sweep->depth - 1].end;
		struct wide next = wide_next(end);

		if (start && wide_compare(end, *start) >= 0)
			return true;
		while (sweep->depth > 1 &&
		       wide_compare(sweep->stack[sweep->depth - 1].end, end) ==
			       0)
			pop(sweep);
		if (wide_compare(end, sweep->stack[0].end) == 0)
			continue;
		if (start && wide_compare(next, *start) == 0)
			continue;
		if (!emit(sweep, next))
			return false;
	}
	return true;
}

/* Put the rules with ports among the COUNT items at ITEMS on top of those that
 * FRAME has from its parent. */
static bool add_ports(struct frame *frame, const struct item *items,
		      size_t count, bool exact)
{
	struct port_choice *merged;
	size_t n = 0;
	size_t old = 0;

	merged = malloc((frame->port_count + count) * sizeof(*merged));
	if (!merged)
		return false;
	for (size_t i = 0; i < count; i++) {
		while (old < frame->port_count &&
		       frame->ports[old].port <= items[i].port)
			merged[n++] = frame->ports[old++];
		if (n == 0 || merged[n - 1].port != items[i].port)
			merged[n++] =
				(struct port_choice){no_choice, items[i].port};
		choose(&merged[n - 1].choice, &items[i], exact);
	}
	while (old < frame->port_count)
		merged[n++] = frame->ports[old++];
	frame->ports = merged;
	frame->port_count = n;
	frame->owns_ports = true;
	return true;
}

/* Push the prefix that the COUNT items at ITEMS are about. */
static bool enter(struct sweep *sweep, const struct item *items, size_t count,
		  unsigned bits)
{
	struct frame *parent = &sweep->stack[sweep->depth - 1];
	struct frame *frame = &sweep->stack[sweep->depth];
	unsigned length = items[0].length;
	size_t any = 0;

	*frame = *parent;
	frame->end = wide_fill(items[0].start, bits - length);
	frame->owns_ports = false;
	frame->judged = false;
	sweep->depth++;
	/* Ports sort behind port 0. */
	for (; any < count && items[any].port == 0; any++) {
		const struct item *item = &items[any];

		switch ((enum item_kind)item->kind) {
		case ITEM_BUILT_IN:
			frame->built_in = item->value;
			break;
		case ITEM_METADATA:
			frame->metadata = true;
			break;
		case ITEM_NAT64:
			frame->nat64 = item->value;
			break;
		case ITEM_RULE:
			choose(&frame->any, item, length == bits);
			break;
		}
	}
	return any == count ||
	       add_ports(frame, items + any, count - any, length == bits);
}

/* Sweep ITEMS; the boundaries begin at 0 and differ from their neighbours. */
static bool sweep_run(struct sweep *sweep, struct items *items)
{
	size_t i = 0;
	bool ok = true;

	qsort(items->at, items->count, sizeof(*items->at), items_compare);
	sweep->depth = 1;
	sweep->stack[0] = (struct frame){
		.end = wide_fill((struct wide){0, 0}, items->bits),
		.any = no_choice,
		.built_in =
			items->bits == 32 ? ADDR_DEFAULT : ADDR_SPECIAL_PURPOSE,
	};
	if (items->count == 0 || items->at[0].start.high != 0 ||
	    items->at[0].start.low != 0)
		ok = emit(sweep, (struct wide){0, 0});
	while (ok && i < items->count) {
		const struct item *first = &items->at[i];
		size_t n = 1;

		while (i + n < items->count &&
		       first[n].length == first->length &&
		       wide_compare(first[n].start, first->start) == 0)
			n++;
		ok = leave(sweep, &first->start) &&
		     enter(sweep, first, n, items->bits);
		i += n;
		/* A longer prefix with the same start speaks first. */
		if (ok && (i == items->count ||
			   wide_compare(items->at[i].start, first->start) != 0))
			ok = emit(sweep, first->start);
	}
	if (ok)
		ok = leave(sweep, NULL);
	while (sweep->depth > 1)
		pop(sweep);
	return ok;
}

/* --- the whole --- */

/* Everything that is to be freed again. */
struct build {
	struct inputs inputs;
	struct records records;
	struct sweep sweep;
	struct array v4, v6; /* struct boundary */
};

static bool build_run(struct build *build, const struct range_rule *rules,
		      size_t count, const struct ranges_options *options)
{
	size_t extra = items_built_in_count();
	struct inputs *inputs = &build->inputs;
	struct sweep *sweep = &build->sweep;
	size_t v4 = 0;

	for (size_t i = 0; i < count; i++)
		v4 += items_is_v4(&rules[i].prefix);
	inputs->v4 = (struct items){.bits = 32};
	inputs->v6 = (struct items){.bits = 128};
	inputs->v4.at = calloc(v4 + extra, sizeof(struct item));
	inputs->v6.at = calloc(count - v4 + extra, sizeof(struct item));
	if (!inputs->v4.at || !inputs->v6.at ||
	    !array_reserve(&build->records.spans, 1, sizeof(uint32_t)))
		return false;
	((uint32_t *)build->records.spans.at)[0] = 0;
	build->records.spans.count = 1;
	items_add(inputs, rules, count, options);

	sweep->records = &build->records;
	sweep->allow_private = options->allow_private;
	if (!sweep_run(sweep, &inputs->v4))
		return false;
	build->v4 = sweep->boundaries;
	sweep->boundaries = (struct array){0};
	if (!sweep_run(sweep, &inputs->v6))
		return false;
	build->v6 = sweep->boundaries;
	sweep->boundaries = (struct array){0};
	return true;
}

static void build_free(struct build *build)
{
	free(build->inputs.v4.at);
	free(build->inputs.v6.at);
	free(build->records.words.at);
	free(build->records.spans.at);
	free(build->records.slots);
	free(build->sweep.boundaries.at);
	free(build->v4.at);
	free(build->v6.at);
	free(build);
}

void *ranges_build(const struct range_rule *rules, size_t count,
		   const struct ranges_options *options, size_t *length)
{
	struct build *build;
	struct ranges_parts parts;
	uint8_t *image = NULL;
	size_t size;

	if (count > MAX_RULES)
		return NULL;
	build = calloc(1, sizeof(*build));
	if (!build)
		return NULL;
	if (build_run(build, rules, count, options)) {
		parts = (struct ranges_parts){
			.v4 = build->v4.at,
			.v4_count = build->v4.count,
			.v6 = build->v6.at,
			.v6_count = build->v6.count,
			.spans = build->records.spans.at,
			.record_count = build->records.spans.count - 1,
			.words = build->records.words.at,
			.word_count = build->records.words.count,
			.options = options,
		};
		size = ranges_pack_bound(&parts);
		image = size ? calloc(1, size) : NULL;
		if (image)
			*length = ranges_pack(&parts, image);
	}
	build_free(build);
	return image;
}
