/* server_policy.h - which of our certificates and which cipher suite a client
 * is served with, and what is signed for it, as BearSSL asks during the
 * handshake.  Only suites with ECDHE and an AEAD are ever chosen, whatever the
 * client offers. */
#ifndef TLS_SERVER_POLICY_H
#define TLS_SERVER_POLICY_H

#include <bearssl.h>

#include "bundle.h"

struct server_policy {
	const br_ssl_server_policy_class *vtable;
	const struct bundle *bundles; /* borrowed; the first that does is taken
				       */
	size_t bundle_count;
	const struct bundle *chosen; /* of BUNDLES; NULL: none yet, or a session
				      * is resumed, for which none is needed */
};

/* What ENGINE offers with these bundles, best first. */
void server_policy_set_suites(br_ssl_engine_context *engine,
			      const struct bundle *bundles, size_t count);

/* For br_ssl_server_set_policy(). */
void server_policy_init(struct server_policy *policy,
			const struct bundle *bundles, size_t count);

#endif
