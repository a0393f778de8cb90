/* connect.c - see connect.h.
 * Everything is decided here and in this order: role, host, policy, addresses.
 * Whatever is not allowed on the way ends in answer_deny() or answer_fail(),
 * which log once and answer once. */
#include "connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"
#include "forward.h"
#include "measure.h"
#include "mitm.h"
#include "origin.h"
#include "respond.h"
#include "runtime/net/dial.h"
#include "runtime/net/resolver.h"
#include "runtime/policy/hostname.h"
#include "self.h"
#include "via.h"
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
	timeout_disarm(&client->timeout);
	client->connect_us = client_clock_us() - client->mark_us;
	measure_dial(client, result);
	if (result->fd >= 0) {
		client->remote = result->addr;
		client_set_origin(client, result->fd, result->watch);
		origin_connected(client);
		return;
	}
	if (error[0] == '\0')
		error = result->timed_out ? "i/o timeout"
					  : strerror(result->error);
	if (result->timed_out)
		answer_fail(client, 504, "Timed out connecting to remote host",
			    error, error, client->forward == NULL);
	else
		answer_fail(client, 502, "Failed to connect to remote host",
			    error, error, client->forward == NULL);
}

void connect_dial(struct client *client, const struct addr *addrs, size_t count)
{
	/* a plain request is logged with its answer */
	if (client->forward == NULL) {
		log_decision(client->worker->log, &client->exchange,
			     client->reason, NULL);
		client->has_tunnel_slot =
			slots_take(&client->worker->shared->limits.tunnels);
		if (!client->has_tunnel_slot) {
			answer_over_tunnels(client);
			return;
		}
	}
	client->mark_us = client_clock_us();
	client->dial = dial_start(client->worker->base, addrs, count,
				  client->remote_port, on_dial, client);
	if (client->dial == NULL) {
		const char *error = strerror(errno);

		answer_fail(client, 500, "An unexpected error occurred", error,
			    error, client->forward == NULL);
		return;
	}
	client->state = CLIENT_DIAL;
	timeout_arm(&client->timeout, &client->worker->connect_timeouts);
}

/* --- addresses --- */

struct classification connect_classify(struct client *client,
				       const struct addr *addr, uint16_t port)
{
	struct worker *worker = client->worker;

	if (self_is_own(&worker->shared->listeners, &worker->self, addr, port))
		return (struct classification){ADDR_SELF_CONNECTION,
					       RANGE_RULE_NONE};
	/* what is declared to be the proxy is nothing else */
	if (via_is_declared(worker, addr, port))
		return (struct classification){ADDR_USER_DENIED,
					       RANGE_RULE_NONE};
	return ranges_classify(&client->policy->ranges, addr, port);
}

void connect_deny_address(struct client *client, const struct addr *addr,
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
	measure_denied(client);
	answer_deny(client, reason,
		    settings_of(client)->deny_detail == DETAIL_FULL ? reason
								    : told);
}

/* Keep those of the COUNT addresses at ADDRS that may be connected to, and do.
 */
static void judge(struct client *client, const struct addr *addrs, size_t count)
{
	struct addr allowed[RESOLVER_MAX_ADDRESSES];
	struct addr denied; /* the first one */
	bool any_denied = false;
	size_t kept = 0;

	for (size_t i = 0; i < count && i < RESOLVER_MAX_ADDRESSES; i++) {
		struct classification class =
			connect_classify(client, &addrs[i], client->port);

		metrics_class(client->worker->metrics, class.class);
		if (addr_class_allows(class.class)) {
			allowed[kept++] = addrs[i];
		} else if (!any_denied) {
			any_denied = true;
			denied = addrs[i];
			client->exchange.class = class;
		}
	}
	if (any_denied && kept != 0 &&
	    settings_of(client)->mixed_answers == MIXED_REFUSE) {
		connect_deny_address(client, &denied,
				     "not every resolved address is allowed");
		return;
	}
	if (kept != 0 && client->forward != NULL && client->via == NULL &&
	    forward_reuse(client, allowed, kept))
		return;
	if (kept != 0 && mitm_is_wanted(client))
		mitm_begin(client);
	else if (kept != 0 && client->via != NULL)
		via_dial(client);
	else if (kept != 0)
		connect_dial(client, allowed, kept);
	else if (any_denied)
		connect_deny_address(
			client, &denied,
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
	client->exchange.dns_us = client_clock_us() - client->mark_us;
	measure_lookup(client, result->status);
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
	metrics_count(client->worker->metrics, METRIC_RESOLVER_ATTEMPTS);
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

/* True: go on; false: denied and answered. */
static bool decide_by_acl(struct client *client, const struct asked *asked)
{
	struct exchange *exchange = &client->exchange;
	struct query query = {
		.role = identity_role(exchange->identity),
		.host = &asked->host,
		.external_proxy = via_host(client),
	};
	const char *reason = NULL;

	if (asked->host.form == HOST_IPV6)
		reason = "Destination host cannot be determined";
	else
		reason = asked->bad_proxy;
	if (reason != NULL) {
		measure_undecided(client, asked->host.form == HOST_IPV6,
				  asked->bad_proxy != NULL);
		answer_deny(client, reason, reason);
		return false;
	}
	exchange->decision = decide(&client->policy->blob, &query);
	measure_decision(client);
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
	if (mitm_is_wanted(client) && client->policy->mint == NULL) {
		reason = "ACLDecision specified MITM but Smokescreen doesn't "
			 "have MITM enabled";
		exchange->cause = CAUSE_MITM;
		answer_deny(client, reason, reason);
		return false;
	}
	return true;
}

static bool decide_without_acl(struct client *client, const struct asked *asked)
{
	if (asked->bad_proxy != NULL) {
		measure_undecided(client, false, true);
		answer_deny(client, asked->bad_proxy, asked->bad_proxy);
		return false;
	}
	client->reason = "Egress ACL is not configured";
	client->exchange.cause = CAUSE_NO_ACL;
	client->exchange.allow = true;
	return true;
}

void connect_destination(struct client *client, const struct hostname *host)
{
	if (host->form == HOST_NAME)
		lookup(client, host->text);
	else
		judge(client, &host->addr, 1);
}

/* True: go on; false: denied and answered. */
static bool decide_by_role(struct client *client)
{
	static const char reason[] = "Client role cannot be determined";

	if (client_may_ask(client))
		return true;
	measure_undecided(client, false, false);
	answer_deny(client, reason, reason);
	return false;
}

bool connect_decide(struct client *client, const struct asked *asked)
{
	return decide_by_role(client) &&
	       (client->policy->has_acl ? decide_by_acl(client, asked)
					: decide_without_acl(client, asked));
}

void connect_go(struct client *client, const struct hostname *host)
{
	client->remote_port = client->port;
	if (via_goes_direct(client, host))
		connect_destination(client, host);
}
