/* dns_query.h - one question put to the servers until one of them answers.
 * c-ares carries it: sockets, matching of id and question, TCP when an answer
 * is truncated.  Each attempt has a channel of its own with one server, and so
 * a fresh socket, source port and id; which server comes next, how long it may
 * take and what is a good answer is decided here and in dns_message.c. */
#ifndef NET_DNS_QUERY_H
#define NET_DNS_QUERY_H

#include <ares.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns_message.h"
#include "dns_servers.h"

/* Patience with one server in the first round; each later round has twice as
 * much, up to a limit.  Less when the caller's own time is short. */
#define DNS_ATTEMPT_MS 1000
#define DNS_ATTEMPT_MIN_MS 50
#define DNS_MAX_DOUBLINGS 3
/* A server that fails at once (SERVFAIL, nobody there) gets a second chance. */
#define DNS_MAX_REFUSALS 2
/* A server that did not answer is asked last for this long. */
#define DNS_SERVER_REST_MS 10000
/* c-ares with one server: a UDP socket, and a TCP one after truncation. */
#define DNS_QUERY_SOCKETS 4

enum dns_outcome {
	DNS_FAILED = 0, /* every server refused; see failure */
	DNS_ANSWERED,   /* an answer that can be trusted: addresses or none */
};

struct dns_query;
/* The query has ended and may be freed from inside. */
typedef void dns_query_done(struct dns_query *query);

struct dns_query_socket {
	struct dns_query *query; /* borrowed: the one around it */
	int fd;                  /* c-ares's; -1: the slot is free */
	struct event event;      /* valid while fd is not -1 */
};

/* In the caller's storage.  Zeroed: not running, cancel is fine. */
struct dns_query {
	uint32_t magic;
	bool running;
	bool arrived; /* the attempt is decided and waits to be acted upon */
	bool closing; /* the channel is being destroyed */
	bool nobody;  /* the attempt found no server at that port */
	uint16_t id;
	struct event_base *base;     /* borrowed */
	struct dns_servers *servers; /* borrowed; outlives the query */
	const struct dns_name *name; /* borrowed; outlives the query */
	enum dns_type type;
	unsigned attempts;                   /* how many have been started */
	unsigned refusals;                   /* how many failed at once */
	unsigned attempt_ms;                 /* patience of the first round */
	uint8_t order[RESOLVER_MAX_SERVERS]; /* servers, best first */
	ares_channel channel;                /* owned; NULL between attempts */
	struct dns_query_socket sockets[DNS_QUERY_SOCKETS];
	struct event timer; /* the attempt's end, and deferred work */
	dns_query_done *done;
	void *context; /* borrowed, for done */

	/* The result. */
	enum dns_outcome outcome;
	unsigned server;          /* index of the one that OUTCOME is about */
	const char *failure;      /* for DNS_FAILED: static text */
	struct dns_answer answer; /* for DNS_ANSWERED */
};

/* Ask.  TOTAL_MS is what the caller will wait at most; it also decides how soon
 * the next server is tried.  DONE is never called from inside.  The query ends
 * by an answer, or when every server has refused; silent servers are asked
 * again until the caller cancels. */
void dns_query_start(struct dns_query *query, struct event_base *base,
		     struct dns_servers *servers, const struct dns_name *name,
		     enum dns_type type, unsigned total_ms,
		     dns_query_done *done, void *context);

/* Stop; DONE will not be called.  Not running: nothing happens.  What it knew
 * so far stays readable: outcome, server, failure. */
void dns_query_cancel(struct dns_query *query);

#endif
