/* idna.h - the way of a host name that is not plain ASCII: UTS #46, by
 * libidn2.  Private to hostname.c. */
#ifndef POLICY_IDNA_H
#define POLICY_IDNA_H

#include <stddef.h>
#include <stdint.h>

#include "hostname.h"
#include "str.h"

/* Longest input looked at, in bytes: characters may vanish in the mapping, so
 * it is more than HOSTNAME_MAX. */
#define IDNA_INPUT_MAX 1024

struct idna_result {
	size_t length;
	uint32_t rune;   /* for HOST_BAD_RUNE */
	const char *why; /* for HOST_IDNA: static text */
	char text[HOSTNAME_MAX + 2];
};

/* Map TEXT to lower-case ASCII: U-labels through libidn2, A-labels checked to
 * be canonical, the Bidi rule (RFC 5893) over the whole name.  A final dot is
 * kept.  The result still wants the checks of the ASCII path. */
enum host_error idna_to_ascii(struct str text, struct idna_result *result);

#endif
