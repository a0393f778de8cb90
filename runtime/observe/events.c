/* events.c - see events.h. */
#include "events.h"

#include <endian.h>
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
	uint32_t second = htobe32((uint32_t)now);
	uint32_t counter = htobe32(source->counter++);
	struct id id;

	/* of the counter the lower three bytes */
	memcpy(id.bytes + 8, &counter, sizeof(counter));
	memcpy(id.bytes + 4, source->own, sizeof(source->own));
	memcpy(id.bytes, &second, sizeof(second));
	return id;
}

/* The lower 40 bits of BITS as eight digits, five bits to each: halves are
 * moved apart until every byte has its five. */
static inline void put_eight_digits(uint64_t bits, char *out)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t letters;

	bits = (bits & 0xfffff00000) << 12 | (bits & 0xfffff);
	bits = (bits & 0x000ffc00000ffc00) << 6 | (bits & 0x000003ff000003ff);
	bits = (bits & 0x03e003e003e003e0) << 3 | (bits & 0x001f001f001f001f);
	/* beyond 9 the sum has the top bit */
	letters = (bits + ones * (0x80 - 10)) >> 7 & ones;
	bits += ones * '0' + letters * ('a' - '0' - 10);
	bits = htobe64(bits);
	memcpy(out, &bits, sizeof(bits));
}

/* Base 32 with the digits first, so that text sorts as the bytes do.  100 bits
 * of text for 96: the last four are zero. */
void id_format(const struct id *id, char out[ID_TEXT + 1])
{
	uint64_t head, tail;

	memcpy(&head, id->bytes, sizeof(head));
	memcpy(&tail, id->bytes + sizeof(id->bytes) - sizeof(tail),
	       sizeof(tail));
	head = be64toh(head);
	tail = be64toh(tail);
	put_eight_digits(head >> 24, out);
	put_eight_digits(tail >> 16, out + 8);
	/* four of these are there already */
	put_eight_digits(tail << 4, out + 12);
	out[ID_TEXT] = '\0';
}

/* --- values of our making, which need no escaping ---------------------------
 */

static void finish_id(struct json *line, char *p, const struct id *id)
{
	id_format(id, p);
	json_finish_plain(line, p + ID_TEXT);
}

ALWAYS_INLINE void put_id(struct json *line, const char *key,
			  const struct id *id)
{
	char *p;

	if (json_open_plain(line, key, ID_TEXT, &p))
		finish_id(line, p, id);
}

static void finish_endpoint(struct json *line, char *p, const struct addr *addr,
			    uint16_t port)
{
	if (addr_is_v4(addr)) {
		p += addr_format(addr, p);
	} else {
		*p++ = '[';
		p += addr_format(addr, p);
		*p++ = ']';
	}
	*p++ = ':';
	p += str_put_decimal(p, port);
	json_finish_plain(line, p);
}

ALWAYS_INLINE void put_endpoint(struct json *line, const char *key,
				const struct addr *addr, uint16_t port)
{
	char *p;

	if (json_open_plain(line, key, ENDPOINT_TEXT, &p))
		finish_endpoint(line, p, addr, port);
}

static void finish_time(struct json *line, char *p, const struct timespec *when)
{
	json_finish_plain(line, p + log_time(when, true, p).n);
}

ALWAYS_INLINE void put_time(struct json *line, const char *key,
			    const struct timespec *when)
{
	char *p;

	if (json_open_plain(line, key, LOG_TIME_MAX, &p))
		finish_time(line, p, when);
}

/* --- members ----------------------------------------------------------------
 */

/* The first bytes of TEXT, MAX at most. */
static struct str cut(struct str text, size_t max)
{
	return str_make(text.p, text.n < max ? text.n : max);
}

/* Where the entry or rule that decided was written. */
static void put_source(struct json *line, const struct exchange *exchange)
{
	const struct decision *decision = &exchange->decision;
	const struct blob *blob = exchange->blob;
	struct str file;
	uint32_t at;
	bool found;
	char *p;

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
	json_open_string(line, "source");
	json_add_part(line, cut(file, SOURCE_FILE_MAX));
	p = line->at;
	if (!json_fits(line, 1 + STR_DECIMAL_MAX + JSON_STRING_END))
		return;
	*p++ = ':';
	json_finish_plain(line, p + str_put_decimal(p, at));
}

static void put_entry(struct json *line, const struct entry *entry)
{
	struct str name = cut(entry->name, HOSTNAME_MAX);

	if (!entry->wildcard) {
		json_put_string(line, "entry", name);
		return;
	}
	json_open_string(line, "entry");
	json_put_literal(line, "*.");
	json_add_part(line, name);
	json_close_string(line);
}

