/* context-internal.h - what loading a context (context.c) and serving by it
 * (engine.c) share. */
#ifndef TLS_CONTEXT_INTERNAL_H
#define TLS_CONTEXT_INTERNAL_H

#include <bearssl.h>
#include <stdatomic.h>

#include "anchors.h"
#include "context.h"
#include "crl.h"
#include "expiry.h"
#include "private_key.h"
#include "role.h"

struct tls_context {
	atomic_uint references;
	br_x509_certificate chain[TLS_CONTEXT_MAX_CHAIN]; /* DER is owned */
	size_t chain_count;
	struct certificate leaf; /* a view of the first */
	struct private_key *key; /* owned */
	struct anchors anchors;
	struct crl_set crls;
	bool has_crls;
	struct expiry *expiries; /* owned */
	size_t expiry_count;
	struct role_spec spec;
	br_x500_name *names; /* owned: of the anchors, and their DER */
	size_t name_count;
	/* What every connection begins as; nothing random is in it. */
	br_ssl_server_context template;
};

/* engine.c: fill in TEMPLATE.  REQUIRE: no handshake without a certificate. */
void engine_template(struct tls_context *context, bool require);

#endif
