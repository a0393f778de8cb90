/* connect.c - see connect.h.
 * Everything is decided here and in this order: form of the request, role,
 * host, policy, addresses.  Whatever is not allowed on the way ends in
 * answer_deny() or answer_fail(), which log once and answer once. */
#include "connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"
#include "respond.h"
#include "runtime/net/dial.h"
#include "runtime/net/resolver.h"
#include "runtime/policy/hostname.h"
#include "self.h"
#include "tunnel.h"
#include "worker.h"

#define REASON_MAX 900

static const struct settings *settings_of(const struct client *client)
{
	return client->worker->shared->settings;
}

/* --- connecting --- */

static void on_dial(void *context, const struct dial_result *result)
{
	struct client *client = context;
	const char *error = result->text;

	client->dial = NULL;
	client->connect_us = (uint32_t)(client_clock_us() - client->mark_us);
	if (result->fd >= 0) {
		client->remote = result->addr;
		client_set_origin(client, result->fd);
		tunnel_begin(client);
		return;
	}
	if (error[0] == '\0')
		error = result->timed_out ? "i/o timeout"
					  : strerror(result->error);
	if (result->timed_out)
		answer_fail(client, 504, "Timed out connecting to remote host",
			    error, error, true);
	else
		answer_fail(client, 502, "Failed to connect to remote host",
			    error, error, true);
}

static void dial(struct client *client, const struct addr *addrs, size_t count)
{
	log_decision(client->worker->log, &client->exchange, client->reason,
		     NULL);
	client->mark_us = client_clock_us();
	client->dial = dial_start(
		client->worker->base, addrs, count, client->port,
		settings_of(client)->connect_timeout_ms, on_dial, client);
	if (client->dial == NULL) {
		const char *error = strerror(errno);

		answer_fail(client, 500, "An unexpected error occurred", error,
			    error, true);
		return;
	}
	client->state = CLIENT_DIAL;
}

/* --- addresses --- */

static struct classification classify(struct client *client,
				      const struct addr *addr)
{
	struct worker *worker = client->worker;

	if (self_is_own(&worker->shared->listeners, &worker->self, addr,
			client->port))
		return (struct classification){ADDR_SELF_CONNECTION,
					       RANGE_RULE_NONE};
	return ranges_classify(&client->policy->ranges, addr, client->port);
}

static void deny_address(struct client *client, const struct addr *addr,
			 const char *what)
{
	const char *class = addr_class_text(client->exchange.class.class);
	char reason[REASON_MAX], told[REASON_MAX];
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	snprintf(reason, sizeof(reason), "%s - %s denied by rule '%s'", what,
		 text, class);
	snprintf(told, sizeof(told), "%s - denied by rule '%s'", what, class);
	client->exchange.would_deny = true;
	answer_deny(client, reason,
		    settings_of(client)->deny_detail == DETAIL_FULL ? reason
								    : told);
}

/* Keep those of the COUNT addresses at ADDRS that may be connected to, and do.
 */
static void judge(struct client *client, const struct addr *addrs, size_t count)
{
	struct addr allowed[RESOLVER_MAX_ADDRESSES];
	const struct addr *denied = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < count && i < RESOLVER_MAX_ADDRESSES; i++) {
		struct classification class = classify(client, &addrs[i]);

		if (addr_class_allows(class.class)) {
			allowed[kept++] = addrs[i];
		} else if (denied == NULL) {
			denied = &addrs[i];
			client->exchange.class = class;
		}
	}
	if (denied != NULL && kept != 0 &&
	    settings_of(client)->mixed_answers == MIXED_REFUSE) {
		deny_address(client, denied,
			     "not every resolved address is allowed");
		return;
	}
	if (kept != 0)
		dial(client, allowed, kept);
	else if (denied != NULL)
		deny_address(client, denied,
			     "no valid IP found among resolved addresses");
	else
		answer_fail(client, 502, "Failed to resolve remote hostname",
			    "no address", "no address", false);
}

/* What a client hears of a failed lookup: not which name server said so. */
static void fail_lookup(struct client *client, unsigned status,
			const char *what, const char *told,
			const struct lookup_result *result)
{
	char host[ANSWER_HOST_MAX], text[ANSWER_HOST_MAX + 64];

	if (settings_of(client)->deny_detail == DETAIL_FULL) {
		answer_fail(client, status, what, result->error, result->error,
			    false);
		return;
	}
	snprintf(text, sizeof(text), "lookup %s: %s", answer_host(client, host),
		 told);
	answer_fail(client, status, what, text, result->error, false);
}

