/* dns_servers.h - which servers a resolver asks, and how they fared. */
#ifndef NET_DNS_SERVERS_H
#define NET_DNS_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "resolver.h"

/* The servers of one worker and how they fared. */
struct dns_servers {
	struct dns_server {
		struct addr addr;
		uint16_t port;
		uint64_t rests_until_ms; /* monotonic */
	} of[RESOLVER_MAX_SERVERS];
	unsigned count; /* >= 1 */
};

/* Those of OPTIONS, else those of its resolv.conf; 127.0.0.1 when that has none
 * or is not there.  False: it cannot be read. */
bool dns_servers_init(struct dns_servers *servers,
		      const struct resolver_options *options);

#endif
