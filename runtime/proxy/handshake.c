/* handshake.c - see handshake.h. */
#include "handshake.h"

#include <string.h>

#include "answer.h"
#include "client.h"
#include "mitm.h"
#include "runtime/role_callback.h"
#include "runtime/tls/secure.h"
#include "worker.h"

/* --- the slowest --- */

/* There can only be so many handshakes at once (ENGINE_MAX_LIVE): so that
 * clients who begin one and say no more shut nobody out, the one that has not
 * got on for longest makes room.  Getting on is to have been answered: single
 * bytes now and then are not. */
static void note_progress(struct client *client)
{
	struct client_queue *queue = &client->worker->handshakes;
	unsigned flights = secure_flights(&client->client.stream) + 1;

	if (!secure_has_begun(&client->client.stream) ||
	    client->pace.flights == flights)
		return;
	handshake_leave(client);
	client->pace.flights = flights;
	TAILQ_INSERT_TAIL(queue, client, pace.slow);
}

void handshake_leave(struct client *client)
{
	if (client->pace.flights != 0)
		TAILQ_REMOVE(&client->worker->handshakes, client, pace.slow);
	memset(&client->pace, 0, sizeof(client->pace));
}

/* --- beginning and end --- */

/* The client has shown SHOWN; who that is the program around us may know
 * better.  False: out of memory. */
static bool introduce(struct client *client, const struct identity *shown)
{
	const struct hooks *hooks = client->worker->shared->hooks;
	const struct identity *told;

	client->exchange.identity = shown;
	if (hooks->role == NULL)
		return true;
	told = role_callback_ask(hooks, shown, &client->exchange.peer,
				 client->exchange.peer_port);
	client->exchange.identity = told;
	client->introduced = told != NULL;
	return client->introduced;
}

/* All is known of the client but what it wants. */
static void read_heads(struct client *client, const struct identity *shown)
{
	handshake_leave(client);
	if (!introduce(client, shown)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	client->state = CLIENT_HEAD;
	timeout_arm(&client->timeout, &client->worker->head_timeouts);
	client_want(client, &client->client, EV_READ);
}

void handshake_begin(struct client *client)
{
	struct worker *worker = client->worker;
	struct policy *policy =
		store_current(worker->shared->store, &worker->view);

	client->judged = worker->view.judges;
	if (policy->tls == NULL) {
		read_heads(client, NULL);
		return;
	}
	if (!secure_begin(&client->client.stream, worker->secure,
			  policy->tls)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	client->state = CLIENT_HANDSHAKE;
	timeout_arm(&client->timeout, &worker->head_timeouts);
	client_want(client, &client->client, EV_READ);
}

static void log_failed(struct client *client, const char *error,
		       enum trust trust)
{
	struct worker *worker = client->worker;
	struct json *line =
		log_begin(worker->log, LOG_WARNING, "TLS handshake failed");

	log_put_peer(line, &client->exchange);
	if (client->mitm != NULL)
		log_put_connect(line, &client->exchange);
	if (trust != TRUST_OK)
		json_put_text(line, "refused", trust_name(trust));
	json_put_text(line, "error", error);
	log_end(worker->log);
	metrics_count(worker->metrics, client->mitm != NULL
					       ? METRIC_MITM_HANDSHAKES_FAILED
					       : METRIC_TLS_HANDSHAKES_FAILED);
}

/* The client has been sent the alert: it shall not be overtaken by a reset. */
static void failed(struct client *client, const struct engine_failure *failure)
{
	log_failed(client, failure->why, failure->trust);
	handshake_leave(client);
	secure_drop(&client->client.stream);
	client_end(client);
}

static void plain(struct client *client)
{
	const char *text = "This is an HTTPS proxy: the client has sent a "
			   "plain HTTP request. Use https:// in the proxy's "
			   "URL.";

	if (client->mitm != NULL)
		text = "The policy looks at the requests in this tunnel: only "
		       "TLS is taken.";
	log_failed(client, "the client does not speak TLS", TRUST_OK);
	handshake_leave(client);
	secure_drop(&client->client.stream);
	client_begin_exchange(client);
	answer_plain(client, 400, text, false);
}

/* Nothing more is said.  Silence was no attempt, unless we were asked for a
 * tunnel: then the client waits for a server that speaks first. */
static void gone(struct client *client, const char *why)
{
	if (mitm_is_answering(client))
		log_failed(client, "the client does not take our answer",
			   TRUST_OK);
	else if (client->mitm != NULL ||
		 secure_has_begun(&client->client.stream))
		log_failed(client, why, TRUST_OK);
	client_close(client, CLOSE_DONE);
}

static void done(struct client *client)
{
	if (client->mitm != NULL) {
		handshake_leave(client);
		metrics_count(client->worker->metrics,
			      METRIC_MITM_HANDSHAKES_OK);
		mitm_secured(client);
		return;
	}
	metrics_count(client->worker->metrics, METRIC_TLS_HANDSHAKES_OK);
	if (secure_resumed(&client->client.stream))
		metrics_count(client->worker->metrics, METRIC_TLS_RESUMPTIONS);
	client->exchange.identity = secure_identity(&client->client.stream);
	read_heads(client, client->exchange.identity);
}

/* False: there is nobody else. */
static bool shed_slowest(struct worker *worker)
{
	struct client *slowest = TAILQ_FIRST(&worker->handshakes);

	if (slowest == NULL)
		return false;
	gone(slowest, "too many handshakes at once, and none is slower");
	return true;
}

static enum secure_progress go_on(struct client *client,
				  struct engine_failure *failure)
{
	struct stream *stream = &client->client.stream;
	enum secure_progress progress = secure_handshake(stream, failure);

	/* a client that has no engine is not in the queue */
	if (progress == SECURE_BUSY && shed_slowest(client->worker))
		progress = secure_handshake(stream, failure);
	return progress;
}

void handshake_ready(struct client *client)
{
	struct engine_failure failure = {.trust = TRUST_OK};
	enum secure_progress progress;

	if (mitm_is_answering(client)) {
		mitm_answer(client);
		return;
	}
	progress = go_on(client, &failure);
	if (progress == SECURE_READ || progress == SECURE_WRITE)
		note_progress(client);
	switch (progress) {
	case SECURE_FAILED:
		failed(client, &failure);
		break;
	case SECURE_GONE:
		gone(client, "the client went away");
		break;
	case SECURE_BUSY:
		gone(client, "too many handshakes at once, or no memory");
		break;
	case SECURE_PLAIN:
		plain(client);
		break;
	case SECURE_READ:
		client_want(client, &client->client, EV_READ);
		break;
	case SECURE_WRITE:
		client_want(client, &client->client, EV_WRITE);
		break;
	case SECURE_DONE:
		done(client);
		break;
	}
}

void handshake_timeout(struct client *client)
{
	gone(client, "the handshake was not complete in time");
}
