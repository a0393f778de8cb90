/* roots.c - see roots.h. */
#include "roots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roots-internal.h"

/* Where systems have theirs, in one file: Debian, Fedora, openSUSE, RHEL,
 * Alpine. */
static const char *const stores[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

/* The first of them that is there, or NULL. */
static const char *find_store(void)
{
	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++)
		if (access(stores[i], R_OK) == 0)
			return stores[i];
	return NULL;
}

/* What the environment or the system has.  Whatever is wrong with it must not
 * keep a proxy from its work that asks nobody for a certificate. */
static bool load_found(struct tls_roots *roots)
{
	const char *path = getenv("SSL_CERT_FILE");

	roots->source = ROOTS_ENVIRONMENT;
	if (path == NULL || *path == '\0') {
		path = find_store();
		roots->source = ROOTS_SYSTEM;
	}
	if (path == NULL) {
		snprintf(roots->why, sizeof(roots->why),
			 "this system has no file with CAs in any of the usual "
			 "places");
		roots->source = ROOTS_NONE;
		return true;
	}
	if (!anchors_load_usable(&roots->anchors, path, &roots->skipped,
				 roots->why)) {
		anchors_fini(&roots->anchors);
		roots->source = ROOTS_NONE;
	}
	roots->path = strdup(path);
	return roots->path != NULL;
}

static bool load_given(struct tls_roots *roots, const char *path)
{
	roots->source = ROOTS_GIVEN;
	roots->path = strdup(path);
	if (roots->path == NULL) {
		snprintf(roots->why, sizeof(roots->why), "out of memory");
		return false;
	}
	return anchors_load(&roots->anchors, path, roots->why);
}

bool tls_roots_load(const char *file, struct tls_roots **out, char *why)
{
	struct tls_roots *roots = calloc(1, sizeof(*roots));

	*out = NULL;
	snprintf(why, ROOTS_WHY_MAX, "out of memory");
	if (roots == NULL)
		return false;
	atomic_init(&roots->references, 1);
	anchors_init(&roots->anchors);
	if (file != NULL ? !load_given(roots, file) : !load_found(roots)) {
		snprintf(why, ROOTS_WHY_MAX, "%s", roots->why);
		tls_roots_unref(&roots);
		return false;
	}
	anchors_link(&roots->anchors);
	engine_client_template(roots);
	*out = roots;
	return true;
}

struct tls_roots *tls_roots_ref(struct tls_roots *roots)
{
	atomic_fetch_add_explicit(&roots->references, 1, memory_order_relaxed);
	return roots;
}

void tls_roots_unref(struct tls_roots **slot)
{
	struct tls_roots *roots = *slot;

	*slot = NULL;
	if (roots == NULL ||
	    atomic_fetch_sub_explicit(&roots->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	anchors_fini(&roots->anchors);
	free(roots->path);
	free(roots);
}

struct roots_info tls_roots_info(const struct tls_roots *roots)
{
	return (struct roots_info){
		.source = roots->source,
		.path = roots->path,
		.count = roots->anchors.count,
		.skipped = roots->skipped,
		.why = roots->source == ROOTS_NONE ? roots->why : NULL,
	};
}