static void put_policy(struct json *line, const struct exchange *exchange)
{
	const struct decision *decision = &exchange->decision;

	json_put_text(line, "policy", exchange->policy);
	if (exchange->blob == NULL)
		return;
	if (decision->rule != RULE_NONE)
		json_put_string(line, "rule", decision->rule_name);
	if (decision->entry.name.n != 0)
		put_entry(line, &decision->entry);
	/* lines of the requests inside will follow */
	if (exchange->is_connect && exchange->allow &&
	    decision->mitm != MITM_NONE)
		json_put_bool(line, "mitm", true);
	put_source(line, exchange);
}

void log_put_peer(struct json *line, const struct exchange *exchange)
{
	put_endpoint(line, "inbound_remote_addr", &exchange->peer,
		     exchange->peer_port);
}

void log_put_connect(struct json *line, const struct exchange *exchange)
{
	put_id(line, "connect_id", &exchange->id);
	json_put_string(line, "requested_host", exchange->host);
}

static void put_identity(struct json *line, const struct identity *identity)
{
	if (identity == NULL) {
		json_put_fixed(line, "role", "\"\",");
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
	put_id(line, "id", &exchange->id);
	log_put_peer(line, exchange);
	if (exchange->is_connect)
		json_put_fixed(line, "proxy_type", "\"connect\",");
	else if (exchange->connect_id != NULL)
		json_put_fixed(line, "proxy_type", "\"mitm\",");
	else
		json_put_fixed(line, "proxy_type", "\"http\",");
	if (exchange->connect_id != NULL)
		put_id(line, "connect_id", exchange->connect_id);
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
	struct json *line = log_begin(log, level, "CANONICAL-PROXY-DECISION");

	put_exchange(line, exchange, reason);
	put_answer(line, exchange, error);
	log_end(log);
	count_decision(exchange);
}

void log_response(struct log *log, const struct exchange *exchange,
		  const char *reason, const struct outbound_record *outbound)
{
	struct json *line =
		log_begin(log, LOG_INFO, "CANONICAL-PROXY-DECISION");

	put_exchange(line, exchange, reason);
	json_put_milli(line, "conn_establish_time_ms", outbound->connect_us);
	put_endpoint(line, "outbound_local_addr", &outbound->local,
		     outbound->local_port);
	put_endpoint(line, "outbound_remote_addr", &outbound->remote,
		     outbound->remote_port);
	json_put_signed(line, "content_length", outbound->content_length);
	log_end(log);
	count_decision(exchange);
}

void log_failure(struct log *log, const struct exchange *exchange,
		 const char *reason, const char *msg, const char *error)
{
	struct json *line = log_begin(log, LOG_ERROR, msg);

	put_exchange(line, exchange, reason);
	put_answer(line, exchange, error);
	log_end(log);
}

void log_bad_request(struct log *log, const struct exchange *exchange,
		     const char *error)
{
	struct json *line = log_begin(log, LOG_WARNING, "request refused");

	put_id(line, "id", &exchange->id);
	log_put_peer(line, exchange);
	put_time(line, "start_time", &exchange->start);
	if (exchange->host.n != 0)
		json_put_string(line, "requested_host", exchange->host);
	put_answer(line, exchange, error);
	log_end(log);
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
	struct timespec now;
	struct json *line;
	uint64_t us;

	clock_gettime(CLOCK_REALTIME, &now);
	us = elapsed_us(&exchange->start, &now);
	line = log_begin_at(log, LOG_INFO, STR("CANONICAL-PROXY-CN-CLOSE"),
			    &now);
	put_exchange(line, exchange, reason);
	json_put_milli(line, "conn_establish_time_ms", tunnel->connect_us);
	put_endpoint(line, "outbound_local_addr", &tunnel->local,
		     tunnel->local_port);
	put_endpoint(line, "outbound_remote_addr", &tunnel->remote,
		     tunnel->remote_port);
	json_put_unsigned(line, "bytes_in", tunnel->bytes_in);
	json_put_unsigned(line, "bytes_out", tunnel->bytes_out);
	put_time(line, "end_time", &now);
	json_put_micro(line, "duration", us);
	put_time(line, "last_activity", &tunnel->last_activity);
	if (tunnel->at_termination)
		json_put_bool(line, "active_at_termination", true);
	json_put_text(line, "error", error);
	log_end(log);
	if (exchange->metrics != NULL)
		metrics_tunnel_closed(exchange->metrics, exchange->set,
				      tunnel->at_termination, us,
				      tunnel->bytes_in, tunnel->bytes_out);
}
