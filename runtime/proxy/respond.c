/* respond.c - see respond.h. */
#include "respond.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* As upstream words them for CONNECT. */
static const char *connect_phrase(unsigned status)
{
	switch (status) {
	case 403:
	case 407:
		return "Request rejected by proxy";
	case 429:
		return "Too Many Requests";
	case 502:
		return "Bad gateway";
	case 504:
		return "Gateway timeout";
	case 500:
		return "Internal server error";
	case 501:
		return "Not Implemented";
	default:
		return "Error";
	}
}

/* RFC 9110 section 15. */
static const char *standard_phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 407:
		return "Proxy Authentication Required";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 414:
		return "URI Too Long";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 504:
		return "Gateway Timeout";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Error";
	}
}

/* Who is told that there are too many may come again soon. */
static const char *retry_after(unsigned status)
{
	return status == 429 || status == 503 ? "Retry-After: 1\r\n" : "";
}

/* RFC 9110 15.5.6: what could be done instead. */
static const char *allow(unsigned status)
{
	return status == 405 ? "Allow: OPTIONS\r\n" : "";
}

const char *respond_printable(struct str text, char *out, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	assert(size >= 8);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		/* room for an escape, or for the dots that say it was cut */
		if (size - at < 8) {
			memcpy(out + at, "...", 3);
			at += 3;
			break;
		}
		if (c >= 0x20 && c < 0x7f) {
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

/* TEXT as a header's value: line breaks are spaces, other controls too. */
static void header_value(const char *text, char *out, size_t size)
{
	size_t at = 0;

	for (; *text != '\0' && at + 1 < size; text++) {
		unsigned char c = (unsigned char)*text;

		out[at++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	out[at] = '\0';
}

/* What a client is told: MESSAGE and EXTRA, as a body and in one line. */
struct told {
	char text[RESPOND_MESSAGE_MAX + RESPOND_EXTRA_MAX + 8];
	char value[RESPOND_MESSAGE_MAX + RESPOND_EXTRA_MAX + 8];
	uint32_t body; /* length of TEXT and a line feed */
};

static void tell(struct told *told, const char *message, const char *extra)
{
	int n;

	if (extra != NULL)
		n = snprintf(told->text, sizeof(told->text), "%.*s\n\n%.*s\n",
			     RESPOND_MESSAGE_MAX, message, RESPOND_EXTRA_MAX,
			     extra);
	else
		n = snprintf(told->text, sizeof(told->text), "%.*s",
			     RESPOND_MESSAGE_MAX, message);
	header_value(told->text, told->value, sizeof(told->value));
	told->body = (uint32_t)n + 1;
}

uint32_t respond_connect(char *out, unsigned minor, unsigned status,
			 const char *message, const char *extra, uint32_t *body)
{
	struct told told;
	int n;

	tell(&told, message, extra);
	*body = told.body;
	n = snprintf(out, RESPOND_MAX,
		     "HTTP/1.%u %u %s\r\n"
		     "Content-Length: %u\r\n"
		     "Content-Type: text/plain\r\n"
		     "Connection: close\r\n"
		     "%s"
		     "X-Smokescreen-Error: %s\r\n\r\n%s\n",
		     minor, status, connect_phrase(status), *body,
		     retry_after(status), told.value, told.text);
	assert(n > 0 && (unsigned)n < RESPOND_MAX);
	return (uint32_t)n;
}

uint32_t respond_forward(char *out, unsigned minor, unsigned status,
			 const char *message, const char *extra,
			 const char *date, bool keep, uint32_t *body)
{
	struct told told;
	int n;

	tell(&told, message, extra);
	*body = told.body;
	n = snprintf(out, RESPOND_MAX,
		     "HTTP/1.%u %u %s\r\n"
		     "Content-Length: %u\r\n"
		     "Content-Type: text/plain\r\n"
		     "%s"
		     "Date: %s\r\n"
		     "X-Smokescreen-Error: %s\r\n\r\n%s\n",
		     minor, status, standard_phrase(status), *body,
		     keep ? "" : "Connection: close\r\n", date, told.value,
		     told.text);
	assert(n > 0 && (unsigned)n < RESPOND_MAX);
	return (uint32_t)n;
}

uint32_t respond_plain(char *out, unsigned status, const char *text,
		       bool error_header, uint32_t *body)
{
	char value[RESPOND_MESSAGE_MAX];
	const char *end = *text != '\0' ? "\n" : "";
	int n;

	header_value(text, value, sizeof(value));
	*body = (uint32_t)(strlen(value) + strlen(end));
	n = snprintf(out, RESPOND_MAX,
		     "HTTP/1.1 %u %s\r\n"
		     "Content-Length: %u\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n"
		     "Connection: close\r\n"
		     "%s%s%s%s%s"
		     "X-Content-Type-Options: nosniff\r\n\r\n%s%s",
		     status, standard_phrase(status), *body,
		     retry_after(status), allow(status),
		     error_header ? "X-Smokescreen-Error: " : "",
		     error_header ? value : "", error_header ? "\r\n" : "",
		     value, end);
	assert(n > 0 && (unsigned)n < RESPOND_MAX);
	return (uint32_t)n;
}
