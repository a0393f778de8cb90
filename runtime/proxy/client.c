/* client.c - see client.h: accepting, the state machine, our answers, and the
 * only release path. */
#include "client.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "answer.h"
#include "forward.h"
#include "handshake.h"
#include "head.h"
#include "mitm.h"
#include "origin.h"
#include "preamble.h"
#include "runtime/net/dial.h"
#include "runtime/net/resolver.h"
#include "self.h"
#include "tunnel.h"
#include "via.h"
#include "worker.h"

#define LINGER_BYTES (1u << 20) /* a refused client may send so much more */

static struct client *from_context(void *context)
{
	struct client *client = context;

	/* only our own bug can break this, and then nothing may go on */
	if (client->magic != CLIENT_MAGIC)
		abort();
	return client;
}

static struct client *from_timeout(struct timeout *timeout)
{
	return from_context((char *)timeout - offsetof(struct client, timeout));
}

uint32_t client_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)((uint64_t)now.tv_sec * 1000000 +
			  (uint64_t)now.tv_nsec / 1000);
}

/* --- descriptors and events --- */

static void on_client_event(evutil_socket_t fd, short what, void *context);

void client_want(struct client *client, struct peer *peer, short want)
{
	bool wake = false;

	if ((want & EV_READ) != 0 && stream_pending(&peer->stream))
		wake = true;
	if (peer->interest == want) {
		if (wake)
			event_active(&peer->event, EV_READ, 0);
		return;
	}
	if (peer->interest != 0)
		event_del(&peer->event);
	peer->interest = want;
	if (want == 0)
		return;
	event_assign(&peer->event, client->worker->base, peer->stream.fd,
		     (short)(want | EV_PERSIST),
		     peer == &client->client ? on_client_event
					     : client_on_origin,
		     client);
	if (event_add(&peer->event, NULL) == 0) {
		if (wake)
			event_active(&peer->event, EV_READ, 0);
		return;
	}
	/* out of memory, and no event would ever end this client */
	peer->interest = 0;
	timeout_arm(&client->timeout, &client->worker->linger_timeouts);
}

ssize_t client_read(struct peer *peer, void *buffer, size_t size)
{
	ssize_t n = stream_read(&peer->stream, buffer, size);

	if ((n > 0 || (n < 0 && errno == EAGAIN)) &&
	    (peer->interest & EV_READ) != 0 && stream_pending(&peer->stream)) {
		event_active(&peer->event, EV_READ, 0);
		errno = EAGAIN;
	}
	return n;
}

void client_set_origin(struct client *client, int fd, struct event *watch)
{
	struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(name);
	const int on = 1;

	client->origin.stream = (struct stream){.ops = &stream_plain, .fd = fd};
	/* in this order the kernel's set is changed once */
	client_want(client, &client->origin, EV_READ);
	event_del(watch);
	/* a peer that vanished must not hold a tunnel for ever */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
		self_from_sockaddr((struct sockaddr *)&name, &client->local,
				   &client->local_port);
}

static void peer_close(struct client *client, struct peer *peer)
{
	client_want(client, peer, 0);
	stream_close(&peer->stream);
}

void client_close_origin(struct client *client)
{
	if (client->forward != NULL)
		forward_end_loan(client->forward);
	peer_close(client, &client->origin);
}

/* --- birth and death --- */

static struct client *take_from_pool(struct worker *worker)
{
	struct client *client = LIST_FIRST(&worker->pool);

	if (client == NULL)
		return malloc(sizeof(*client));
	LIST_REMOVE(client, link);
	worker->pooled--;
	return client;
}

/* What of EXCHANGE, all zero, is not zero when nothing is known yet. */
static void init_exchange(struct exchange *exchange)
{
	exchange->class.rule = RANGE_RULE_NONE;
	exchange->decision.rule = RULE_NONE;
	exchange->decision.mitm = MITM_NONE;
	exchange->policy = "";
}

/* As it is before anything is known of a request but who asks. */
static void reset_exchange(struct client *client)
{
	struct exchange *exchange = &client->exchange;
	const struct identity *identity = exchange->identity;
	const struct addr peer = exchange->peer;
	const uint16_t port = exchange->peer_port;

	memset(exchange, 0, sizeof(*exchange));
	init_exchange(exchange);
	exchange->peer = peer;
	exchange->peer_port = port;
	exchange->identity = identity;
	if (client->mitm != NULL)
		exchange->connect_id = &client->mitm->connect_id;
}

