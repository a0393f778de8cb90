/* response.re - see response.h. */
#include "grammar/response.h"

#include <string.h>

typedef unsigned char byte;

/*!re2c
	re2c:define:YYCTYPE = byte;
	re2c:yyfill:enable = 0;
	re2c:sentinel = 10;
	re2c:tags = 1;

	crlf = "\r\n";
	text = [\t\x20-\x7e\x80-\xff];
*/

static enum head_status scan_status_line(const byte *base, const byte *line,
					 struct response *out)
{
	const byte *YYCURSOR = line, *YYMARKER;
	const byte *minor, *status, *reason;
	/*!stags:re2c:status format = 'const byte *@@;'; */

	/*!re2c:status
	// RFC 9112 4 wants the space before no reason, many do without
	"HTTP/1." @minor [0-9] " " @status [1-9][0-9]{2} (" " @reason text*)?
		crlf {
		out->status = (uint16_t)((status[0] - '0') * 100 +
					 (status[1] - '0') * 10 +
					 (status[2] - '0'));
		if (reason != NULL)
			out->reason = (struct head_span){
				(uint32_t)(reason - base),
				(uint32_t)(YYCURSOR - 2 - reason)};
		else
			out->reason = (struct head_span){0};
		out->head.minor = minor[0] == '0' ? 0 : 1;
		return HEAD_DONE;
	}
	* {
		return head_refuse(&out->head, HEAD_BAD,
				   "malformed status line");
	}
	*/
}

static enum head_status scan_head(const char *bytes, struct response *out)
{
	const char *feed = memchr(bytes, '\n', out->head.length);
	enum head_status status =
		scan_status_line((const byte *)bytes, (const byte *)bytes, out);

	if (status == HEAD_DONE)
		status = head_scan_fields(bytes, (uint32_t)(feed - bytes) + 1,
					  out->head.length, &out->head);
	if (status == HEAD_DONE)
		status = head_judge_fields(bytes, &out->head);
	return status;
}

/* What is no HTTP/1 is known by its first bytes; a server that speaks first,
 * SMTP say, would otherwise be waited for. */
static bool may_become_a_response(const char *bytes, size_t length)
{
	static const char start[] = "HTTP/1.";
	size_t n = length < sizeof(start) - 1 ? length : sizeof(start) - 1;

	return memcmp(bytes, start, n) == 0;
}

enum head_status response_scan(struct head_progress *progress,
			       const char *bytes, size_t length,
			       struct response *out)
{
	enum head_status status;

	head_clear(&out->head);
	if (!may_become_a_response(bytes, length))
		return head_refuse(&out->head, HEAD_BAD,
				   "malformed status line");
	status = head_find_end(progress, bytes, length, RESPONSE_MAX_HEAD,
			       &out->head);
	return status == HEAD_DONE ? scan_head(bytes, out) : status;
}
