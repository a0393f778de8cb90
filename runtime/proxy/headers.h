/* headers.h - heads on their way through: what goes on, what does not, and what
 * is said instead.  Pure: spans of a scanned head in, text out.
 *
 * No further than here go, both ways: fields that Connection names, Connection
 * itself, Keep-Alive, Proxy-..., TE, Upgrade, Content-Length and
 * Transfer-Encoding.  The last four are written anew, from what was understood
 * and not from what was said; TE and Upgrade where they are passed on at all.
 * Max-Forwards of OPTIONS and TRACE is one less (RFC 9110 7.6.2).
 * To origins: no X-Smokescreen-Role, X-Smokescreen-Trace-ID or
 * X-Upstream-Https-Proxy, and Host is the target's.  To clients: no
 * X-Smokescreen-Error, which would seem to be ours. */
#ifndef PROXY_HEADERS_H
#define PROXY_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "body.h"
#include "grammar/request.h"
#include "grammar/response.h"
#include "runtime/policy/str.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
#define HEADERS_DATE_MAX 30

/* A head that goes to a client is longer than the origin's by no more. */
#define HEADERS_CLIENT_MORE (192u + HEAD_MAX_FIELDS)

/* Is REQUEST, whose spans are in HEAD, one whose answer shows it? */
bool headers_is_trace(const struct request *request, const char *head);

/* Is it one that Max-Forwards is for? */
bool headers_counts(const struct request *request, const char *head);

/* A header that the policy sets, in place of what the client says of it. */
struct headers_set {
	struct str name;
	struct str value;
};

/* May NAME be set?  Not when it is about the connection, or frames the message
 * (RFC 9110 7.2 and 7.6.1): that is written here. */
bool headers_may_set(struct str name);

/* Where a request goes, and how. */
struct headers_way {
	struct str host;  /* what the origin is called */
	bool upgrade;     /* it asks for a websocket */
	bool absolute;    /* to a proxy, which is told where the origin is */
	struct str basic; /* who we are to the proxy; empty: nobody */
	const struct headers_set *set; /* SET_COUNT of them, that may be */
	size_t set_count;
};

/* How many bytes headers_to_origin() may need for REQUEST and WAY. */
size_t headers_origin_max(const struct request *request,
			  const struct headers_way *way);

/* Write the head that goes by WAY for REQUEST, whose spans are in HEAD; URL is
 * its target, split.  Of TRACE a proxy is not told who we are (RFC 9110 9.3.8).
 * Returns the length. */
size_t headers_to_origin(char *out, const struct request *request,
			 const char *head, const struct request_url *url,
			 const struct headers_way *way);

/* What the answer to a client is to look like. */
struct headers_answer {
	uint8_t minor;   /* HTTP/1.minor */
	uint8_t kind;    /* enum body_kind: how the body is framed; of HEAD,
			  * 204 and 304: NONE */
	bool has_length; /* Content-Length is said: */
	uint64_t length;
	bool close;       /* the connection ends after it */
	bool websocket;   /* 101, and it is one now */
	const char *date; /* for those without one */
};

/* Write the head that goes to the client for RESPONSE, whose spans are in HEAD,
 * into OUT of response->head.length + HEADERS_CLIENT_MORE bytes.  Returns the
 * length. */
size_t headers_to_client(char *out, const struct response *response,
			 const char *head, const struct headers_answer *answer);

/* Write what may go on of TRAILERS, whose spans are in BYTES, and the empty
 * line, into OUT of trailers->length + HEAD_MAX_FIELDS bytes, 2 at least.
 * Returns the length. */
size_t headers_trailers(char *out, const struct head *trailers,
			const char *bytes);

/* NOW as a Date field has it. */
void headers_date(time_t now, char out[HEADERS_DATE_MAX]);

/* A date that was written last, zeroed at first. */
struct headers_date {
	time_t second;
	char text[HEADERS_DATE_MAX];
};

/* The same, written anew only when KEPT is of another second.  Good until the
 * next call. */
const char *headers_date_kept(struct headers_date *kept, time_t now);

#endif
