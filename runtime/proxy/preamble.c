/* preamble.c - see preamble.h.
 * A header that is not complete is taken, so that the loop does not turn on the
 * same bytes; the end of one that is may have the client's words behind it, so
 * it is looked at first. */
#include "preamble.h"

#include <errno.h>
#include <sys/socket.h>

#include "client.h"
#include "handshake.h"
#include "runtime/net/proxy_protocol.h"
#include "worker.h"

#define STEP 256u /* the longest line, and most headers, at once */

static void wait_for_header(struct client *client)
{
	client->state = CLIENT_PREAMBLE;
	timeout_arm(&client->timeout, &client->worker->head_timeouts);
	client_want(client, &client->client, EV_READ);
}

static void refuse(struct client *client, const char *why)
{
	struct worker *worker = client->worker;
	struct json *line =
		log_begin(worker->log, LOG_WARNING, "PROXY header refused");

	metrics_count(worker->metrics, METRIC_PROXY_HEADERS_REFUSED);
	log_put_peer(line, &client->exchange);
	json_put_text(line, "error", why);
	log_end(worker->log);
	client_close(client, CLOSE_DONE);
}

static bool matches(const struct addr_prefix *prefix, const struct addr *addr)
{
	unsigned whole = prefix->length / 8, bits = prefix->length % 8;

	if (memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return bits == 0 ||
	       (prefix->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - bits) ==
		       0;
}

static bool is_trusted(const struct settings *settings, const struct addr *addr)
{
	for (size_t i = 0; i < settings->proxy_trust_count; i++)
		if (matches(&settings->proxy_trust[i], addr))
			return true;
	return settings->proxy_trust_count == 0;
}

void preamble_begin(struct client *client)
{
	const struct settings *settings = client->worker->shared->settings;

	if (!settings->proxy_protocol)
		handshake_begin(client);
	else if (is_trusted(settings, &client->exchange.peer))
		wait_for_header(client);
	else
		refuse(client, "not from a trusted address");
}

static void done(struct client *client, const struct proxy_header *header)
{
	spill_free(&client->up.spill);
	if (header->has_source) {
		client->exchange.peer = header->addr;
		client->exchange.peer_port = header->port;
	}
	/* if the client has spoken, its bytes make the socket ready again */
	handshake_begin(client);
}

/* LENGTH bytes that were looked at already: off the socket, and kept. */
static bool take(struct client *client, uint32_t length)
{
	struct spill *spill = &client->up.spill;
	ssize_t n = recv(client->client.stream.fd, spill->p + spill->end,
			 length, 0);

	if (n != (ssize_t)length)
		return false;
	spill->end += length;
	return true;
}

void preamble_ready(struct client *client)
{
	struct spill *spill = &client->up.spill;
	struct proxy_header header;
	ssize_t n;

	if (!spill_reserve(spill, STEP)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	n = recv(client->client.stream.fd, spill->p + spill->end,
		 spill->capacity - spill->end, MSG_PEEK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* a port scan, or a check whether we are there */
		client_close(client, CLOSE_DONE);
		return;
	}
	switch (proxy_header_read(spill->p, spill->end + (size_t)n, &header)) {
	case PROXY_HEADER_BAD:
		refuse(client, header.error);
		break;
	case PROXY_HEADER_MORE:
		if (!take(client, (uint32_t)n))
			client_close(client, CLOSE_ERROR);
		break;
	case PROXY_HEADER_DONE:
		if (take(client, header.length - spill->end))
			done(client, &header);
		else
			client_close(client, CLOSE_ERROR);
		break;
	}
}

void preamble_timeout(struct client *client)
{
	if (client->up.spill.p != NULL)
		refuse(client, "the PROXY header was not complete in time");
	else
		client_close(client, CLOSE_DONE);
}
