/* chunked.h - the chunked transfer coding (RFC 9112 7.1), undone in place as
 * the bytes come in.  Sizes are hexadecimal digits and nothing else; extensions
 * are looked at, bounded and dropped; a line ends in CR LF.
 * Not here: the trailer section, which has the form of a head's fields. */
#ifndef GRAMMAR_CHUNKED_H
#define GRAMMAR_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#define CHUNKED_MAX_DIGITS 16u     /* of a size: what 64 bits hold */
#define CHUNKED_MAX_EXTENSION 256u /* bytes behind one size */

enum chunked_status {
	CHUNKED_MORE = 0, /* all taken, the body goes on */
	CHUNKED_LAST,     /* the last chunk's line is taken; trailers follow */
	CHUNKED_BAD,
};

/* Zeroed: at the beginning of a body. */
struct chunked {
	uint8_t state;
	uint8_t digits;     /* of the size being read */
	uint16_t extension; /* bytes of it so far */
	uint64_t left;      /* of the chunk, or the size being read */
};

/* What was found among the bytes: data, moved together, and how many of the
 * bytes were taken; those behind are untouched. */
struct chunked_piece {
	size_t start;
	size_t length;
	size_t used;
};

/* Take as many of the LENGTH bytes at BYTES as belong to the body.  With
 * CHUNKED_BAD the piece is empty and the bytes are worth nothing. */
enum chunked_status chunked_decode(struct chunked *chunked, char *bytes,
				   size_t length, struct chunked_piece *piece);

#endif
