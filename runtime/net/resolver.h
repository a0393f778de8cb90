/* resolver.h - names to addresses, on the event loop, with c-ares.
 * One resolver per worker.  Names are absolute: no search list.  The hosts file
 * comes first and is read by us; a name it has is not asked for.  Answers are
 * kept for their TTL (dns_cache.h), equal lookups under way are one.  A and
 * AAAA are asked at the same time, each from a socket of its own; the servers
 * take turns when one fails.  Not here: what an address may be used for. */
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
#define RESOLVER_MAX_ADDRESSES 64 /* per lookup; the rest is dropped */
#define RESOLVER_TIMEOUT_MS 5000  /* when the options give none */
/* Once one family has addresses, the other gets no more than this. */
#define RESOLVER_SECOND_FAMILY_MS 2000
#define LOOKUP_ERROR_MAX 384 /* room for the longest name and server */

enum resolver_network { NETWORK_IP = 0, NETWORK_IP4, NETWORK_IP6 };

struct resolver_server {
	struct addr addr;
	uint16_t port; /* 0: 53 */
};

struct resolver_options {
	struct resolver_server servers[RESOLVER_MAX_SERVERS];
	unsigned server_count;   /* 0: those of resolv_conf */
	const char *resolv_conf; /* NULL: /etc/resolv.conf */
	const char *hosts_file;  /* NULL: /etc/hosts */
	enum resolver_network network;
	unsigned timeout_ms; /* for one lookup as a whole; 0: the default */
	bool no_cache;
};

enum lookup_status {
	LOOKUP_FAILED = 0, /* anything below did not say better */
	LOOKUP_OK,         /* at least one address */
	LOOKUP_NOT_FOUND,  /* NXDOMAIN, or no address record */
	LOOKUP_TIMEOUT,
};

struct lookup_result {
	enum lookup_status status;
	/* Borrowed for the call.  IPv4 before IPv6, each as the server sent
	 * them (or the hosts file has them). */
	const struct addr *addrs;
	size_t count;
	/* For people: "lookup x.test on 192.0.2.53:53: no such host", with the
	 * server that said so; "" if OK. */
	char error[LOOKUP_ERROR_MAX];
};

/* Called once, never from inside resolve_start(); the lookup is gone after. */
typedef void lookup_done(void *context, const struct lookup_result *result);

/* NULL: *WHY is a message.  OPTIONS is copied. */
struct resolver *resolver_new(struct event_base *base,
			      const struct resolver_options *options,
			      const char **why);
/* Every pending lookup must have ended or been cancelled. */
void resolver_free(struct resolver *resolver);

/* Look up NAME: normalised, no trailing dot, not an address.  One that is
 * already being looked up is joined, and shares its time.  NULL: out of memory,
 * errno says; DONE is then not called. */
struct lookup *resolve_start(struct resolver *resolver, const char *name,
			     lookup_done *done, void *context);

/* Forget it: DONE will not be called.  NULL is ignored. */
void resolve_cancel(struct lookup *lookup);

#endif
