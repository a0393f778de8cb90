/* mint-internal.h - what a mint and its certificates are made of: mint.c has
 * the CA and what is kept, mint_leaf.c writes a certificate, engine_minted.c
 * serves by one. */
#ifndef TLS_MINT_INTERNAL_H
#define TLS_MINT_INTERNAL_H

#include <bearssl.h>
#include <stdatomic.h>

#include "bundle.h"
#include "mint.h"

#define MINT_KEY_ID 20 /* octets of a key identifier that we make */
#define MINT_MAX_BYTES (4096 + CERTIFICATE_MAX_BYTES)

/* The CA and the key of all that it signs: fixed. */
struct mint_authority {
	atomic_uint references;
	struct bundle ca;
	uint8_t ca_key_id[MINT_KEY_ID]; /* when the CA says none */
	struct private_key *key;        /* owned: of the leaves */
	uint8_t point[65];              /* the other half of it */
	uint8_t key_id[MINT_KEY_ID];
	/* What every connection begins as; nothing random is in it. */
	br_ssl_server_context template;
};

struct minted {
	atomic_uint references;
	struct mint_authority *authority; /* counted */
	int64_t from;                     /* valid from then, */
	int64_t renew;                    /* and used until then */
	/* What is served; but for the first certificate, which is in DER, all
	 * of it is the authority's. */
	struct bundle bundle;
	uint8_t der[];
};

/* engine_minted.c: fill in TEMPLATE. */
void engine_minted_template(br_ssl_server_context *template);

/* The identifier of a key whose BIT STRING has BITS (RFC 7093 2, method 1). */
void mint_key_id(struct bytes bits, uint8_t out[MINT_KEY_ID]);

/* Write the certificate for HOST that is valid from FROM to UNTIL into BUFFER;
 * SERIAL has 16 octets, of which the first is from 1 to 127.  Empty: the
 * buffer is too small, or the key does not sign. */
struct bytes mint_write(const struct mint_authority *authority,
			const struct hostname *host, int64_t from,
			int64_t until, const uint8_t serial[16],
			uint8_t *buffer, size_t size);

#endif
