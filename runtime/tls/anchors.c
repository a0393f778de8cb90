/* anchors.c - see anchors.h. */
#include "anchors.h"

#include <stdio.h>
#include <stdlib.h>

#include "name.h"
#include "pki_file.h"

void anchors_init(struct anchors *anchors)
{
	*anchors = (struct anchors){0};
}

void anchors_fini(struct anchors *anchors)
{
	for (size_t i = 0; i < anchors->count; i++)
		free((void *)(uintptr_t)anchors->list[i].certificate.der.p);
	free(anchors->list);
	*anchors = (struct anchors){0};
}

static enum trust is_usable(const struct certificate *certificate)
{
	if (certificate->key_trust != TRUST_OK)
		return certificate->key_trust;
	if (certificate->unknown_critical)
		return TRUST_EXTENSION_CRITICAL;
	return TRUST_OK;
}

enum trust anchors_add(struct anchors *anchors, struct bytes der)
{
	struct certificate certificate;
	struct anchor *grown;
	uint8_t *copy;
	enum trust trust;

	for (size_t i = 0; i < anchors->count; i++)
		if (bytes_equal(anchors->list[i].certificate.der, der))
			return TRUST_OK;
	if (anchors->count == ANCHORS_MAX)
		return TRUST_TOO_COMPLEX;
	if (der.n > CERTIFICATE_MAX_BYTES)
		return TRUST_TOO_BIG;
	copy = malloc(der.n > 0 ? der.n : 1);
	if (copy == NULL)
		return TRUST_NO_MEMORY;
	if (der.n > 0)
		memcpy(copy, der.p, der.n);
	trust = certificate_read(bytes_make(copy, der.n), &certificate);
	if (trust == TRUST_OK)
		trust = is_usable(&certificate);
	if (trust != TRUST_OK)
		goto fail;
	trust = TRUST_NO_MEMORY;
	grown = reallocarray(anchors->list, anchors->count + 1, sizeof(*grown));
	if (grown == NULL)
		goto fail;
	anchors->list = grown;
	anchors->list[anchors->count++] = (struct anchor){
		.certificate = certificate, .parent = ANCHOR_NO_PARENT};
	return TRUST_OK;
fail:
	free(copy);
	return trust;
}

/* What is of no use is an error, unless it may be SKIPPED. */
static bool load(struct anchors *anchors, const char *path, size_t *skipped,
		 char *why)
{
	struct pki_file file;
	struct pem_object object;
	enum pem_result result;
	size_t found = 0;

	if (!pki_file_open(&file, path, ANCHORS_MAX_FILE, why, ANCHORS_WHY_MAX))
		return false;
	while ((result = pki_file_next(&file, &object)) == PEM_OBJECT) {
		enum trust trust;

		if (!pki_file_is_certificate(&object))
			continue;
		found++;
		trust = anchors_add(anchors, object.body);
		if (trust != TRUST_OK && trust != TRUST_NO_MEMORY &&
		    skipped != NULL) {
			++*skipped;
		} else if (trust != TRUST_OK) {
			snprintf(why, ANCHORS_WHY_MAX,
				 "%s:%zu: this certificate cannot be a CA's: "
				 "%s",
				 path, object.line, trust_text(trust));
			pki_file_close(&file);
			return false;
		}
	}
	if (result == PEM_ERROR)
		snprintf(why, ANCHORS_WHY_MAX, "%s:%zu: %s", path,
			 file.pem.line, file.pem.why);
	else if (found == 0)
		snprintf(why, ANCHORS_WHY_MAX, "%s: no certificate in it",
			 path);
	pki_file_close(&file);
	return result == PEM_END && found > 0;
}

bool anchors_load(struct anchors *anchors, const char *path, char *why)
{
	return load(anchors, path, NULL, why);
}

bool anchors_load_usable(struct anchors *anchors, const char *path,
			 size_t *skipped, char *why)
{
	return load(anchors, path, skipped, why);
}

void anchors_link(struct anchors *anchors)
{
	for (size_t i = 0; i < anchors->count; i++) {
		const struct certificate *child = &anchors->list[i].certificate;

		if (certificate_self_issued(child) ||
		    child->signature_trust != TRUST_OK)
			continue;
		for (size_t j = 0; j < anchors->count; j++) {
			const struct certificate *parent =
				&anchors->list[j].certificate;

			if (j == i || !parent->ca ||
			    !name_equal(child->issuer, parent->subject) ||
			    signature_check(&child->signature, child->tbs,
					    &parent->key) != TRUST_OK)
				continue;
			anchors->list[i].parent = j;
			break;
		}
	}
}
