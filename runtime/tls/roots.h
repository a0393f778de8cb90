/* roots.h - the CAs by which we judge servers, wherever we are the client: the
 * file that the operator gives, or else SSL_CERT_FILE, or else the system's.
 * Loaded as a whole, never changed afterwards, counted: a reload makes another
 * one.  Not here: connections, engine.h. */
#ifndef TLS_ROOTS_H
#define TLS_ROOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "anchors.h"

#define ROOTS_WHY_MAX ANCHORS_WHY_MAX

enum roots_source {
	ROOTS_NONE = 0, /* there is none of them: no server will be trusted */
	ROOTS_GIVEN,
	ROOTS_ENVIRONMENT, /* SSL_CERT_FILE */
	ROOTS_SYSTEM,
};

struct tls_roots;

/* Load FILE, of which every certificate must be of use.  NULL: what the
 * environment or the system has, as far as it is of use; that there is nothing
 * is no error before a server is to be judged.  False: WHY, of ROOTS_WHY_MAX
 * bytes, says which file and why. */
bool tls_roots_load(const char *file, struct tls_roots **out, char *why);

struct tls_roots *tls_roots_ref(struct tls_roots *roots);
/* Drops *ROOTS's reference and sets it NULL.  NULL is allowed. */
void tls_roots_unref(struct tls_roots **roots);

struct roots_info {
	enum roots_source source;
	const char *path; /* as long as the roots; NULL: of none */
	size_t count;     /* certificates, */
	size_t skipped;   /* and those that are of no use */
	const char *why;  /* ROOTS_NONE: why; else NULL */
};
struct roots_info tls_roots_info(const struct tls_roots *roots);

#endif
