/* mitm.c - see mitm.h. */
#include "mitm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "client.h"
#include "detail.h"
#include "handshake.h"
#include "runtime/tls/secure.h"
#include "via.h"
#include "worker.h"

_Static_assert(sizeof(((struct worker *)0)->scratch) >= DETAIL_MAX,
	       "details are written there");

static const char established[] = "HTTP/1.1 200 OK\r\n\r\n";

bool mitm_is_wanted(const struct client *client)
{
	return client->exchange.is_connect &&
	       client->exchange.decision.mitm != MITM_NONE;
}

bool mitm_covers(const struct client *client, const struct hostname *requested,
		 uint16_t port)
{
	const struct mitm *mitm = client->mitm;

	return port == mitm->port && requested->form == mitm->host.form &&
	       str_equal(str_make(requested->text, requested->length),
			 str_make(mitm->host.text, mitm->host.length));
}

/* --- the beginning --- */

static bool keep_trace_id(struct mitm *mitm, struct str trace_id)
{
	char *copy;

	if (trace_id.n == 0)
		return true;
	copy = malloc(trace_id.n);
	if (copy == NULL)
		return false;
	memcpy(copy, trace_id.p, trace_id.n);
	mitm->trace_id = str_make(copy, trace_id.n);
	return true;
}

static void mitm_free(struct mitm *mitm)
{
	minted_unref(&mitm->minted);
	proxy_address_fini(&mitm->proxy);
	free((void *)(uintptr_t)mitm->trace_id.p);
	free(mitm);
}

static struct minted *mint(struct client *client, const struct hostname *host)
{
	bool fresh;
	struct minted *minted = mint_get(client->policy->mint, host,
					 (int64_t)time(NULL), &fresh);

	if (minted != NULL && fresh)
		metrics_count(client->worker->metrics, METRIC_MITM_MINTED);
	return minted;
}

/* NULL: out of memory, or of randomness. */
static struct mitm *mitm_new(struct client *client)
{
	const struct exchange *exchange = &client->exchange;
	/* the normalised host is the first in the client's text, before the
	 * host as it came */
	struct str host = str_make(client->text,
				   (size_t)(exchange->host.p - client->text));
	struct mitm *mitm = calloc(1, sizeof(*mitm));

	if (mitm == NULL)
		return NULL;
	mitm->port = client->port;
	mitm->connect_id = exchange->id;
	if (hostname_normalize(host, &mitm->host) == HOST_OK &&
	    keep_trace_id(mitm, exchange->trace_id))
		mitm->minted = mint(client, &mitm->host);
	if (mitm->minted == NULL) {
		mitm_free(mitm);
		return NULL;
	}
	mitm->has_proxy = via_take_named(client, &mitm->proxy);
	return mitm;
}

void mitm_begin(struct client *client)
{
	struct worker *worker = client->worker;

	log_decision(worker->log, &client->exchange, client->reason, NULL);
	client->has_tunnel_slot = slots_take(&worker->shared->limits.tunnels);
	if (!client->has_tunnel_slot) {
		answer_over_tunnels(client);
		return;
	}
	client->mitm = mitm_new(client);
	if (client->mitm == NULL) {
		const char *error = "no certificate could be made";

		answer_fail(client, 500, "An unexpected error occurred", error,
			    error, true);
		return;
	}
	metrics_count(worker->metrics, METRIC_MITM_TUNNELS);
	if (!spill_add(&client->down.spill, established,
		       sizeof(established) - 1)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	client_release_request(client);
	client->state = CLIENT_HANDSHAKE;
	timeout_arm(&client->timeout, &worker->head_timeouts);
	mitm_answer(client);
}

bool mitm_is_answering(const struct client *client)
{
	return client->mitm != NULL && client->mitm->minted != NULL;
}

/* What the client has said behind its CONNECT is where TLS begins. */
static void begin_tls(struct client *client)
{
	struct mitm *mitm = client->mitm;

	if (!secure_begin_minted(&client->client.stream, client->worker->secure,
				 mitm->minted, &client->up.spill)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	minted_unref(&mitm->minted);
	client->up.ended = false;
	handshake_ready(client);
}

void mitm_answer(struct client *client)
{
	struct spill *spill = &client->down.spill;
	ssize_t n = stream_write(&client->client.stream,
				 spill->p + spill->start, spill_length(spill));

	if (n < 0 && errno != EAGAIN) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	if (n > 0)
		spill_consume(spill, (uint32_t)n);
	if (spill->p != NULL)
		client_want(client, &client->client, EV_WRITE);
	else
		begin_tls(client);
}

void mitm_secured(struct client *client)
{
	struct spill nothing = {0};

	timeout_arm(&client->duration, &client->worker->duration_timeouts);
	client_next(client, &nothing);
}

void mitm_end(struct client *client)
{
	if (client->mitm == NULL)
		return;
	metrics_add(client->worker->metrics, METRIC_MITM_TUNNELS, UINT64_MAX);
	mitm_free(client->mitm);
	client->mitm = NULL;
}

/* --- the requests inside --- */

/* False: out of memory. */
static bool find_headers(const struct blob *blob, uint32_t mitm,
			 const struct mitm_info *info, struct headers_set **out,
			 size_t *count)
{
	if (info->header_count == 0)
		return true;
	*out = calloc(info->header_count, sizeof(**out));
	if (*out == NULL)
		return false;
	for (uint32_t i = 0; i < info->header_count; i++) {
		struct headers_set *set = &(*out)[*count];

		if (blob_mitm_header(blob, mitm, i, &set->name, &set->value) &&
		    headers_may_set(set->name))
			++*count;
	}
	return true;
}

/* False: out of memory. */
static bool keep_detail(struct client *client, const struct detail *detail)
{
	char *out = client->worker->scratch;
	size_t n = detail_write(out, detail);

	client->exchange.detail = strndup(out, n);
	return client->exchange.detail != NULL;
}

bool mitm_apply(struct client *client, const struct request *request,
		const char *head, const struct request_url *url,
		struct str host, struct headers_set **set, size_t *count)
{
	const struct blob *blob = &client->policy->blob;
	uint32_t mitm = client->exchange.decision.mitm;
	const char *target = head + request->target.start;
	struct mitm_info info;

	*set = NULL;
	*count = 0;
	if (mitm == MITM_NONE || !blob_mitm(blob, mitm, &info))
		return true;
	if (!headers_is_trace(request, head) &&
	    !find_headers(blob, mitm, &info, set, count))
		return false;
	if (!info.detailed_http_logs)
		return true;
	return keep_detail(client,
			   &(struct detail){
				   .request = request,
				   .head = head,
				   .host = host,
				   .path = str_make(target + url->path.start,
						    url->path.length),
				   .set = *set,
				   .set_count = *count,
				   .blob = blob,
				   .mitm = mitm,
			   });
}
