/* sessions.h - TLS sessions that clients may resume (RFC 5246 7.3, by session
 * ID): their secrets, and who the client has proved to be, which a resumed
 * handshake does not ask again.
 *
 * They belong to one tls_context: after a reload there are none, so that nobody
 * resumes past other CAs, other CRLs or another certificate of ours.  Nor does
 * a session outlast what was found out about the client's certificates. */
#ifndef TLS_SESSIONS_H
#define TLS_SESSIONS_H

#include <bearssl.h>
#include <stdbool.h>

#include "identity.h"
#include "lru.h"

#define SESSIONS_MAX 20000
#define SESSIONS_SECONDS 3600
/* Of certificates that are kept with them, which only a program around us asks
 * for; one with a longer one is not kept. */
#define SESSIONS_MAX_LEAF 4096

/* An lru of sessions.  NULL: out of memory. */
struct lru *sessions_new(size_t count);

/* Keep PARAMETERS, from NOW on, with a copy of IDENTITY (NULL: the client has
 * shown no certificate), until EXPIRES if that is earlier than usual. */
void sessions_save(struct lru *sessions,
		   const br_ssl_session_parameters *parameters,
		   const struct identity *identity, int64_t now,
		   int64_t expires);

/* Fill in PARAMETERS, in which is the ID.  *IDENTITY is the caller's, to be
 * freed, or NULL as above.  False: there is no such session, and nothing has
 * changed. */
bool sessions_load(struct lru *sessions, br_ssl_session_parameters *parameters,
		   int64_t now, struct identity **identity);

#endif
