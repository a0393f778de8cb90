/* bundle.c - see bundle.h. */
#include "bundle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki_file.h"

#define MAX_CHAIN_FILE (1u << 20)

_Static_assert(BUNDLE_WHY_MAX >= PRIVATE_KEY_WHY_MAX, "who is called may fill "
						      "it");

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, BUNDLE_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

/* BODY, a certificate at LINE, becomes the next of the chain. */
static bool add(struct bundle *bundle, struct bytes body, size_t line,
		const char *what, char *why)
{
	struct certificate certificate;
	enum trust trust;
	uint8_t *copy;

	if (bundle->count == BUNDLE_MAX_CHAIN)
		return refuse(why, "%s:%zu: more than %d certificates",
			      bundle->path, line, BUNDLE_MAX_CHAIN);
	copy = malloc(body.n > 0 ? body.n : 1);
	if (copy == NULL)
		return refuse(why, "out of memory");
	if (body.n > 0)
		memcpy(copy, body.p, body.n);
	bundle->chain[bundle->count++] =
		(br_x509_certificate){.data = copy, .data_len = body.n};
	trust = certificate_read(bytes_make(copy, body.n), &certificate);
	if (trust == TRUST_OK && bundle->count == 1) {
		bundle->leaf = certificate;
		trust = certificate.key_trust;
	}
	if (trust != TRUST_OK)
		return refuse(why, "%s:%zu: %s: %s", bundle->path, line, what,
			      trust_text(trust));
	return true;
}

static bool load_chain(struct bundle *bundle, const char *what, char *why)
{
	struct pki_file file;
	struct pem_object object;
	enum pem_result result;
	bool ok = true;

	if (!pki_file_open(&file, bundle->path, MAX_CHAIN_FILE, why,
			   BUNDLE_WHY_MAX))
		return false;
	while (ok && (result = pki_file_next(&file, &object)) != PEM_END) {
		if (result == PEM_ERROR)
			ok = refuse(why, "%s:%zu: %s", bundle->path,
				    file.pem.line, file.pem.why);
		else if (pki_file_is_certificate(&object))
			ok = add(bundle, object.body, object.line, what, why);
	}
	pki_file_close(&file);
	if (ok && bundle->count == 0)
		ok = refuse(why, "%s: no certificate in it", bundle->path);
	return ok;
}

static bool load_key(struct bundle *bundle, const char *path, char *why)
{
	enum trust trust;

	bundle->key = private_key_load(path, why);
	if (bundle->key == NULL)
		return false;
	trust = private_key_matches(bundle->key, &bundle->leaf.key);
	if (trust != TRUST_OK)
		return refuse(why, "%s: %s (the first one in %s)", path,
			      trust_text(trust), bundle->path);
	return true;
}

bool bundle_load(struct bundle *out, const char *cert_file,
		 const char *key_file, const char *what, char *why)
{
	*out = (struct bundle){.path = strdup(cert_file)};
	if (out->path == NULL)
		return refuse(why, "out of memory");
	return load_chain(out, what, why) &&
	       load_key(out, key_file != NULL ? key_file : cert_file, why);
}

void bundle_fini(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->count; i++)
		free(bundle->chain[i].data);
	private_key_free(bundle->key);
	free(bundle->path);
	*bundle = (struct bundle){.count = 0};
}
