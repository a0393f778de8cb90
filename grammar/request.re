/* request.re - see request.h.
 * Two passes, each over every byte once: the end of the head is looked for as
 * bytes come in; when it is there, the lines are scanned by re2c.  A line ends
 * in a line feed and no rule accepts one before its end, so the scanners need
 * no other limit: they cannot run past the line they were given. */
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

static struct request_span span(const byte *base, const byte *from,
				const byte *to)
{
	return (struct request_span){(uint32_t)(from - base),
				     (uint32_t)(to - from)};
}

static enum request_status bad(struct request *out, const char *why)
{
	out->error = why;
	return REQUEST_BAD;
}

static enum request_status scan_request_line(const byte *base, const byte *line,
					     struct request *out)
{
	const byte *YYCURSOR = line, *YYMARKER;
	const byte *target, *target_end, *version;
	/*!stags:re2c:line format = 'const byte *@@;'; */

	/*!re2c:line
	token " " @target visible+ @target_end " HTTP/" @version digit "."
		digit crlf {
		if (version[0] != '1') {
			out->error = "HTTP version not supported";
			return REQUEST_BAD_VERSION;
		}
		out->method = span(base, line, target - 1);
		out->target = span(base, target, target_end);
		out->minor = version[2] == '0' ? 0 : 1;
		out->is_connect = out->method.length == 7 &&
				  memcmp(line, "CONNECT", 7) == 0;
		if (out->method.length > REQUEST_MAX_METHOD)
			return bad(out, "method too long");
		if (out->target.length > REQUEST_MAX_TARGET) {
			out->error = "request target too long";
			return REQUEST_TARGET_TOO_LONG;
		}
		return REQUEST_DONE;
	}
	* { return bad(out, "malformed request line"); }
	*/
}

static enum request_field_id field_id(const byte *name, size_t length)
{
	static const struct {
		const char *name;
		enum request_field_id id;
	} known[] = {
		{"host", FIELD_HOST},
		{"content-length", FIELD_CONTENT_LENGTH},
		{"transfer-encoding", FIELD_TRANSFER_ENCODING},
		{"x-smokescreen-trace-id", FIELD_TRACE_ID},
		{"x-smokescreen-role", FIELD_ROLE},
		{"x-upstream-https-proxy", FIELD_UPSTREAM_PROXY},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t at = 0;

		if (strlen(known[i].name) != length)
			continue;
		while (at < length &&
		       (name[at] >= 'A' && name[at] <= 'Z' ? name[at] | 0x20
							   : name[at]) ==
			       (byte)known[i].name[at])
			at++;
		if (at == length)
			return known[i].id;
	}
	return FIELD_OTHER;
}

static enum request_status scan_field(const byte *base, const byte *line,
				      const byte **end, struct request *out)
{
	const byte *YYCURSOR = line, *YYMARKER;
	const byte *name_end, *value, *value_end;
	struct request_field *field;
	/*!stags:re2c:field format = 'const byte *@@;'; */

	/*!re2c:field
	token @name_end ":" blank* crlf {
		value = value_end = YYCURSOR - 2;
		goto found;
	}
	token @name_end ":" blank* @value
		visible (visible | blank)* crlf {
		value_end = YYCURSOR - 2;
		while (value_end[-1] == ' ' || value_end[-1] == '\t')
			value_end--;
		goto found;
	}
	blank { return bad(out, "folded header field"); }
	":" { return bad(out, "header field without a name"); }
	* { return bad(out, "malformed header field"); }
	*/
found:
	if (out->field_count == REQUEST_MAX_FIELDS) {
		out->error = "too many header fields";
		return REQUEST_HEAD_TOO_LARGE;
	}
	field = &out->fields[out->field_count++];
	field->name = span(base, line, name_end);
	field->value = span(base, value, value_end);
	field->id = field_id(line, field->name.length);
	*end = YYCURSOR;
	return REQUEST_DONE;
}

/* RFC 9112 6.3: a length is digits alone, and one. */
static bool read_content_length(const byte *p, size_t n, uint64_t *out)
{
	uint64_t value = 0;

	if (n == 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9' ||
		    __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(p[i] - '0'),
					   &value))
			return false;
	}
	*out = value;
	return true;
}

static bool is_chunked(const byte *p, size_t n)
{
	const byte *YYCURSOR = p, *YYMARKER;

	(void)n;
	/*!re2c
	'chunked' blank* crlf { return true; }
	* { return false; }
	*/
}

/* What the fields together must satisfy. */
static enum request_status check_fields(const byte *base, struct request *out)
{
	uint32_t hosts = 0;

	for (uint32_t i = 0; i < out->field_count; i++) {
		const struct request_field *field = &out->fields[i];
		const byte *value = base + field->value.start;

		switch (field->id) {
		case FIELD_HOST:
			hosts++;
			break;
		case FIELD_CONTENT_LENGTH:
			if (out->has_length ||
			    !read_content_length(value, field->value.length,
						 &out->content_length))
				return bad(out, "bad Content-Length");
			out->has_length = true;
			break;
		case FIELD_TRANSFER_ENCODING:
			if (out->chunked ||
			    !is_chunked(value, field->value.length) ||
			    out->minor == 0)
				return bad(out, "bad Transfer-Encoding");
			out->chunked = true;
			break;
		default:
			break;
		}
	}
	if (out->has_length && out->chunked)
		return bad(out,
			   "both Content-Length and Transfer-Encoding");
	if (hosts > 1)
		return bad(out, "too many Host headers");
	if (hosts == 0 && out->minor != 0 && !out->is_connect)
		return bad(out, "missing required Host header");
	return REQUEST_DONE;
}

