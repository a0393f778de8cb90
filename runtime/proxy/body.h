/* body.h - a message's body on its way through: undone from the form it came in
 * and put into the form it leaves in, where it lies.  Pure: no I/O, no
 * allocation.  A body is never passed on in the sender's own framing, so what
 * the receiver takes for its end is always what was taken for it here. */
#ifndef PROXY_BODY_H
#define PROXY_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grammar/chunked.h"
#include "grammar/head.h"

#define BODY_MAX_TRAILERS 8192u /* bytes of a trailer section */

/* Room that body_frame() needs before and behind the data. */
#define BODY_FRONT 20u /* a chunk's size line */
#define BODY_BACK 8u   /* a chunk's end and the last chunk */

enum body_kind {
	BODY_NONE = 0,
	BODY_LENGTH,  /* Content-Length says how long */
	BODY_CHUNKED, /* its chunks say */
	BODY_TO_END,  /* all there is until the connection ends */
};

enum body_status {
	BODY_MORE = 0, /* goes on */
	BODY_ENDED,
	BODY_BROKEN,
};

/* A body coming in. */
struct body {
	uint8_t kind;     /* enum body_kind */
	bool in_trailers; /* the last chunk has been seen */
	uint64_t left;    /* of BODY_LENGTH */
	uint64_t taken;   /* bytes of data so far */
	struct chunked chunked;
	struct head_progress progress; /* in the trailers */
};

/* What was found among the bytes.  Those behind USED belong to what comes after
 * the body when it has ended; else they are the start of the trailers, and must
 * come again with more behind them. */
struct body_piece {
	size_t start; /* of the data */
	size_t length;
	size_t used;
	size_t trailers; /* where the trailers' first line starts */
};

void body_init(struct body *body, enum body_kind kind, uint64_t length);

/* Take what belongs to BODY of the LENGTH bytes at BYTES; data may be moved
 * there.  BODY_ENDED: TRAILERS has the fields of the trailer section, spans
 * counted from PIECE->trailers. */
enum body_status body_take(struct body *body, char *bytes, size_t length,
			   struct body_piece *piece, struct head *trailers);

/* The connection has ended: is that the body's end, too? */
bool body_may_end(const struct body *body);

/* Make a chunk of the LENGTH > 0 bytes at DATA, which has BODY_FRONT and
 * BODY_BACK around it; LAST: and the last chunk behind it, without the empty
 * line.  Returns where it starts, *FRAMED is how long it is. */
char *body_frame(char *data, size_t length, bool last, size_t *framed);

#endif
