/* addresses.h - the address lists that a policy is compiled with: from a
 * Smokescreen configuration and from the command line. */
#ifndef COMPILER_ADDRESSES_H
#define COMPILER_ADDRESSES_H

#include <stdbool.h>

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "model.h"

/* Where the lists come from, in the order given. */
struct addresses {
	struct placed_range *ranges;
	uint32_t count;
	uint32_t capacity;
	struct ranges_options options;
};

enum addresses_list {
	ADDRESSES_DENY_RANGE = 0,
	ADDRESSES_ALLOW_RANGE,
	ADDRESSES_DENY_ADDRESS,
	ADDRESSES_ALLOW_ADDRESS,
	ADDRESSES_NAT64_PREFIX, /* in which IPv4 addresses are (RFC 6052) */
};

/* Add TEXT to the list WHICH; AT is where it was written.  NULL, or what is
 * wrong with it, in the reference's words, and *CODE for it. */
const char *addresses_add(struct addresses *addresses, struct arena *arena,
			  enum addresses_list which, struct str text,
			  struct span at, enum diag_code *code);

/* Take the address keys of the configuration in SOURCE and leave the rest of it
 * alone.  False: reported. */
bool addresses_read_config(struct addresses *addresses, struct source *source,
			   struct arena *arena, struct diag_list *diags);

#endif
