/* ranges_items.h - what is said of prefixes, by the registries and by people,
 * in the order in which ranges_build.c sweeps over it.  Private to it. */
#ifndef POLICY_RANGES_ITEMS_H
#define POLICY_RANGES_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ranges_build.h"

/* An address as a number; IPv4 in LOW alone. */
struct wide {
	uint64_t high, low;
};

static inline int wide_compare(struct wide a, struct wide b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return a.low < b.low ? -1 : a.low > b.low;
}

enum item_kind { ITEM_BUILT_IN = 0, ITEM_METADATA, ITEM_NAT64, ITEM_RULE };

/* Something said of a prefix.  IPv4 addresses are plain numbers here, with
 * lengths up to 32. */
struct item {
	struct wide start;
	uint32_t rule;  /* ITEM_RULE: its index */
	uint16_t port;  /* ITEM_RULE: 0 for any */
	uint8_t length; /* in its own family */
	uint8_t kind;
	uint8_t value; /* class, NAT64 length, or action */
};

struct items {
	struct item *at;
	size_t count;
	unsigned bits; /* 32 or 128 */
};

struct inputs {
	struct items v4, v6;
};

/* How many items the built-in table and the options add at most. */
size_t items_built_in_count(void);

/* Mapped prefixes are IPv4.  Shorter ones than the mapped prefix are IPv6 and
 * cover no IPv4 address, as upstream's do. */
static inline bool items_is_v4(const struct addr_prefix *prefix)
{
	return prefix->length >= 96 && addr_is_v4(&prefix->addr);
}

/* Add everything to INPUTS, whose arrays have room for it. */
void items_add(struct inputs *inputs, const struct range_rule *rules,
	       size_t count, const struct ranges_options *options);

/* For qsort(): by first address, then the wider prefix, then port 0 first;
 * total, so that sorting is deterministic. */
int items_compare(const void *left, const void *right);

#endif
