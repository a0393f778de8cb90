/* head.re - see head.h.
 * Two passes, each over every byte once: the end of the head is looked for as
 * bytes come in; when it is there, the lines are scanned by re2c.  A line ends
 * in a line feed and no rule accepts one before its end, so the scanners need
 * no other limit: they cannot run past the line they were given. */
#include "grammar/head.h"

#include <string.h>

typedef unsigned char byte;

/*!re2c
	re2c:define:YYCTYPE = byte;
	re2c:yyfill:enable = 0;
	re2c:sentinel = 10;
	re2c:tags = 1;

	crlf    = "\r\n";
	token   = [-!#$%&'*+.^_`|~0-9A-Za-z]+;
	// RFC 9110 5.5: visible, obs-text, and blanks between
	visible = [\x21-\x7e\x80-\xff];
	blank   = [ \t];
*/

void head_clear(struct head *head)
{
	memset(head, 0, offsetof(struct head, fields));
}

enum head_status head_find_end(struct head_progress *progress,
			       const char *bytes, size_t length, uint32_t limit,
			       struct head *out)
{
	size_t end = length < limit ? length : limit;

	while (progress->seen < end) {
		const char *feed = memchr(bytes + progress->seen, '\n',
					  end - progress->seen);
		uint32_t at;

		if (feed == NULL) {
			progress->seen = (uint32_t)end;
			break;
		}
		at = (uint32_t)(feed - bytes);
		if (at == progress->line || feed[-1] != '\r')
			return head_refuse(out, HEAD_BAD, "bare line feed");
		progress->seen = at + 1;
		if (at - progress->line == 1) {
			out->length = at + 1;
			return HEAD_DONE;
		}
		progress->line = at + 1;
	}
	if (length >= limit)
		return head_refuse(out, HEAD_TOO_LARGE, "head too large");
	return HEAD_MORE;
}

/* --- fields --- */

static struct head_span span(const byte *base, const byte *from, const byte *to)
{
	return (struct head_span){(uint32_t)(from - base),
				  (uint32_t)(to - from)};
}

/* A name ends in a colon, which is in none: the sentinel here. */
static enum field_id field_id(const byte *name)
{
	const byte *YYCURSOR = name, *YYMARKER;

	/*!re2c
	'connection:'             { return FIELD_CONNECTION; }
	'content-length:'         { return FIELD_CONTENT_LENGTH; }
	'date:'                   { return FIELD_DATE; }
	'expect:'                 { return FIELD_EXPECT; }
	'host:'                   { return FIELD_HOST; }
	'keep-alive:'             { return FIELD_KEEP_ALIVE; }
	'max-forwards:'           { return FIELD_MAX_FORWARDS; }
	'proxy-'                  { return FIELD_PROXY; }
	'te:'                     { return FIELD_TE; }
	'trailer:'                { return FIELD_TRAILER; }
	'transfer-encoding:'      { return FIELD_TRANSFER_ENCODING; }
	'upgrade:'                { return FIELD_UPGRADE; }
	'x-smokescreen-error:'    { return FIELD_ERROR; }
	'x-smokescreen-role:'     { return FIELD_ROLE; }
	'x-smokescreen-trace-id:' { return FIELD_TRACE_ID; }
	'x-upstream-https-proxy:' { return FIELD_UPSTREAM_PROXY; }
	*                         { return FIELD_OTHER; }
	*/
}

/* One line at LINE; *END is where the next one starts. */
static enum head_status scan_field(const byte *base, const byte *line,
				   const byte **end, struct head *out)
{
	const byte *YYCURSOR = line, *YYMARKER;
	const byte *name_end, *value, *value_end;
	struct head_field *field;
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
	blank {
		return head_refuse(out, HEAD_BAD, "folded header field");
	}
	":" {
		return head_refuse(out, HEAD_BAD,
				   "header field without a name");
	}
	* { return head_refuse(out, HEAD_BAD, "malformed header field"); }
	*/
found:
	if (out->field_count == HEAD_MAX_FIELDS)
		return head_refuse(out, HEAD_TOO_LARGE,
				   "too many header fields");
	field = &out->fields[out->field_count++];
	field->id = (uint8_t)field_id(line);
	field->hop = false;
	field->name = span(base, line, name_end);
	field->value = span(base, value, value_end);
	*end = YYCURSOR;
	return HEAD_DONE;
}

enum head_status head_scan_fields(const char *bytes, uint32_t start,
				  uint32_t end, struct head *out)
{
	const byte *base = (const byte *)bytes;
	const byte *line = base + start;

	/* the empty line is the two last bytes */
	while (line < base + end - 2) {
		enum head_status status = scan_field(base, line, &line, out);

		if (status != HEAD_DONE)
			return status;
	}
	return HEAD_DONE;
}

const struct head_field *head_field(const struct head *head, enum field_id id)
{
	for (uint32_t i = 0; i < head->field_count; i++)
		if (head->fields[i].id == id)
			return &head->fields[i];
	return NULL;
}

