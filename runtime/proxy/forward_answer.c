/* forward_answer.c - see forward-internal.h: what the origin answers, and what
 * becomes of it. */
#include "forward-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "answer.h"
#include "connect.h"
#include "headers.h"
#include "runtime/tls/secure.h"
#include "tunnel.h"
#include "via.h"
#include "worker.h"

/* --- the answer's head --- */

static bool bad_answer(struct client *client, const char *error)
{
	forward_fail(client, 502, "Malformed answer from remote host", error);
	return false;
}

static void set_response_body(struct forward *forward,
			      const struct response *response)
{
	const struct head *head = &response->head;
	unsigned status = response->status;

	if (forward->is_head || status < 200 || status == 204 || status == 304)
		body_init(&forward->response, BODY_NONE, 0);
	else if (head->chunked)
		body_init(&forward->response, BODY_CHUNKED, 0);
	else if (head->has_length)
		body_init(&forward->response, BODY_LENGTH,
			  head->content_length);
	else
		body_init(&forward->response, BODY_TO_END, 0);
}

/* How the body goes on, and what the head says of it. */
static struct headers_answer plan_answer(struct client *client,
					 const struct response *response,
					 const char *date)
{
	struct forward *forward = client->forward;
	enum body_kind kind = (enum body_kind)forward->response.kind;
	bool silent = response->status < 200 || response->status == 204;

	/* without a length: in chunks, or to the end for a 1.0 client */
	if (kind == BODY_CHUNKED || kind == BODY_TO_END)
		kind = client->minor != 0 ? BODY_CHUNKED : BODY_TO_END;
	return (struct headers_answer){
		.minor = client->minor,
		.kind = (uint8_t)kind,
		/* RFC 9110 8.6: none in 1xx and 204; HEAD and 304 say what
		 * the length would have been */
		.has_length = response->head.has_length && !silent,
		.length = response->head.content_length,
		.close = !forward->keep && client->minor != 0 &&
			 response->status >= 200,
		.date = date,
	};
}

static void log_answer(struct client *client, const struct response *response)
{
	struct forward *forward = client->forward;
	struct outbound_record record = {
		.local = client->local,
		.local_port = client->local_port,
		.remote = client->remote,
		.remote_port = client->remote_port,
		.connect_us = client->connect_us,
		.content_length = -1,
	};

	if (response->head.has_length &&
	    response->head.content_length <= INT64_MAX)
		record.content_length = (int64_t)response->head.content_length;
	else if (forward->response.kind == BODY_NONE)
		record.content_length = 0;
	log_response(client->worker->log, &client->exchange, client->reason,
		     &record);
	forward->logged = true;
}

/* The head of the answer, rewritten, in the worker's scratch. */
static struct str rewrite_head(struct client *client, const char *bytes,
			       bool websocket)
{
	const struct response *response = &client->worker->response;
	const char *date = headers_date_kept(&client->worker->date, time(NULL));
	struct headers_answer answer;
	size_t length;

	answer = plan_answer(client, response, date);
	answer.websocket = websocket;
	client->forward->sink = answer.kind;
	length = headers_to_client(client->worker->scratch, response, bytes,
				   &answer);
	return str_make(client->worker->scratch, length);
}

/* 1xx: passed on, but not to those who know nothing of it (RFC 9110 15.2). */
static bool take_interim(struct client *client, const char *bytes)
{
	struct forward *forward = client->forward;
	struct str head;

	if (++forward->interims > FORWARD_MAX_INTERIM)
		return bad_answer(client, "too many interim answers");
	body_init(&forward->response, BODY_NONE, 0);
	forward->progress = (struct head_progress){0};
	if (client->minor == 0)
		return true;
	head = rewrite_head(client, bytes, false);
	forward_send(client, &client->down, head.p, head.n);
	return true;
}

/* 101: what follows is the client's and the origin's affair. */
static bool become_tunnel(struct client *client, const char *bytes,
			  size_t length)
{
	uint32_t head_length = client->worker->response.head.length;
	struct forward *forward = client->forward;
	struct spill *ahead = &forward->ahead;
	struct str head;

	body_init(&forward->response, BODY_NONE, 0);
	log_answer(client, &client->worker->response);
	head = rewrite_head(client, bytes, true);
	forward_send(client, &client->down, head.p, head.n);
	if (forward->gone || forward->lost ||
	    !spill_add(&client->down.spill, bytes + head_length,
		       (uint32_t)(length - head_length)) ||
	    (ahead->p != NULL &&
	     !spill_add(&client->up.spill, ahead->p + ahead->start,
			spill_length(ahead)))) {
		client_close(client, CLOSE_ERROR);
		return false;
	}
	forward_free(&client->forward);
	via_forget(client);
	tunnel_continue(client);
	return false;
}

static void take_final(struct client *client)
{
	const struct response *response = &client->worker->response;
	struct forward *forward = client->forward;

	set_response_body(forward, response);
	forward->down = DOWN_BODY;
	/* an answer that overtakes its request, or comes at the end of our
	 * days, is the last one on this connection */
	if (forward->up != UP_DONE ||
	    atomic_load_explicit(&client->worker->shared->draining,
				 memory_order_relaxed))
		forward->keep = false;
	forward->reusable = response->head.minor != 0 &&
			    !response->head.close &&
			    forward->response.kind != BODY_TO_END;
	log_answer(client, response);
}

