/* hostname.h - host names and authorities in the one form that the policy
 * compares (UPSTREAM's NormalizeHost, UTS #46 non-transitional by libidn2).
 * hostname.c is the pure ASCII path, without allocation; idna.c the other. */
#ifndef POLICY_HOSTNAME_H
#define POLICY_HOSTNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "str.h"

#define HOSTNAME_MAX 253 /* RFC 1035 2.3.4, without the final dot */
#define HOSTNAME_LABEL_MAX 63
#define HOSTNAME_MAX_LABELS 127
#define HOSTNAME_ERROR_MAX 128
#define HOSTNAME_PAD 64 /* readable bytes beyond the text, for wide loads */

enum host_form {
	HOST_NONE = 0, /* nothing was given, or it was refused */
	HOST_NAME,
	HOST_IPV4, /* canonical dotted quad, mapped IPv6 included */
	HOST_IPV6, /* canonical RFC 5952 text */
};

enum host_error {
	HOST_OK = 0,
	HOST_EMPTY,
	HOST_TOO_LONG, /* more than HOSTNAME_MAX bytes */
	HOST_LABEL_TOO_LONG,
	HOST_EMPTY_LABEL, /* a..b, .a */
	HOST_BAD_RUNE,    /* outside [a-z0-9._-] after mapping; see rune */
	HOST_IDNA,        /* refused by libidn2; see idna_error */
	HOST_NUMERIC,     /* a libc would read it as an address, yet it is
			   * not a canonical dotted quad */
	HOST_NEEDS_IDNA,  /* internal: not for the ASCII path */
};

/* A normalised host: lower-case ASCII, no trailing dot. */
struct hostname {
	enum host_form form;
	uint16_t length;
	struct addr addr;       /* for HOST_IPV4 and HOST_IPV6 */
	uint32_t rune;          /* for HOST_BAD_RUNE: the code point */
	const char *idna_error; /* for HOST_IDNA: static text */
	char text[HOSTNAME_MAX + 1 + HOSTNAME_PAD]; /* NUL-terminated, zero
						     * padded */
};

/* Normalise TEXT.  HOST_OK fills OUT; any other answer leaves OUT->form
 * HOST_NONE, which no policy entry matches.  ASCII names take no allocation;
 * others go through libidn2.
 *
 * Final dots are dropped, as matching wants it; who needs to know of them looks
 * at TEXT.  Symbols (emoji) are accepted as A-labels, not as U-labels.  An
 * address with a final dot is HOST_NUMERIC. */
enum host_error hostname_normalize(struct str text, struct hostname *out);

/* The ASCII path alone: HOST_NEEDS_IDNA when TEXT is not plain ASCII or has an
 * xn-- label. */
enum host_error hostname_normalize_ascii(struct str text, struct hostname *out);

/* One line for people: "disallowed rune U+0020". BUFFER has room for
 * HOSTNAME_ERROR_MAX. */
const char *hostname_error_text(enum host_error error,
				const struct hostname *host, char *buffer);

/* True for what inet_aton() reads beyond canonical dotted quads: decimal,
 * octal, hex, one to four parts. */
bool hostname_is_numeric_form(struct str text);

enum authority_error {
	AUTHORITY_OK = 0,
	AUTHORITY_NO_PORT,
	AUTHORITY_TOO_MANY_COLONS,
	AUTHORITY_BRACKETS, /* missing, misplaced, or around a name */
	AUTHORITY_BAD_PORT, /* not a number 0..65535 */
};

/* Split "host:port" as Go's net.SplitHostPort does; IPv6 needs brackets, which
 * are stripped.  HOST is borrowed from TEXT and not yet normalised. */
enum authority_error authority_split(struct str text, struct str *host,
				     uint16_t *port);

const char *authority_error_text(enum authority_error error);

#endif
