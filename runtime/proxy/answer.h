/* answer.h - the requests that get no tunnel and no origin's answer: one line
 * in the log and one answer of ours.  What may be told is decided here
 * (--deny-detail); how it is worded is respond.h's. */
#ifndef PROXY_ANSWER_H
#define PROXY_ANSWER_H

#include <stdbool.h>

struct client;

#define ANSWER_HOST_MAX 600

/* The host as the client wrote it, fit for a message.  Returns OUT. */
const char *answer_host(const struct client *client, char out[ANSWER_HOST_MAX]);

/* Refused: REASON is for the log, TOLD for the client. */
void answer_deny(struct client *client, const char *reason, const char *told);

/* Allowed, but it cannot be done: the client hears WHAT and TOLD with STATUS,
 * the log has ERROR.  DECIDED: the decision is in the log already. */
void answer_fail(struct client *client, unsigned status, const char *what,
		 const char *told, const char *error, bool decided);

/* Who asks is client_is_stale(). */
void answer_stale(struct client *client);

/* More than --max-request-rate, --max-concurrent-requests and
 * --max-concurrent-connect-tunnels let through.  The last is heard of after the
 * decision is in the log. */
void answer_over_rate(struct client *client);
void answer_over_requests(struct client *client);
void answer_over_tunnels(struct client *client);

/* No CONNECT, or no request at all: TEXT is one line, or empty. */
void answer_plain(struct client *client, unsigned status, const char *text,
		  bool error_header);

/* We are there. */
void answer_health(struct client *client);

#endif
