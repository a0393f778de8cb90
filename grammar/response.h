/* response.h - the head of an origin's HTTP/1 response: a pure scanner, as
 * strict as that of requests.  HEAD_BAD and all the others mean: no such answer
 * is passed on, the client hears 502.
 * Not here: what a response means, and bodies. */
#ifndef GRAMMAR_RESPONSE_H
#define GRAMMAR_RESPONSE_H

#include "head.h"

#define RESPONSE_MAX_HEAD (64u << 10) /* all of it, the empty line included */

struct response {
	uint16_t status;         /* 100 to 999 */
	struct head_span reason; /* may be empty */
	struct head head;
};

/* Scan the head at the beginning of the LENGTH bytes at BYTES, which are those
 * of the last call and maybe more.  OUT is filled when the answer is HEAD_DONE;
 * with an error, out->head.error says more.  No byte beyond LENGTH is read. */
enum head_status response_scan(struct head_progress *progress,
			       const char *bytes, size_t length,
			       struct response *out);

#endif
