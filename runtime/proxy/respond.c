/* respond.c - see respond.h. */
#include "respond.h"

#include <assert.h>
#include <string.h>

/* --- text in pieces --- */

/* An answer being written; what has no room is cut off. */
struct text {
	char *p;
	char *end;
};

static inline void put(struct text *text, const char *bytes, size_t length)
{
	size_t room = (size_t)(text->end - text->p);

	if (length > room) {
		memcpy(text->p, bytes, room);
		text->p = text->end;
		return;
	}
	memcpy(text->p, bytes, length);
	text->p += length;
}

/* The compiler knows how long it is. */
static inline void put_literal(struct text *text, const char *literal)
{
	put(text, literal, strlen(literal));
}

static void put_str(struct text *text, struct str bytes)
{
	put(text, bytes.p, bytes.n);
}

static void put_unsigned(struct text *text, unsigned value)
{
	char digits[STR_DECIMAL_MAX];

	put(text, digits, str_put_decimal(digits, value));
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* BYTES as a header's value: line breaks are spaces, other controls too. */
static void put_value(struct text *text, struct str bytes)
{
	char *p = text->p, *end;

	put_str(text, bytes);
	end = text->p;
	for (; p < end; p++)
		if (is_control(*p))
			*p = ' ';
}

/* --- words --- */

/* As upstream words them for CONNECT. */
static struct str connect_phrase(unsigned status)
{
	switch (status) {
	case 403:
	case 407:
		return STR("Request rejected by proxy");
	case 429:
		return STR("Too Many Requests");
	case 502:
		return STR("Bad gateway");
	case 504:
		return STR("Gateway timeout");
	case 500:
		return STR("Internal server error");
	case 501:
		return STR("Not Implemented");
	default:
		return STR("Error");
	}
}

/* RFC 9110 section 15. */
static struct str standard_phrase(unsigned status)
{
	switch (status) {
	case 200:
		return STR("OK");
	case 400:
		return STR("Bad Request");
	case 403:
		return STR("Forbidden");
	case 407:
		return STR("Proxy Authentication Required");
	case 405:
		return STR("Method Not Allowed");
	case 408:
		return STR("Request Timeout");
	case 414:
		return STR("URI Too Long");
	case 429:
		return STR("Too Many Requests");
	case 431:
		return STR("Request Header Fields Too Large");
	case 500:
		return STR("Internal Server Error");
	case 501:
		return STR("Not Implemented");
	case 502:
		return STR("Bad Gateway");
	case 504:
		return STR("Gateway Timeout");
	case 503:
		return STR("Service Unavailable");
	case 505:
		return STR("HTTP Version Not Supported");
	default:
		return STR("Error");
	}
}

/* Who is told that there are too many may come again soon. */
static struct str retry_after(unsigned status)
{
	return status == 429 || status == 503 ? STR("Retry-After: 1\r\n")
					      : STR("");
}

/* RFC 9110 15.5.6: what could be done instead. */
static struct str allow(unsigned status)
{
	return status == 405 ? STR("Allow: OPTIONS\r\n") : STR("");
}

static bool is_printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

const char *respond_printable(struct str text, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	assert(size >= 8);
	/* mostly all of it is, and has room */
	while (at < text.n && at < size - 8 && is_printable(text.p[at])) {
		out[at] = text.p[at];
		at++;
	}
	for (size_t i = at; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		/* room for an escape, or for the dots that say it was cut */
		if (size - at < 8) {
			memcpy(out + at, "...", 3);
			at += 3;
			break;
		}
		if (is_printable(text.p[i])) {
			out[at++] = (char)c;
		} else {
			out[at++] = '\\';
			out[at++] = 'x';
			out[at++] = hex[c >> 4];
			out[at++] = hex[c & 15];
		}
	}
	out[at] = '\0';
	return out;
}

static struct str at_most(const char *text, size_t max)
{
	return str_make(text, strnlen(text, max));
}

uint32_t respond_denial(char *out, struct str host, const char *why)
{
	/* the NUL has room */
	struct text text = {out, out + RESPOND_MESSAGE_MAX - 1};

	put_literal(&text, "Egress proxying is denied to host '");
	put_str(&text, host);
	put_literal(&text, "'");
	if (why != NULL) {
		put_literal(&text, ": ");
		put_str(&text, str_from(why));
	}
	put_literal(&text, ".");
	*text.p = '\0';
	return (uint32_t)(text.p - out);
}

/* What a client is told, as a body and in one line. */
struct told {
	struct str message;
	const char *extra; /* NULL: there is no more */
	struct str more;
};

static struct told tell(const char *message, const char *extra, uint32_t *body)
{
	struct told told = {
		.message = at_most(message, RESPOND_MESSAGE_MAX),
		.extra = extra,
	};

	*body = (uint32_t)told.message.n + 1;
	if (extra != NULL) {
		told.more = at_most(extra, RESPOND_EXTRA_MAX);
		*body += (uint32_t)told.more.n + 3;
	}
	return told;
}

static void put_error(struct text *text, const struct told *told)
{
	put_literal(text, "X-Smokescreen-Error: ");
	put_value(text, told->message);
	if (told->extra != NULL) {
		put_literal(text, "  ");
		put_value(text, told->more);
		put_literal(text, " ");
	}
	put_literal(text, "\r\n");
}

static void put_body(struct text *text, const struct told *told)
{
	put_literal(text, "\r\n");
	put_str(text, told->message);
	if (told->extra != NULL) {
		put_literal(text, "\n\n");
		put_str(text, told->more);
		put_literal(text, "\n");
	}
	put_literal(text, "\n");
}

/* The status line of HTTP/1.MINOR, and how the body goes on. */
static void put_start(struct text *text, unsigned minor, unsigned status,
		      struct str phrase, uint32_t body, struct str type)
{
	put_literal(text, "HTTP/1.");
	put_unsigned(text, minor);
	put_literal(text, " ");
	put_unsigned(text, status);
	put_literal(text, " ");
	put_str(text, phrase);
	put_literal(text, "\r\nContent-Length: ");
	put_unsigned(text, body);
	put_literal(text, "\r\nContent-Type: ");
	put_str(text, type);
	put_literal(text, "\r\n");
}

static struct text begin(char *out)
{
	return (struct text){out, out + RESPOND_MAX - 1};
}

static uint32_t end(struct text *text, const char *out)
{
	/* no message, however long, fills it */
	assert(text->p < text->end);
	*text->p = '\0';
	return (uint32_t)(text->p - out);
}

uint32_t respond_connect(char *out, unsigned minor, unsigned status,
			 const char *message, const char *extra, uint32_t *body)
{
	struct told told = tell(message, extra, body);
	struct text text = begin(out);

	put_start(&text, minor, status, connect_phrase(status), *body,
		  STR("text/plain"));
	put_literal(&text, "Connection: close\r\n");
	put_str(&text, retry_after(status));
	put_error(&text, &told);
	put_body(&text, &told);
	return end(&text, out);
}

uint32_t respond_forward(char *out, unsigned minor, unsigned status,
			 const char *message, const char *extra,
			 const char *date, bool keep, uint32_t *body)
{
	struct told told = tell(message, extra, body);
	struct text text = begin(out);

	put_start(&text, minor, status, standard_phrase(status), *body,
		  STR("text/plain"));
	if (!keep)
		put_literal(&text, "Connection: close\r\n");
	put_literal(&text, "Date: ");
	put_str(&text, str_from(date));
	put_literal(&text, "\r\n");
	put_error(&text, &told);
	put_body(&text, &told);
	return end(&text, out);
}

uint32_t respond_plain(char *out, unsigned status, const char *message,
		       bool error_header, uint32_t *body)
{
	struct str line = at_most(message, RESPOND_MESSAGE_MAX - 1);
	struct text text = begin(out);

	*body = line.n != 0 ? (uint32_t)line.n + 1 : 0;
	put_start(&text, 1, status, standard_phrase(status), *body,
		  STR("text/plain; charset=utf-8"));
	put_literal(&text, "Connection: close\r\n");
	put_str(&text, retry_after(status));
	put_str(&text, allow(status));
	if (error_header) {
		put_literal(&text, "X-Smokescreen-Error: ");
		put_value(&text, line);
		put_literal(&text, "\r\n");
	}
	put_literal(&text, "X-Content-Type-Options: nosniff\r\n\r\n");
	put_value(&text, line);
	if (*body != 0)
		put_literal(&text, "\n");
	return end(&text, out);
}
