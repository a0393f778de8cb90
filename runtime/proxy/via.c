/* via.c - see via.h.
 * In this order: the declared proxies are looked up, so that they are known
 * when the destination is judged; the destination is looked up and judged; a
 * proxy that the client named is looked up and judged; one of them is dialled,
 * and, when origin.c says so, asked for its consent. */
#include "via.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"
#include "connect.h"
#include "forward.h"
#include "measure.h"
#include "origin.h"
#include "respond.h"
#include "runtime/net/resolver.h"
#include "spill.h"
#include "worker.h"

#define REFUSAL_MAX 500u /* bytes of a refusing proxy's body that are shown */

struct via {
	const struct proxy_address *to; /* borrowed: the settings', or OWN;
					 * NULL: we go there directly, and
					 * only look up the declared */
	bool named;                     /* by the client: TO is judged */
	struct proxy_address own;       /* owned; or zeroed */
	struct hostname destination;    /* while the declared are looked up */
	unsigned step;                  /* which of them is next */
	struct addr addrs[RESOLVER_MAX_ADDRESSES];
	size_t count;
	struct spill request; /* ours to the proxy, as far as it is not sent */
	struct spill answer;  /* the proxy's, as far as it is here */
	struct head_progress progress;
	/* Of its head, once that is complete: */
	uint32_t head; /* its length; 0: not complete */
	uint16_t status;
	bool has_length;
	uint64_t content_length;
};

static const struct settings *settings_of(const struct client *client)
{
	return client->worker->shared->settings;
}

static struct via *via_new(void)
{
	return calloc(1, sizeof(struct via));
}

/* It has credentials in it. */
static void forget_request(struct spill *request)
{
	if (request->p != NULL)
		explicit_bzero(request->p, request->end);
	spill_free(request);
}

void via_free(struct via *via)
{
	if (via == NULL)
		return;
	proxy_address_fini(&via->own);
	forget_request(&via->request);
	spill_free(&via->answer);
	free(via);
}

void via_forget(struct client *client)
{
	via_free(client->via);
	client->via = NULL;
}

const struct proxy_address *via_proxy(const struct client *client)
{
	return client->via != NULL ? client->via->to : NULL;
}

const struct hostname *via_host(const struct client *client)
{
	return client->via != NULL ? &client->via->to->host : NULL;
}

enum proxy_address_error via_take_header(struct client *client, struct str text)
{
	enum proxy_address_error error;
	struct via *via = via_new();

	if (via == NULL)
		return PROXY_ADDRESS_NO_MEMORY;
	error = proxy_address_parse(text, &via->own);
	via->to = &via->own;
	via->named = true;
	if (error == PROXY_ADDRESS_OK)
		client->via = via;
	else
		via_free(via);
	return error;
}

bool via_name(struct client *client, const struct proxy_address *proxy)
{
	client->via = via_new();
	if (client->via == NULL)
		return false;
	client->via->to = proxy;
	client->via->named = true;
	return true;
}

bool via_take_named(struct client *client, struct proxy_address *out)
{
	struct via *via = client->via;
	bool named = via != NULL && via->to == &via->own;

	if (named) {
		*out = via->own;
		via->own = (struct proxy_address){.tls = false};
	}
	via_forget(client);
	return named;
}

/* It cannot be done. */
static void fail(struct client *client, unsigned status, const char *what,
		 const char *error, bool decided)
{
	answer_fail(client, status, what, error, error, decided);
}

/* --- the declared proxies --- */

/* One of VIA_DECLARED, or NULL. */
static const struct proxy_address *declared(const struct worker *worker,
					    unsigned which)
{
	const struct settings *settings = worker->shared->settings;

	return which == 0 ? settings->http_proxy : settings->https_proxy;
}

static bool is_known(const struct via_known *known, const struct addr *addr)
{
	for (size_t i = 0; i < known->count; i++)
		if (memcmp(&known->addrs[i], addr, sizeof(*addr)) == 0)
			return true;
	return false;
}

static void remember(struct via_known *known, const struct addr *addr)
{
	if (is_known(known, addr))
		return;
	known->addrs[known->next] = *addr;
	known->next = (known->next + 1) % VIA_MAX_KNOWN;
	if (known->count < VIA_MAX_KNOWN)
		known->count++;
}