static void on_lookup(void *context, const struct lookup_result *result)
{
	struct client *client = context;

	client->lookup = NULL;
	client->exchange.dns_us =
		(uint32_t)(client_clock_us() - client->mark_us);
	switch (result->status) {
	case LOOKUP_OK:
		judge(client, result->addrs, result->count);
		break;
	case LOOKUP_TIMEOUT:
		fail_lookup(client, 504, "Timed out connecting to remote host",
			    "i/o timeout", result);
		break;
	case LOOKUP_NOT_FOUND:
		fail_lookup(client, 502, "Failed to resolve remote hostname",
			    "no such host", result);
		break;
	case LOOKUP_FAILED:
		fail_lookup(client, 502, "Failed to resolve remote hostname",
			    "server misbehaving", result);
		break;
	}
}

static void lookup(struct client *client, const char *name)
{
	client->mark_us = client_clock_us();
	client->lookup = resolve_start(client->worker->resolver, name,
				       on_lookup, client);
	if (client->lookup == NULL) {
		const char *error = strerror(errno);

		answer_fail(client, 502, "Failed to resolve remote hostname",
			    error, error, false);
		return;
	}
	client->state = CLIENT_LOOKUP;
}

/* --- the policy --- */

/* What decide() is asked about. */
struct asked {
	struct hostname host;
	struct hostname proxy; /* X-Upstream-Https-Proxy's */
	bool has_proxy;
	bool proxy_is_bad; /* it was there and made no sense */
};

/* True: go on; false: denied and answered. */
static bool decide_by_acl(struct client *client, const struct asked *asked)
{
	struct exchange *exchange = &client->exchange;
	struct query query = {
		.host = &asked->host,
		.external_proxy = asked->has_proxy ? &asked->proxy : NULL,
	};
	const char *reason = NULL;

	if (!settings_of(client)->allow_missing_role)
		reason = "Client role cannot be determined";
	else if (asked->host.form == HOST_IPV6)
		reason = "Destination host cannot be determined";
	else if (asked->proxy_is_bad)
		reason = "X-Upstream-Https-Proxy cannot be understood";
	if (reason != NULL) {
		answer_deny(client, reason, reason);
		return false;
	}
	exchange->decision = decide(&client->policy->blob, &query);
	/* the entry is a part of the host, which lives on in our own copy */
	if (exchange->decision.entry.name.n != 0)
		exchange->decision.entry.name.p =
			client->text +
			(exchange->decision.entry.name.p - asked->host.text);
	client->reason = reason_text(exchange->decision.reason);
	exchange->allow = exchange->decision.verdict != VERDICT_DENY;
	exchange->would_deny = exchange->decision.verdict != VERDICT_ALLOW;
	if (!exchange->allow) {
		answer_deny(client, client->reason, client->reason);
		return false;
	}
	if (exchange->decision.mitm != MITM_NONE) {
		reason = "ACLDecision specified MITM but Smokescreen doesn't "
			 "have MITM enabled";
		answer_deny(client, reason, reason);
		return false;
	}
	return true;
}

static bool decide_without_acl(struct client *client, const struct asked *asked)
{
	if (asked->proxy_is_bad) {
		const char *reason =
			"X-Upstream-Https-Proxy cannot be understood";

		answer_deny(client, reason, reason);
		return false;
	}
	client->reason = "Egress ACL is not configured";
	client->exchange.allow = true;
	return true;
}

static void decide_and_go(struct client *client, const struct asked *asked)
{
	bool go = client->policy->has_acl ? decide_by_acl(client, asked)
					  : decide_without_acl(client, asked);

	if (!go)
		return;
	if (asked->has_proxy) {
		const char *error =
			"upstream proxies are not supported by this version";

		answer_fail(client, 501, "Not Implemented", error, error,
			    false);
		return;
	}
	if (asked->host.form == HOST_NAME)
		lookup(client, asked->host.text);
	else
		judge(client, &asked->host.addr, 1);
}

/* --- the request --- */

static struct str span_text(const char *head, struct head_span span)
{
	return str_make(head + span.start, span.length);
}

/* Keep what the log and the decision point to: the normalised host first, then
 * the host as it came, and the trace id, cut at what a line shows. */
static bool keep_text(struct client *client, struct str host, struct str raw,
		      struct str trace)
{
	char *p;

	if (raw.n > JSON_VALUE_MAX + 1)
		raw.n = JSON_VALUE_MAX + 1;
	if (trace.n > JSON_VALUE_MAX + 1)
		trace.n = JSON_VALUE_MAX + 1;
	p = malloc(host.n + raw.n + trace.n + 1);
	if (p == NULL)
		return false;
	client->text = p;
	memcpy(p, host.p, host.n);
	p += host.n;
	memcpy(p, raw.p, raw.n);
	client->exchange.host = str_make(p, raw.n);
	p += raw.n;
	memcpy(p, trace.p, trace.n);
	client->exchange.trace_id = str_make(p, trace.n);
	return true;
}