static byte lower(byte c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool equal(const byte *a, size_t n, const byte *b, size_t m)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool head_equal(const char *text, size_t length, const char *literal)
{
	return equal((const byte *)text, length, (const byte *)literal,
		     strlen(literal));
}

/* --- what they say together --- */

/* Digits and nothing else, of 64 bits at most. */
static bool read_number(const byte *p, size_t n, uint64_t *out)
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

/* The value runs to the end of its line, which holds nothing but blanks then. */
static enum head_status judge_coding(const byte *value, struct head *head)
{
	const byte *YYCURSOR = value, *YYMARKER;

	if (head->chunked)
		return head_refuse(head, HEAD_BAD, "two Transfer-Encodings");
	if (head->minor == 0)
		return head_refuse(head, HEAD_BAD,
				   "Transfer-Encoding in HTTP/1.0");
	/*!re2c
	'chunked' blank* crlf {
		head->chunked = true;
		return HEAD_DONE;
	}
	// RFC 9112 6.1: whole but unknown, so 501; last must be chunked
	'chunked' blank* "," (visible | blank)* crlf { goto bad; }
	(token blank* "," blank*)* 'chunked' blank* crlf { goto unknown; }
	token blank* crlf { goto unknown; }
	* { goto bad; }
	*/
unknown:
	return head_refuse(head, HEAD_BAD_CODING,
			   "a Transfer-Encoding other than chunked");
bad:
	return head_refuse(head, HEAD_BAD, "bad Transfer-Encoding");
}

/* An option of Connection: one we know, and the name of a field that goes no
 * further. */
static void take_option(const byte *base, const byte *from, const byte *to,
			struct head *head)
{
	size_t length = (size_t)(to - from);
	const char *text = (const char *)from;

	if (head_equal(text, length, "close"))
		head->close = true;
	else if (head_equal(text, length, "keep-alive"))
		head->keep_alive = true;
	else if (head_equal(text, length, "upgrade"))
		head->upgrade = true;
	for (uint32_t i = 0; i < head->field_count; i++) {
		struct head_field *field = &head->fields[i];

		if (equal(from, length, base + field->name.start,
			  field->name.length))
			field->hop = true;
	}
}

static enum head_status judge_connection(const byte *base, const byte *value,
					 uint32_t *options, struct head *head)
{
	const byte *YYCURSOR = value, *YYMARKER;
	const byte *start, *end;
	/*!stags:re2c:option format = 'const byte *@@;'; */

	for (;;) {
		/*!re2c:option
		@start token @end {
			if (++*options > HEAD_MAX_OPTIONS)
				return head_refuse(
					head, HEAD_TOO_LARGE,
					"too many options in Connection");
			take_option(base, start, end, head);
			goto next;
		}
		blank | "," { continue; }
		crlf { return HEAD_DONE; }
		* { return head_refuse(head, HEAD_BAD, "bad Connection"); }
		*/
	next:
		/*!re2c
		blank* "," { continue; }
		blank* crlf { return HEAD_DONE; }
		* { return head_refuse(head, HEAD_BAD, "bad Connection"); }
		*/
	}
}

static bool is_websocket(const byte *value)
{
	const byte *YYCURSOR = value, *YYMARKER;

	/*!re2c
	'websocket' blank* crlf { return true; }
	* { return false; }
	*/
}

/* Is "trailers" in a list of codings? */
static bool takes_trailers(const byte *value)
{
	const byte *YYCURSOR = value, *YYMARKER;

	/*!re2c
	rest = blank* ("," (visible | blank)*)? crlf;
	((visible | blank)* "," blank*)? 'trailers' rest { return true; }
	* { return false; }
	*/
}

static enum head_status judge_field(const byte *base, uint32_t *options,
				    const struct head_field *field,
				    struct head *head)
{
	const byte *value = base + field->value.start;

	switch (field->id) {
	case FIELD_CONNECTION:
		return judge_connection(base, value, options, head);
	case FIELD_CONTENT_LENGTH:
		/* RFC 9112 6.3: one, and one number */
		if (head->has_length ||
		    !read_number(value, field->value.length,
				 &head->content_length))
			return head_refuse(head, HEAD_BAD,
					   "bad Content-Length");
		head->has_length = true;
		break;
	case FIELD_MAX_FORWARDS:
		head->counted = read_number(value, field->value.length,
					    &head->max_forwards);
		break;
	case FIELD_TE:
		head->trailers |= takes_trailers(value);
		break;
	case FIELD_TRANSFER_ENCODING:
		return judge_coding(value, head);
	case FIELD_UPGRADE:
		/* a second one spoils it */
		head->websocket = is_websocket(value) &&
				  head_field(head, FIELD_UPGRADE) == field;
		break;
	default:
		break;
	}
	return HEAD_DONE;
}

enum head_status head_judge_fields(const char *bytes, struct head *head)
{
	const byte *base = (const byte *)bytes;
	uint32_t options = 0;

	for (uint32_t i = 0; i < head->field_count; i++) {
		enum head_status status = judge_field(
			base, &options, &head->fields[i], head);

		if (status != HEAD_DONE)
			return status;
	}
	/* RFC 9112 6.1: an attempt to smuggle, or as good as one */
	if (head->has_length && head->chunked)
		return head_refuse(
			head, HEAD_BAD,
			"both Content-Length and Transfer-Encoding");
	return HEAD_DONE;
}
