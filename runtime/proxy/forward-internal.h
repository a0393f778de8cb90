/* forward-internal.h - what the files of an exchange share: forward.c has its
 * turns and the request, forward_answer.c the answer, forward_flow.c the bytes.
 *
 * What is read goes into the worker's body buffer, is put into its new form
 * there and written at once; only what the sink does not take is kept.  Steps
 * return false when the client must not be touched any more: it has been
 * answered otherwise, has become a tunnel, or is closed. */
#ifndef PROXY_FORWARD_INTERNAL_H
#define PROXY_FORWARD_INTERNAL_H

#include <sys/types.h>

#include "body.h"
#include "client.h"
#include "forward.h"
#include "runtime/net/proxy_address.h"
#include "runtime/policy/str.h"

/* Nothing has come of it, for ERROR, in which the proxy is to blame if it is
 * asked in the origin's place: we answer STATUS and WHAT. */
void forward_fail(struct client *client, unsigned status, const char *what,
		  const char *error);

/* Where bytes are read to: WORKER_BUFFER of them. */
char *forward_buffer(struct client *client);

/* What WAITING holds goes to OUT; how much that is. */
size_t forward_copy(const struct spill *waiting, char *out);

/* Read from PEER into the buffer, behind what WAITING holds.  The number of
 * bytes there, 0 at the end, -1 with errno; then WAITING is as it was. */
ssize_t forward_read(struct client *client, struct peer *peer,
		     struct spill *waiting);

/* Write what waits in FLOW.  Here and below, a sink that takes no more is noted
 * in the forward: lost, gone. */
void forward_write(struct client *client, struct flow *flow);

/* LENGTH bytes at BYTES go out by FLOW, behind those that wait. */
void forward_send(struct client *client, struct flow *flow, const char *bytes,
		  size_t length);

/* The data of PIECE, found in BYTES, goes out by FLOW in the form KIND, FRONT
 * before it: as much fits into the buffer before BYTES.  ENDED: with the end of
 * the body behind it, and the worker's trailers. */
void forward_send_piece(struct client *client, struct flow *flow,
			enum body_kind kind, struct str front, char *bytes,
			const struct body_piece *piece, bool ended);

/* The origin has something to say. */
bool forward_read_origin(struct client *client);

/* The answer broke off; the client must not take it for whole.  False. */
bool forward_cut(struct client *client, const char *error);

#endif