/* "address a:b:c: too many colons in address", as upstream says. */
static void authority_reason(struct str raw, enum authority_error error,
			     char *out, size_t size)
{
	char shown[ANSWER_HOST_MAX];

	if (error == AUTHORITY_BAD_PORT)
		snprintf(out, size, "%s", authority_error_text(error));
	else
		snprintf(out, size, "address %s: %s",
			 respond_printable(raw, shown, sizeof(shown)),
			 authority_error_text(error));
}

static void host_reason(struct str name, enum host_error error,
			const struct hostname *host, char *out, size_t size)
{
	char shown[ANSWER_HOST_MAX], why[128];

	snprintf(out, size, "invalid domain \"%s\": %s",
		 respond_printable(name, shown, sizeof(shown)),
		 hostname_error_text(error, host, why));
}

/* Understand the authority in RAW.  False: REASON says why it is no
 * destination. */
static bool read_authority(struct client *client, struct str raw,
			   struct hostname *host, char *reason, size_t size)
{
	enum authority_error authority;
	char decoded[REQUEST_MAX_TARGET];
	enum host_error error;
	struct str name;

	memcpy(decoded, raw.p, raw.n);
	authority = authority_split(
		str_make(decoded, request_decode_host(decoded, raw.n)), &name,
		&client->port);
	if (authority != AUTHORITY_OK) {
		authority_reason(raw, authority, reason, size);
		return false;
	}
	error = hostname_normalize(name, host);
	if (error != HOST_OK)
		host_reason(name, error, host, reason, size);
	return error == HOST_OK;
}

static void read_proxy(const struct request *request, const char *head,
		       struct asked *asked)
{
	const struct head_field *field =
		head_field(&request->head, FIELD_UPSTREAM_PROXY);
	struct head_span host;

	if (field == NULL || field->value.length == 0)
		return;
	asked->has_proxy = true;
	asked->proxy_is_bad =
		!request_proxy_host(head + field->value.start,
				    field->value.length, &host) ||
		hostname_normalize(
			str_make(head + field->value.start + host.start,
				 host.length),
			&asked->proxy) != HOST_OK;
}

static void begin_connect(struct client *client, const struct request *request,
			  const char *head)
{
	const struct head_field *trace =
		head_field(&request->head, FIELD_TRACE_ID);
	struct str raw = span_text(head, request->target);
	struct worker *worker = client->worker;
	struct asked asked = {.has_proxy = false};
	char reason[REASON_MAX];
	bool understood;

	client->policy =
		policy_ref(store_current(worker->shared->store, &worker->view));
	client->exchange.policy = client->policy->hash;
	if (client->policy->has_acl)
		client->exchange.blob = &client->policy->blob;
	understood = read_authority(client, raw, &asked.host, reason,
				    sizeof(reason));
	if (!understood)
		asked.host.length = 0;
	if (!keep_text(
		    client, str_make(asked.host.text, asked.host.length), raw,
		    trace != NULL ? span_text(head, trace->value) : STR(""))) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	if (!understood) {
		answer_deny(client, reason, reason);
		return;
	}
	read_proxy(request, head, &asked);
	decide_and_go(client, &asked);
}

/* What is no CONNECT. */
static void begin_other(struct client *client, enum request_target kind,
			bool is_options)
{
	switch (kind) {
	case TARGET_ABSOLUTE:
		answer_plain(client, 501,
			     "Plain HTTP proxying is not supported by this "
			     "version; use CONNECT.",
			     true);
		return;
	case TARGET_ORIGIN:
		answer_plain(client, 500,
			     "This is a proxy server. Does not respond to "
			     "non-proxy requests.",
			     false);
		return;
	case TARGET_ASTERISK:
		if (is_options) {
			answer_plain(client, 200, "", false);
			return;
		}
		break;
	case TARGET_AUTHORITY:
	case TARGET_BAD:
		break;
	}
	answer_plain(client, 400, "bad request target", false);
}

void connect_begin(struct client *client, const struct request *request,
		   const char *head, const char *early, size_t length)
{
	struct str target = span_text(head, request->target);
	enum request_target kind = request_target(target.p, target.n);

	client->minor = request->head.minor;
	client->exchange.is_connect = request->is_connect;
	if ((!request->is_connect || kind != TARGET_AUTHORITY) &&
	    !keep_text(client, STR(""), target, STR(""))) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	if (!request->is_connect) {
		begin_other(client, kind,
			    str_equal(span_text(head, request->method),
				      STR("OPTIONS")));
		return;
	}
	if (kind != TARGET_AUTHORITY) {
		answer_plain(client, 400,
			     "CONNECT takes host:port and nothing else", false);
		return;
	}
	if (request->head.chunked || request->head.content_length != 0) {
		answer_plain(client, 400, "CONNECT takes no body", false);
		return;
	}
	if (!spill_add(&client->up.spill, early, (uint32_t)length)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	begin_connect(client, request, head);
}
