/* dns_servers.h - which servers a resolver asks, and how they fared.  They are
 * given, or those of resolv.conf(5), which is read again when it has changed.
 * Nothing else in that file is heeded: names are absolute, and how long to wait
 * is said by our own options. */
#ifndef NET_DNS_SERVERS_H
#define NET_DNS_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "file_stamp.h"
#include "resolver.h"

#define RESOLV_CONF_CHECK_MS 5000

/* The servers of one worker.  Counted: lookups under way keep those they began
 * with. */
struct dns_servers {
	unsigned refs;
	unsigned count; /* >= 1 */
	struct dns_server {
		struct addr addr;
		uint16_t port;
		uint64_t rests_until_ms; /* monotonic */
	} of[RESOLVER_MAX_SERVERS];
};

void dns_servers_unref(struct dns_servers *servers); /* NULL is ignored */

/* Where they come from. */
struct dns_source {
	struct dns_servers *servers; /* counted; never NULL after init */
	char *path;                  /* owned; NULL: they were given */
	struct file_stamp seen;      /* of the file they are from */
	uint64_t check_at_ms;
};

/* Those of OPTIONS, else those of its resolv.conf; 127.0.0.1 when that has none
 * or is not there.  False: out of memory or descriptors. */
bool dns_source_init(struct dns_source *source,
		     const struct resolver_options *options, uint64_t now_ms);
void dns_source_fini(struct dns_source *source);

/* The servers to ask at NOW_MS (monotonic); a reference for the caller.  A file
 * that cannot be read just now leaves those that were. */
struct dns_servers *dns_source_servers(struct dns_source *source,
				       uint64_t now_ms);

#endif
