/* punycode.h - RFC 3492, one label at a time, without the "xn--".  For looking
 * inside A-labels; U-labels are encoded by libidn2. */
#ifndef POLICY_PUNYCODE_H
#define POLICY_PUNYCODE_H

#include <stddef.h>
#include <stdint.h>

#include "str.h"

/* A label of 63 bytes holds fewer code points than that. */
#define PUNYCODE_MAX 64

/* Decode TEXT (lower case); returns the number of code points, 0 when it is
 * malformed, holds a surrogate or is too long. */
size_t punycode_decode(struct str text, uint32_t points[PUNYCODE_MAX]);

/* Encode COUNT code points; returns the length, 0 when it does not fit. */
size_t punycode_encode(const uint32_t *points, size_t count,
		       char text[PUNYCODE_MAX]);

#endif
