/* measure.c - see measure.h. */
#include "measure.h"

#include "client.h"
#include "worker.h"

void measure_undecided(struct client *client, bool ipv6, bool bad_proxy)
{
	struct metrics *metrics = client->worker->metrics;

	/* in the order in which they are looked at */
	if (!client_may_ask(client)) {
		metrics_count(metrics, METRIC_ROLE_NOT_DETERMINED);
		client->exchange.cause = CAUSE_NO_ROLE;
	} else if (ipv6) {
		client->exchange.cause = CAUSE_IPV6_HOST;
	} else if (bad_proxy) {
		metrics_count(metrics, METRIC_PROXY_PARSE_ERROR);
		client->exchange.cause = CAUSE_BAD_PROXY_HEADER;
	}
}

void measure_decision(struct client *client)
{
	struct exchange *exchange = &client->exchange;

	exchange->cause =
		(uint16_t)(CAUSE_REASON + (unsigned)exchange->decision.reason);
	exchange->set =
		metrics_acl(client->worker->metrics, &client->policy->counted,
			    &exchange->decision);
}

void measure_denied(struct client *client)
{
	client->exchange.cause =
		(uint16_t)(CAUSE_ADDRESS +
			   (unsigned)client->exchange.class.class);
	/* upstream judges while it resolves, and counts so */
	metrics_count(client->worker->metrics, METRIC_RESOLVER_ERRORS);
}

void measure_lookup(struct client *client, enum lookup_status status)
{
	static const enum metric by_status[] = {
		[LOOKUP_FAILED] = METRIC_LOOKUP_FAILED,
		[LOOKUP_OK] = METRIC_LOOKUP_OK,
		[LOOKUP_NOT_FOUND] = METRIC_LOOKUP_NOT_FOUND,
		[LOOKUP_TIMEOUT] = METRIC_LOOKUP_TIMEOUT,
	};
	struct metrics *metrics = client->worker->metrics;

	metrics_count(metrics, by_status[status]);
	if (status != LOOKUP_OK)
		metrics_count(metrics, METRIC_RESOLVER_ERRORS);
	metrics_observe(metrics, HISTOGRAM_LOOKUP_TIME,
			client->exchange.dns_us);
	metrics_observe(metrics, HISTOGRAM_LOOKUP_SECONDS,
			client->exchange.dns_us);
}

/* From the request to now; not from a clock that may be set. */
static uint64_t since_request(const struct client *client)
{
	/* what is not looking up or connecting takes no time to speak of */
	return (uint64_t)client->exchange.dns_us + client->connect_us;
}

void measure_dial(struct client *client, const struct dial_result *result)
{
	struct worker *worker = client->worker;
	struct classification class = ranges_classify(
		&client->policy->ranges, &result->addr, client->remote_port);

	metrics_dial(worker->metrics, class.class, result->timed_out,
		     result->fd >= 0 ? 0 : result->error);
	metrics_observe(worker->metrics, HISTOGRAM_CONNECT_SECONDS,
			client->connect_us);
	metrics_observe(worker->metrics, HISTOGRAM_PROXY_DURATION,
			since_request(client));
	if (worker->shared->settings->time_connect)
		metrics_observe(worker->metrics, HISTOGRAM_CONNECT_TIME,
				client->connect_us);
}
