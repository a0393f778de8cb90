/* self.h - would a connection to this address and port come back to us?  Asked
 * before anything else about an address, and no allow list overrides it.
 * Knows every listener of the process by getsockname() and every address of the
 * machine, asked for again when what is known is older than SELF_FRESH_MS. */
#ifndef PROXY_SELF_H
#define PROXY_SELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/addr.h"

#define SELF_MAX_LISTENERS 20
#define SELF_FRESH_MS 1000

/* The listeners of the process: filled before the first worker starts. */
struct self_listeners {
	struct {
		struct addr addr;
		uint16_t port;
	} at[SELF_MAX_LISTENERS];
	size_t count;
};

/* Enter the socket FD.  False: no room, or not an IP socket. */
bool self_add(struct self_listeners *listeners, int fd);

/* One worker's knowledge of the machine's addresses. */
struct self_cache {
	struct addr *addrs; /* owned */
	size_t count;
	uint64_t loaded; /* timeouts_now(), 0: never */
};

bool self_is_own(const struct self_listeners *listeners,
		 struct self_cache *cache, const struct addr *addr,
		 uint16_t port);
void self_cache_fini(struct self_cache *cache);

/* The address and port in a struct sockaddr; false for other families. */
struct sockaddr;
bool self_from_sockaddr(const struct sockaddr *sockaddr, struct addr *addr,
			uint16_t *port);

#endif
