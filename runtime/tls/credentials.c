/* credentials.c - see credentials.h. */
#include "credentials.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki_file.h"

#define MAX_FILE (1u << 20)

_Static_assert(CREDENTIALS_WHY_MAX >= PRIVATE_KEY_WHY_MAX,
	       "who is called may fill it");

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, CREDENTIALS_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

/* OBJECT, a certificate in PATH, becomes the next of the chain. */
static bool add(struct credentials *out, const struct pem_object *object,
		const char *path, const char *what, char *why)
{
	struct bytes body = object->body;
	struct certificate certificate;
	enum trust trust;
	uint8_t *copy;

	if (out->count == CREDENTIALS_MAX_CHAIN)
		return refuse(why, "%s:%zu: more than %d certificates", path,
			      object->line, CREDENTIALS_MAX_CHAIN);
	copy = malloc(body.n > 0 ? body.n : 1);
	if (copy == NULL)
		return refuse(why, "out of memory");
	if (body.n > 0)
		memcpy(copy, body.p, body.n);
	out->chain[out->count++] =
		(br_x509_certificate){.data = copy, .data_len = body.n};
	trust = certificate_read(bytes_make(copy, body.n), &certificate);
	if (trust == TRUST_OK && out->count == 1) {
		out->first = certificate;
		trust = certificate.key_trust;
	}
	if (trust != TRUST_OK)
		return refuse(why, "%s:%zu: %s: %s", path, object->line, what,
			      trust_text(trust));
	return true;
}

static bool load_chain(struct credentials *out, const char *path,
		       const char *what, char *why)
{
	struct pki_file file;
	struct pem_object object;
	enum pem_result result;
	bool ok = true;

	if (!pki_file_open(&file, path, MAX_FILE, why, CREDENTIALS_WHY_MAX))
		return false;
	while (ok && (result = pki_file_next(&file, &object)) != PEM_END) {
		if (result == PEM_ERROR)
			ok = refuse(why, "%s:%zu: %s", path, file.pem.line,
				    file.pem.why);
		else if (pki_file_is_certificate(&object))
			ok = add(out, &object, path, what, why);
	}
	pki_file_close(&file);
	if (ok && out->count == 0)
		ok = refuse(why, "%s: no certificate in it", path);
	return ok;
}

static bool load_key(struct credentials *out, const char *path,
		     const char *cert_file, char *why)
{
	enum trust trust;

	out->key = private_key_load(path, why);
	if (out->key == NULL)
		return false;
	trust = private_key_matches(out->key, &out->first.key);
	if (trust != TRUST_OK)
		return refuse(why, "%s: %s (the first one in %s)", path,
			      trust_text(trust), cert_file);
	return true;
}

bool credentials_load(struct credentials *out, const char *cert_file,
		      const char *key_file, const char *what, char *why)
{
	return load_chain(out, cert_file, what, why) &&
	       load_key(out, key_file != NULL ? key_file : cert_file, cert_file,
			why);
}

void credentials_fini(struct credentials *credentials)
{
	for (size_t i = 0; i < credentials->count; i++)
		free(credentials->chain[i].data);
	private_key_free(credentials->key);
	*credentials = (struct credentials){.count = 0};
}
