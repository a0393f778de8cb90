/* ranges.h - the address table: which class an address and port fall in.
 * Reads one verified image of sorted disjoint ranges with a directory, one
 * structure for IPv4 and IPv6.  Not here: the self-connection check, which
 * knows sockets; and the building of images, ranges_build.h. */
#ifndef POLICY_RANGES_H
#define POLICY_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

enum addr_class {
#define CLASS(name, allowed, text) ADDR_##name,
#include "classes.def"
#undef CLASS
	ADDR_CLASS_COUNT
};

#define RANGE_RULE_NONE UINT32_MAX

/* Zeroed, it denies. */
struct classification {
	enum addr_class class;
	uint32_t rule; /* index of the configured range rule that decided, or
			* RANGE_RULE_NONE for the built-in ones */
};

/* A view of an image that somebody else owns. */
struct ranges {
	const uint8_t *image;
	size_t length;
	/* positions inside the image, filled by ranges_open(); private to
	 * ranges.c */
	uint64_t part[16];
	uint32_t nat64_count;
};

/* Verify an image as written by ranges_build() and view it: bounds, strict
 * order, record ids.  False when it is damaged; then VIEW denies everything.
 * IMAGE must be 8-byte aligned and stay where it is while the view is used. */
bool ranges_open(struct ranges *view, const void *image, size_t length);

/* Classify ADDR:PORT.  Pure, no allocation.  IPv4-mapped is judged as IPv4;
 * inside a configured NAT64 prefix the inner IPv4 address is judged.  The rule
 * is what the image says: an index into the rules it was built from. */
struct classification ranges_classify(const struct ranges *view,
				      const struct addr *addr, uint16_t port);

bool addr_class_allows(enum addr_class class);

/* "Deny: Private Range": static storage. */
const char *addr_class_text(enum addr_class class);

#endif
