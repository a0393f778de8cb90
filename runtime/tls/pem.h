/* pem.h - objects in PEM (RFC 7468), one after the other, at the speed of
 * memory: a CRL may have a hundred megabytes.
 *
 * The base64 is decoded in place, over the text itself; nothing is allocated.
 * Text before, between and after objects is skipped, as every program does.
 * Not here: files, and what the objects are. */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "der.h"
#include "runtime/policy/str.h"

#define PEM_MAX_LABEL 64

struct pem {
	uint8_t *text; /* borrowed; overwritten */
	size_t size;
	size_t at;
	size_t line;     /* of AT, from 1 */
	const char *why; /* after PEM_ERROR */
};

struct pem_object {
	struct str label;  /* "CERTIFICATE" */
	struct bytes body; /* both point into the text */
	size_t line;       /* of its first line */
	bool encrypted;    /* a header says so; then there is no body */
};

enum pem_result {
	PEM_ERROR = 0, /* at LINE, for the reason WHY */
	PEM_END,
	PEM_OBJECT,
};

void pem_init(struct pem *pem, uint8_t *text, size_t size);

/* The next object.  After PEM_ERROR or PEM_END there are no more. */
enum pem_result pem_next(struct pem *pem, struct pem_object *out);

#endif
