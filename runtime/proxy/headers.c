/* headers.c - see headers.h. */
#include "headers.h"

#include <string.h>
#include <strings.h>

/* Text being written; the caller has made sure of the room. */
struct text {
	char *p;
};

static inline void put(struct text *text, const char *bytes, size_t length)
{
	memcpy(text->p, bytes, length);
	text->p += length;
}

/* Of a literal the compiler knows how long it is. */
static inline void put_text(struct text *text, const char *c_string)
{
	put(text, c_string, strlen(c_string));
}

static void put_span(struct text *text, const char *head, struct head_span span)
{
	put(text, head + span.start, span.length);
}

static void put_unsigned(struct text *text, uint64_t value)
{
	text->p += str_put_decimal(text->p, value);
}

static void put_field(struct text *text, const char *head,
		      const struct head_field *field)
{
	put_span(text, head, field->name);
	put_text(text, ": ");
	put_span(text, head, field->value);
	put_text(text, "\r\n");
}

static void put_length(struct text *text, uint64_t length)
{
	put_text(text, "Content-Length: ");
	put_unsigned(text, length);
	put_text(text, "\r\n");
}

/* --- to origins --- */

size_t headers_origin_max(const struct request *request,
			  const struct headers_way *way)
{
	size_t set = 0;

	for (size_t i = 0; i < way->set_count; i++)
		set += way->set[i].name.n + way->set[i].value.n + 4;
	/* every byte of the target escaped; a blank behind each colon; and what
	 * is added: Content-Length or Transfer-Encoding, TE, Connection,
	 * Upgrade; the scheme and the name of Proxy-Authorization */
	return request->head.length + (size_t)request->target.length * 3 +
	       way->host.n * 2 + way->basic.n + HEAD_MAX_FIELDS + 256 + set;
}

/* Bytes beyond ASCII have no place in a target: escaped as upstream does. */
static void put_escaped(struct text *text, const char *bytes, size_t length)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c < 0x80) {
			*text->p++ = (char)c;
			continue;
		}
		*text->p++ = '%';
		*text->p++ = hex[c >> 4];
		*text->p++ = hex[c & 15];
	}
}

/* RFC 9112 3.2.1 and, to a proxy, 3.2.2; 3.2.4 for OPTIONS. */
static void put_target(struct text *text, const struct request *request,
		       const char *head, const struct request_url *url,
		       const struct headers_way *way)
{
	const char *target = head + request->target.start;
	const char *path = target + url->path.start;

	if (way->absolute) {
		put_text(text, "http://");
		put(text, way->host.p, way->host.n);
	}
	if (url->path.length == 0 &&
	    head_equal(head + request->method.start, request->method.length,
		       "OPTIONS")) {
		/* the last proxy makes it an asterisk */
		put_text(text, way->absolute ? "" : "*");
		return;
	}
	if (url->path.length == 0 || *path != '/')
		put_text(text, "/");
	put_escaped(text, path, url->path.length);
}

bool headers_is_trace(const struct request *request, const char *head)
{
	return request->method.length == 5 &&
	       memcmp(head + request->method.start, "TRACE", 5) == 0;
}

bool headers_counts(const struct request *request, const char *head)
{
	return request->head.counted &&
	       (headers_is_trace(request, head) ||
		(request->method.length == 7 &&
		 memcmp(head + request->method.start, "OPTIONS", 7) == 0));
}

static bool goes_to_origin(const struct request *request,
			   const struct head_field *field)
{
	if (field->hop)
		return false;
	switch ((enum field_id)field->id) {
	case FIELD_CONNECTION:
	case FIELD_CONTENT_LENGTH:
	case FIELD_HOST:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY:
	case FIELD_TE:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
	case FIELD_ROLE:
	case FIELD_TRACE_ID:
	case FIELD_UPSTREAM_PROXY:
		return false;
	case FIELD_TRAILER:
		return request->head.chunked;
	case FIELD_EXPECT:
		/* RFC 9110 10.1.1: means nothing in HTTP/1.0 */
		return request->head.minor != 0;
	case FIELD_OTHER:
	case FIELD_DATE:
	case FIELD_ERROR:
	case FIELD_MAX_FORWARDS:
		break;
	}
	return true;
}

