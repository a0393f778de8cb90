/* answer.c - see answer.h. */
#include "answer.h"

#include <stdio.h>
#include <string.h>

#include "client.h"
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

/* Word the answer into BYTES of RESPOND_MAX, and say so in the exchange. */
static uint32_t build_answer(struct client *client, unsigned status,
			     const char *message, char *bytes)
{
	const struct settings *settings = settings_of(client);

	client->exchange.status = (uint16_t)status;
	return respond_connect(bytes, client->minor, status, message,
			       settings->deny_extra,
			       &client->exchange.content_length);
}

/* The one answer of --deny-detail none: denied, unresolvable and unreachable
 * look the same. */
static const char *blunt(const struct client *client, unsigned *status,
			 char *message, size_t size)
{
	char host[ANSWER_HOST_MAX];

	*status = settings_of(client)->deny_status;
	snprintf(message, size, "Egress proxying is denied to host '%s'.",
		 answer_host(client, host));
	return message;
}

/* see answer.h */
void answer_deny(struct client *client, const char *reason, const char *told)
{
	unsigned status = settings_of(client)->deny_status;
	char message[RESPOND_MESSAGE_MAX], bytes[RESPOND_MAX];
	char host[ANSWER_HOST_MAX];
	uint32_t length;

	client->exchange.allow = false;
	if (settings_of(client)->deny_detail == DETAIL_NONE)
		blunt(client, &status, message, sizeof(message));
	else
		snprintf(message, sizeof(message),
			 "Egress proxying is denied to host '%s': %s.",
			 answer_host(client, host), told);
	length = build_answer(client, status, message, bytes);
	log_decision(client->worker->log, &client->exchange, reason, message);
	client_reply(client, bytes, length);
}

/* see answer.h */
void answer_fail(struct client *client, unsigned status, const char *what,
		 const char *told, const char *error, bool decided)
{
	char message[RESPOND_MESSAGE_MAX], bytes[RESPOND_MAX];
	uint32_t length;

	if (settings_of(client)->deny_detail == DETAIL_NONE)
		blunt(client, &status, message, sizeof(message));
	else
		snprintf(message, sizeof(message), "%s: %s", what, told);
	length = build_answer(client, status, message, bytes);
	if (decided)
		log_failure(client->worker->log, &client->exchange,
			    client->reason, message, error);
	else
		log_decision(client->worker->log, &client->exchange,
			     client->reason, error);
	client_reply(client, bytes, length);
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
	client_reply(client, bytes, length);
}
