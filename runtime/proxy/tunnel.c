/* tunnel.c - see tunnel.h.
 * A flow is read into the worker's one buffer and written at once.  Only what
 * the sink does not take is kept, and then the source is not read until it is
 * gone: that is all the backpressure there is.  The two ways end on their own
 * (half-close); the tunnel ends when both have.
 *
 * A flow that has shown to be bulk, by a very large read or several large ones
 * in a row, is spliced through a pipe instead, and goes back to copying when
 * little comes: splicing costs a third of copying for bulk and makes small
 * exchanges dearer. */
#include "tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "worker.h"

#define LARGE_READ (16u << 10) /* bytes at once that speak of bulk */
#define BULK_READ (64u << 10)  /* that prove it: no more are copied then */
#define LARGE_EARNS 4          /* so many in a row, and the flow is spliced */
#define SPLICE_ROUNDS 8        /* of a MiB: then the others have their turn */

static bool waits(const struct flow *flow)
{
	return flow->spill.p != NULL || flow->piped.bytes != 0;
}

static struct peer *source_of(struct client *client, struct flow *flow)
{
	return flow == &client->up ? &client->client : &client->origin;
}

static struct peer *sink_of(struct client *client, struct flow *flow)
{
	return flow == &client->up ? &client->origin : &client->client;
}

static void note_error(struct client *client, const struct peer *peer,
		       int error)
{
	if (client->error != 0)
		return;
	client->error = error;
	client->error_is_origins = peer == &client->origin;
}

static struct flow *other(struct client *client, const struct flow *flow)
{
	return flow == &client->up ? &client->down : &client->up;
}

/* The sink takes no more.  What comes from it may still be on its way: its own
 * flow ends when reading says so. */
static void sink_gone(struct client *client, struct flow *flow, int error)
{
	note_error(client, sink_of(client, flow), error);
	flow->ended = true;
	flow->shut = true;
	spill_free(&flow->spill);
	piped_free(&flow->piped, &client->worker->pipes);
}

/* Reading failed, so this end is gone for both ways. */
static void source_gone(struct client *client, struct flow *flow, int error)
{
	note_error(client, source_of(client, flow), error);
	flow->ended = true;
	sink_gone(client, other(client, flow), error);
}

/* A byte that can't be kept ends the tunnel. */
static void out_of_memory(struct client *client)
{
	sink_gone(client, &client->up, ENOMEM);
	sink_gone(client, &client->down, ENOMEM);
}

/* Write what waits in FLOW. */
static void flow_write(struct client *client, struct flow *flow)
{
	struct peer *sink = sink_of(client, flow);
	struct spill *spill = &flow->spill;
	ssize_t n;

	if (spill->p == NULL)
		n = piped_drain(&flow->piped, &client->worker->pipes,
				sink->stream.fd);
	else
		n = stream_write(&sink->stream, spill->p + spill->start,
				 spill_length(spill));
	if (n < 0) {
		if (errno != EAGAIN)
			sink_gone(client, flow, errno);
		return;
	}
	flow->bytes += (uint64_t)n;
	if (spill->p != NULL)
		spill_consume(spill, (uint32_t)n);
}

/* Count what a read brought towards splicing, or away from it. */
static void judge_bulk(struct flow *flow, size_t n)
{
	if (n < LARGE_READ)
		flow->large = 0;
	else if (n >= BULK_READ)
		flow->large = LARGE_EARNS; /* and more is there */
	else if (flow->large < LARGE_EARNS)
		flow->large++;
}

static bool is_bulk(const struct flow *flow)
{
	return flow->large >= LARGE_EARNS;
}

static bool is_plain(const struct client *client)
{
	return client->client.stream.ops == &stream_plain &&
	       client->origin.stream.ops == &stream_plain;
}

/* Read by splicing, as long as much comes and all of it is taken.  False: it
 * can't be done, copy. */
static bool flow_splice(struct client *client, struct flow *flow)
{
	struct pipe_pool *pipes = &client->worker->pipes;
	int fd = source_of(client, flow)->stream.fd;

	for (unsigned round = 0; round < SPLICE_ROUNDS; round++) {
		ssize_t n = piped_fill(&flow->piped, pipes, fd);

		if (n < 0 && (errno == ENOTSUP || errno == EINVAL)) {
			flow->large = 0;
			return false;
		}
		if (n == 0)
			flow->ended = true;
		else if (n < 0 && errno != EAGAIN)
			source_gone(client, flow, errno);
		if (n <= 0)
			return true;
		judge_bulk(flow, (size_t)n);
		flow_write(client, flow);
		if (n < (ssize_t)LARGE_READ || waits(flow) || flow->ended)
			return true;
	}
	return true;
}

static void flow_read(struct client *client, struct flow *flow)
{
	struct worker *worker = client->worker;
	struct peer *source = source_of(client, flow);
	struct peer *sink = sink_of(client, flow);
	bool plain = is_plain(client);
	ssize_t n, done;

	if (plain && is_bulk(flow) && flow_splice(client, flow))
		return;
	n = client_read(source, worker->buffer,
			plain ? BULK_READ : sizeof(worker->buffer));
	if (n == 0) {
		flow->ended = true;
		return;
	}
	if (n < 0) {
		if (errno != EAGAIN)
			source_gone(client, flow, errno);
		return;
	}
	judge_bulk(flow, (size_t)n);
	done = stream_write(&sink->stream, worker->buffer, (size_t)n);
	if (done < 0) {
		if (errno != EAGAIN) {
			sink_gone(client, flow, errno);
			return;
		}
		done = 0;
	}
	flow->bytes += (uint64_t)done;
	if (done < n && !spill_add(&flow->spill, worker->buffer + done,
				   (uint32_t)(n - done)))
		out_of_memory(client);
}

