/* chain.h - from the certificates that a peer presents to a verdict: a path to
 * an anchor is built and validated (RFC 5280 6), revocation included.
 *
 * The first certificate is the peer's own, for it proves to have that key.  The
 * others may stand in any order; those that are of no use, a root that is known
 * anyway among them, are passed over.  Several CAs may have one name: every way
 * up is tried, within limits that bound what a stranger can make us compute.
 *
 * Pure: no I/O, no clock, no allocation; views into the caller's bytes and the
 * anchors'.  Not here: who the peer is, role.h. */
#ifndef TLS_CHAIN_H
#define TLS_CHAIN_H

#include "anchors.h"
#include "crl.h"

#define CHAIN_MAX_CERTIFICATES 10
#define CHAIN_MAX_BYTES 65536
#define CHAIN_MAX_DEPTH (CHAIN_MAX_CERTIFICATES + 1) /* and the anchor */
#define CHAIN_MAX_SIGNATURES 32                      /* checked for one peer */
#define CHAIN_MAX_STEPS 512 /* pairs of certificates compared */
#define CHAIN_MAX_PATHS 32  /* validated */

enum chain_purpose { CHAIN_CLIENT = 0, CHAIN_SERVER };

struct chain_request {
	const struct anchors *anchors; /* linked */
	const struct crl_set *crls;    /* NULL: none */
	int64_t now;                   /* seconds since 1970 */
	enum chain_purpose purpose;
};

struct chain_result {
	enum trust trust;
	/* Whom TRUST is about: an index of what was presented, or the number of
	 * those if it is an anchor. */
	size_t at;
	struct certificate leaf; /* in order if TRUST is TRUST_OK */
	size_t depth;            /* certificates in the path, anchor included */
	int64_t expires;         /* last second for which TRUST_OK holds */
	bool unchecked;          /* somebody in the path has no CRL */
};

/* Judge the COUNT certificates in DER. */
struct chain_result chain_check(const struct bytes *der, size_t count,
				const struct chain_request *request);

#endif
