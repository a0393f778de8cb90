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
#include "mitm.h"
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

/* By which the request can be found again; inside of a tunnel that of its
 * CONNECT will do. */
static struct str trace_id_of(const struct client *client,
			      const struct request *request, const char *head)
{
	const struct head_field *trace =
		head_field(&request->head, FIELD_TRACE_ID);

	if (trace != NULL)
		return span_text(head, trace->value);
	return client->mitm != NULL && client->mitm->trace_id.n != 0
		       ? client->mitm->trace_id
		       : STR("");
}

/* What the policy in force says of DESTINATION.  False: it is not to be, and
 * has been answered. */
static bool begin(struct client *client, const struct request *request,
		  const char *head, struct destination *destination)
{
	const struct hostname *host = &destination->asked.host;
	struct worker *worker = client->worker;

	client->policy =
		policy_ref(store_current(worker->shared->store, &worker->view));
	client->exchange.policy = client->policy->hash;
	if (client->policy->has_acl)
		client->exchange.blob = &client->policy->blob;
	if (!keep_text(client, str_make(host->text, host->length),
		       destination->raw, trace_id_of(client, request, head))) {
		client_close(client, CLOSE_ERROR);
		return false;
	}
	if (client_is_stale(client)) {
		answer_stale(client);
		return false;
	}
	if (!destination->understood) {
		answer_deny(client, destination->reason, destination->reason);
		return false;
	}
	if (client->mitm == NULL)
		read_proxy(client, request, head, destination);
	return connect_decide(client, &destination->asked);
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
	if (begin(client, request, head, &destination))
		connect_go(client, &destination.asked.host);
}

/* The log of what is refused before its host is known shows the target.  False:
 * out of memory, and the client is gone. */
