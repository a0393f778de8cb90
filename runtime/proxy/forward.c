/* forward.c - see forward.h: the exchange's beginning and end, the request, and
 * whose turn it is. */
#include "forward.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "forward-internal.h"
#include "headers.h"
#include "mitm.h"
#include "runtime/net/endpoint.h"
#include "upstream.h"
#include "via.h"
#include "worker.h"

/* --- beginning and end --- */

static bool is_method(const struct request *request, const char *head,
		      const char *name)
{
	/* methods are case-sensitive (RFC 9110 9.1) */
	return request->method.length == strlen(name) &&
	       memcmp(head + request->method.start, name,
		      request->method.length) == 0;
}

static bool is_idempotent(const struct request *request, const char *head)
{
	static const char *const names[] = {"GET",   "HEAD", "OPTIONS",
					    "TRACE", "PUT",  "DELETE"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_method(request, head, names[i]))
			return true;
	return false;
}

static void set_request_body(struct forward *forward, const struct head *head)
{
	if (head->chunked)
		body_init(&forward->request, BODY_CHUNKED, 0);
	else if (head->content_length != 0)
		body_init(&forward->request, BODY_LENGTH, head->content_length);
	else
		body_init(&forward->request, BODY_NONE, 0);
}

const struct proxy_address *forward_proxy(const struct client *client)
{
	const struct settings *settings = client->worker->shared->settings;

	return client->forward->tls ? settings->https_proxy
				    : settings->http_proxy;
}

void forward_host(const struct client *client, struct hostname *out)
{
	/* it was normalised; what was no host after all is nobody's */
	if (hostname_normalize(str_make(client->text, client->forward->host),
			       out) != HOST_OK)
		*out = (struct hostname){.form = HOST_NONE};
}

/* The proxy that is asked in the origin's place, or NULL. */
static const struct proxy_address *stand_in(const struct client *client)
{
	return client->forward->tls ? NULL : forward_proxy(client);
}

static struct headers_way way_to(const struct client *client, struct str host)
{
	const struct proxy_address *proxy = stand_in(client);

	return (struct headers_way){
		.host = host,
		.upgrade = client->forward->upgrade,
		.absolute = proxy != NULL,
		.basic = proxy != NULL && proxy->basic != NULL
				 ? str_from(proxy->basic)
				 : STR(""),
	};
}

bool forward_begin(struct client *client, const struct request *request,
		   const char *head, bool tls, const char *rest, size_t length)
{
	/* calloc() would take the long way through the allocator */
	struct forward *forward = malloc(sizeof(*forward));

	if (forward == NULL)
		return false;
	client->forward = forward;
	*forward = (struct forward){.tls = tls};
	set_request_body(forward, &request->head);
	forward->is_head = is_method(request, head, "HEAD");
	forward->idempotent = is_idempotent(request, head);
	forward->upgrade = request->head.upgrade && request->head.websocket &&
			   request->head.minor != 0 &&
			   forward->request.kind == BODY_NONE;
	/* RFC 9112 C.2.2: no connection of a 1.0 client is kept by a proxy */
	forward->keep = request->head.minor != 0 && !request->head.close;
	client->bodiless = forward->is_head;
	return spill_add(&forward->ahead, rest, (uint32_t)length);
}

bool forward_write_head(struct client *client, const struct request *request,
			const char *head, const struct request_url *url,
			struct str host)
{
	struct headers_way way = way_to(client, host);
	struct spill *out = &client->up.spill;
	struct headers_set *set = NULL;
	bool ok =
		!client->forward->tls || mitm_apply(client, request, head, url,
						    host, &set, &way.set_count);

	way.set = set;
	ok = ok &&
	     spill_reserve(out, (uint32_t)headers_origin_max(request, &way));
	if (ok)
		out->end = (uint32_t)headers_to_origin((char *)out->p, request,
						       head, url, &way);
	free(set);
	return ok;
}

void forward_end_loan(struct forward *forward)
{
	if (forward->lent != NULL)
		upstreams_take(forward->lent);
	forward->lent = NULL;
}

void forward_free(struct forward **slot)
{
	struct forward *forward = *slot;

	if (forward == NULL)
		return;
	forward_end_loan(forward);
	spill_free(&forward->ahead);
	spill_free(&forward->early);
	spill_free(&forward->replay);
	free(forward);
	*slot = NULL;
}

/* What connections for this request are kept under. */
static struct upstream_key key_of(const struct client *client)
{
	return (struct upstream_key){
		.role = identity_role(client->exchange.identity),
		.scheme = client->forward->tls ? STR("https") : STR("http"),
		.host = str_make(client->text, client->forward->host),
		.port = client->port,
		.proxy = forward_proxy(client),
	};
}

static struct policy *policy_in_force(struct client *client)
{
	struct worker *worker = client->worker;

	return store_current(worker->shared->store, &worker->view);
}

