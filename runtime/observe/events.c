/* events.c - see events.h. */
#include "events.h"

#include <string.h>
#include <sys/random.h>

#define ENDPOINT_TEXT (ADDR_TEXT_MAX + 3 + STR_DECIMAL_MAX)
#define SOURCE_FILE_MAX 280 /* of a file's name is shown */

void id_source_init(struct id_source *source)
{
	uint8_t seed[8] = {0};

	/* without it ids still differ by time and counter */
	if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) < 0)
		memcpy(seed, &source, sizeof(seed));
	memcpy(source->own, seed, sizeof(source->own));
	source->counter =
		(uint32_t)seed[5] << 16 | (uint32_t)seed[6] << 8 | seed[7];
}

struct id id_next(struct id_source *source, time_t now)
{
	uint64_t second = (uint64_t)now;
	uint32_t counter = source->counter++;
	struct id id = {{(uint8_t)(second >> 24), (uint8_t)(second >> 16),
			 (uint8_t)(second >> 8), (uint8_t)second,
			 source->own[0], source->own[1], source->own[2],
			 source->own[3], source->own[4],
			 (uint8_t)(counter >> 16), (uint8_t)(counter >> 8),
			 (uint8_t)counter}};

	return id;
}

/* Base 32 with the digits first, so that text sorts as the bytes do. */
void id_format(const struct id *id, char out[ID_TEXT + 1])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned bits = 0, have = 0;
	size_t in = 0;

	for (size_t i = 0; i < ID_TEXT; i++) {
		if (have < 5) {
			/* 100 bits of text for 96: the last four are zero */
			bits = bits << 8 |
			       (in < sizeof(id->bytes) ? id->bytes[in] : 0u);
			in++;
			have += 8;
		}
		have -= 5;
		out[i] = digits[bits >> have & 31];
	}
	out[ID_TEXT] = '\0';
}

static struct str endpoint(const struct addr *addr, uint16_t port,
			   char out[ENDPOINT_TEXT])
{
	bool v4 = addr_is_v4(addr);
	size_t n = 0;

	if (!v4)
		out[n++] = '[';
	n += addr_format(addr, out + n);
	if (!v4)
		out[n++] = ']';
	out[n++] = ':';
	n += str_put_decimal(out + n, port);
	return str_make(out, n);
}

static void put_time(struct json *line, const char *key,
		     const struct timespec *when)
{
	char text[LOG_TIME_MAX];

	json_put_plain(line, key, log_time(when, true, text));
}

/* TEXT to OUT, cut to MAX; how much that is. */
static size_t copy(char *out, struct str text, size_t max)
{
	size_t n = text.n < max ? text.n : max;

	if (n != 0)
		memcpy(out, text.p, n);
	return n;
}

/* Where the entry or rule that decided was written. */
static void put_source(struct json *line, const struct exchange *exchange)
{
	const struct decision *decision = &exchange->decision;
	const struct blob *blob = exchange->blob;
	char text[SOURCE_FILE_MAX + 1 + STR_DECIMAL_MAX];
	struct str file;
	size_t n;
	uint32_t at;
	bool found;

	if (exchange->class.rule != RANGE_RULE_NONE && !exchange->allow)
		found = exchange->class.rule < blob_range_count(blob) &&
			blob_range_source(blob, exchange->class.rule, &file,
					  &at);
	else if (decision->entry.name.n != 0)
		found = blob_found_source(blob, decision->entry.list,
					  decision->entry.name,
					  decision->entry.wildcard, &file, &at);
	else
		found = decision->rule != RULE_NONE &&
			blob_rule_source(blob, decision->rule, &file, &at);
	if (!found)
		return;
	n = copy(text, file, SOURCE_FILE_MAX);
	text[n++] = ':';
	n += str_put_decimal(text + n, at);
	json_put_string(line, "source", str_make(text, n));
}

