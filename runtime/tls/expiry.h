/* expiry.h - what of TLS ends by itself, our certificate and the CRLs, and the
 * words for it, a day ahead.  Nobody is kept out here: clients that check
 * certificates do that, and crl_set.c.
 * Not here: the clock, runtime/expiring.h. */
#ifndef TLS_EXPIRY_H
#define TLS_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "role.h"

#define EXPIRY_AHEAD 86400 /* seconds */

struct tls_context;

struct expiry {
	bool is_crl;               /* else it is a certificate of ours */
	const char *file;          /* of that; borrowed; NULL: there is one */
	char issuer[ROLE_MAX + 1]; /* of a CRL: the last CN of its name */
	int64_t at; /* the last second that it is good, since 1970 */
};

/* context.c: note what CONTEXT holds.  False: out of memory. */
bool expiry_gather(struct tls_context *context);

/* All that there is, COUNT of them: our certificates, then the CRLs by issuer,
 * the first to end first.  CONTEXT's own. */
const struct expiry *expiry_list(const struct tls_context *context,
				 size_t *count);

/* TEXT ends with no newline. */
typedef void expiry_say(void *closure, const char *text);

/* Say all that is no mistake, and yet will keep somebody out: what is so at NOW
 * for the first time. */
void expiry_warn(const struct tls_context *context, int64_t now,
		 expiry_say *say, void *closure);

/* Say what of it has come to be so after THEN, which was before NOW. */
void expiry_warn_since(const struct tls_context *context, int64_t then,
		       int64_t now, expiry_say *say, void *closure);

/* When there will be something to say, after NOW; INT64_MAX: never. */
int64_t expiry_next(const struct tls_context *context, int64_t now);

#endif
