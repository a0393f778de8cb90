/* crl.h - certificate revocation lists, version 2 and complete (RFC 5280 5):
 * read strictly, signature checked once, then asked by serial number in
 * O(log n).
 *
 *	der      ...| 02 01 05 ...| 02 03 01 02 03 ...| ...   kept as it is
 *	serials  offsets of the INTEGERs, sorted by length, then by octets
 *
 * A list speaks for certificates whose issuer has its signer's name, and is the
 * signer: by its very key; or by an older or newer one, when one key vouches
 *for the other, or the CA above both vouches for both.  Names alone say
 *nothing, several CAs may have the same.  Serial numbers are compared as
 *octets, and neither here nor in certificates may they be padded. */
#ifndef TLS_CRL_H
#define TLS_CRL_H

#include "certificate.h"

#define CRL_MAX_BYTES (256u << 20) /* in DER */
#define CRL_MAX_FILE (512u << 20)
#define CRL_MAX_EXTENSIONS 64
#define CRL_MAX_SKEW 300 /* seconds that its issuer's clock may be ahead */

struct crl {
	struct bytes der; /* borrowed by a list, owned by a set */
	struct bytes tbs;
	struct bytes issuer;
	struct bytes authority_key; /* empty if absent */
	struct bytes number;        /* crlNumber, the same */
	struct signature signature;
	enum trust signature_trust;
	int64_t this_update;
	int64_t next_update;
	uint32_t *serials; /* owned; NULL if there are none */
	size_t count;
	/* SPKIs, with tag and length, in the certificates of a set's caller. */
	struct bytes signer; /* empty: not checked */
	struct bytes above;  /* of who has issued that; empty: not known */
	struct bytes signer_serial;
	int64_t signer_not_after;
};

/* Take DER apart.  TRUST_OK: free it with crl_fini(). */
enum trust crl_read(struct bytes der, struct crl *out);

void crl_fini(struct crl *crl);

/* ISSUER has signed CRL, and might.  TRUST_CRL_ONLY_SIGNER: it did, with a key
 * that does not sign certificates. */
enum trust crl_check_signer(const struct crl *crl,
			    const struct certificate *issuer);

/* SERIAL, an INTEGER's octets, is listed. */
bool crl_has(const struct crl *crl, struct bytes serial);

/* The lists in force. */
struct crl_set {
	struct crl *list; /* owned, with the DER of each */
	size_t count;
	int64_t grace; /* seconds that a list serves past its next update */
};

void crl_set_init(struct crl_set *set, int64_t grace);
void crl_set_fini(struct crl_set *set);

/* Add DER, which the set copies.  ISSUERS, of which there are COUNT, are the
 * certificates that may have signed it; their bytes outlive the set.  Of two
 * lists by one signer the newer is kept.  NOW, in seconds since 1970: a list
 * that is overdue or from the future is refused, as is one of an unknown
 * issuer, and the set is as before. */
enum trust crl_set_add(struct crl_set *set, struct bytes der,
		       const struct certificate *const *issuers, size_t count,
		       int64_t now);

/* Add every CRL of a PEM or DER file.  False: WHY, of CRL_WHY_MAX bytes, says
 * which file, where and why; lists before that place have been added. */
#define CRL_WHY_MAX 512
bool crl_set_load(struct crl_set *set, const char *path,
		  const struct certificate *const *issuers, size_t count,
		  int64_t now, char *why);

/* CERTIFICATE, whose issuer is ISSUER, whose issuer is ABOVE (NULL: nobody), at
 * NOW: TRUST_OK, TRUST_REVOKED, TRUST_CRL_EXPIRED or TRUST_CRL_VOID.  COVERED
 * tells whether there is a list at all.  EXPIRES is lowered to the last second
 * for which the answer holds. */
enum trust crl_set_check(const struct crl_set *set,
			 const struct certificate *certificate,
			 const struct certificate *issuer,
			 const struct certificate *above, int64_t now,
			 bool *covered, int64_t *expires);

#endif