static bool show_target(struct client *client, const struct request *request,
			const char *head)
{
	if (keep_text(client, STR(""), span_text(head, request->target),
		      STR("")))
		return true;
	client_close(client, CLOSE_ERROR);
	return false;
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

/* RFC 9110 7.6.2: it may go as far as here, and is answered. */
static bool is_at_its_end(const struct request *request, const char *head)
{
	return headers_counts(request, head) && request->head.max_forwards == 0;
}

static void answer_end(struct client *client, const struct request *request,
		       const char *head)
{
	answer_plain(client, head[request->method.start] == 'O' ? 200 : 405, "",
		     false);
}

/* The exchange has begun: go on if DESTINATION, which is called HOST, may be
 * had. */
static void forward(struct client *client, const struct request *request,
		    const char *head, const struct request_url *url,
		    struct str host, struct destination *destination)
{
	client->forward->host = (uint16_t)destination->asked.host.length;
	if (!begin(client, request, head, destination))
		return;
	if (forward_write_head(client, request, head, url, host))
		connect_go(client, &destination->asked.host);
	else
		client_close(client, CLOSE_ERROR);
}

/* URL is the target, split. */
static void begin_http(struct client *client, const struct request *request,
		       const char *head, const struct request_url *url,
		       const char *rest, size_t length)
{
	struct str target = span_text(head, request->target);
	char text[REQUEST_MAX_TARGET + sizeof(":443")];
	char name[HOST_FIELD_MAX];
	struct destination destination;
	struct str scheme = span_text(target.p, url->scheme), host;
	bool tls, another;

	tls = head_equal(scheme.p, scheme.n, "https");
	if (!tls && !head_equal(scheme.p, scheme.n, "http")) {
		if (show_target(client, request, head))
			refuse_scheme(client, scheme);
		return;
	}
	if (is_at_its_end(request, head)) {
		if (show_target(client, request, head))
			answer_end(client, request, head);
		return;
	}
	read_destination(client, text,
			 write_authority(text, target.p, url,
					 tls ? STR("443") : STR("80")),
			 span_text(target.p, url->authority), &destination);
	another = !tls && client->worker->shared->settings->http_proxy != NULL;
	host = host_field(client, &destination, url->port.length != 0, another,
			  name);
	if (forward_begin(client, request, head, tls, rest, length))
		forward(client, request, head, url, host, &destination);
	else
		client_close(client, CLOSE_ERROR);
}

/* --- inside of a tunnel --- */

/* What REQUEST asks for, as it came: Host, or what a URL says instead (RFC 9112
 * 3.2.2); HTTP/1.0 may leave it to the tunnel, whose name OUT has room for. */
static struct str inner_authority(const struct client *client,
				  const struct request *request,
				  const char *head,
				  const struct request_url *url,
				  char out[HOST_FIELD_MAX])
{
	const struct head_field *host = head_field(&request->head, FIELD_HOST);
	const struct mitm *mitm = client->mitm;
	bool literal = mitm->host.form == HOST_IPV6;
	int n;

	if (url->authority.length != 0)
		return span_text(head + request->target.start, url->authority);
	if (host != NULL)
		return span_text(head, host->value);
	n = snprintf(out, HOST_FIELD_MAX, "%s%s%s:%u", literal ? "[" : "",
		     mitm->host.text, literal ? "]" : "", mitm->port);
	return str_make(out, (size_t)n);
}

/* "host:port" of AUTHORITY into TEXT, with the port of https when it names
 * none. Has it one? */
static bool write_inner_authority(char *text, struct str authority,
				  size_t *length)
{
	const char *colon = memrchr(authority.p, ':', authority.n);
	const char *end = authority.p + authority.n;
	bool has_port = colon != NULL && colon + 1 != end && end[-1] != ']';

	memcpy(text, authority.p, authority.n);
	*length = authority.n;
	if (!has_port) {
		/* what ends in a colon may have it already */
		struct str more = colon != NULL && colon + 1 == end
					  ? STR("443")
					  : STR(":443");

		memcpy(text + authority.n, more.p, more.n);
		*length += more.n;
	}
	return has_port;
}

/* What the target of REQUEST, which is of KIND, says; its spans are in the
 * target.  False: it cannot be asked for here. */
static bool split_inner(const struct request *request, const char *head,
			enum request_target kind, struct request_url *url)
{
	struct str target = span_text(head, request->target), scheme;

	*url = (struct request_url){.path = {0, 0}};
	switch (kind) {
	case TARGET_ORIGIN:
		url->path.length = request->target.length;
		return true;
	case TARGET_ASTERISK:
		return str_equal(span_text(head, request->method),
				 STR("OPTIONS"));
	case TARGET_ABSOLUTE:
		if (!request_split_url(target.p, target.n, url))
			return false;
		scheme = span_text(target.p, url->scheme);
		return head_equal(scheme.p, scheme.n, "https");
	case TARGET_AUTHORITY:
	case TARGET_BAD:
		break;
	}
	return false;
}

/* A request to the server that CONNECT asked for, and to none else. */
static void begin_inside(struct client *client, const struct request *request,
			 const char *head, enum request_target kind,
			 const char *rest, size_t length)
{
	char text[REQUEST_MAX_HEAD + sizeof(":443")];
	char name[HOST_FIELD_MAX], field[HOST_FIELD_MAX];
	struct destination destination;
	struct request_url url;
	struct str raw, host;
	size_t text_length;
	bool has_port;

	if (request->is_connect || !split_inner(request, head, kind, &url)) {
		answer_plain(client, 400, "bad request target", false);
		return;
	}
	if (is_at_its_end(request, head)) {
		answer_end(client, request, head);
		return;
	}
	raw = inner_authority(client, request, head, &url, name);
	has_port = write_inner_authority(text, raw, &text_length);
	read_destination(client, text, text_length, raw, &destination);
	host = host_field(client, &destination, has_port, false, field);
	if (destination.understood &&
	    !mitm_covers(client, &destination.asked.host, client->port)) {
		destination.understood = false;
		client->exchange.cause = CAUSE_MITM;
		snprintf(destination.reason, sizeof(destination.reason),
			 "the tunnel was opened for another host or port");
	}
	if (!forward_begin(client, request, head, true, rest, length)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	client->forward->unshared = client->mitm->has_proxy;
	if (client->mitm->has_proxy &&
	    !via_name(client, &client->mitm->proxy)) {
		client_close(client, CLOSE_ERROR);
		return;
	}
	forward(client, request, head, &url, host, &destination);
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
	if (!show_target(client, request, head))
		return false;
	if (answer == LIMITS_OVER_RATE)
		answer_over_rate(client);
	else
		answer_over_requests(client);
	return false;
}

/* What is neither for a tunnel nor for an origin. */
static void refuse(struct client *client, const struct request *request,
		   const char *head, enum request_target kind)
{
	if (!show_target(client, request, head))
		return;
	if (request->is_connect)
		answer_plain(client, 400,
			     "CONNECT takes host:port and nothing else", false);
	else if (kind == TARGET_ABSOLUTE)
		answer_plain(client, 400, "bad request target", false);
	else
		begin_own(client, request, head, kind);
}

void target_begin(struct client *client, const struct request *request,
		  const char *head, const char *rest, size_t length)
{
	struct str target = span_text(head, request->target);
	enum request_target kind;
	struct request_url url;
	bool is_own;

	client->minor = request->head.minor;
	client->exchange.is_connect = request->is_connect;
	is_own = client->mitm == NULL && is_health_check(request, head);
	if (!is_own && !admit(client, request, head))
		return;
	/* mostly it is a URL that can be split, or an authority */
	if (client->mitm == NULL && !request->is_connect &&
	    request_split_url(target.p, target.n, &url)) {
		begin_http(client, request, head, &url, rest, length);
		return;
	}
	kind = request_target(target.p, target.n);
	if (client->mitm != NULL)
		begin_inside(client, request, head, kind, rest, length);
	else if (request->is_connect && kind == TARGET_AUTHORITY)
		begin_connect(client, request, head, rest, length);
	else
		refuse(client, request, head, kind);
}
