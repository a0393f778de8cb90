/* events.h - what happened to requests: logged in upstream's names, one
 * CANONICAL-PROXY-DECISION a request, one CANONICAL-PROXY-CN-CLOSE a tunnel;
 * and counted.  Not here: how a line gets written, log.h; a number, metrics.h.
 */
#ifndef OBSERVE_EVENTS_H
#define OBSERVE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "log.h"
#include "metrics.h"
#include "runtime/policy/addr.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"
#include "runtime/policy/ranges.h"
#include "runtime/policy/str.h"
#include "runtime/tls/identity.h"

#define ID_TEXT 20 /* characters of an id as logged */

/* Ids are unique, sort by second, and are no secret: 4 bytes of time, 5 that
 * belong to the source, 3 of a counter. */
struct id {
	uint8_t bytes[12];
};

struct id_source {
	uint8_t own[5];
	uint32_t counter;
};

void id_source_init(struct id_source *source);
struct id id_next(struct id_source *source, time_t now);
void id_format(const struct id *id, char out[ID_TEXT + 1]);

/* What the log says of one request, as it becomes known. */
struct exchange {
	struct id id;
	struct addr peer;
	uint16_t peer_port;
	uint16_t status; /* of an answer that we made up; 0: none */
	bool allow;
	bool would_deny;
	bool is_connect;
	uint16_t cause; /* enum metric_cause: why so decided */
	uint16_t set;   /* the rule's role and project, counted */
	struct timespec start;
	struct str host;     /* borrowed: as the client wrote it */
	struct str trace_id; /* borrowed */
	/* Borrowed: of the CONNECT whose tunnel, which ends here, it is in;
	 * NULL: in none. */
	const struct id *connect_id;
	/* Owned: members of a JSON object, see proxy/detail.h; NULL: none are
	 * asked for. */
	char *detail;
	uint32_t dns_us;
	uint32_t content_length;
	struct decision decision;
	struct classification class;     /* of the address, once there is one */
	const struct blob *blob;         /* borrowed; NULL without an ACL */
	const char *policy;              /* borrowed: its hash, or "" */
	const struct identity *identity; /* borrowed; NULL: unknown */
	struct metrics *metrics; /* borrowed; NULL: nothing is counted */
};

/* "inbound_remote_addr": who the client is. */
void log_put_peer(struct json *line, const struct exchange *exchange);

/* "connect_id" and "requested_host": whose tunnel something happens in. */
void log_put_connect(struct json *line, const struct exchange *exchange);

/* REASON and ERROR are for this line; either may be NULL. */
void log_decision(struct log *log, const struct exchange *exchange,
		  const char *reason, const char *error);

/* A request that was allowed and then failed: MSG is what the client was told.
 */
void log_failure(struct log *log, const struct exchange *exchange,
		 const char *reason, const char *msg, const char *error);

/* Bytes that were no request, or one that is not served. */
void log_bad_request(struct log *log, const struct exchange *exchange,
		     const char *error);

/* An answer of an origin's. */
struct outbound_record {
	struct addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t connect_us;    /* 0: the connection was there already */
	int64_t content_length; /* -1: nobody knows */
};

/* The decision about a plain request, once its answer is there. */
void log_response(struct log *log, const struct exchange *exchange,
		  const char *reason, const struct outbound_record *outbound);

struct tunnel_record {
	struct addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t connect_us;
	uint64_t bytes_in;  /* from the destination */
	uint64_t bytes_out; /* to it */
	struct timespec last_activity;
	bool at_termination; /* the program ended it */
};

void log_close(struct log *log, const struct exchange *exchange,
	       const char *reason, const struct tunnel_record *tunnel,
	       const char *error);

#endif