void client_accept(struct worker *worker, int fd, const struct sockaddr *peer)
{
	struct stream stream = {.ops = &stream_plain, .fd = fd};
	struct client *client = take_from_pool(worker);

	if (client == NULL) {
		stream_close(&stream);
		return;
	}
	memset(client, 0, sizeof(*client));
	client->magic = CLIENT_MAGIC;
	client->worker = worker;
	client->client.stream = stream;
	client->origin.stream.fd = -1;
	init_exchange(&client->exchange);
	self_from_sockaddr(peer, &client->exchange.peer,
			   &client->exchange.peer_port);
	metrics_count(worker->metrics, METRIC_CLIENTS_ACCEPTED);
	client->state = CLIENT_HEAD;
	LIST_INSERT_HEAD(&worker->clients, client, link);
	atomic_fetch_add_explicit(&worker->live, 1, memory_order_relaxed);
	preamble_begin(client);
}

void client_release_request(struct client *client)
{
	struct worker *worker = client->worker;

	if (client->has_request_slot) {
		slots_release(&worker->shared->limits.requests);
		metrics_add(worker->metrics, METRIC_REQUESTS, UINT64_MAX);
	}
	client->has_request_slot = false;
}

static void release_tunnel(struct client *client)
{
	if (client->has_tunnel_slot)
		slots_release(&client->worker->shared->limits.tunnels);
	client->has_tunnel_slot = false;
}

void client_close(struct client *client, enum close_cause cause)
{
	struct worker *worker = client->worker;

	assert(client->magic == CLIENT_MAGIC);
	switch ((enum client_state)client->state) {
	case CLIENT_CLOSED:
		return;
	case CLIENT_HANDSHAKE:
		handshake_leave(client);
		break;
	case CLIENT_PREAMBLE:
	case CLIENT_HEAD:
	case CLIENT_REPLY:
	case CLIENT_VIA:
	case CLIENT_SECURE:
		break;
	case CLIENT_LOOKUP:
		resolve_cancel(client->lookup);
		break;
	case CLIENT_DIAL:
		dial_cancel(client->dial);
		break;
	case CLIENT_TUNNEL:
		if (cause != CLOSE_DONE)
			stream_abort(&client->client.stream);
		tunnel_log_end(client, cause);
		break;
	case CLIENT_FORWARD:
		stream_abort(&client->client.stream);
		forward_closed(client,
			       cause == CLOSE_TERMINATION ? "the program ends"
			       : cause == CLOSE_DURATION
				       ? "maximum tunnel duration"
			       : client->error != 0 ? strerror(client->error)
						    : "closed by the client");
		break;
	}
	client->state = CLIENT_CLOSED;
	client->lookup = NULL;
	client->dial = NULL;
	forward_free(&client->forward);
	via_free(client->via);
	client->via = NULL;
	timeout_disarm(&client->timeout);
	timeout_disarm(&client->duration);
	client_release_request(client);
	release_tunnel(client);
	peer_close(client, &client->client);
	peer_close(client, &client->origin);
	spill_free(&client->up.spill);
	spill_free(&client->down.spill);
	piped_free(&client->up.piped, &worker->pipes);
	piped_free(&client->down.piped, &worker->pipes);
	policy_unref(&client->policy);
	mitm_end(client);
	free(client->text);
	client->text = NULL;
	free(client->exchange.detail);
	client->exchange.detail = NULL;
	if (client->introduced)
		free((void *)(uintptr_t)client->exchange.identity);
	client->introduced = false;
	client->exchange.identity = NULL;
	report_forget(worker, client);
	LIST_REMOVE(client, link);
	atomic_fetch_sub_explicit(&worker->live, 1, memory_order_relaxed);
	if (worker->pooled >= WORKER_POOL_MAX) {
		client->magic = 0;
		free(client);
		return;
	}
	LIST_INSERT_HEAD(&worker->pool, client, link);
	worker->pooled++;
}

void client_pool_free(struct worker *worker)
{
	struct client *client;

	while ((client = LIST_FIRST(&worker->pool)) != NULL) {
		LIST_REMOVE(client, link);
		free(client);
	}
	worker->pooled = 0;
}