static enum request_status scan_head(const byte *base, uint32_t first,
				     uint32_t end, struct request *out)
{
	enum request_status status =
		scan_request_line(base, base + first, out);
	const byte *line = memchr(base + first, '\n', end - first);

	if (status != REQUEST_DONE)
		return status;
	line++;
	/* the empty line is the two last bytes */
	while (line < base + end - 2) {
		status = scan_field(base, line, &line, out);
		if (status != REQUEST_DONE)
			return status;
	}
	out->length = end;
	return check_fields(base, out);
}

static bool is_token_byte(byte c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* N bytes of a request line at LINE, and it does not end there. */
static enum request_status unfinished_line(const byte *line, size_t n,
					   struct request *out)
{
	const byte *end = line + n;
	const byte *space = memchr(line, ' ', n);
	const byte *version;

	/* a byte that begins no method: TLS on a plain port, say */
	if (n > 0 && *line != '\r' && !is_token_byte(*line))
		return bad(out, "malformed request line");
	if ((size_t)((space != NULL ? space : end) - line) > REQUEST_MAX_METHOD)
		return bad(out, "method too long");
	if (space == NULL)
		return REQUEST_MORE;
	version = memchr(space + 1, ' ', (size_t)(end - space) - 1);
	if ((size_t)((version != NULL ? version : end) - space) - 1 >
	    REQUEST_MAX_TARGET) {
		out->error = "request target too long";
		return REQUEST_TARGET_TOO_LONG;
	}
	if (version != NULL && end - version > (ptrdiff_t)sizeof("HTTP/1.1\r"))
		return bad(out, "malformed request line");
	return REQUEST_MORE;
}

/* The head does not end within LENGTH bytes: is it still worth waiting? */
static enum request_status unfinished(const struct request_progress *progress,
				      const byte *base, size_t length,
				      struct request *out)
{
	if (progress->line == progress->first) {
		enum request_status status = unfinished_line(
			base + progress->first, length - progress->first, out);

		if (status != REQUEST_MORE)
			return status;
	}
	if (length >= REQUEST_MAX_HEAD) {
		out->error = "request head too large";
		return REQUEST_HEAD_TOO_LARGE;
	}
	return REQUEST_MORE;
}

enum request_status request_scan(struct request_progress *progress,
				 const char *bytes, size_t length,
				 struct request *out)
{
	const byte *base = (const byte *)bytes;
	size_t limit = length < REQUEST_MAX_HEAD ? length : REQUEST_MAX_HEAD;
	enum request_status status;

	out->error = NULL;
	while (progress->seen < limit) {
		const byte *feed = memchr(base + progress->seen, '\n',
					  limit - progress->seen);
		uint32_t at;

		if (feed == NULL) {
			progress->seen = (uint32_t)limit;
			break;
		}
		at = (uint32_t)(feed - base);
		if (at == progress->line || feed[-1] != '\r')
			return bad(out, "bare line feed");
		progress->seen = at + 1;
		if (at - progress->line > 1) {
			/* a request line that is none is not waited upon */
			if (progress->line == progress->first) {
				status = scan_request_line(
					base, base + progress->line, out);
				if (status != REQUEST_DONE)
					return status;
			}
			progress->line = at + 1;
			continue;
		}
		if (progress->line != progress->first) {
			*out = (struct request){0};
			return scan_head(base, progress->first, at + 1, out);
		}
		/* RFC 9112 2.2: one empty line before a request is borne */
		if (progress->first != 0)
			return bad(out, "empty lines before the request");
		progress->first = progress->line = at + 1;
	}
	return unfinished(progress, base, limit, out);
}

const struct request_field *request_field(const struct request *request,
					  enum request_field_id id)
{
	for (uint32_t i = 0; i < request->field_count; i++)
		if (request->fields[i].id == id)
			return &request->fields[i];
	return NULL;
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
	// a:1:2 has the characters; that it has too many colons is for later
	name port* "\n"   { return length == 0 ? TARGET_BAD : TARGET_AUTHORITY; }
	literal port* "\n" { return TARGET_AUTHORITY; }
	scheme "://" visible+ "\n" { return TARGET_ABSOLUTE; }
	"/" visible* "\n" { return TARGET_ORIGIN; }
	*                 { return TARGET_BAD; }
	*/
}

static unsigned hex_value(byte c)
{
	return c <= '9' ? c - 0x30u : (c | 0x20u) - 0x61u + 10u;
}

size_t request_decode_host(char *bytes, size_t length)
{
	size_t out = 0;

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

bool request_proxy_host(const char *bytes, size_t length,
			struct request_span *host)
{
	byte copy[REQUEST_MAX_TARGET + 1];
	const byte *YYCURSOR = copy, *YYMARKER;
	const byte *from, *to;
	/*!stags:re2c:proxy format = 'const byte *@@;'; */

	if (length > REQUEST_MAX_TARGET || memchr(bytes, '\n', length) != NULL)
		return false;
	memcpy(copy, bytes, length);
	copy[length] = '\n';
	/*!re2c:proxy
	url      = [A-Za-z][-+.0-9A-Za-z]* "://";
	userinfo = ([-!$&'()*+,;=:._~%0-9A-Za-z]* "@")?;
	rest     = (":" [0-9]*)? ("/" visible*)?;

	url userinfo @from [-_.~0-9A-Za-z\x80-\xff]+ @to rest "\n" {
		*host = span(copy, from, to);
		return true;
	}
	url userinfo "[" @from [0-9A-Fa-f:.]+ @to "]" rest "\n" {
		*host = span(copy, from, to);
		return true;
	}
	* { return false; }
	*/
}
