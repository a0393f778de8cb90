/* request.h - the head of an HTTP/1 request, and the authority that CONNECT
 * names: pure scanners over bytes from outside (RFC 9112, read strictly; what
 * two readers could understand differently is refused).
 * Not here: what a request means, and bodies. */
#ifndef GRAMMAR_REQUEST_H
#define GRAMMAR_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_MAX_HEAD (32u << 10) /* all of it, the empty line included */
#define REQUEST_MAX_TARGET 8192u
#define REQUEST_MAX_METHOD 32u
#define REQUEST_MAX_FIELDS 128u

enum request_status {
	REQUEST_MORE = 0,        /* so far so good: not all here yet */
	REQUEST_DONE,            /* the head is complete and well-formed */
	REQUEST_BAD,             /* answer 400 */
	REQUEST_TARGET_TOO_LONG, /* answer 414 */
	REQUEST_HEAD_TOO_LARGE,  /* answer 431 */
	REQUEST_BAD_VERSION,     /* answer 505 */
};

/* A range of the bytes scanned, as offsets. */
struct request_span {
	uint32_t start;
	uint32_t length;
};

/* The fields that somebody here asks for by name. */
enum request_field_id {
	FIELD_OTHER = 0,
	FIELD_HOST,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_TRACE_ID,       /* X-Smokescreen-Trace-ID */
	FIELD_ROLE,           /* X-Smokescreen-Role */
	FIELD_UPSTREAM_PROXY, /* X-Upstream-Https-Proxy */
};

struct request_field {
	uint32_t id; /* enum request_field_id */
	struct request_span name;
	struct request_span value; /* without the blanks around it */
};

struct request {
	struct request_span method;
	struct request_span target;
	bool is_connect;
	uint8_t minor;   /* HTTP/1.minor, 0 or 1 */
	uint32_t length; /* of the head: what follows comes after it */
	bool has_length; /* Content-Length is there: */
	uint64_t content_length;
	bool chunked;      /* Transfer-Encoding is there, and is chunked */
	const char *error; /* what is wrong, for people; else NULL */
	uint32_t field_count;
	struct request_field fields[REQUEST_MAX_FIELDS];
};

/* How far one head was looked at; zeroed at its first byte.  Kept between calls
 * so that a head sent a byte at a time costs no more than one sent at once. */
struct request_progress {
	uint32_t seen;  /* bytes searched for the end of the head */
	uint32_t line;  /* where the line that holds SEEN starts */
	uint32_t first; /* where the request line starts */
};

/* Scan the head at the beginning of the LENGTH bytes at BYTES, which are those
 * of the last call and maybe more.  OUT is filled when the answer is
 * REQUEST_DONE; with an error, OUT->error says more.  No byte beyond LENGTH is
 * read. */
enum request_status request_scan(struct request_progress *progress,
				 const char *bytes, size_t length,
				 struct request *out);

/* The first field ID, or NULL. */
const struct request_field *request_field(const struct request *request,
					  enum request_field_id id);

enum request_target {
	TARGET_BAD = 0,   /* none of those below, or not a usable one */
	TARGET_AUTHORITY, /* host, host:port: for CONNECT */
	TARGET_ABSOLUTE,  /* scheme://... */
	TARGET_ORIGIN,    /* /path */
	TARGET_ASTERISK,  /* OPTIONS * */
};

/* What kind of target the LENGTH bytes at BYTES are.  As an authority passes
 * whatever has the characters of a host and digits for a port: whether the host
 * is a name and the port is in range is not decided here.  No userinfo, no
 * path, no name in brackets. */
enum request_target request_target(const char *bytes, size_t length);

/* Undo the percent encoding of an authority's bytes beyond ASCII, in place; the
 * new length.  What request_target() called an authority has no other escapes.
 */
size_t request_decode_host(char *bytes, size_t length);

/* The host in the URL of a proxy, "https://user:password@host:port", without
 * brackets.  False: no URL that names a host. */
bool request_proxy_host(const char *bytes, size_t length,
			struct request_span *host);

#endif
