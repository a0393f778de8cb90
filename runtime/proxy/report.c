/* report.c - see report.h. */
#include "report.h"

#include <time.h>
#include <unistd.h>

#include "client.h"
#include "runtime/net/endpoint.h"
#include "worker.h"

#define OBJECT_MAX 8192 /* every value cut at JSON_VALUE_MAX, escaped */

/* A count of bytes; an answer of ours that is still on its way is none. */
static uint64_t bytes_of(const struct flow *flow)
{
	return flow->bytes > INT64_MAX ? 0 : flow->bytes;
}

static void put_tunnel(struct text *out, const struct client *client,
		       uint64_t now)
{
	const struct exchange *exchange = &client->exchange;
	char remote[ENDPOINT_TEXT_MAX], time[LOG_TIME_MAX];
	struct json json;

	if (!text_reserve(out, OBJECT_MAX))
		return;
	json_begin(&json, out->p + out->n, OBJECT_MAX - 2);
	json_put_string(&json, "role", identity_role(exchange->identity));
	json_put_string(&json, "rhost", exchange->host);
	json_put_text(&json, "raddr",
		      endpoint_format(&client->remote, client->port, remote));
	json_put_string(&json, "created",
			log_time(&exchange->start, true, time));
	json_put_unsigned(&json, "bytesIn", bytes_of(&client->down));
	json_put_unsigned(&json, "bytesOut", bytes_of(&client->up));
	json_put_milli(&json, "secondsSinceLastActivity",
		       now - client->active_ms);
	json_put_text(&json, "proxyType", "connect");
	json_end(&json);
	if (json.overflow)
		return;
	out->n += json_length(&json);
	text_put(out, ",\n");
}

void report_serve(struct worker *worker)
{
	struct report *report = &worker->report;
	int state = atomic_load_explicit(&report->state, memory_order_acquire);
	uint64_t now = timeouts_now();
	const uint64_t one = 1;

	if (state != REPORT_FIRST && state != REPORT_MORE)
		return;
	if (state == REPORT_FIRST)
		report->next = LIST_FIRST(&worker->clients);
	for (int i = 0; i < REPORT_BATCH && report->next != NULL; i++) {
		if (report->next->state == CLIENT_TUNNEL)
			put_tunnel(&report->text, report->next, now);
		report->next = LIST_NEXT(report->next, link);
	}
	atomic_store_explicit(&report->state,
			      report->next != NULL ? REPORT_READY : REPORT_LAST,
			      memory_order_release);
	/* a full counter wakes the main thread anyway */
	if (write(report->notify, &one, sizeof(one)) < 0)
		return;
}

void report_forget(struct worker *worker, const struct client *client)
{
	if (worker->report.next == client)
		worker->report.next = LIST_NEXT(client, link);
}