/* The origin's connection goes back to the pool, or into it.  False: no. */
static bool keep_origin(struct client *client, struct policy *policy)
{
	const struct upstream upstream = {client->origin.stream, client->remote,
					  client->local, client->local_port};
	struct upstreams *pool = &client->worker->upstreams;
	struct upstream *lent = client->forward->lent;
	struct upstream_key key;

	client->forward->lent = NULL;
	if (lent != NULL)
		return upstreams_return(pool, policy, lent);
	key = key_of(client);
	return upstreams_put(pool, policy, &key, &upstream);
}

/* The answer has ended.  What may still come of the request has nowhere to go.
 */
static void release_origin(struct client *client)
{
	struct forward *forward = client->forward;
	struct policy *policy = policy_in_force(client);

	if (forward->reusable && !forward->unshared && forward->up == UP_DONE &&
	    !forward->lost && client->up.spill.p == NULL &&
	    client->policy == policy && keep_origin(client, policy)) {
		/* the pool listens already: the kernel's set stays the same */
		client_want(client, &client->origin, 0);
		client->origin.stream = (struct stream){.fd = -1};
	} else {
		client_close_origin(client);
	}
	forward->lost = true;
	spill_free(&client->up.spill);
}

/* --- the request's body --- */

static bool refuse_body(struct client *client)
{
	const char *error = "malformed request body";

	client->forward->keep = false;
	if (client->forward->down != DOWN_HEAD) {
		client_close(client, CLOSE_ERROR);
		return false;
	}
	answer_fail(client, 400, "Bad Request", error, error, false);
	return false;
}

/* LENGTH bytes of the client's are in the buffer. */
static bool take_request(struct client *client, size_t length)
{
	struct forward *forward = client->forward;
	char *bytes = forward_buffer(client);
	struct body_piece piece;
	enum body_status status = body_take(&forward->request, bytes, length,
					    &piece, &client->worker->trailers);

	if (status == BODY_BROKEN)
		return refuse_body(client);
	if (!spill_add(&forward->ahead, bytes + piece.used,
		       (uint32_t)(length - piece.used))) {
		client_close(client, CLOSE_ERROR);
		return false;
	}
	if (status == BODY_ENDED)
		forward->up = UP_DONE;
	forward_send_piece(client, &client->up,
			   (enum body_kind)forward->request.kind, STR(""),
			   bytes, &piece, status == BODY_ENDED);
	return true;
}

static bool read_client(struct client *client)
{
	struct forward *forward = client->forward;
	ssize_t n = forward_read(client, &client->client, &forward->ahead);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		/* half a request is none (RFC 9112 8) */
		client->error = n < 0 ? errno : 0;
		client_close(client, CLOSE_ERROR);
		return false;
	}
	return take_request(client, (size_t)n);
}

/* --- turns --- */

static void touch(struct client *client)
{
	struct worker *worker = client->worker;
	uint64_t now = timeouts_now();
	bool blocked =
		client->up.spill.p != NULL || client->down.spill.p != NULL;

	client->active_ms = now;
	atomic_store_explicit(&worker->last_activity, now,
			      memory_order_relaxed);
	timeout_arm_at(&client->timeout,
		       blocked ? &worker->write_timeouts
			       : &worker->read_timeouts,
		       now);
}

/* The answer is out: the client's next turn, or its end. */
static void finish(struct client *client)
{
	struct forward *forward = client->forward;
	bool keep = forward->keep && forward->up == UP_DONE;
	struct spill ahead = forward->ahead;

	forward->ahead = (struct spill){0};
	forward_free(&client->forward);
	via_forget(client);
	spill_free(&client->up.spill);
	if (keep) {
		client_next(client, &ahead);
		return;
	}
	spill_free(&ahead);
	client_end(client);
}

static bool wants_client(const struct client *client)
{
	return client->forward->up == UP_BODY && client->up.spill.p == NULL;
}

static bool wants_origin(const struct client *client)
{
	return client->forward->down != DOWN_DONE &&
	       client->down.spill.p == NULL;
}

static void want_origin(struct client *client, short want)
{
	/* the pool listens for us */
	if (client->forward->lent != NULL && want == EV_READ)
		return;
	/* in this order the kernel's set is changed once, if at all */
	client_want(client, &client->origin, want);
	forward_end_loan(client->forward);
}

/* After anything happened: finish what can be, then wait for the rest. */
static void settle(struct client *client)
{
	struct forward *forward = client->forward;
	int client_wants = wants_client(client) ? EV_READ : 0;
	int origin_wants = wants_origin(client) ? EV_READ : 0;

	if (forward->gone) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	if (forward->down == DOWN_DONE && client->origin.stream.ops != NULL)
		release_origin(client);
	if (forward->down == DOWN_DONE && client->down.spill.p == NULL) {
		finish(client);
		return;
	}
	touch(client);
	if (client->down.spill.p != NULL)
		client_wants |= EV_WRITE;
	if (client->up.spill.p != NULL)
		origin_wants |= EV_WRITE;
	/* that nothing more is to be read is dealt with when something comes:
	 * mostly nothing does, and the next request is waited for again */
	if (client_wants != 0 || client->client.interest != EV_READ)
		client_want(client, &client->client, (short)client_wants);
	if (client->origin.stream.ops != NULL)
		want_origin(client, (short)origin_wants);
}

