/* roots-internal.h - what loading the roots (roots.c) and judging by them
 * (engine_client.c) share. */
#ifndef TLS_ROOTS_INTERNAL_H
#define TLS_ROOTS_INTERNAL_H

#include <bearssl.h>
#include <stdatomic.h>

#include "roots.h"

struct tls_roots {
	atomic_uint references;
	struct anchors anchors;
	enum roots_source source;
	char *path; /* owned; NULL: of none */
	size_t skipped;
	char why[ROOTS_WHY_MAX];
	/* What every connection begins as; nothing random is in it. */
	br_ssl_client_context template;
};

/* engine_client.c: fill in TEMPLATE. */
void engine_client_template(struct tls_roots *roots);

#endif