static void put_policy(struct json *line, const struct exchange *exchange)
{
	const struct decision *decision = &exchange->decision;
	char entry[2 + HOSTNAME_MAX];
	size_t n = 0;

	json_put_plain(line, "policy", str_from(exchange->policy));
	if (exchange->blob == NULL)
		return;
	if (decision->rule != RULE_NONE)
		json_put_string(line, "rule", decision->rule_name);
	if (decision->entry.name.n != 0) {
		if (decision->entry.wildcard) {
			memcpy(entry, "*.", 2);
			n = 2;
		}
		n += copy(entry + n, decision->entry.name, HOSTNAME_MAX);
		json_put_string(line, "entry", str_make(entry, n));
	}
	/* lines of the requests inside will follow */
	if (exchange->is_connect && exchange->allow &&
	    decision->mitm != MITM_NONE)
		json_put_bool(line, "mitm", true);
	put_source(line, exchange);
}

void log_put_peer(struct json *line, const struct exchange *exchange)
{
	char text[ENDPOINT_TEXT];

	json_put_plain(line, "inbound_remote_addr",
		       endpoint(&exchange->peer, exchange->peer_port, text));
}

void log_put_connect(struct json *line, const struct exchange *exchange)
{
	char id[ID_TEXT + 1];

	id_format(&exchange->id, id);
	json_put_plain(line, "connect_id", str_make(id, ID_TEXT));
	json_put_string(line, "requested_host", exchange->host);
}

static void put_identity(struct json *line, const struct identity *identity)
{
	if (identity == NULL) {
		json_put_text(line, "role", "");
		return;
	}
	if (identity->has_certificate) {
		json_put_string(line, "inbound_remote_x509_cn", identity->cn);
		json_put_string(line, "inbound_remote_x509_ou", identity->ou);
	}
	json_put_string(line, "role", identity->role);
	if (identity->has_role)
		json_put_string(line, "role_source", identity->source);
	if (identity->refused)
		json_put_string(line, "role_error", identity->why);
}

/* The fields of both kinds of line. */
static void put_exchange(struct json *line, const struct exchange *exchange,
			 const char *reason)
{
	char id[ID_TEXT + 1];

	id_format(&exchange->id, id);
	json_put_plain(line, "id", str_make(id, ID_TEXT));
	log_put_peer(line, exchange);
	json_put_plain(line, "proxy_type",
		       exchange->is_connect           ? STR("connect")
		       : exchange->connect_id != NULL ? STR("mitm")
						      : STR("http"));
	if (exchange->connect_id != NULL) {
		id_format(exchange->connect_id, id);
		json_put_plain(line, "connect_id", str_make(id, ID_TEXT));
	}
	json_put_string(line, "requested_host", exchange->host);
	put_time(line, "start_time", &exchange->start);
	json_put_string(line, "trace_id", exchange->trace_id);
	put_identity(line, exchange->identity);
	json_put_string(line, "project", exchange->decision.project);
	json_put_bool(line, "allow", exchange->allow);
	json_put_bool(line, "enforce_would_deny", exchange->would_deny);
	json_put_text(line, "decision_reason", reason != NULL ? reason : "");
	json_put_milli(line, "dns_lookup_time_ms", exchange->dns_us);
	put_policy(line, exchange);
	if (exchange->detail != NULL)
		json_put_members(line, str_from(exchange->detail));
}

static void put_answer(struct json *line, const struct exchange *exchange,
		       const char *error)
{
	if (exchange->status != 0) {
		json_put_unsigned(line, "content_length",
				  exchange->content_length);
		json_put_unsigned(line, "status_code", exchange->status);
	}
	if (error != NULL)
		json_put_text(line, "error", error);
}

static void count_decision(const struct exchange *exchange)
{
	enum verdict verdict = VERDICT_DENY;

	if (exchange->metrics == NULL)
		return;
	if (exchange->allow)
		verdict = exchange->would_deny ? VERDICT_REPORT : VERDICT_ALLOW;
	metrics_decision(exchange->metrics, verdict, exchange->cause);
}

