/* request.re - see request.h.
 * A target is scanned in a copy that ends in the line feed that the scanners
 * stop at; the lines of a head end in one. */
#include "grammar/request.h"

#include <string.h>

typedef unsigned char byte;

/*!re2c
	re2c:define:YYCTYPE = byte;
	re2c:yyfill:enable = 0;
	re2c:sentinel = 10;
	re2c:tags = 1;

	crlf    = "\r\n";
	digit   = [0-9];
	token   = [-!#$%&'*+.^_`|~0-9A-Za-z]+;
	// RFC 9110 5.5: visible, obs-text, and blanks between
	visible = [\x21-\x7e\x80-\xff];
	blank   = [ \t];
*/

static struct head_span span(const byte *base, const byte *from, const byte *to)
{
	return (struct head_span){(uint32_t)(from - base),
				  (uint32_t)(to - from)};
}

static enum head_status bad(struct request *out, const char *why)
{
	return head_refuse(&out->head, HEAD_BAD, why);
}

static enum head_status scan_request_line(const byte *base, const byte *line,
					  struct request *out)
{
	const byte *YYCURSOR = line, *YYMARKER;
	const byte *target, *target_end, *version;
	/*!stags:re2c:line format = 'const byte *@@;'; */

	/*!re2c:line
	token " " @target visible+ @target_end " HTTP/" @version digit "."
		digit crlf {
		if (version[0] != '1')
			return head_refuse(&out->head, HEAD_BAD_VERSION,
					   "HTTP version not supported");
		out->method = span(base, line, target - 1);
		out->target = span(base, target, target_end);
		out->head.minor = version[2] == '0' ? 0 : 1;
		out->is_connect = out->method.length == 7 &&
				  memcmp(line, "CONNECT", 7) == 0;
		if (out->method.length > REQUEST_MAX_METHOD)
			return head_refuse(&out->head, HEAD_BAD_METHOD,
					   "method too long");
		if (out->target.length > REQUEST_MAX_TARGET)
			return head_refuse(&out->head, HEAD_TARGET_TOO_LONG,
					   "request target too long");
		return HEAD_DONE;
	}
	* { return bad(out, "malformed request line"); }
	*/
}

/* RFC 9110 7.2: uri-host [ ":" port ], and RFC 3986 3.2.2 for the host. */
static bool is_host(const byte *value)
{
	const byte *YYCURSOR = value, *YYMARKER;

	/*!re2c
	escaped  = "%" [0-9A-Fa-f]{2};
	reg_name = ([-!$&'()*+,;=._~0-9A-Za-z] | escaped)*;
	future   = 'v' [0-9A-Fa-f]+ "." [-!$&'()*+,;=:._~0-9A-Za-z]+;
	zone     = "%25" ([-._~0-9A-Za-z] | escaped)+; // RFC 6874
	address  = "[" ([0-9A-Fa-f:.]+ zone? | future) "]";

	(reg_name | address) (":" digit*)? blank* crlf { return true; }
	* { return false; }
	*/
}

/* Clients of CONNECT say in Host what the target says: if that is no host, the
 * decision tells them so, and the log. */
static bool is_target(const byte *base, const struct request *request,
		      struct head_span value)
{
	return request->is_connect && value.length == request->target.length &&
	       memcmp(base + value.start, base + request->target.start,
		      value.length) == 0;
}

static enum head_status judge_host(const byte *base, struct request *out)
{
	uint32_t hosts = 0;

	for (uint32_t i = 0; i < out->head.field_count; i++) {
		const struct head_field *field = &out->head.fields[i];

		if (field->id != FIELD_HOST)
			continue;
		if (++hosts > 1)
			return bad(out, "too many Host headers");
		/* the quick way to know it first */
		if (!is_target(base, out, field->value) &&
		    !is_host(base + field->value.start))
			return bad(out, "malformed Host header");
	}
	if (hosts == 0 && out->head.minor != 0 && !out->is_connect)
		return bad(out, "missing required Host header");
	return HEAD_DONE;
}

