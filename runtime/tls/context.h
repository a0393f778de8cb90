/* context.h - all of TLS that files say: our certificate and key, the CAs of
 * clients, their CRLs, and which role a certificate gives.  Loaded and checked
 * as a whole, never changed afterwards, counted: a reload makes another one.
 * Not here: connections, engine.h; what ends by itself, expiry.h. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_CONTEXT_WHY_MAX 1024
#define TLS_CONTEXT_MAX_BUNDLES 16
/* The names of all CAs go into one message of the handshake. */
#define TLS_CONTEXT_MAX_NAMES 60000

/* The strings are owned by the settings. */
struct tls_options {
	char *cert_file;     /* NULL: no TLS */
	char *key_file;      /* NULL: in CERT_FILE */
	char **more_bundles; /* further ones, each with its key */
	size_t more_count;
	char **ca_files;
	size_t ca_count;
	char **crl_files;
	size_t crl_count;
	unsigned crl_grace_ms;
	bool require_client_cert;
	char *role_from;      /* NULL: ROLE_DEFAULT_SPEC */
	bool role_by_program; /* who has which is for the program around us to
			       * say: no ROLE_FROM */
};

struct tls_context;

/* False: WHY, of TLS_CONTEXT_WHY_MAX bytes, says which file and why.  *OUT is
 * NULL if there is to be no TLS.  NOW is in seconds since 1970: CRLs are judged
 * by it. */
bool tls_context_load(const struct tls_options *options, int64_t now,
		      struct tls_context **out, char *why);

struct tls_context *tls_context_ref(struct tls_context *context);
/* Drops *CONTEXT's reference and sets it NULL.  NULL is allowed. */
void tls_context_unref(struct tls_context **context);

/* Of who has been judged by OLD nothing else would be found by NEW, which was
 * loaded by the same options: the CAs and CRLs are the same.  Either may be
 * NULL. */
bool tls_context_judges_alike(const struct tls_context *old,
			      const struct tls_context *new);

#endif
