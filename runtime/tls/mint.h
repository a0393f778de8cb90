/* mint.h - certificates for hosts whose TLS with clients ends here
 * (mitm_domains): made as they are asked for, signed by a CA of the operator's,
 * kept and used again.
 *
 * All of them have one ECDSA key on P-256, which never leaves the process; the
 * CA's key signs certificates and nothing else.  A certificate is good for a
 * month at most, as long as its CA, and is made anew when half of that is over.
 * Not here: who is to be served one, and the handshake, engine.h. */
#ifndef TLS_MINT_H
#define TLS_MINT_H

#include <stdbool.h>
#include <stdint.h>

#include "context.h"
#include "expiry.h"
#include "runtime/policy/hostname.h"

#define MINT_MAX_KEPT 4096 /* certificates of one CA, some 900 bytes each */
#define MINT_BACKDATE (24 * 3600)      /* for clients whose clock is late */
#define MINT_LIFETIME (30 * 24 * 3600) /* seconds, from now on */

struct mint;   /* one CA: never changed once loaded, but for what is kept */
struct minted; /* a certificate with its chain and key */

/* Load the CA, the first certificate of CERT_FILE, and its key from KEY_FILE.
 * What follows the CA in its file is presented to clients behind it.  False:
 * WHY, of TLS_CONTEXT_WHY_MAX bytes, says which file and why. */
bool mint_load(const char *cert_file, const char *key_file, struct mint **out,
	       char *why);

struct mint *mint_ref(struct mint *mint);
/* Drops *MINT's reference and sets it NULL.  NULL is allowed. */
void mint_unref(struct mint **mint);

/* Say all that is no mistake, and yet will make clients refuse. */
void mint_warn(const struct mint *mint, int64_t now, expiry_say *say,
	       void *closure);

/* A certificate for HOST, which is normalised and not of HOST_NONE, at NOW, in
 * seconds since 1970: the caller's reference.  *FRESH: it was made just now.
 * NULL: out of memory or randomness.  Any thread may ask. */
struct minted *mint_get(struct mint *mint, const struct hostname *host,
			int64_t now, bool *fresh);

struct minted *minted_ref(struct minted *minted);
/* Drops *MINTED's reference and sets it NULL.  NULL is allowed. */
void minted_unref(struct minted **minted);

#endif
