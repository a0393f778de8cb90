/* resolver.h - names to addresses, on the event loop, with c-ares.
 * One resolver per worker.  Names are absolute: no search list.  The hosts file
 * comes first and is read by us.  Not here: what an address may be used for. */
#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/addr.h"

struct event_base;
struct resolver;
struct lookup;

#define RESOLVER_MAX_SERVERS 8
#define RESOLVER_MAX_ADDRESSES 64 /* per answer; the rest is dropped */

enum resolver_network { NETWORK_IP = 0, NETWORK_IP4, NETWORK_IP6 };

struct resolver_server {
	struct addr addr;
	uint16_t port; /* 0: 53 */
};

struct resolver_options {
	struct resolver_server servers[RESOLVER_MAX_SERVERS];
	unsigned server_count;  /* 0: those of /etc/resolv.conf */
	const char *hosts_file; /* NULL: /etc/hosts */
	enum resolver_network network;
	unsigned timeout_ms; /* for one lookup as a whole */
};

enum lookup_status {
	LOOKUP_FAILED = 0, /* anything below did not say better */
	LOOKUP_OK,         /* at least one address */
	LOOKUP_NOT_FOUND,  /* NXDOMAIN, or no address record */
	LOOKUP_TIMEOUT,
};

struct lookup_result {
	enum lookup_status status;
	const struct addr *addrs; /* in resolver order; borrowed for the call */
	size_t count;
	char error[160]; /* for people: "lookup x.test: no such host"; "" if OK
			  */
};

/* Called once, never from inside resolve_start(); the lookup is gone after. */
typedef void lookup_done(void *context, const struct lookup_result *result);

/* NULL: *WHY is a message.  OPTIONS is copied. */
struct resolver *resolver_new(struct event_base *base,
			      const struct resolver_options *options,
			      const char **why);
/* Every pending lookup must have ended or been cancelled. */
void resolver_free(struct resolver *resolver);

/* Look up NAME: normalised, no trailing dot, not an address.  NULL: out of
 * memory or descriptors, errno says; DONE is then not called. */
struct lookup *resolve_start(struct resolver *resolver, const char *name,
			     lookup_done *done, void *context);

/* Forget it: DONE will not be called. */
void resolve_cancel(struct lookup *lookup);

#endif
