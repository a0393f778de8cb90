/* ranges_build.h - configured address rules and the special-purpose registries
 * become one image of disjoint ranges.  Used by the compiler, and by the proxy
 * at start-up when it has rules of its own; allocates, so never on a request's
 * way. */
#ifndef POLICY_RANGES_BUILD_H
#define POLICY_RANGES_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

enum range_action { RANGE_DENY = 0, RANGE_ALLOW };

/* One line of deny_ranges, allow_ranges, deny_addresses, allow_addresses. */
struct range_rule {
	struct addr_prefix prefix;
	uint16_t port;  /* 0: any */
	uint8_t action; /* enum range_action */
};

#define RANGES_MAX_NAT64 8

struct ranges_options {
	bool allow_private; /* --unsafe-allow-private-ranges */
	uint8_t nat64_count;
	struct addr_prefix nat64[RANGES_MAX_NAT64]; /* RFC 6052 lengths: 32,
						     * 40, 48, 56, 64, 96 */
};

/* Can this be the prefix of an IPv4-in-IPv6 translator?  RFC 6052 2.2.  Others
 * are ignored by ranges_build(). */
bool ranges_nat64_is_valid(const struct addr_prefix *prefix);

/* Add PREFIX, unless it is there already.  NULL, or a literal that says why it
 * can't be. */
const char *ranges_add_nat64(struct ranges_options *options,
			     const struct addr_prefix *prefix);

/* Add all that MORE says.  NULL, or a literal that says what can't be. */
const char *ranges_add_options(struct ranges_options *options,
			       const struct ranges_options *more);

/* Build the image for ranges_open().  The order of RULES does not change what
 * the image decides; it does change the rule indexes in it.  The image is
 * malloc()ed and the caller's; its length goes to *LENGTH.  NULL: out of
 * memory, or beyond what an image can hold (1 GiB, 2^27 rules).  Same input,
 * same bytes.
 *
 * Of several rules that cover an address, an allow rule for the very address
 * (length 128) is named first, then the allow rule with the lowest index, then
 * the deny rule with the lowest index. */
void *ranges_build(const struct range_rule *rules, size_t count,
		   const struct ranges_options *options, size_t *length);

#endif
