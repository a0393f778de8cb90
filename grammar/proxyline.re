/* proxyline.re - see proxyline.h.
 * The end of the line is looked for first: it is a line feed, which no rule
 * accepts before the end, so the scanner cannot run past the line. */
#include "grammar/proxyline.h"

#include <string.h>

typedef unsigned char byte;

/*!re2c
	re2c:define:YYCTYPE = byte;
	re2c:yyfill:enable = 0;
	re2c:sentinel = 10;
	re2c:tags = 1;

	crlf = "\r\n";
	// no zeros in front: one number has one spelling
	port = "0" | [1-9][0-9]{0,4};
	v4   = [0-9.]{7,15};
	v6   = [0-9A-Fa-f:.]{2,39};
	rest = [^\r\n]*;
*/

static struct proxyline_span span(const byte *base, const byte *from,
				  const byte *to)
{
	return (struct proxyline_span){(uint32_t)(from - base),
				       (uint32_t)(to - from)};
}

static uint32_t number(const byte *from, const byte *to)
{
	uint32_t value = 0;

	for (; from < to; from++)
		value = value * 10 + (uint32_t)(*from - '0');
	return value;
}

static enum proxyline_status scan_line(const byte *line, struct proxyline *out)
{
	const byte *YYCURSOR = line, *YYMARKER;
	const byte *s, *se, *d, *de, *sp, *spe, *dp, *dpe;
	/*!stags:re2c format = 'const byte *@@;'; */

	/*!re2c
	"PROXY UNKNOWN" (" " rest)? crlf {
		out->family = PROXYLINE_UNKNOWN;
		return PROXYLINE_DONE;
	}
	"PROXY TCP4 " @s v4 @se " " @d v4 @de " " @sp port @spe " " @dp port
		@dpe crlf {
		out->family = PROXYLINE_TCP4;
		goto addresses;
	}
	"PROXY TCP6 " @s v6 @se " " @d v6 @de " " @sp port @spe " " @dp port
		@dpe crlf {
		out->family = PROXYLINE_TCP6;
		goto addresses;
	}
	* { return PROXYLINE_BAD; }
	*/
addresses:
	out->source = span(line, s, se);
	out->destination = span(line, d, de);
	out->source_port = number(sp, spe);
	out->destination_port = number(dp, dpe);
	return PROXYLINE_DONE;
}

/* Whether more bytes can make a line of the LENGTH that are there. */
static enum proxyline_status begin_of_line(const char *bytes, size_t length)
{
	static const char start[] = "PROXY ";
	size_t n = sizeof(start) - 1;

	return length < PROXYLINE_MAX &&
			       memcmp(bytes, start, length < n ? length : n) ==
				       0
		       ? PROXYLINE_MORE
		       : PROXYLINE_BAD;
}

enum proxyline_status proxyline_scan(const char *bytes, size_t length,
				     struct proxyline *out)
{
	size_t n = length < PROXYLINE_MAX ? length : PROXYLINE_MAX;
	const char *end = n != 0 ? memchr(bytes, '\n', n) : NULL;

	*out = (struct proxyline){.length = 0};
	if (n == 0)
		return PROXYLINE_MORE;
	if (end == NULL)
		return begin_of_line(bytes, n);
	out->length = (uint32_t)(end - bytes) + 1;
	return scan_line((const byte *)bytes, out);
}
