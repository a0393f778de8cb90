/* proxy_address.c - see proxy_address.h. */
#include "proxy_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/request.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443

static struct str span_text(struct str text, struct head_span span)
{
	return str_make(text.p + span.start, span.length);
}

static bool is_scheme(struct str text, const char *name)
{
	return text.n == strlen(name) && strncasecmp(text.p, name, text.n) == 0;
}

/* Empty means the scheme's. */
static bool read_port(struct str digits, uint16_t *port)
{
	unsigned value = 0;

	if (digits.n == 0)
		return true;
	for (size_t i = 0; i < digits.n; i++) {
		value = value * 10 + (unsigned)(digits.p[i] - '0');
		if (value > UINT16_MAX)
			return false;
	}
	*port = (uint16_t)value;
	return value != 0;
}

/* --- credentials --- */

static unsigned hex_value(char c)
{
	return c <= '9' ? (unsigned)c - '0' : ((unsigned)c | 0x20) - 'a' + 10;
}

/* "user", "user:", "user:password" with the escapes undone, into OUT; its
 * length.  OUT has room for TEXT and a colon. */
static size_t decode_userinfo(struct str text, unsigned char *out)
{
	bool colon = false;
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '%') {
			out[n++] =
				(unsigned char)(hex_value(text.p[i + 1]) * 16 +
						hex_value(text.p[i + 2]));
			i += 2;
			continue;
		}
		colon = colon || text.p[i] == ':';
		out[n++] = (unsigned char)text.p[i];
	}
	if (!colon)
		out[n++] = ':';
	return n;
}

/* RFC 4648 4, into OUT with room for it and a NUL. */
static void encode_base64(const unsigned char *bytes, size_t n, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (i + 1 < n)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (i + 2 < n)
			group |= bytes[i + 2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = i + 1 < n ? digits[group >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[group & 63] : '=';
	}
	*out = '\0';
}

static bool read_userinfo(struct str text, struct proxy_address *out)
{
	unsigned char *plain = malloc(text.n + 1);
	size_t n;

	if (plain == NULL)
		return false;
	n = decode_userinfo(text, plain);
	out->basic = malloc((n + 2) / 3 * 4 + 1);
	if (out->basic != NULL)
		encode_base64(plain, n, out->basic);
	explicit_bzero(plain, n);
	free(plain);
	return out->basic != NULL;
}

/* --- the whole --- */

enum proxy_address_error proxy_address_parse(struct str text,
					     struct proxy_address *out)
{
	struct request_proxy url;
	struct str scheme;

	*out = (struct proxy_address){.port = 0};
	if (!request_split_proxy(text.p, text.n, &url))
		return PROXY_ADDRESS_BAD_URL;
	scheme = span_text(text, url.scheme);
	out->tls = is_scheme(scheme, "https");
	if (!out->tls && !is_scheme(scheme, "http"))
		return PROXY_ADDRESS_BAD_SCHEME;
	if (hostname_normalize(span_text(text, url.host), &out->host) !=
	    HOST_OK)
		return PROXY_ADDRESS_BAD_HOST;
	out->port = out->tls ? HTTPS_PORT : HTTP_PORT;
	if (!read_port(span_text(text, url.port), &out->port))
		return PROXY_ADDRESS_BAD_PORT;
	if (url.has_userinfo &&
	    !read_userinfo(span_text(text, url.userinfo), out))
		return PROXY_ADDRESS_NO_MEMORY;
	return PROXY_ADDRESS_OK;
}

void proxy_address_fini(struct proxy_address *address)
{
	if (address->basic != NULL)
		explicit_bzero(address->basic, strlen(address->basic));
	free(address->basic);
	*address = (struct proxy_address){.port = 0};
}

const char *proxy_address_error_text(enum proxy_address_error error)
{
	switch (error) {
	case PROXY_ADDRESS_BAD_SCHEME:
		return "its scheme is neither http nor https";
	case PROXY_ADDRESS_BAD_HOST:
		return "its host is no name and no address";
	case PROXY_ADDRESS_BAD_PORT:
		return "its port is not a number from 1 to 65535";
	case PROXY_ADDRESS_NO_MEMORY:
		return "out of memory";
	case PROXY_ADDRESS_OK:
		return "it is fine";
	case PROXY_ADDRESS_BAD_URL:
		break;
	}
	return "it is no URL such as http://proxy.example:3128";
}

const char *proxy_address_format(const struct proxy_address *address,
				 char out[PROXY_ADDRESS_TEXT_MAX])
{
	bool brackets = address->host.form == HOST_IPV6;

	snprintf(out, PROXY_ADDRESS_TEXT_MAX, "%s://%s%s%s:%u",
		 address->tls ? "https" : "http", brackets ? "[" : "",
		 address->host.text, brackets ? "]" : "", address->port);
	return out;
}
