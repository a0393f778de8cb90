/* handshake.c - see handshake.h. */
#include "handshake.h"

#include "answer.h"
#include "client.h"
#include "runtime/role_callback.h"
#include "runtime/tls/secure.h"
#include "worker.h"

/* The client has shown SHOWN; who that is the program around us may know
 * better.  False: out of memory. */
static bool introduce(struct client *client, const struct identity *shown)
{
	const struct hooks *hooks = client->worker->shared->hooks;

	client->exchange.identity = shown;
	if (hooks->role == NULL)
		return true;
	client->introduced =
		role_callback_ask(hooks, shown, &client->exchange.peer,
				  client->exchange.peer_port);
	client->exchange.identity = client->introduced;
	return client->introduced != NULL;
}

/* All is known of the client but what it wants. */
static void read_heads(struct client *client, const struct identity *shown)
{
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

	client->judged = worker->view.generation;
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
	struct json line =
		log_begin(worker->log, LOG_WARNING, "TLS handshake failed");

	log_put_peer(&line, &client->exchange);
	if (trust != TRUST_OK)
		json_put_text(&line, "refused", trust_name(trust));
	json_put_text(&line, "error", error);
	log_end(worker->log, &line);
	metrics_count(worker->metrics, METRIC_TLS_HANDSHAKES_FAILED);
}

/* The client has been sent the alert: it shall not be overtaken by a reset. */
static void failed(struct client *client, const struct engine_failure *failure)
{
	log_failed(client, failure->why, failure->trust);
	secure_drop(&client->client.stream);
	client_end(client);
}

static void plain(struct client *client)
{
	log_failed(client, "the client does not speak TLS", TRUST_OK);
	secure_drop(&client->client.stream);
	client_begin_exchange(client);
	answer_plain(client, 400,
		     "This is an HTTPS proxy: the client has sent a plain HTTP "
		     "request. Use https:// in the proxy's URL.",
		     false);
}

/* Nothing more is said; silence was no attempt. */
static void gone(struct client *client, const char *why)
{
	if (secure_has_begun(&client->client.stream))
		log_failed(client, why, TRUST_OK);
	client_close(client, CLOSE_DONE);
}

static void done(struct client *client)
{
	metrics_count(client->worker->metrics, METRIC_TLS_HANDSHAKES_OK);
	client->exchange.identity = secure_identity(&client->client.stream);
	if (client_is_stale(client))
		client_close(client, CLOSE_DONE);
	else
		read_heads(client, client->exchange.identity);
}

void handshake_ready(struct client *client)
{
	struct engine_failure failure = {.trust = TRUST_OK};

	switch (secure_handshake(&client->client.stream, &failure)) {
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
