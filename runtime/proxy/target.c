/* target.c - see target.h. */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"
#include "connect.h"
#include "forward.h"
#include "headers.h"
#include "respond.h"
#include "runtime/policy/hostname.h"
#include "via.h"
#include "worker.h"

#define TARGET_REASON_MAX 900

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

/* Understand TEXT, "host:port", which was written as RAW.  False: REASON says
 * why it is no destination. */
static bool read_authority(struct client *client, char *text, size_t length,
			   struct str raw, struct hostname *host, char *reason,
			   size_t size)
{
	enum authority_error authority;
	enum host_error error;
	struct str name;

	authority = authority_split(
		str_make(text, request_decode_host(text, length)), &name,
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

/* What a request names as its destination. */
struct destination {
	struct str raw; /* as it was written */
	struct asked asked;
	bool understood;
	char reason[TARGET_REASON_MAX]; /* why not */
};

/* TEXT, "host:port", was written as RAW. */
static void read_destination(struct client *client, char *text, size_t length,
			     struct str raw, struct destination *out)
{
	out->raw = raw;
	out->asked = (struct asked){.bad_proxy = NULL};
	out->understood =
		read_authority(client, text, length, raw, &out->asked.host,
			       out->reason, sizeof(out->reason));
	if (!out->understood)
		out->asked.host.length = 0;
}

static void read_proxy(struct client *client, const struct request *request,
		       const char *head, struct destination *destination)
{
	const struct head_field *field =
		head_field(&request->head, FIELD_UPSTREAM_PROXY);
	enum proxy_address_error error;

	if (field == NULL || field->value.length == 0)
		return;
	error = via_take_header(client, span_text(head, field->value));
	if (error == PROXY_ADDRESS_OK)
		return;
	/* it may have a password in it: nothing of it is shown */
	snprintf(destination->reason, sizeof(destination->reason),
		 "X-Upstream-Https-Proxy cannot be understood: %s",
		 proxy_address_error_text(error));
	destination->asked.bad_proxy = destination->reason;
}

static void begin(struct client *client, const struct request *request,
		  const char *head, struct destination *destination)
{
	const struct head_field *trace =
		head_field(&request->head, FIELD_TRACE_ID);
	const struct hostname *host = &destination->asked.host;
	struct worker *worker = client->worker;

	client->policy =
		policy_ref(store_current(worker->shared->store, &worker->view));
	client->exchange.policy = client->policy->hash;
	if (client->policy->has_acl)
		client->exchange.blob = &client->policy->blob;
	if (!keep_text(client, str_make(host->text, host->length),
		       destination->raw,
		       trace != NULL ? span_text(head, trace->value)
				     : STR(""))) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	if (!destination->understood) {
		answer_deny(client, destination->reason, destination->reason);
		return;
	}
	read_proxy(client, request, head, destination);
	connect_decide(client, &destination->asked);
}

/* --- the kinds of requests --- */

static void begin_connect(struct client *client, const struct request *request,
			  const char *head, const char *early, size_t length)
{
	struct str raw = span_text(head, request->target);
	struct destination destination;
	char text[REQUEST_MAX_TARGET];

	if (request->head.chunked || request->head.content_length != 0) {
		answer_plain(client, 400, "CONNECT takes no body", false);
		return;
	}
	if (!spill_add(&client->up.spill, early, (uint32_t)length)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	memcpy(text, raw.p, raw.n);
	read_destination(client, text, raw.n, raw, &destination);
	begin(client, request, head, &destination);
}

/* A scheme that is not spoken here.  In upstream's words, where it has some. */
static void refuse_scheme(struct client *client, struct str scheme)
{
	char text[128], shown[64];

	snprintf(text, sizeof(text),
		 "An unexpected error occurred: unsupported protocol scheme "
		 "\"%s\"",
		 respond_printable(scheme, shown, sizeof(shown)));
	answer_plain(client, 500, text, true);
}

/* "host:port" of URL into TEXT, with PORT when it names none. */
static size_t write_authority(char *text, const char *target,
			      const struct request_url *url,
			      struct str default_port)
{
	struct str host = span_text(target, url->host);
	struct str port = span_text(target, url->port);

	if (port.n == 0)
		port = default_port;
	memcpy(text, host.p, host.n);
	text[host.n] = ':';
	memcpy(text + host.n + 1, port.p, port.n);
	return host.n + 1 + port.n;
}

static bool is_plain_ascii(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] >= 0x80 || text.p[i] == '%')
			return false;
	return true;
}

#define HOST_FIELD_MAX (HOSTNAME_MAX + sizeof("[]:65535"))

/* What the origin is called in Host: as it was written, unless that takes more
 * than ASCII, or ANOTHER proxy is to look it up, which must mean by it what was
 * judged here. */
static struct str host_field(const struct client *client,
			     const struct destination *destination,
			     bool has_port, bool another,
			     char out[HOST_FIELD_MAX])
{
	const struct hostname *host = &destination->asked.host;
	bool literal = strchr(host->text, ':') != NULL;
	int n;

	if (!destination->understood ||
	    (!another && is_plain_ascii(destination->raw)))
		return destination->raw;
	n = snprintf(out, HOST_FIELD_MAX, "%s%s%s", literal ? "[" : "",
		     host->text, literal ? "]" : "");
	if (has_port)
		n += snprintf(out + n, HOST_FIELD_MAX - (size_t)n, ":%u",
			      client->port);
	return str_make(out, (size_t)n);
}

static void begin_http(struct client *client, const struct request *request,
		       const char *head, const char *rest, size_t length)
{
	struct str target = span_text(head, request->target);
	char text[REQUEST_MAX_TARGET + sizeof(":443")];
	char name[HOST_FIELD_MAX];
	struct destination destination;
	struct request_url url;
	struct str scheme, host;
	bool tls, another;

	if (!request_split_url(target.p, target.n, &url)) {
		answer_plain(client, 400, "bad request target", false);
		return;
	}
	scheme = span_text(target.p, url.scheme);
	tls = head_equal(scheme.p, scheme.n, "https");
	if (!tls && !head_equal(scheme.p, scheme.n, "http")) {
		refuse_scheme(client, scheme);
		return;
	}
	if (headers_counts(request, head) && request->head.max_forwards == 0) {
		/* RFC 9110 7.6.2: as far as it may go */
		answer_plain(client,
			     head[request->method.start] == 'O' ? 200 : 405, "",
			     false);
		return;
	}
	free(client->text);
	client->text = NULL;
	read_destination(client, text,
			 write_authority(text, target.p, &url,
					 tls ? STR("443") : STR("80")),
			 span_text(target.p, url.authority), &destination);
	another = !tls && client->worker->shared->settings->http_proxy != NULL;
	host = host_field(client, &destination, url.port.length != 0, another,
			  name);
	if (!forward_begin(client, request, head, &url, host, rest, length)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	client->forward->host = (uint16_t)destination.asked.host.length;
	begin(client, request, head, &destination);
}

/* For whoever asks whether we are there; no line in the log. */
static bool is_health_check(const struct request *request, const char *head)
{
	struct str method = span_text(head, request->method);

	return (str_equal(method, STR("GET")) ||
		str_equal(method, STR("HEAD"))) &&
	       str_equal(span_text(head, request->target), STR("/healthcheck"));
}

/* What is for ourselves, or for nobody. */
static void begin_own(struct client *client, const struct request *request,
		      const char *head, enum request_target kind)
{
	struct str method = span_text(head, request->method);

	client->bodiless = str_equal(method, STR("HEAD"));
	if (is_health_check(request, head))
		answer_health(client);
	else if (kind == TARGET_ORIGIN)
		answer_plain(client, 500,
			     "This is a proxy server. Does not respond to "
			     "non-proxy requests.",
			     false);
	else if (kind == TARGET_ASTERISK && str_equal(method, STR("OPTIONS")))
		answer_plain(client, 200, "", false);
	else
		answer_plain(client, 400, "bad request target", false);
}

/* False: it is one too many, and has been answered. */
static bool admit(struct client *client, const struct request *request,
		  const char *head)
{
	enum limits_answer answer =
		limits_admit(&client->worker->shared->limits);

	client->has_request_slot = answer == LIMITS_ADMITTED;
	if (answer == LIMITS_ADMITTED) {
		metrics_count(client->worker->metrics, METRIC_REQUESTS);
		return true;
	}
	client->bodiless =
		str_equal(span_text(head, request->method), STR("HEAD"));
	if (!keep_text(client, STR(""), span_text(head, request->target),
		       STR("")))
		client_close(client, CLOSE_ERROR);
	else if (answer == LIMITS_OVER_RATE)
		answer_over_rate(client);
	else
		answer_over_requests(client);
	return false;
}

void target_begin(struct client *client, const struct request *request,
		  const char *head, const char *rest, size_t length)
{
	struct str target = span_text(head, request->target);
	enum request_target kind = request_target(target.p, target.n);
	bool is_connect = request->is_connect;

	client->minor = request->head.minor;
	client->exchange.is_connect = is_connect;
	if (!is_health_check(request, head) && !admit(client, request, head))
		return;
	if (is_connect && kind == TARGET_AUTHORITY) {
		begin_connect(client, request, head, rest, length);
		return;
	}
	/* the log of what is refused here shows the target */
	if (!keep_text(client, STR(""), target, STR("")))
		client_close(client, CLOSE_ERROR);
	else if (is_connect)
		answer_plain(client, 400,
			     "CONNECT takes host:port and nothing else", false);
	else if (kind == TARGET_ABSOLUTE)
		begin_http(client, request, head, rest, length);
	else
		begin_own(client, request, head, kind);
}