bool via_is_declared(const struct worker *worker, const struct addr *addr,
		     uint16_t port)
{
	for (unsigned i = 0; i < VIA_DECLARED; i++) {
		const struct proxy_address *proxy = declared(worker, i);

		if (proxy != NULL && port == proxy->port &&
		    is_known(&worker->declared[i], addr))
			return true;
	}
	return false;
}

/* To the destination: by the way of the proxy, or without it. */
static void go_on(struct client *client)
{
	struct hostname destination = client->via->destination;

	if (client->via->to == NULL)
		via_forget(client);
	connect_destination(client, &destination);
}

/* The next of them is at the COUNT addresses at ADDRS. */
static void found_declared(struct client *client, const struct addr *addrs,
			   size_t count)
{
	struct worker *worker = client->worker;
	struct via *via = client->via;

	for (size_t i = 0; i < count; i++)
		remember(&worker->declared[via->step], &addrs[i]);
	if (via->to == declared(worker, via->step)) {
		via->count = count < RESOLVER_MAX_ADDRESSES
				     ? count
				     : RESOLVER_MAX_ADDRESSES;
		memcpy(via->addrs, addrs, via->count * sizeof(*addrs));
	}
	via->step++;
}

/* --- names --- */

static void fail_lookup(struct client *client,
			const struct lookup_result *result)
{
	bool late = result->status == LOOKUP_TIMEOUT;

	answer_fail(client, late ? 504 : 502,
		    late ? "Timed out connecting to remote host"
			 : "Failed to resolve remote hostname",
		    "lookup of the upstream proxy failed", result->error,
		    false);
}

/* It counts; but of one that worked the log does not tell, whose time is that
 * of the destination's. */
static void looked_up(struct client *client, enum lookup_status status)
{
	uint32_t before = client->exchange.dns_us;

	client->lookup = NULL;
	client->exchange.dns_us =
		(uint32_t)(client_clock_us() - client->mark_us);
	measure_lookup(client, status);
	if (status == LOOKUP_OK)
		client->exchange.dns_us = before;
}

static void find_declared(struct client *client);

static void on_declared(void *context, const struct lookup_result *result)
{
	struct client *client = context;

	looked_up(client, result->status);
	if (result->status == LOOKUP_OK) {
		found_declared(client, result->addrs, result->count);
		find_declared(client);
	} else {
		fail_lookup(client, result);
	}
}

static void lookup(struct client *client, const struct hostname *host,
		   lookup_done *done)
{
	client->mark_us = client_clock_us();
	metrics_count(client->worker->metrics, METRIC_RESOLVER_ATTEMPTS);
	client->lookup = resolve_start(client->worker->resolver, host->text,
				       done, client);
	if (client->lookup != NULL)
		client->state = CLIENT_LOOKUP;
	else
		fail(client, 502, "Failed to resolve remote hostname",
		     strerror(errno), false);
}

/* Where are those that were not found yet?  Then go on. */
static void find_declared(struct client *client)
{
	struct via *via = client->via;

	while (via->step < VIA_DECLARED) {
		const struct proxy_address *proxy =
			declared(client->worker, via->step);

		if (proxy == NULL) {
			via->step++;
		} else if (proxy->host.form == HOST_NAME) {
			lookup(client, &proxy->host, on_declared);
			return;
		} else {
			found_declared(client, &proxy->host.addr, 1);
		}
	}
	go_on(client);
}

bool via_goes_direct(struct client *client, const struct hostname *host)
{
	const struct settings *settings = settings_of(client);
	bool plain = client->forward != NULL;

	/* what a client names is for tunnels, and what is in them */
	if (plain && client->mitm == NULL)
		via_forget(client);
	if (client->via == NULL && settings->http_proxy == NULL &&
	    settings->https_proxy == NULL)
		return true;
	if (client->via == NULL) {
		client->via = via_new();
		if (client->via == NULL) {
			fail(client, 500, "An unexpected error occurred",
			     strerror(ENOMEM), false);
			return false;
		}
		client->via->to =
			plain ? forward_proxy(client) : settings->https_proxy;
	}
	client->via->destination = *host;
	find_declared(client);
	return false;
}

/* --- the client's proxy --- */

