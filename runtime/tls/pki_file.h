/* pki_file.h - a file with certificates, CRLs or keys in it, in PEM or DER,
 * object by object.  Not here: what the objects are. */
#ifndef TLS_PKI_FILE_H
#define TLS_PKI_FILE_H

#include "pem.h"

struct pki_file {
	uint8_t *bytes; /* owned; wiped when closed: there may be keys in it */
	size_t size;
	struct pem pem;
	bool der;  /* one object, the file itself */
	bool done; /* it has been handed out */
};

/* Read PATH, of at most LIMIT bytes.  False: WHY, of SIZE bytes, says so. */
bool pki_file_open(struct pki_file *file, const char *path, size_t limit,
		   char *why, size_t size);

void pki_file_close(struct pki_file *file);

/* The next object; DER has an empty label and line 1.  See pem_next(). */
enum pem_result pki_file_next(struct pki_file *file, struct pem_object *out);

/* What the label says; an object in DER may be anything. */
bool pki_file_is_certificate(const struct pem_object *object);
bool pki_file_is_crl(const struct pem_object *object);

#endif
