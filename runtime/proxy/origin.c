/* origin.c - see origin.h. */
#include "origin.h"

#include <stdio.h>

#include "answer.h"
#include "client.h"
#include "forward.h"
#include "runtime/tls/secure.h"
#include "tunnel.h"
#include "via.h"
#include "worker.h"

#define ERROR_MAX (HOSTNAME_MAX + ENGINE_WHY_MAX + 64)

static bool is_https(const struct client *client)
{
	return client->forward != NULL && client->forward->tls;
}

/* --- TLS with one of them --- */

/* Whom the handshake is with. */
static const char *partner(const struct client *client, struct hostname *origin)
{
	if (client->leg == LEG_PROXY)
		return via_proxy(client)->host.text;
	forward_host(client, origin);
	return origin->text;
}

/* WHY it came to nothing; of a certificate the log has the name of what is
 * wrong with it, too. */
static void fail(struct client *client, unsigned status, const char *what,
		 const char *why, enum trust trust)
{
	char told[ERROR_MAX], error[ERROR_MAX + 32];
	struct hostname origin;

	metrics_count(client->worker->metrics, METRIC_ORIGIN_TLS_FAILED);
	snprintf(told, sizeof(told), "TLS handshake with %s%s: %s",
		 client->leg == LEG_PROXY ? "upstream proxy " : "",
		 partner(client, &origin), why);
	snprintf(error, sizeof(error), trust != TRUST_OK ? "%s (%s)" : "%s",
		 told, trust_name(trust));
	/* a plain request is logged with its answer */
	answer_fail(client, status, what, told, error, client->forward == NULL);
}

static void fail_to_connect(struct client *client, const char *why)
{
	fail(client, 502, "Failed to connect to remote host", why, TRUST_OK);
}

static void go_on(struct client *client);

void origin_ready(struct client *client)
{
	struct engine_failure failure = {.trust = TRUST_OK};

	switch (secure_handshake(&client->origin.stream, &failure)) {
	case SECURE_FAILED:
		fail(client, 502, "Failed to connect to remote host",
		     failure.why, failure.trust);
		break;
	case SECURE_GONE:
		fail_to_connect(client, "the server closed the connection");
		break;
	case SECURE_BUSY:
		fail_to_connect(client, "too many handshakes at once");
		break;
	case SECURE_PLAIN:
		fail_to_connect(client, "the server does not speak TLS");
		break;
	case SECURE_READ:
		client_want(client, &client->origin, EV_READ);
		break;
	case SECURE_WRITE:
		client_want(client, &client->origin, EV_WRITE);
		break;
	case SECURE_DONE:
		metrics_count(client->worker->metrics, METRIC_ORIGIN_TLS_OK);
		go_on(client);
		break;
	}
}

void origin_timeout(struct client *client)
{
	fail(client, 504, "Timed out connecting to remote host", "i/o timeout",
	     TRUST_OK);
}

/* We are the client of HOST from here on. */
static void begin_tls(struct client *client, const struct hostname *host)
{
	struct worker *worker = client->worker;

	client->state = CLIENT_SECURE;
	timeout_arm(&client->timeout, &worker->connect_timeouts);
	if (secure_connect(&client->origin.stream, worker->secure,
			   client->policy->roots, host))
		origin_ready(client);
	else
		fail_to_connect(client, "too many handshakes at once, or out "
					"of memory");
}

/* --- the way --- */

/* Every leg that is called for, in their order; each comes back here. */
static void go_on(struct client *client)
{
	const struct proxy_address *proxy = via_proxy(client);
	struct hostname origin;

	if (client->leg < LEG_PROXY) {
		client->leg = LEG_PROXY;
		if (proxy != NULL && proxy->tls) {
			begin_tls(client, &proxy->host);
			return;
		}
	}
	if (client->leg < LEG_CONSENT) {
		client->leg = LEG_CONSENT;
		/* of plain HTTP the proxy is asked in the origin's place */
		if (proxy != NULL &&
		    (client->forward == NULL || is_https(client))) {
			via_connected(client);
			return;
		}
	}
	if (client->leg < LEG_ORIGIN) {
		client->leg = LEG_ORIGIN;
		if (is_https(client)) {
			forward_host(client, &origin);
			begin_tls(client, &origin);
			return;
		}
	}
	if (client->forward != NULL)
		forward_connected(client);
	else
		tunnel_begin(client);
}

void origin_connected(struct client *client)
{
	client->leg = LEG_SOCKET;
	go_on(client);
}

void origin_consented(struct client *client, const void *bytes, uint32_t length)
{
	timeout_disarm(&client->timeout);
	if (client->forward == NULL) {
		via_forget(client);
		tunnel_begin_with(client, bytes, length);
	} else if (length != 0) {
		/* nobody speaks before the client does in TLS */
		client->leg = LEG_ORIGIN;
		fail_to_connect(client, "unexpected bytes before it began");
	} else {
		go_on(client);
	}
}
