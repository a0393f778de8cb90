/* context-internal.h - what loading a context (context.c) and serving by it
 * (engine.c) share. */
#ifndef TLS_CONTEXT_INTERNAL_H
#define TLS_CONTEXT_INTERNAL_H

#include <bearssl.h>
#include <stdatomic.h>

#include "anchors.h"
#include "bundle.h"
#include "context.h"
#include "crl.h"
#include "expiry.h"
#include "lru.h"
#include "role.h"

struct tls_context {
	atomic_uint references;
	struct bundle *bundles; /* owned */
	size_t bundle_count;
	struct anchors anchors;
	struct crl_set crls;
	bool has_crls;
	struct expiry *expiries; /* owned */
	size_t expiry_count;
	struct role_spec spec;
	br_x500_name *names; /* owned: of the anchors, and their DER */
	size_t name_count;
	struct lru *sessions; /* owned; sessions.h */
	struct lru *verdicts; /* owned; verdicts.h */
	/* What every connection begins as; nothing random is in it. */
	br_ssl_server_context template;
};

/* engine_server.c: fill in TEMPLATE.  REQUIRE: no handshake without a
 * certificate. */
void engine_template(struct tls_context *context, bool require);

#endif
