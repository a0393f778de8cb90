/* answer.c - see answer.h. */
#include "answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "forward.h"
#include "headers.h"
#include "respond.h"
#include "worker.h"

static const struct settings *settings_of(const struct client *client)
{
	return client->worker->shared->settings;
}

const char *answer_host(const struct client *client, char out[ANSWER_HOST_MAX])
{
	return respond_printable(client->exchange.host, out, ANSWER_HOST_MAX);
}

/* A denial or a failure, worded for whoever asked: a client that wanted a
 * tunnel hears it and is done, others may ask again. */
struct answer {
	char bytes[RESPOND_MAX];
	uint32_t length;
	bool keep;
};

/* Word ANSWER, and say so in the exchange. */
static void build_answer(struct client *client, unsigned status,
			 const char *message, struct answer *answer)
{
	const struct settings *settings = settings_of(client);
	uint32_t *body = &client->exchange.content_length;

	client->exchange.status = (uint16_t)status;
	answer->keep = client->forward != NULL && forward_answered(client);
	if (client->forward == NULL) {
		answer->length =
			respond_connect(answer->bytes, client->minor, status,
					message, settings->deny_extra, body);
		return;
	}
	answer->length = respond_forward(
		answer->bytes, client->minor, status, message,
		settings->deny_extra,
		headers_date_kept(&client->worker->date, time(NULL)),
		answer->keep, body);
}

static void give(struct client *client, const char *bytes, uint32_t length,
		 bool keep)
{
	if (client->bodiless)
		length -= client->exchange.content_length;
	client_reply(client, bytes, length, keep);
}

/* MESSAGE has room for RESPOND_MESSAGE_MAX. */
static void word_denial(const struct client *client, const char *why,
			char *message)
{
	char host[ANSWER_HOST_MAX];

	respond_denial(message, str_from(answer_host(client, host)), why);
}

/* The one answer of --deny-detail none: denied, unresolvable and unreachable
 * look the same. */
static void blunt(const struct client *client, unsigned *status, char *message)
{
	*status = settings_of(client)->deny_status;
	word_denial(client, NULL, message);
}

/* see answer.h */
void answer_deny(struct client *client, const char *reason, const char *told)
{
	unsigned status = settings_of(client)->deny_status;
	char message[RESPOND_MESSAGE_MAX];
	struct answer answer;

	client->exchange.allow = false;
	if (settings_of(client)->deny_detail == DETAIL_NONE)
		blunt(client, &status, message);
	else
		word_denial(client, told, message);
	build_answer(client, status, message, &answer);
	log_decision(client->worker->log, &client->exchange, reason, message);
	give(client, answer.bytes, answer.length, answer.keep);
}

/* see answer.h */
void answer_fail(struct client *client, unsigned status, const char *what,
		 const char *told, const char *error, bool decided)
{
	char message[RESPOND_MESSAGE_MAX];
	struct answer answer;

	if (settings_of(client)->deny_detail == DETAIL_NONE)
		blunt(client, &status, message);
	else
		snprintf(message, sizeof(message), "%s: %s", what, told);
	build_answer(client, status, message, &answer);
	if (decided)
		log_failure(client->worker->log, &client->exchange,
			    client->reason, message, error);
	else
		log_decision(client->worker->log, &client->exchange,
			     client->reason, error);
	give(client, answer.bytes, answer.length, answer.keep);
}

/* Before anything was decided. */
static void turn_away(struct client *client, unsigned status,
		      const char *reason, const char *text)
{
	char bytes[RESPOND_MAX];
	uint32_t length = respond_plain(bytes, status, text, false,
					&client->exchange.content_length);

	client->exchange.status = (uint16_t)status;
	log_decision(client->worker->log, &client->exchange, reason, text);
	give(client, bytes, length, false);
}

/* see answer.h */
void answer_stale(struct client *client)
{
	turn_away(client, 503, "the proxy was reloaded since the TLS handshake",
		  "The proxy was reloaded. Please connect again.");
}

/* see answer.h */
void answer_over_rate(struct client *client)
{
	metrics_count(client->worker->metrics, METRIC_RATE_LIMITED);
	turn_away(client, 429, "request rate limit exceeded",
		  "Proxy rate limit exceeded. Please retry later.");
}

/* see answer.h */
void answer_over_requests(struct client *client)
{
	metrics_count(client->worker->metrics, METRIC_CONCURRENCY_LIMITED);
	turn_away(client, 503, "concurrent request limit exceeded",
		  "Proxy overloaded. Please retry later.");
}

/* see answer.h */
void answer_over_tunnels(struct client *client)
{
	const char *message = "maximum concurrent connect tunnels exceeded";
	struct answer answer;

	metrics_count(client->worker->metrics, METRIC_TUNNELS_LIMITED);
	build_answer(client, 429, message, &answer);
	log_failure(client->worker->log, &client->exchange, client->reason,
		    message, message);
	give(client, answer.bytes, answer.length, answer.keep);
}

/* see answer.h */
void answer_plain(struct client *client, unsigned status, const char *text,
		  bool error_header)
{
	char bytes[RESPOND_MAX];
	uint32_t length = respond_plain(bytes, status, text, error_header,
					&client->exchange.content_length);

	client->exchange.status = (uint16_t)status;
	log_bad_request(client->worker->log, &client->exchange, text);
	give(client, bytes, length, false);
}

/* see answer.h */
void answer_health(struct client *client)
{
	char bytes[RESPOND_MAX];
	uint32_t length = respond_plain(bytes, 200, "OK", false,
					&client->exchange.content_length);

	give(client, bytes, length, false);
}