static bool is_over(const struct flow *flow)
{
	return flow->ended && flow->shut;
}

/* The source has ended and all of it is written: tell the sink. */
static void flow_finish(struct client *client, struct flow *flow)
{
	struct peer *sink = sink_of(client, flow);

	if (!flow->ended || flow->shut || waits(flow))
		return;
	/* the last word is said by closing, which is next */
	if (is_over(other(client, flow)) && client->error == 0 &&
	    sink->stream.ops == &stream_plain) {
		flow->shut = true;
		return;
	}
	/* else it fails when the sink is gone, which its reading side will tell
	 */
	flow->shut = stream_shutdown(&sink->stream) == 0 || errno != EAGAIN;
}

static short wants(const struct flow *out, const struct flow *in)
{
	int want = 0;

	/* OUT is read from this peer, IN is written to it */
	if (!out->ended && !waits(out))
		want |= EV_READ;
	if (waits(in) || (in->ended && !in->shut))
		want |= EV_WRITE;
	return (short)want;
}

/* After anything happened: finish what can be, then wait for the rest. */
static void settle(struct client *client)
{
	flow_finish(client, &client->up);
	flow_finish(client, &client->down);
	if (is_over(&client->up) && is_over(&client->down)) {
		client_close(client,
			     client->error != 0 ? CLOSE_ERROR : CLOSE_DONE);
		return;
	}
	client_want(client, &client->client, wants(&client->up, &client->down));
	client_want(client, &client->origin, wants(&client->down, &client->up));
}

static void touch(struct client *client)
{
	struct worker *worker = client->worker;
	uint64_t now = timeouts_now();

	client->active_ms = now;
	atomic_store_explicit(&worker->last_activity, now,
			      memory_order_relaxed);
	timeout_arm_at(&client->timeout, &worker->idle_timeouts, now);
}

/* The answer to CONNECT goes the way of the origin's bytes, but is none. */
static void write_established(struct client *client)
{
	static const char text[] = "HTTP/1.1 200 OK\r\n\r\n";
	const uint32_t length = sizeof(text) - 1;
	ssize_t n = stream_write(&client->client.stream, text, length);
	uint32_t rest = length - (n > 0 ? (uint32_t)n : 0);

	if (n < 0 && errno != EAGAIN)
		sink_gone(client, &client->down, errno);
	else if (!spill_add(&client->down.spill, text + length - rest, rest))
		out_of_memory(client);
	else
		client->down.bytes -= rest; /* they will be counted */
}

static void start(struct client *client)
{
	client->state = CLIENT_TUNNEL;
	client_release_request(client);
	timeout_arm(&client->duration, &client->worker->duration_timeouts);
	metrics_count(client->worker->metrics, METRIC_TUNNELS);
	touch(client);
}

void tunnel_begin(struct client *client)
{
	tunnel_begin_with(client, NULL, 0);
}

void tunnel_begin_with(struct client *client, const void *bytes,
		       uint32_t length)
{
	start(client);
	write_established(client);
	if (!client->down.shut &&
	    !spill_add(&client->down.spill, bytes, length))
		out_of_memory(client);
	if (client->down.spill.p != NULL)
		flow_write(client, &client->down);
	if (client->up.spill.p != NULL)
		flow_write(client, &client->up);
	settle(client);
}

void tunnel_continue(struct client *client)
{
	start(client);
	if (client->up.spill.p != NULL)
		flow_write(client, &client->up);
	if (client->down.spill.p != NULL)
		flow_write(client, &client->down);
	settle(client);
}

void tunnel_ready(struct client *client, struct peer *peer, short what)
{
	struct flow *out =
		peer == &client->client ? &client->up : &client->down;
	struct flow *in = out == &client->up ? &client->down : &client->up;

	touch(client);
	if ((what & EV_WRITE) != 0 && waits(in)) {
		flow_write(client, in);
		/* bulk goes on at once: most likely there is more to read, the
		 * sink is full again, and what we wait for stays the same */
		if (is_bulk(in) && !in->ended && !waits(in))
			flow_read(client, in);
	}
	if ((what & EV_READ) != 0 && !out->ended && !waits(out))
		flow_read(client, out);
	settle(client);
}

void tunnel_log_end(struct client *client, enum close_cause cause)
{
	struct tunnel_record record = {
		.local = client->local,
		.local_port = client->local_port,
		.remote = client->remote,
		.remote_port = client->remote_port,
		.connect_us = client->connect_us,
		.bytes_in = client->down.bytes,
		.bytes_out = client->up.bytes,
		.at_termination = cause == CLOSE_TERMINATION,
	};
	uint64_t ago = timeouts_now() - client->active_ms;
	char error[128] = "";

	clock_gettime(CLOCK_REALTIME, &record.last_activity);
	record.last_activity.tv_sec -= (time_t)(ago / 1000);
	record.last_activity.tv_nsec -= (long)(ago % 1000) * 1000000;
	if (record.last_activity.tv_nsec < 0) {
		record.last_activity.tv_nsec += 1000000000;
		record.last_activity.tv_sec--;
	}
	if (cause == CLOSE_IDLE)
		snprintf(error, sizeof(error), "idle timeout");
	else if (cause == CLOSE_DURATION)
		snprintf(error, sizeof(error), "maximum tunnel duration");
	else if (client->error != 0)
		snprintf(error, sizeof(error), "%s: %s",
			 client->error_is_origins ? "origin" : "client",
			 strerror(client->error));
	log_close(client->worker->log, &client->exchange, client->reason,
		  &record, error);
	metrics_add(client->worker->metrics, METRIC_TUNNELS, UINT64_MAX);
}