void client_begin_exchange(struct client *client)
{
	clock_gettime(CLOCK_REALTIME, &client->exchange.start);
	client->exchange.metrics = client->worker->metrics;
	client->exchange.id =
		id_next(&client->worker->ids, client->exchange.start.tv_sec);
}

/* --- our answers --- */

/* Everything is out: say so, and wait for the client to say the same, so that
 * no reset overtakes the answer (RFC 9112 9.6). */
void client_end(struct client *client)
{
	client_release_request(client);
	client->state = CLIENT_REPLY;
	timeout_arm(&client->timeout, &client->worker->linger_timeouts);

	client->down.shut = stream_shutdown(&client->client.stream) == 0;
	if (!client->down.shut && errno == EAGAIN) {
		client_want(client, &client->client, EV_WRITE);
		return;
	}
	if (!client->down.shut) {
		client_close(client, CLOSE_DONE);
		return;
	}
	client_want(client, &client->client, EV_READ);
}

/* What waits of the answer is waited for; else the client has its next turn, or
 * its end. */
static void reply_settle(struct client *client)
{
	struct spill ahead = client->up.spill;

	if (client->down.spill.p != NULL) {
		client_want(client, &client->client, EV_WRITE);
	} else if (client->keep) {
		client->up.spill = (struct spill){0};
		client_next(client, &ahead);
	} else {
		client_end(client);
	}
}

static void reply_write(struct client *client)
{
	struct spill *spill = &client->down.spill;
	ssize_t n;

	if (spill->p == NULL) {
		/* all is said but that it is */
		client_end(client);
		return;
	}
	n = stream_write(&client->client.stream, spill->p + spill->start,
			 spill_length(spill));
	if (n < 0 && errno != EAGAIN) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	if (n > 0)
		spill_consume(spill, (uint32_t)n);
	reply_settle(client);
}

static void reply_read(struct client *client)
{
	struct worker *worker = client->worker;
	ssize_t n = client_read(&client->client, worker->buffer,
				sizeof(worker->buffer));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		client->up.bytes += (uint64_t)n;
	if (n <= 0 || client->up.bytes > LINGER_BYTES)
		client_close(client, CLOSE_DONE);
}

/* Who it is was judged by CAs or CRLs that are in force no more. */
bool client_is_stale(const struct client *client)
{
	return client->exchange.identity != NULL &&
	       client->judged != client->worker->view.judges;
}

bool client_may_ask(const struct client *client)
{
	const struct settings *settings = client->worker->shared->settings;

	return identity_suffices(client->exchange.identity,
				 client->policy->has_acl &&
					 !settings->allow_missing_role);
}

void client_next(struct client *client, struct spill *ahead)
{
	assert(client->up.spill.p == NULL && client->down.spill.p == NULL);
	client_release_request(client);
	client_close_origin(client);
	policy_unref(&client->policy);
	free(client->text);
	client->text = NULL;
	free(client->exchange.detail);
	reset_exchange(client);
	client->reason = NULL;
	client->progress = (struct head_progress){0};
	client->bodiless = false;
	client->kept = true;
	client->state = CLIENT_HEAD;
	if (client_is_stale(client)) {
		spill_free(ahead);
		client_close(client, CLOSE_DONE);
		return;
	}
	client_want(client, &client->client, EV_READ);
	if (ahead->p == NULL) {
		if (atomic_load(&client->worker->shared->draining))
			client_close(client, CLOSE_DONE);
		else
			timeout_arm(&client->timeout,
				    &client->worker->keep_timeouts);
		return;
	}
	/* not now: a thousand requests in a row would be a thousand calls deep,
	 * and nobody else would have a turn */
	spill_to_front(ahead);
	client->up.spill = *ahead;
	*ahead = (struct spill){0};
	client->rescan = true;
	timeout_arm(&client->timeout, &client->worker->head_timeouts);
	/* without memory for the event the timeout ends it */
	if (client->client.interest != 0)
		event_active(&client->client.event, EV_READ, 0);
}

void client_drain(struct client *client)
{
	if (client->state == CLIENT_HEAD && client->kept &&
	    client->up.spill.p == NULL)
		client_close(client, CLOSE_DONE);
}

void client_follow(struct client *client)
{
	if (client->state == CLIENT_HEAD && client->kept &&
	    client->up.spill.p == NULL && client_is_stale(client))
		client_close(client, CLOSE_DONE);
}

