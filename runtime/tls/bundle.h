/* bundle.h - a certificate of ours, those of the CAs above it, and its private
 * key, from one file or two.  Not here: which of several is shown to whom,
 * server_policy.h. */
#ifndef TLS_BUNDLE_H
#define TLS_BUNDLE_H

#include <bearssl.h>

#include "certificate.h"
#include "private_key.h"

#define BUNDLE_MAX_CHAIN 10 /* certificates that we present */
#define BUNDLE_WHY_MAX 1024

struct bundle {
	char *path; /* owned: the file with the certificates */
	br_x509_certificate chain[BUNDLE_MAX_CHAIN]; /* DER is owned */
	size_t count;
	struct certificate leaf; /* a view of the first */
	struct private_key *key; /* owned */
};

/* Fill OUT from the certificates in CERT_FILE and the first key in KEY_FILE
 * (NULL: in the same).  False: WHY, of BUNDLE_WHY_MAX bytes, says which file
 * and why, and that it is WHAT, "the server's certificate"; OUT is to be freed
 * by bundle_fini() all the same. */
bool bundle_load(struct bundle *out, const char *cert_file,
		 const char *key_file, const char *what, char *why);
void bundle_fini(struct bundle *bundle);

#endif