void log_decision(struct log *log, const struct exchange *exchange,
		  const char *reason, const char *error)
{
	enum log_level level = !exchange->allow ? LOG_WARNING
			       : error != NULL  ? LOG_ERROR
						: LOG_INFO;
	struct json line = log_begin(log, level, "CANONICAL-PROXY-DECISION");

	put_exchange(&line, exchange, reason);
	put_answer(&line, exchange, error);
	log_end(log, &line);
	count_decision(exchange);
}

void log_response(struct log *log, const struct exchange *exchange,
		  const char *reason, const struct outbound_record *outbound)
{
	struct json line = log_begin(log, LOG_INFO, "CANONICAL-PROXY-DECISION");
	char text[ENDPOINT_TEXT];

	put_exchange(&line, exchange, reason);
	json_put_milli(&line, "conn_establish_time_ms", outbound->connect_us);
	json_put_plain(&line, "outbound_local_addr",
		       endpoint(&outbound->local, outbound->local_port, text));
	json_put_plain(
		&line, "outbound_remote_addr",
		endpoint(&outbound->remote, outbound->remote_port, text));
	json_put_signed(&line, "content_length", outbound->content_length);
	log_end(log, &line);
	count_decision(exchange);
}

void log_failure(struct log *log, const struct exchange *exchange,
		 const char *reason, const char *msg, const char *error)
{
	struct json line = log_begin(log, LOG_ERROR, msg);

	put_exchange(&line, exchange, reason);
	put_answer(&line, exchange, error);
	log_end(log, &line);
}

void log_bad_request(struct log *log, const struct exchange *exchange,
		     const char *error)
{
	struct json line = log_begin(log, LOG_WARNING, "request refused");
	char id[ID_TEXT + 1];

	id_format(&exchange->id, id);
	json_put_plain(&line, "id", str_make(id, ID_TEXT));
	log_put_peer(&line, exchange);
	put_time(&line, "start_time", &exchange->start);
	if (exchange->host.n != 0)
		json_put_string(&line, "requested_host", exchange->host);
	put_answer(&line, exchange, error);
	log_end(log, &line);
	if (exchange->metrics != NULL)
		metrics_count(exchange->metrics, METRIC_REQUESTS_REFUSED);
}

static uint64_t elapsed_us(const struct timespec *from,
			   const struct timespec *to)
{
	int64_t us = (int64_t)(to->tv_sec - from->tv_sec) * 1000000 +
		     (to->tv_nsec - from->tv_nsec) / 1000;

	/* the clock of the day may be set back */
	return us > 0 ? (uint64_t)us : 0;
}

void log_close(struct log *log, const struct exchange *exchange,
	       const char *reason, const struct tunnel_record *tunnel,
	       const char *error)
{
	struct json line = log_begin(log, LOG_INFO, "CANONICAL-PROXY-CN-CLOSE");
	char text[ENDPOINT_TEXT];
	struct timespec now;
	uint64_t us;

	clock_gettime(CLOCK_REALTIME, &now);
	us = elapsed_us(&exchange->start, &now);
	put_exchange(&line, exchange, reason);
	json_put_milli(&line, "conn_establish_time_ms", tunnel->connect_us);
	json_put_plain(&line, "outbound_local_addr",
		       endpoint(&tunnel->local, tunnel->local_port, text));
	json_put_plain(&line, "outbound_remote_addr",
		       endpoint(&tunnel->remote, tunnel->remote_port, text));
	json_put_unsigned(&line, "bytes_in", tunnel->bytes_in);
	json_put_unsigned(&line, "bytes_out", tunnel->bytes_out);
	put_time(&line, "end_time", &now);
	json_put_micro(&line, "duration", us);
	put_time(&line, "last_activity", &tunnel->last_activity);
	if (tunnel->at_termination)
		json_put_bool(&line, "active_at_termination", true);
	json_put_text(&line, "error", error);
	log_end(log, &line);
	if (exchange->metrics != NULL)
		metrics_tunnel_closed(exchange->metrics, exchange->set,
				      tunnel->at_termination, us,
				      tunnel->bytes_in, tunnel->bytes_out);
}