static enum head_status scan_head(const char *bytes, uint32_t first,
				  uint32_t end, struct request *out)
{
	const byte *base = (const byte *)bytes;
	const char *feed = memchr(bytes + first, '\n', end - first);
	enum head_status status = scan_request_line(base, base + first, out);

	if (status == HEAD_DONE)
		status = head_scan_fields(bytes, (uint32_t)(feed - bytes) + 1,
					  end, &out->head);
	if (status == HEAD_DONE)
		status = head_judge_fields(bytes, &out->head);
	if (status == HEAD_DONE)
		status = judge_host(base, out);
	return status;
}

static bool is_token_byte(byte c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* N bytes of a request line at LINE, and it does not end there. */
static enum head_status unfinished_line(const byte *line, size_t n,
					struct request *out)
{
	const byte *end = line + n;
	const byte *space = memchr(line, ' ', n);
	const byte *method_end = space != NULL ? space : end;
	const byte *version;

	/* bytes of no method: TLS on a plain port, say */
	if (n > 0 && *line != '\r')
		for (const byte *p = line; p < method_end; p++)
			if (!is_token_byte(*p))
				return bad(out, "malformed request line");
	if ((size_t)(method_end - line) > REQUEST_MAX_METHOD)
		return head_refuse(&out->head, HEAD_BAD_METHOD,
				   "method too long");
	if (space == NULL)
		return HEAD_MORE;
	version = memchr(space + 1, ' ', (size_t)(end - space) - 1);
	if ((size_t)((version != NULL ? version : end) - space) - 1 >
	    REQUEST_MAX_TARGET)
		return head_refuse(&out->head, HEAD_TARGET_TOO_LONG,
				   "request target too long");
	if (version != NULL && end - version > (ptrdiff_t)sizeof("HTTP/1.1\r"))
		return bad(out, "malformed request line");
	return HEAD_MORE;
}

enum head_status request_scan(struct head_progress *progress, const char *bytes,
			      size_t length, struct request *out)
{
	const byte *base = (const byte *)bytes;
	enum head_status status, early;
	bool fresh;

	head_clear(&out->head);
	for (;;) {
		fresh = progress->line == progress->first;
		status = head_find_end(progress, bytes, length,
				       REQUEST_MAX_HEAD, &out->head);
		if (status != HEAD_DONE ||
		    progress->line != progress->first)
			break;
		/* RFC 9112 2.2: one empty line before a request is borne */
		if (progress->first != 0)
			return bad(out, "empty lines before the request");
		progress->first = progress->line = progress->seen;
	}
	if (status == HEAD_DONE)
		return scan_head(bytes, progress->first, out->head.length, out);
	if (status == HEAD_BAD || !fresh)
		return status;
	/* a request line that is none is not waited upon */
	if (progress->line == progress->first)
		early = unfinished_line(base + progress->first,
					length - progress->first, out);
	else
		early = scan_request_line(base, base + progress->first, out);
	return early != HEAD_MORE && early != HEAD_DONE ? early : status;
}

/* The target is copied to end in the line feed that the scanner stops at. */
enum request_target request_target(const char *bytes, size_t length)
{
	byte copy[REQUEST_MAX_TARGET + 1];
	const byte *YYCURSOR = copy, *YYMARKER;

	if (length > REQUEST_MAX_TARGET || memchr(bytes, '\n', length) != NULL)
		return TARGET_BAD;
	memcpy(copy, bytes, length);
	copy[length] = '\n';
	/*!re2c
	// RFC 3986 3.2.2 as Go's net/url reads it: escapes beyond ASCII only
	high    = "%" [89A-Fa-f] [0-9A-Fa-f];
	name    = ([-!$&'()*+,;="<>._~0-9A-Za-z\x80-\xff] | high)*;
	literal = "[" [0-9A-Fa-f:.]+ ("%25" [-._~0-9A-Za-z]+)? "]";
	port    = ":" digit*;
	scheme  = [A-Za-z][-+.0-9A-Za-z]*;

	"*\n"             { return TARGET_ASTERISK; }
	// a:b:2 has the characters; that it has too many colons is for later
	name ((":" name)* port)? "\n" { return length == 0 ? TARGET_BAD : TARGET_AUTHORITY; }
	literal port* "\n" { return TARGET_AUTHORITY; }
	scheme "://" visible+ "\n" { return TARGET_ABSOLUTE; }
	"/" visible* "\n" { return TARGET_ORIGIN; }
	*                 { return TARGET_BAD; }
	*/
}

bool request_split_url(const char *bytes, size_t length,
		       struct request_url *out)
{
	byte copy[REQUEST_MAX_TARGET + 1];
	const byte *YYCURSOR = copy, *YYMARKER;
	const byte *scheme_end, *host, *host_end, *port, *path;
	/*!stags:re2c:url format = 'const byte *@@;'; */

	if (length > REQUEST_MAX_TARGET || memchr(bytes, '\n', length) != NULL)
		return false;
	memcpy(copy, bytes, length);
	copy[length] = '\n';
	/*!re2c:url
	user   = ([-!$&'()*+,;=:._~%0-9A-Za-z]* "@")?;
	dotted = ([-!$&'()*+,;=._~0-9A-Za-z\x80-\xff] | high)+;
	escape = "%" [0-9A-Fa-f]{2};
	query  = "?" (visible \ "#")*;
	local  = ("/" ((visible \ [%?#]) | escape)*)? query?;

	scheme @scheme_end "://" user @host (dotted | literal) @host_end
		(":" @port digit*)? @path local "\n" {
		out->scheme = span(copy, copy, scheme_end);
		out->authority = span(copy, host, path);
		out->host = span(copy, host, host_end);
		out->port = port != NULL ? span(copy, port, path)
					 : (struct head_span){0};
		out->path = span(copy, path, YYCURSOR - 1);
		return true;
	}
	* { return false; }
	*/
}

static unsigned hex_value(byte c)
{
	return c <= '9' ? c - 0x30u : (c | 0x20u) - 0x61u + 10u;
}

size_t request_decode_host(char *bytes, size_t length)
{
	size_t out = 0;

	if (memchr(bytes, '%', length) == NULL)
		return length;
	for (size_t in = 0; in < length; in++) {
		/* "%25" before a zone stays: a zone is refused as it is */
		if (bytes[in] == '%' && length - in > 2 &&
		    bytes[in + 1] != '2') {
			unsigned value = hex_value((byte)bytes[in + 1]) * 16 +
					 hex_value((byte)bytes[in + 2]);

			bytes[out++] = (char)(byte)value;
			in += 2;
		} else {
			bytes[out++] = bytes[in];
		}
	}
	return out;
}

bool request_split_proxy(const char *bytes, size_t length,
			 struct request_proxy *out)
{
	byte copy[REQUEST_MAX_TARGET + 1];
	const byte *YYCURSOR = copy, *YYMARKER;
	const byte *scheme, *user, *user_end, *from, *to, *port, *port_end;
	/*!stags:re2c:proxy format = 'const byte *@@;'; */

	if (length > REQUEST_MAX_TARGET || memchr(bytes, '\n', length) != NULL)
		return false;
	memcpy(copy, bytes, length);
	copy[length] = '\n';
	/*!re2c:proxy
	hex      = [0-9A-Fa-f];
	url      = [A-Za-z][-+.0-9A-Za-z]* @scheme "://";
	userinfo = (@user ([-!$&'()*+,;=:._~0-9A-Za-z] | "%" hex hex)*
		@user_end "@")?;
	rest     = (":" @port [0-9]* @port_end)? ("/" visible*)? "\n";

	url userinfo @from [-_.~0-9A-Za-z\x80-\xff]+ @to rest { goto found; }
	url userinfo "[" @from [0-9A-Fa-f:.]+ @to "]" rest { goto found; }
	* { return false; }
	*/
found:
	*out = (struct request_proxy){
		.scheme = span(copy, copy, scheme),
		.host = span(copy, from, to),
		.has_userinfo = user != NULL,
	};
	if (user != NULL)
		out->userinfo = span(copy, user, user_end);
	if (port != NULL)
		out->port = span(copy, port, port_end);
	return true;
}
