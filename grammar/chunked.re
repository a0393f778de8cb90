/* chunked.re - see chunked.h.
 * A size line may come a byte at a time and is kept nowhere: each rule takes
 * one byte and names the condition that the next one meets.  Data is not
 * scanned but skipped. */
#include "grammar/chunked.h"

#include <stdbool.h>
#include <string.h>

typedef unsigned char byte;

/*!conditions:re2c*/

static unsigned hex_value(byte c)
{
	return c <= '9' ? c - 0x30u : (c | 0x20u) - 0x61u + 10u;
}

static bool add_digit(struct chunked *chunked, byte c)
{
	if (++chunked->digits > CHUNKED_MAX_DIGITS)
		return false;
	chunked->left = chunked->left << 4 | hex_value(c);
	return true;
}

/* Take the byte C; it is one of a size line, or the end of a chunk. */
static enum chunked_status step(struct chunked *chunked, byte c)
{
	const byte *YYCURSOR = &c;

	/*!re2c
	re2c:define:YYCTYPE = byte;
	re2c:yyfill:enable = 0;
	re2c:define:YYGETCONDITION = "chunked->state";
	re2c:define:YYGETCONDITION:naked = 1;
	re2c:define:YYSETCONDITION = "chunked->state = @@;";
	re2c:define:YYSETCONDITION:naked = 1;

	hex     = [0-9A-Fa-f];
	tchar   = [-!#$%&'*+.^_`|~0-9A-Za-z];
	qdtext  = [\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff];
	escaped = [\t\x20-\x7e\x80-\xff];

	// RFC 9110 5.6.3: blanks that may not be sent, and must be borne
	bad_blank = [ \t];

	// chunk-size [ chunk-ext ] CRLF
	<size> hex => digits {
		chunked->left = hex_value(c);
		chunked->digits = 1;
		chunked->extension = 0;
		return CHUNKED_MORE;
	}
	<digits> hex {
		return add_digit(chunked, c) ? CHUNKED_MORE : CHUNKED_BAD;
	}
	<digits, name, token, closed> ";" => first  { goto extension; }
	<digits, name, token, closed> "\r" => feed  { return CHUNKED_MORE; }
	<feed> "\n" => data {
		return chunked->left == 0 ? CHUNKED_LAST : CHUNKED_MORE;
	}

	// chunk-ext = *( BWS ";" BWS name
	//	[ BWS "=" BWS ( token / quoted-string ) ] )
	<digits, token, closed> bad_blank => behind { goto extension; }
	<behind> bad_blank       { goto extension; }
	<behind, named> ";" => first { goto extension; }
	<first> bad_blank        { goto extension; }
	<first> tchar => name    { goto extension; }
	<name> tchar             { goto extension; }
	<name> bad_blank => named { goto extension; }
	<named> bad_blank        { goto extension; }
	<name, named> "=" => value { goto extension; }
	<value> bad_blank        { goto extension; }
	<value> tchar => token   { goto extension; }
	<token> tchar            { goto extension; }
	<value> ["] => quoted    { goto extension; }
	<quoted> qdtext          { goto extension; }
	<quoted> "\\" => escape  { goto extension; }
	<escape> escaped => quoted { goto extension; }
	<quoted> ["] => closed   { goto extension; }

	// CRLF behind the data
	<data> "\r" => data_feed { return CHUNKED_MORE; }
	<data_feed> "\n" => size { return CHUNKED_MORE; }

	<*> [^] { return CHUNKED_BAD; }
	*/
extension:
	return ++chunked->extension > CHUNKED_MAX_EXTENSION ? CHUNKED_BAD
							    : CHUNKED_MORE;
}

/* N bytes of data at FROM go behind those of PIECE. */
static void take_data(struct chunked *chunked, char *bytes, size_t from,
		      size_t n, struct chunked_piece *piece)
{
	if (piece->length == 0)
		piece->start = from;
	else
		memmove(bytes + piece->start + piece->length, bytes + from, n);
	piece->length += n;
	piece->used += n;
	chunked->left -= n;
}

enum chunked_status chunked_decode(struct chunked *chunked, char *bytes,
				   size_t length, struct chunked_piece *piece)
{
	*piece = (struct chunked_piece){0};
	while (piece->used < length) {
		size_t rest = length - piece->used;
		enum chunked_status status;

		if (chunked->state == yycdata && chunked->left != 0) {
			take_data(chunked, bytes, piece->used,
				  chunked->left < rest ? (size_t)chunked->left
						       : rest,
				  piece);
			continue;
		}
		status = step(chunked, (byte)bytes[piece->used++]);
		if (status == CHUNKED_BAD)
			*piece = (struct chunked_piece){0};
		if (status != CHUNKED_MORE)
			return status;
	}
	return CHUNKED_MORE;
}
