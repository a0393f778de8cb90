/* credentials.h - a chain of certificates and the private key of the first of
 * them, from files.  Not here: what they are good for. */
#ifndef TLS_CREDENTIALS_H
#define TLS_CREDENTIALS_H

#include <bearssl.h>

#include "certificate.h"
#include "private_key.h"

#define CREDENTIALS_MAX_CHAIN 10
#define CREDENTIALS_WHY_MAX 1024

struct credentials {
	br_x509_certificate chain[CREDENTIALS_MAX_CHAIN]; /* DER is owned */
	size_t count;
	struct certificate first; /* a view of the first */
	struct private_key *key;  /* owned */
};

/* Load the chain from CERT_FILE and the key from KEY_FILE, or with NULL from
 * there, too; OUT is zeroed.  False: WHY, of CREDENTIALS_WHY_MAX bytes, says
 * which file and why; WHAT, "the server's certificate", is refused.  OUT has
 * to be freed all the same. */
bool credentials_load(struct credentials *out, const char *cert_file,
		      const char *key_file, const char *what, char *why);

void credentials_fini(struct credentials *credentials);

#endif