bool forward_reuse(struct client *client, const struct addr *addrs,
		   size_t count)
{
	struct forward *forward = client->forward;
	struct policy *policy = policy_in_force(client);
	struct upstream_key key = key_of(client);
	bool may_repeat =
		forward->idempotent && forward->request.kind == BODY_NONE;
	struct upstream *found;

	if (client->policy != policy || forward->unshared)
		return false;
	found = upstreams_find(&client->worker->upstreams, policy, &key, addrs,
			       count, !may_repeat);
	if (found == NULL)
		return false;
	client->origin.stream = found->stream;
	client->remote = found->remote;
	client->local = found->local;
	client->local_port = found->local_port;
	if (client->origin.stream.ops == &stream_plain) {
		upstreams_lend(found, client_on_origin, client);
		forward->lent = found;
	} else {
		/* in this order the kernel's set stays the same */
		client_want(client, &client->origin, EV_READ);
		upstreams_take(found);
	}
	client->connect_us = 0;
	forward->pooled = true;
	if (may_repeat) {
		forward->replay = client->up.spill;
		client->up.spill = (struct spill){0};
	}
	forward_connected(client);
	return true;
}

void forward_connected(struct client *client)
{
	struct forward *forward = client->forward;
	size_t length;

	/* a retry would go the same way */
	if (!forward->pooled)
		via_forget(client);
	client->state = CLIENT_FORWARD;
	forward->up = forward->request.kind == BODY_NONE ? UP_DONE : UP_BODY;
	/* what has come of the body goes out with the head */
	if (forward->up == UP_BODY && forward->ahead.p != NULL) {
		length = forward_copy(&forward->ahead, forward_buffer(client));
		spill_free(&forward->ahead);
		if (!take_request(client, length))
			return;
	}
	if (forward->replay.p != NULL)
		forward_send(client, &client->up, (char *)forward->replay.p,
			     forward->replay.end);
	else
		forward_write(client, &client->up);
	settle(client);
}

void forward_ready(struct client *client, struct peer *peer, short what)
{
	bool is_client = peer == &client->client;
	struct flow *in = is_client ? &client->down : &client->up;

	if ((what & EV_WRITE) != 0 && in->spill.p != NULL)
		forward_write(client, in);
	if ((what & EV_READ) != 0) {
		if (is_client && wants_client(client)) {
			if (!read_client(client))
				return;
		} else if (is_client) {
			client_want(client, peer, 0);
		} else if (wants_origin(client) &&
			   !forward_read_origin(client)) {
			return;
		}
	}
	settle(client);
}

void forward_fail(struct client *client, unsigned status, const char *what,
		  const char *error)
{
	char text[ENDPOINT_TEXT_MAX], blamed[ENDPOINT_TEXT_MAX + 256];

	if (stand_in(client) != NULL) {
		endpoint_format(&client->remote, client->remote_port, text);
		snprintf(blamed, sizeof(blamed), "upstream proxy %s: %s", text,
			 error);
		error = blamed;
	}
	answer_fail(client, status, what, error, error, false);
}

void forward_timed_out(struct client *client)
{
	struct forward *forward = client->forward;
	const char *error = "i/o timeout";

	if (forward->down != DOWN_HEAD) {
		forward_cut(client, error);
	} else if (wants_client(client)) {
		error = "request body not complete in time";
		forward->keep = false;
		answer_fail(client, 408, "Request Timeout", error, error,
			    false);
	} else {
		forward->keep = false;
		forward_fail(client, 504, "Timed out connecting to remote host",
			     error);
	}
}

bool forward_answered(struct client *client)
{
	struct forward *forward = client->forward;
	struct body_piece piece = {0};
	size_t length;

	if (!forward->keep ||
	    atomic_load_explicit(&client->worker->shared->draining,
				 memory_order_relaxed))
		return false;
	if (forward->up != UP_DONE) {
		length = forward_copy(&forward->ahead, forward_buffer(client));
		if (body_take(&forward->request, forward_buffer(client), length,
			      &piece, &client->worker->trailers) != BODY_ENDED)
			return false;
	}
	spill_free(&client->up.spill);
	client->up.spill = forward->ahead;
	forward->ahead = (struct spill){0};
	spill_consume(&client->up.spill, (uint32_t)piece.used);
	return true;
}

void forward_closed(struct client *client, const char *why)
{
	if (!client->forward->logged)
		log_decision(client->worker->log, &client->exchange,
			     client->reason, why);
}