void client_reply(struct client *client, const char *bytes, uint32_t length,
		  bool keep)
{
	ssize_t n = 0;

	client->state = CLIENT_REPLY;
	client->lookup = NULL;
	client->dial = NULL;
	client->keep = keep;
	client_release_request(client);
	if (client->mitm == NULL)
		release_tunnel(client);
	client_close_origin(client);
	forward_free(&client->forward);
	via_free(client->via);
	client->via = NULL;
	if (!keep)
		spill_free(&client->up.spill);
	timeout_arm(&client->timeout, &client->worker->linger_timeouts);
	/* behind what waits already, if anything does */
	if (client->down.spill.p == NULL)
		n = stream_write(&client->client.stream, bytes, length);
	if (n < 0 && errno == EAGAIN)
		n = 0;
	if (n < 0 ||
	    !spill_add(&client->down.spill, bytes + n, length - (uint32_t)n))
		client_close(client, CLOSE_ERROR);
	else
		reply_settle(client);
}

/* --- what can happen --- */

static void on_client_event(evutil_socket_t fd, short what, void *context)
{
	struct client *client = from_context(context);

	(void)fd;
	switch ((enum client_state)client->state) {
	case CLIENT_PREAMBLE:
		preamble_ready(client);
		break;
	case CLIENT_HANDSHAKE:
		handshake_ready(client);
		break;
	case CLIENT_HEAD:
		head_read(client);
		break;
	case CLIENT_TUNNEL:
		tunnel_ready(client, &client->client, what);
		break;
	case CLIENT_FORWARD:
		forward_ready(client, &client->client, what);
		break;
	case CLIENT_REPLY:
		if (client->down.shut)
			reply_read(client);
		else
			reply_write(client);
		break;
	case CLIENT_LOOKUP:
	case CLIENT_DIAL:
	case CLIENT_VIA:
	case CLIENT_SECURE:
		head_read_early(client);
		break;
	case CLIENT_CLOSED:
		break;
	}
}

void client_on_origin(evutil_socket_t fd, short what, void *context)
{
	struct client *client = from_context(context);

	(void)fd;
	switch ((enum client_state)client->state) {
	case CLIENT_TUNNEL:
		tunnel_ready(client, &client->origin, what);
		break;
	case CLIENT_VIA:
		via_ready(client, what);
		break;
	case CLIENT_SECURE:
		origin_ready(client);
		break;
	case CLIENT_FORWARD:
		forward_ready(client, &client->origin, what);
		break;
	case CLIENT_PREAMBLE:
	case CLIENT_HANDSHAKE:
	case CLIENT_HEAD:
	case CLIENT_LOOKUP:
	case CLIENT_DIAL:
	case CLIENT_REPLY:
		/* there is no origin yet, or none any more */
	case CLIENT_CLOSED:
		break;
	}
}

void client_on_head_timeout(struct timeout *timeout)
{
	struct client *client = from_timeout(timeout);

	if (client->state == CLIENT_PREAMBLE) {
		preamble_timeout(client);
		return;
	}
	if (client->state == CLIENT_HANDSHAKE) {
		handshake_timeout(client);
		return;
	}
	/* silence is answered with silence, half a request is not */
	if (client->up.spill.p == NULL) {
		client_close(client, CLOSE_DONE);
		return;
	}
	client_begin_exchange(client);
	answer_plain(client, 408, "request head not complete in time", false);
}

void client_on_keep_timeout(struct timeout *timeout)
{
	client_close(from_timeout(timeout), CLOSE_DONE);
}

void client_on_body_timeout(struct timeout *timeout)
{
	forward_timed_out(from_timeout(timeout));
}

void client_on_idle_timeout(struct timeout *timeout)
{
	client_close(from_timeout(timeout), CLOSE_IDLE);
}

void client_on_connect_timeout(struct timeout *timeout)
{
	struct client *client = from_timeout(timeout);

	if (client->state == CLIENT_DIAL)
		dial_expire(client->dial);
	else if (client->state == CLIENT_SECURE)
		origin_timeout(client);
	else
		via_timeout(client);
}

void client_on_duration_timeout(struct timeout *timeout)
{
	client_close(from_context((char *)timeout -
				  offsetof(struct client, duration)),
		     CLOSE_DURATION);
}

void client_on_linger_timeout(struct timeout *timeout)
{
	client_close(from_timeout(timeout), CLOSE_DONE);
}