static bool same_name(struct str a, struct str b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

bool headers_may_set(struct str name)
{
	static const char *const names[] = {
#define OWN_HEADER(name) name,
#include "runtime/policy/own_headers.def"
#undef OWN_HEADER
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (same_name(name, str_from(names[i])))
			return false;
	return true;
}

/* The policy has its own word for FIELD. */
static bool is_set(const struct headers_way *way, const char *head,
		   const struct head_field *field)
{
	struct str name = {head + field->name.start, field->name.length};

	for (size_t i = 0; i < way->set_count; i++)
		if (same_name(way->set[i].name, name))
			return true;
	return false;
}

static void put_set(struct text *text, const struct headers_way *way)
{
	for (size_t i = 0; i < way->set_count; i++) {
		put(text, way->set[i].name.p, way->set[i].name.n);
		put_text(text, ": ");
		put(text, way->set[i].value.p, way->set[i].value.n);
		put_text(text, "\r\n");
	}
}

size_t headers_to_origin(char *out, const struct request *request,
			 const char *head, const struct request_url *url,
			 const struct headers_way *way)
{
	const bool counts = headers_counts(request, head) &&
			    request->head.max_forwards != 0;
	const char *options = way->upgrade ? "Upgrade" : NULL;
	struct text text = {out};

	put_span(&text, head, request->method);
	put_text(&text, " ");
	put_target(&text, request, head, url, way);
	put_text(&text, " HTTP/1.1\r\nHost: ");
	put(&text, way->host.p, way->host.n);
	put_text(&text, "\r\n");
	if (way->basic.n != 0 && !headers_is_trace(request, head)) {
		put_text(&text, "Proxy-Authorization: Basic ");
		put(&text, way->basic.p, way->basic.n);
		put_text(&text, "\r\n");
	}
	for (uint32_t i = 0; i < request->head.field_count; i++) {
		const struct head_field *field = &request->head.fields[i];

		if (is_set(way, head, field))
			continue;
		if (field->id == FIELD_MAX_FORWARDS && counts) {
			put_text(&text, "Max-Forwards: ");
			put_unsigned(&text, request->head.max_forwards - 1);
			put_text(&text, "\r\n");
		} else if (goes_to_origin(request, field)) {
			put_field(&text, head, field);
		}
	}
	put_set(&text, way);
	if (request->head.chunked)
		put_text(&text, "Transfer-Encoding: chunked\r\n");
	else if (request->head.has_length)
		put_length(&text, request->head.content_length);
	/* a client that takes trailers will get them through us */
	if (request->head.trailers && request->head.minor != 0) {
		put_text(&text, "TE: trailers\r\n");
		options = way->upgrade ? "TE, Upgrade" : "TE";
	}
	if (way->upgrade)
		put_text(&text, "Upgrade: websocket\r\n");
	if (options != NULL) {
		put_text(&text, "Connection: ");
		put_text(&text, options);
		put_text(&text, "\r\n");
	}
	put_text(&text, "\r\n");
	return (size_t)(text.p - out);
}

/* --- to clients --- */

static bool goes_to_client(const struct headers_answer *answer,
			   const struct head_field *field)
{
	if (field->hop)
		return false;
	switch ((enum field_id)field->id) {
	case FIELD_CONNECTION:
	case FIELD_CONTENT_LENGTH:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY:
	case FIELD_TE:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
	case FIELD_ERROR:
		return false;
	case FIELD_TRAILER:
		return answer->kind == BODY_CHUNKED;
	case FIELD_OTHER:
	case FIELD_DATE:
	case FIELD_EXPECT:
	case FIELD_HOST:
	case FIELD_MAX_FORWARDS:
	case FIELD_ROLE:
	case FIELD_TRACE_ID:
	case FIELD_UPSTREAM_PROXY:
		break;
	}
	return true;
}

static void put_status_line(struct text *text, const struct response *response,
			    const char *head, unsigned minor)
{
	put_text(text, minor == 0 ? "HTTP/1.0 " : "HTTP/1.1 ");
	put_unsigned(text, response->status);
	put_text(text, " ");
	put_span(text, head, response->reason);
	put_text(text, "\r\n");
}

size_t headers_to_client(char *out, const struct response *response,
			 const char *head, const struct headers_answer *answer)
{
	struct text text = {out};

	put_status_line(&text, response, head, answer->minor);
	for (uint32_t i = 0; i < response->head.field_count; i++)
		if (goes_to_client(answer, &response->head.fields[i]))
			put_field(&text, head, &response->head.fields[i]);
	/* RFC 9110 6.6.1: whoever passes it on says when it came */
	if (response->status >= 200 &&
	    head_field(&response->head, FIELD_DATE) == NULL) {
		put_text(&text, "Date: ");
		put_text(&text, answer->date);
		put_text(&text, "\r\n");
	}
	if (answer->kind == BODY_CHUNKED)
		put_text(&text, "Transfer-Encoding: chunked\r\n");
	else if (answer->has_length)
		put_length(&text, answer->length);
	if (answer->websocket)
		put_text(&text, "Upgrade: websocket\r\n"
				"Connection: Upgrade\r\n");
	else if (answer->close)
		put_text(&text, "Connection: close\r\n");
	put_text(&text, "\r\n");
	return (size_t)(text.p - out);
}

/* --- trailers --- */

/* RFC 9110 6.5.1: none that would have had to come before the body. */
static bool goes_on_as_trailer(const struct head_field *field)
{
	return field->id == FIELD_OTHER;
}

size_t headers_trailers(char *out, const struct head *trailers,
			const char *bytes)
{
	struct text text = {out};

	for (uint32_t i = 0; i < trailers->field_count; i++)
		if (goes_on_as_trailer(&trailers->fields[i]))
			put_field(&text, bytes, &trailers->fields[i]);
	put_text(&text, "\r\n");
	return (size_t)(text.p - out);
}

/* The last two digits of VALUE, which is not negative. */
static void put_two(struct text *text, int value)
{
	*text->p++ = (char)('0' + value / 10 % 10);
	*text->p++ = (char)('0' + value % 10);
}

void headers_date(time_t now, char out[HEADERS_DATE_MAX])
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed",
				       "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr",
					 "May", "Jun", "Jul", "Aug",
					 "Sep", "Oct", "Nov", "Dec"};
	struct text text = {out};
	struct tm tm;

	/* not strftime(), which would heed the locale */
	if (gmtime_r(&now, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	put(&text, days[(unsigned)tm.tm_wday % 7], 3);
	put_text(&text, ", ");
	put_two(&text, tm.tm_mday);
	put_text(&text, " ");
	put(&text, months[(unsigned)tm.tm_mon % 12], 3);
	put_text(&text, " ");
	put_two(&text, (tm.tm_year + 1900) / 100);
	put_two(&text, tm.tm_year % 100);
	put_text(&text, " ");
	put_two(&text, tm.tm_hour);
	put_text(&text, ":");
	put_two(&text, tm.tm_min);
	put_text(&text, ":");
	put_two(&text, tm.tm_sec);
	put(&text, " GMT", sizeof(" GMT"));
}

const char *headers_date_kept(struct headers_date *kept, time_t now)
{
	if (kept->second != now || kept->text[0] == '\0')
		headers_date(now, kept->text);
	kept->second = now;
	return kept->text;
}
