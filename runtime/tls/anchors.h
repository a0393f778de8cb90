/* anchors.h - the certificates that are trusted because the operator says so:
 * the CAs, and perhaps single clients.  They are judged like any other in a
 * path, but for their own signature.
 *
 * An intermediate CA may be among them.  When its issuer is too, the issuer
 * still has its say: its CRL can revoke the intermediate. */
#ifndef TLS_ANCHORS_H
#define TLS_ANCHORS_H

#include "certificate.h"

#define ANCHORS_MAX 4096
#define ANCHORS_MAX_FILE (16u << 20)
#define ANCHORS_WHY_MAX 512
#define ANCHOR_NO_PARENT SIZE_MAX

struct anchor {
	struct certificate certificate; /* its DER is owned */
	size_t parent; /* who has issued it: an index, or ANCHOR_NO_PARENT */
};

struct anchors {
	struct anchor *list; /* owned */
	size_t count;
};

void anchors_init(struct anchors *anchors);
void anchors_fini(struct anchors *anchors);

/* Add one certificate, which is copied; one that is there already is not added
 * again.  It must be one that could ever be used: key and extensions known. */
enum trust anchors_add(struct anchors *anchors, struct bytes der);

/* Add every certificate of a PEM or DER file.  False: WHY, of ANCHORS_WHY_MAX
 * bytes, says which file, where and why; a file with no certificate in it is an
 * error. */
bool anchors_load(struct anchors *anchors, const char *path, char *why);

/* The same for a file that is not the operator's own: what could never be used
 * is counted in SKIPPED. */
bool anchors_load_usable(struct anchors *anchors, const char *path,
			 size_t *skipped, char *why);

/* Find the parents; when all are added. */
void anchors_link(struct anchors *anchors);

#endif
