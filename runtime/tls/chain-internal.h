/* chain-internal.h - what building a path (chain.c) and validating it (path.c)
 * share. */
#ifndef TLS_CHAIN_INTERNAL_H
#define TLS_CHAIN_INTERNAL_H

#include "chain.h"

/* From the leaf up; the last is the anchor, which may be the leaf itself. */
struct path {
	const struct certificate *certificates[CHAIN_MAX_DEPTH];
	size_t depth;
	size_t anchor; /* index in the anchors */
};

struct path_verdict {
	enum trust trust;
	const struct certificate *about;
	int64_t expires;
	bool unchecked;
};

/* Validate PATH, in which every signature has been checked.  WORK is what is
 * left of CONSTRAINTS_MAX_WORK. */
struct path_verdict path_check(const struct path *path,
			       const struct chain_request *request,
			       size_t *work);

#endif
