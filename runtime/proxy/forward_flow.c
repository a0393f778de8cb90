/* forward_flow.c - see forward-internal.h. */
#include "forward-internal.h"

#include <errno.h>
#include <string.h>

#include "headers.h"
#include "worker.h"

/* --- sending --- */

static void origin_lost(struct client *client)
{
	client->forward->lost = true;
	spill_free(&client->up.spill);
}

static void client_gone(struct client *client, int error)
{
	client->forward->gone = true;
	client->error = error;
	spill_free(&client->down.spill);
}

static struct peer *sink_of(struct client *client, const struct flow *flow)
{
	return flow == &client->up ? &client->origin : &client->client;
}

static void sink_failed(struct client *client, const struct flow *flow,
			int error)
{
	if (flow == &client->up)
		origin_lost(client);
	else
		client_gone(client, error);
}

/* see forward-internal.h */
void forward_write(struct client *client, struct flow *flow)
{
	struct spill *spill = &flow->spill;
	ssize_t n = stream_write(&sink_of(client, flow)->stream,
				 spill->p + spill->start, spill_length(spill));

	if (n >= 0)
		spill_consume(spill, (uint32_t)n);
	else if (errno != EAGAIN)
		sink_failed(client, flow, errno);
}

static bool is_deaf(const struct client *client, const struct flow *flow)
{
	return flow == &client->up ? client->forward->lost
				   : client->forward->gone;
}

/* LENGTH bytes at BYTES go out by FLOW, behind those that wait. */
void forward_send(struct client *client, struct flow *flow, const char *bytes,
		  size_t length)
{
	ssize_t n = 0;

	if (length == 0 || is_deaf(client, flow))
		return;
	if (flow->spill.p == NULL) {
		n = stream_write(&sink_of(client, flow)->stream, bytes, length);
		if (n < 0 && errno != EAGAIN) {
			sink_failed(client, flow, errno);
			return;
		}
		n = n > 0 ? n : 0;
	}
	if (!spill_add(&flow->spill, bytes + n, (uint32_t)(length - (size_t)n)))
		sink_failed(client, flow, ENOMEM);
}

/* The data of PIECE, found in BYTES, goes out by FLOW in the form KIND, FRONT
 * before it; ENDED: with the end of the body behind it. */
void forward_send_piece(struct client *client, struct flow *flow,
			enum body_kind kind, struct str front, char *bytes,
			const struct body_piece *piece, bool ended)
{
	const struct head *trailers = &client->worker->trailers;
	char tail[BODY_MAX_TRAILERS + HEAD_MAX_FIELDS + 8];
	char *p = bytes + piece->start;
	size_t length = piece->length, end = 0;

	if (kind == BODY_CHUNKED) {
		if (ended && length == 0) {
			memcpy(tail, "0\r\n", 3);
			end = 3;
		}
		if (ended)
			end += headers_trailers(tail + end, trailers,
						bytes + piece->trailers);
		if (length != 0)
			p = body_frame(p, length, ended, &length);
		if (end <= 2) {
			/* no trailers: the empty line has room here */
			memcpy(p + length, tail, end);
			length += end;
			end = 0;
		}
	}
	/* FRONT is made of a head that was in the buffer before P */
	p -= front.n;
	memcpy(p, front.p, front.n);
	forward_send(client, flow, p, length + front.n);
	forward_send(client, flow, tail, end);
}

/* --- reading --- */

char *forward_buffer(struct client *client)
{
	return (char *)client->worker->body + WORKER_FRONT;
}

/* What WAITING holds goes to OUT; how much that is. */
size_t forward_copy(const struct spill *waiting, char *out)
{
	if (waiting->p == NULL)
		return 0;
	memcpy(out, waiting->p + waiting->start, spill_length(waiting));
	return spill_length(waiting);
}

/* Read from PEER into the body buffer, behind what WAITING holds.  The number
 * of bytes there, 0 at the end, -1 with errno; then WAITING is as it was. */
ssize_t forward_read(struct client *client, struct peer *peer,
		     struct spill *waiting)
{
	char *bytes = forward_buffer(client);
	size_t before = spill_length(waiting);
	ssize_t n = client_read(peer, bytes + before, WORKER_BUFFER - before);

	if (n <= 0 || before == 0)
		return n;
	forward_copy(waiting, bytes);
	spill_free(waiting);
	return n + (ssize_t)before;
}
