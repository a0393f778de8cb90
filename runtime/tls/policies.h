/* policies.h - certificate policies along a path (RFC 5280 6.1), for a verifier
 * that is content with any: a path fails when a CA in it demands a policy and
 * none is left that all agree on.
 *
 * RFC 5280 keeps a tree, which an attacker can make grow without bound.  All
 * that is ever asked of it is what its lowest level holds: a set, kept here,
 * with a limit.  Pure. */
#ifndef TLS_POLICIES_H
#define TLS_POLICIES_H

#include "certificate.h"

#define POLICIES_MAX 128

struct policies {
	bool any; /* anyPolicy is among them */
	struct bytes expected[POLICIES_MAX];
	size_t count;
	uint32_t require; /* certificates until one is demanded; all three: */
	uint32_t mapping; /* CERTIFICATE_NONE for never */
	uint32_t inhibit_any;
};

/* The start, below ANCHOR. */
void policies_init(struct policies *policies, const struct certificate *anchor);

/* Go one certificate down; LAST for the leaf.  TRUST_OK, TRUST_POLICY or
 * TRUST_TOO_COMPLEX. */
enum trust policies_step(struct policies *policies,
			 const struct certificate *certificate, bool last);

#endif
