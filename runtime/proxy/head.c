/* head.c - see head.h. */
#include "head.h"

#include <errno.h>

#include "answer.h"
#include "client.h"
#include "target.h"
#include "worker.h"

#define HEAD_STEP 4096u /* a head in pieces is gathered in such steps */

static unsigned status_of(enum head_status status)
{
	switch (status) {
	case HEAD_TARGET_TOO_LONG:
		return 414;
	case HEAD_TOO_LARGE:
		return 431;
	case HEAD_BAD_CODING:
	case HEAD_BAD_METHOD:
		return 501;
	case HEAD_BAD_VERSION:
		return 505;
	case HEAD_MORE:
	case HEAD_DONE:
	case HEAD_BAD:
		break;
	}
	return 400;
}

/* The first LENGTH bytes from the client are at BYTES: in the worker's buffer
 * when they came at once, else in the spill where they were gathered. */
static void scan_head(struct client *client, const char *bytes, size_t length)
{
	struct request *request = &client->worker->request;
	enum head_status status =
		request_scan(&client->progress, bytes, length, request);
	struct spill gathered;

	if (status == HEAD_MORE) {
		/* the time for a head begins with its first byte */
		if (client->kept &&
		    client->timeout.queue != &client->worker->head_timeouts)
			timeout_arm(&client->timeout,
				    &client->worker->head_timeouts);
		if (client->up.spill.p == NULL &&
		    (!spill_reserve(&client->up.spill,
				    (uint32_t)length + HEAD_STEP) ||
		     !spill_add(&client->up.spill, bytes, (uint32_t)length)))
			client_close(client, CLOSE_ERROR);
		return;
	}
	timeout_disarm(&client->timeout);
	client_begin_exchange(client);
	/* what was gathered is the early data's source, not its place */
	gathered = client->up.spill;
	client->up.spill = (struct spill){0};
	if (status == HEAD_DONE)
		target_begin(client, request, bytes,
			     bytes + request->head.length,
			     length - request->head.length);
	else
		answer_plain(client, status_of(status), request->head.error,
			     false);
	spill_free(&gathered);
}

void head_read(struct client *client)
{
	struct worker *worker = client->worker;
	struct spill *spill = &client->up.spill;
	ssize_t n;

	if (client->rescan) {
		client->rescan = false;
		scan_head(client, (const char *)spill->p, spill->end);
		return;
	}
	if (spill->p == NULL) {
		n = client_read(&client->client, worker->buffer,
				sizeof(worker->buffer));
	} else {
		if (spill->capacity == spill->end &&
		    !spill_reserve(spill, HEAD_STEP)) {
			client_close(client, CLOSE_ERROR);
			return;
		}
		n = client_read(&client->client, spill->p + spill->end,
				spill->capacity - spill->end);
	}
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_close(client, CLOSE_DONE);
		return;
	}
	if (spill->p == NULL) {
		scan_head(client, (const char *)worker->buffer, (size_t)n);
		return;
	}
	spill->end += (uint32_t)n;
	scan_head(client, (const char *)spill->p, spill->end);
}

void head_read_early(struct client *client)
{
	struct worker *worker = client->worker;
	ssize_t n;

	/* a plain request's body waits in the kernel until there is somebody
	 * to send it to */
	if (client->forward != NULL) {
		client_want(client, &client->client, 0);
		return;
	}
	n = client_read(&client->client, worker->buffer,
			sizeof(worker->buffer));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0 ||
	    !spill_add(&client->up.spill, worker->buffer, (uint32_t)n)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	if (n == 0)
		client->up.ended = true;
	client_want(client, &client->client, 0);
}