static void dial(struct client *client)
{
	struct via *via = client->via;

	client->remote_port = via->to->port;
	if (client->forward == NULL ||
	    !forward_reuse(client, via->addrs, via->count))
		connect_dial(client, via->addrs, via->count);
}

/* Keep what of the COUNT addresses at ADDRS the policy allows, and dial. */
static void judge(struct client *client, const struct addr *addrs, size_t count)
{
	struct via *via = client->via;
	struct addr denied; /* the first one */
	bool any_denied = false;

	via->count = 0;
	for (size_t i = 0; i < count && i < RESOLVER_MAX_ADDRESSES; i++) {
		struct classification class =
			connect_classify(client, &addrs[i], via->to->port);

		if (addr_class_allows(class.class)) {
			via->addrs[via->count++] = addrs[i];
		} else if (!any_denied) {
			denied = addrs[i];
			any_denied = true;
			client->exchange.class = class;
		}
	}
	if (any_denied && (via->count == 0 ||
			   settings_of(client)->mixed_answers == MIXED_REFUSE))
		connect_deny_address(client, &denied,
				     "upstream proxy's address not allowed");
	else
		dial(client);
}

static void on_lookup(void *context, const struct lookup_result *result)
{
	struct client *client = context;

	looked_up(client, result->status);
	if (result->status == LOOKUP_OK)
		judge(client, result->addrs, result->count);
	else
		fail_lookup(client, result);
}

void via_dial(struct client *client)
{
	struct via *via = client->via;

	if (!via->named)
		dial(client);
	else if (via->to->host.form == HOST_NAME)
		lookup(client, &via->to->host, on_lookup);
	else
		judge(client, &via->to->host.addr, 1);
}

/* --- its consent --- */

/* The destination in its normal form, which is what was judged: it is the first
 * in the client's text, before the host as it came. */
static struct str destination_of(const struct client *client)
{
	return str_make(client->text,
			(size_t)(client->exchange.host.p - client->text));
}

static bool write_request(struct client *client)
{
	static const char format[] = "CONNECT %s%.*s%s:%u HTTP/1.1\r\n"
				     "Host: %s%.*s%s:%u\r\n"
				     "User-Agent: Go-http-client/1.1\r\n"
				     "%s%s%s\r\n";
	struct str host = destination_of(client);
	bool literal = memchr(host.p, ':', host.n) != NULL;
	const char *open = literal ? "[" : "", *close = literal ? "]" : "";
	const char *basic = client->via->to->basic;
	struct via *via = client->via;
	size_t size = sizeof(format) + 2 * (host.n + 16) + 32 +
		      (basic != NULL ? strlen(basic) : 0);
	int n;

	if (!spill_reserve(&via->request, (uint32_t)size))
		return false;
	n = snprintf((char *)via->request.p, size, format, open, STR_ARG(host),
		     close, client->port, open, STR_ARG(host), close,
		     client->port,
		     basic != NULL ? "Proxy-Authorization: Basic " : "",
		     basic != NULL ? basic : "", basic != NULL ? "\r\n" : "");
	via->request.end = (uint32_t)n;
	return true;
}

/* A tunnel's decision is in the log by then, that of another request will be
 * there with its answer. */
static bool is_decided(const struct client *client)
{
	return client->forward == NULL;
}

static void broken(struct client *client, const char *error)
{
	fail(client, 500, "An unexpected error occurred", error,
	     is_decided(client));
}

/* The proxy has answered, and it is no. */
static void refused(struct client *client)
{
	struct via *via = client->via;
	const char *body = (const char *)via->answer.p + via->head;
	uint32_t n = via->answer.end - via->head;
	char shown[REFUSAL_MAX * 4 + 8], told[sizeof(shown) + 32];
	char error[sizeof(shown) + 64];

	if (n > REFUSAL_MAX)
		n = REFUSAL_MAX;
	/* one that shows us our own request */
	if (via->to->basic != NULL &&
	    memmem(via->answer.p, via->answer.end, via->to->basic,
		   strlen(via->to->basic)) != NULL)
		n = 0;
	while (n > 0 && (body[n - 1] == '\n' || body[n - 1] == '\r'))
		n--;
	respond_printable(str_make(body, n), shown, sizeof(shown));
	snprintf(told, sizeof(told), "proxy refused connection%s", shown);
	snprintf(error, sizeof(error), "upstream proxy answered %u: %s",
		 via->status, shown);
	answer_fail(client, 500, "An unexpected error occurred", told, error,
		    is_decided(client));
}

