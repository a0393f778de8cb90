/* head.h - what the heads of HTTP/1 requests and responses, and the trailers
 * behind a body, have in common: where they end, their fields, and what the
 * fields say about the connection and the body (RFC 9112, read strictly; what
 * two readers could understand differently is refused).
 * Not here: first lines, request.h and response.h; bodies, chunked.h. */
#ifndef GRAMMAR_HEAD_H
#define GRAMMAR_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_MAX_FIELDS 128u
#define HEAD_MAX_OPTIONS 32u /* that all Connection fields name together */

enum head_status {
	HEAD_MORE = 0,        /* so far so good: not all here yet */
	HEAD_DONE,            /* complete and well-formed */
	HEAD_BAD,             /* a request: answer 400 */
	HEAD_TARGET_TOO_LONG, /* answer 414 */
	HEAD_TOO_LARGE,       /* answer 431 */
	HEAD_BAD_CODING,      /* a transfer coding nobody here knows: 501 */
	HEAD_BAD_METHOD,      /* longer than any that there is: 501 */
	HEAD_BAD_VERSION,     /* answer 505 */
};

/* A range of the bytes scanned, as offsets. */
struct head_span {
	uint32_t start;
	uint32_t length;
};

/* The fields that somebody here asks for. */
enum field_id {
	FIELD_OTHER = 0,
	FIELD_CONNECTION,
	FIELD_CONTENT_LENGTH,
	FIELD_DATE,
	FIELD_EXPECT,
	FIELD_HOST,
	FIELD_KEEP_ALIVE,
	FIELD_MAX_FORWARDS,
	FIELD_PROXY, /* Proxy-Connection, Proxy-Authorization, any Proxy-... */
	FIELD_TE,
	FIELD_TRAILER,
	FIELD_TRANSFER_ENCODING,
	FIELD_UPGRADE,
	FIELD_ERROR,          /* X-Smokescreen-Error */
	FIELD_ROLE,           /* X-Smokescreen-Role */
	FIELD_TRACE_ID,       /* X-Smokescreen-Trace-ID */
	FIELD_UPSTREAM_PROXY, /* X-Upstream-Https-Proxy */
};

struct head_field {
	uint8_t id; /* enum field_id */
	bool hop;   /* a Connection field names it */
	struct head_span name;
	struct head_span value; /* without the blanks around it */
};

struct head {
	uint8_t minor;     /* HTTP/1.minor, 0 or 1 */
	uint32_t length;   /* of the head: what follows comes after it */
	const char *error; /* what is wrong, for people; else NULL */
	bool has_length;   /* Content-Length is there: */
	uint64_t content_length;
	bool chunked; /* Transfer-Encoding is there, and is chunked */
	/* What Connection says. */
	bool close;
	bool keep_alive;
	bool upgrade;
	bool websocket; /* Upgrade is there, and is websocket alone */
	bool trailers;  /* TE takes them */
	bool counted;   /* Max-Forwards is there, and a number: */
	uint64_t max_forwards;
	uint32_t field_count;
	struct head_field fields[HEAD_MAX_FIELDS];
};

/* How far one head was looked at; zeroed at its first byte.  Kept between calls
 * so that a head sent a byte at a time costs no more than one sent at once. */
struct head_progress {
	uint32_t seen;  /* bytes searched for the end of the head */
	uint32_t line;  /* where the line that holds SEEN starts */
	uint32_t first; /* where the first line starts */
};

/* Set everything in HEAD to its zero but the fields, of which there are none.
 */
void head_clear(struct head *head);

/* Look for the empty line in the LENGTH bytes at BYTES, which are those of the
 * last call and maybe more; it must come within LIMIT.  HEAD_DONE: the head
 * ends after out->length bytes.  No byte beyond LENGTH is read. */
enum head_status head_find_end(struct head_progress *progress,
			       const char *bytes, size_t length, uint32_t limit,
			       struct head *out);

/* Scan the fields in the lines of BYTES from START to the empty line that ends
 * at END, as head_find_end() found it, into OUT. */
enum head_status head_scan_fields(const char *bytes, uint32_t start,
				  uint32_t end, struct head *out);

/* What the fields of a request or a response must satisfy together, and what
 * they say of the connection and the body. */
enum head_status head_judge_fields(const char *bytes, struct head *head);

/* The first field ID, or NULL. */
const struct head_field *head_field(const struct head *head, enum field_id id);

/* What every text that is looked up again is made of: the LENGTH bytes at TEXT
 * are LITERAL, whatever the case of their letters. */
bool head_equal(const char *text, size_t length, const char *literal);

/* For the scanners of first lines. */
static inline enum head_status
head_refuse(struct head *head, enum head_status status, const char *why)
{
	head->error = why;
	return status;
}

#endif
