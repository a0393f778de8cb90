/* constraints.h - name constraints (RFC 5280 4.2.1.10): are the names of a
 * certificate within what a CA above it may vouch for?  Critical or not, they
 * are enforced; a form of name that cannot be judged is refused as soon as it
 * is both constrained and there.  Pure. */
#ifndef TLS_CONSTRAINTS_H
#define TLS_CONSTRAINTS_H

#include "certificate.h"

/* Comparisons for one peer: names times constraints, both of a stranger's
 * choice; a long one counts once more for each CONSTRAINTS_UNIT octets. */
#define CONSTRAINTS_MAX_WORK 50000
#define CONSTRAINTS_UNIT 64

/* Judge the names of BELOW by the constraints of CA.  WORK is what is left of
 * CONSTRAINTS_MAX_WORK.  TRUST_OK, TRUST_CONSTRAINT, TRUST_CONSTRAINT_FORM or
 * TRUST_TOO_COMPLEX. */
enum trust constraints_check(const struct certificate *below,
			     const struct certificate *ca, size_t *work);

#endif
