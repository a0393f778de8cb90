/* context-internal.h - what loading a context (context.c) and serving by it
 * (engine.c) share. */
#ifndef TLS_CONTEXT_INTERNAL_H
#define TLS_CONTEXT_INTERNAL_H

#include <bearssl.h>
#include <stdatomic.h>

#include "anchors.h"
#include "context.h"
#include "credentials.h"
#include "crl.h"
#include "role.h"

struct tls_context {
	atomic_uint references;
	struct credentials own; /* what we present */
	struct anchors anchors;
	struct crl_set crls;
	bool has_crls;
	struct role_spec spec;
	br_x500_name *names; /* owned: of the anchors, and their DER */
	size_t name_count;
	/* What every connection begins as; nothing random is in it. */
	br_ssl_server_context template;
};

/* engine.c: fill in TEMPLATE.  REQUIRE: no handshake without a certificate. */
void engine_template(struct tls_context *context, bool require);

#endif