/* --- the answer's body --- */

/* The answer broke off; the client must not take it for whole. */
bool forward_cut(struct client *client, const char *error)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	log_failure(client->worker->log, &client->exchange, client->reason,
		    "answer cut off", error);
	if (client->forward->sink == BODY_TO_END)
		setsockopt(client->client.stream.fd, SOL_SOCKET, SO_LINGER,
			   &reset, sizeof(reset));
	client_close(client, CLOSE_ERROR);
	return false;
}

/* The LENGTH bytes at BYTES, in the buffer, are the answer's body, and what may
 * come behind it; FRONT goes before them. */
static bool take_body(struct client *client, struct str front, char *bytes,
		      size_t length)
{
	struct forward *forward = client->forward;
	struct body_piece piece;
	enum body_status status = body_take(&forward->response, bytes, length,
					    &piece, &client->worker->trailers);
	size_t rest;

	if (status == BODY_BROKEN) {
		forward_send(client, &client->down, front.p, front.n);
		return forward_cut(client, "malformed chunked body");
	}
	rest = length - piece.used;
	if (status == BODY_ENDED) {
		forward->down = DOWN_DONE;
		/* bytes that nobody asked for: who knows whose answer */
		forward->reusable &= rest == 0;
	} else if (!spill_add(&forward->early, bytes + piece.used,
			      (uint32_t)rest)) {
		return forward_cut(client, strerror(ENOMEM));
	}
	forward_send_piece(client, &client->down, (enum body_kind)forward->sink,
			   front, bytes, &piece, status == BODY_ENDED);
	return true;
}

/* LENGTH bytes of the origin's are in the buffer. */
static bool take_response(struct client *client, size_t length)
{
	struct response *response = &client->worker->response;
	struct forward *forward = client->forward;
	char *bytes = forward_buffer(client);
	struct str front = STR("");

	/* there is an answer: the request must not be repeated */
	spill_free(&forward->replay);
	while (forward->down == DOWN_HEAD) {
		enum head_status status = response_scan(
			&forward->progress, bytes, length, response);
		uint32_t end = response->head.length;

		if (status == HEAD_MORE) {
			if (spill_add(&forward->early, bytes, (uint32_t)length))
				return true;
			return bad_answer(client, strerror(ENOMEM));
		}
		if (status != HEAD_DONE)
			return bad_answer(client, response->head.error);
		if (response->status == 101) {
			if (!forward->upgrade || !response->head.upgrade ||
			    !response->head.websocket)
				return bad_answer(client,
						  "an upgrade that was not "
						  "asked for");
			return become_tunnel(client, bytes, length);
		}
		if (response->status < 200) {
			if (!take_interim(client, bytes))
				return false;
			bytes += end;
			length -= end;
			if (length == 0)
				return true;
			continue;
		}
		take_final(client);
		front = rewrite_head(client, bytes, false);
		bytes += end;
		length -= end;
	}
	return take_body(client, front, bytes, length);
}

/* --- the origin's end --- */

/* A connection that had waited turns out to be closed: nothing was answered, so
 * the same question to the same address is no other one. */
static bool may_retry(const struct client *client)
{
	const struct forward *forward = client->forward;

	return forward->pooled && forward->replay.p != NULL &&
	       forward->down == DOWN_HEAD && forward->interims == 0;
}

static void retry(struct client *client)
{
	struct forward *forward = client->forward;

	client_close_origin(client);
	spill_free(&client->up.spill);
	client->up.spill = forward->replay;
	forward->replay = (struct spill){0};
	forward->pooled = false;
	forward->lost = false;
	forward->up = UP_HELD;
	timeout_disarm(&client->timeout);
	connect_dial(client, &client->remote, 1);
}

static bool origin_ended(struct client *client, int error)
{
	struct forward *forward = client->forward;
	struct body_piece none = {0};

	if (may_retry(client)) {
		retry(client);
		return false;
	}
	if (forward->down == DOWN_HEAD) {
		const char *text =
			error != 0 ? strerror(error)
				   : "connection closed without an answer";

		forward_fail(client, 502, "Failed to connect to remote host",
			     text);
		return false;
	}
	/* over TLS the end that anybody can forge is none (RFC 9112 9.8) */
	if (error != 0 || !body_may_end(&forward->response) ||
	    secure_is_cut(&client->origin.stream))
		return forward_cut(client, error != 0 ? strerror(error)
						      : "unexpected end");
	forward->down = DOWN_DONE;
	head_clear(&client->worker->trailers);
	forward_send_piece(client, &client->down, (enum body_kind)forward->sink,
			   STR(""), forward_buffer(client), &none, true);
	return true;
}

bool forward_read_origin(struct client *client)
{
	ssize_t n =
		forward_read(client, &client->origin, &client->forward->early);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return origin_ended(client, n < 0 ? errno : 0);
	return take_response(client, (size_t)n);
}