/* As much of the body as will be shown is here, or all there is. */
static bool is_refusal_complete(const struct via *via)
{
	uint32_t have = via->answer.end - via->head;

	/* without a length there is no telling what is still to come */
	return !via->has_length || have >= REFUSAL_MAX ||
	       have >= via->content_length;
}

/* Yes: what follows its answer is the destination's. */
static void consented(struct client *client)
{
	struct spill answer = client->via->answer;
	uint32_t head = client->via->head;

	client->via->answer = (struct spill){0};
	origin_consented(client, answer.p + head, answer.end - head);
	spill_free(&answer);
}

/* Forget an interim answer (RFC 9110 15.2): another one follows it. */
static void drop_interim(struct via *via)
{
	uint32_t rest = via->answer.end - via->head;

	memmove(via->answer.p, via->answer.p + via->head, rest);
	via->answer.end = rest;
	via->head = 0;
	via->progress = (struct head_progress){0};
}

/* Scan the head of the answer, as far as it is here. */
static enum head_status scan_head(struct client *client)
{
	struct response *response = &client->worker->response;
	struct via *via = client->via;
	enum head_status status =
		response_scan(&via->progress, (const char *)via->answer.p,
			      via->answer.end, response);

	if (status != HEAD_DONE)
		return status;
	via->head = response->head.length;
	via->status = response->status;
	via->has_length = response->head.has_length;
	via->content_length = response->head.content_length;
	return status;
}

/* Look at what is here. */
static void scan(struct client *client)
{
	struct via *via = client->via;

	while (via->head == 0) {
		enum head_status status = scan_head(client);

		if (status == HEAD_MORE)
			return;
		if (status != HEAD_DONE) {
			broken(client, "malformed answer from the upstream "
				       "proxy");
			return;
		}
		if (via->status < 200 && via->status != 101)
			drop_interim(via);
	}
	if (via->status >= 200 && via->status < 300)
		consented(client);
	else if (is_refusal_complete(via))
		refused(client);
}

static void read_answer(struct client *client)
{
	struct worker *worker = client->worker;
	struct via *via = client->via;
	ssize_t n = client_read(&client->origin, worker->buffer,
				sizeof(worker->buffer));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		broken(client, strerror(errno));
	} else if (n == 0 && via->head != 0) {
		refused(client);
	} else if (n == 0) {
		broken(client, "unexpected EOF from the upstream proxy");
	} else if (!spill_add(&via->answer, worker->buffer, (uint32_t)n)) {
		broken(client, strerror(ENOMEM));
	} else {
		scan(client);
	}
}

static void send_request(struct client *client)
{
	struct spill *request = &client->via->request;
	ssize_t n = stream_write(&client->origin.stream,
				 request->p + request->start,
				 spill_length(request));

	if (n < 0 && errno != EAGAIN) {
		broken(client, strerror(errno));
		return;
	}
	if (n > 0)
		request->start += (uint32_t)n;
	if (request->start == request->end)
		forget_request(request);
	client_want(client, &client->origin,
		    request->p != NULL ? EV_READ | EV_WRITE : EV_READ);
}

void via_connected(struct client *client)
{
	client->state = CLIENT_VIA;
	/* it may have been asked before, and closed what it gave */
	client->via->head = 0;
	client->via->progress = (struct head_progress){0};
	timeout_arm(&client->timeout, &client->worker->connect_timeouts);
	if (write_request(client))
		send_request(client);
	else
		broken(client, strerror(ENOMEM));
}

void via_ready(struct client *client, short what)
{
	if ((what & EV_WRITE) != 0 && client->via->request.p != NULL) {
		send_request(client);
		if (client->state != CLIENT_VIA)
			return;
	}
	if ((what & EV_READ) != 0)
		read_answer(client);
}

void via_timeout(struct client *client)
{
	/* it said no, and is slow to say why */
	if (client->via->head != 0)
		refused(client);
	else
		fail(client, 504, "Timed out connecting to remote host",
		     "no answer from the upstream proxy", is_decided(client));
}
