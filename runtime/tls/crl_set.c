/* crl_set.c - the CRLs in force: see crl.h. */
#include "crl.h"

#include <stdio.h>
#include <stdlib.h>

#include "name.h"
#include "pki_file.h"

void crl_set_init(struct crl_set *set, int64_t grace)
{
	*set = (struct crl_set){.grace = grace};
}

static void drop(struct crl *crl)
{
	free((void *)(uintptr_t)crl->der.p);
	crl_fini(crl);
}

void crl_set_fini(struct crl_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		drop(&set->list[i]);
	free(set->list);
	*set = (struct crl_set){.grace = set->grace};
}

/* Who has issued SIGNER: the SPKI, or none. */
static struct bytes find_above(const struct certificate *signer,
			       const struct certificate *const *issuers,
			       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct certificate *issuer = issuers[i];

		if (issuer != signer && issuer->ca &&
		    signer->signature_trust == TRUST_OK &&
		    issuer->key_trust == TRUST_OK &&
		    name_equal(signer->issuer, issuer->subject) &&
		    signature_check(&signer->signature, signer->tbs,
				    &issuer->key) == TRUST_OK)
			return issuer->spki;
	}
	return (struct bytes){0};
}

static enum trust find_signer(struct crl *crl,
			      const struct certificate *const *issuers,
			      size_t count)
{
	enum trust best = TRUST_CRL_ISSUER;

	for (size_t i = 0; i < count; i++) {
		enum trust trust = crl_check_signer(crl, issuers[i]);

		if (trust == TRUST_OK || trust == TRUST_CRL_ONLY_SIGNER) {
			crl->signer = issuers[i]->spki;
			crl->signer_serial = issuers[i]->serial;
			crl->signer_not_after = issuers[i]->not_after;
			crl->above = find_above(issuers[i], issuers, count);
		}
		/* Nobody has such a key for an issuer, so for whom the list
		 * speaks must be told by the CA above. */
		if (trust == TRUST_CRL_ONLY_SIGNER && crl->above.n > 0)
			trust = TRUST_OK;
		if (trust == TRUST_OK)
			return TRUST_OK;
		/* The most telling of many reasons: of the CA of that name, and
		 * of the right key. */
		if (best == TRUST_CRL_ISSUER || best == TRUST_SIGNATURE)
			best = trust != TRUST_CRL_ISSUER ? trust : best;
	}
	return best;
}

static bool is_newer(const struct crl *a, const struct crl *b)
{
	if (a->this_update != b->this_update)
		return a->this_update > b->this_update;
	if (a->number.n != b->number.n)
		return a->number.n > b->number.n;
	return a->number.n > 0 &&
	       memcmp(a->number.p, b->number.p, a->number.n) > 0;
}

static bool same_signer(const struct crl *crl, struct bytes name,
			struct bytes key)
{
	return bytes_equal(crl->signer, key) && name_equal(crl->issuer, name);
}

/* Put CRL, which is good, where it belongs. */
static enum trust place(struct crl_set *set, struct crl *crl)
{
	struct crl *grown;

	for (size_t i = 0; i < set->count; i++) {
		struct crl *old = &set->list[i];

		if (!same_signer(old, crl->issuer, crl->signer))
			continue;
		if (is_newer(crl, old)) {
			struct crl older = *old;

			*old = *crl;
			*crl = older;
		}
		drop(crl);
		return TRUST_OK;
	}
	grown = reallocarray(set->list, set->count + 1, sizeof(*grown));
	if (grown == NULL)
		return TRUST_NO_MEMORY;
	set->list = grown;
	set->list[set->count++] = *crl;
	return TRUST_OK;
}

static bool is_overdue(const struct crl_set *set, const struct crl *crl,
		       int64_t now)
{
	return now > crl->next_update + set->grace;
}

enum trust crl_set_add(struct crl_set *set, struct bytes der,
		       const struct certificate *const *issuers, size_t count,
		       int64_t now)
{
	uint8_t *copy;
	struct crl crl;
	enum trust trust;

	if (der.n > CRL_MAX_BYTES)
		return TRUST_TOO_BIG;
	copy = malloc(der.n > 0 ? der.n : 1);
	if (copy == NULL)
		return TRUST_NO_MEMORY;
	if (der.n > 0)
		memcpy(copy, der.p, der.n);
	trust = crl_read(bytes_make(copy, der.n), &crl);
	if (trust != TRUST_OK) {
		free(copy);
		return trust;
	}
	if ((trust = find_signer(&crl, issuers, count)) != TRUST_OK)
		goto out;
	trust = TRUST_CRL_FUTURE;
	if (crl.this_update > now + CRL_MAX_SKEW)
		goto out;
	trust = TRUST_CRL_STALE;
	if (is_overdue(set, &crl, now))
		goto out;
	trust = place(set, &crl);
out:
	if (trust != TRUST_OK)
		drop(&crl);
	return trust;
}

bool crl_set_load(struct crl_set *set, const char *path,
		  const struct certificate *const *issuers, size_t count,
		  int64_t now, char *why)
{
	struct pki_file file;
	struct pem_object object;
	enum pem_result result = PEM_ERROR;
	enum trust trust = TRUST_OK;
	size_t found = 0;

	if (!pki_file_open(&file, path, CRL_MAX_FILE, why, CRL_WHY_MAX))
		return false;
	while (trust == TRUST_OK &&
	       (result = pki_file_next(&file, &object)) == PEM_OBJECT) {
		if (!pki_file_is_crl(&object))
			continue;
		found++;
		trust = crl_set_add(set, object.body, issuers, count, now);
	}
	if (trust != TRUST_OK)
		snprintf(why, CRL_WHY_MAX,
			 "%s:%zu: this CRL cannot be used: %s", path,
			 object.line, trust_text(trust));
	else if (result == PEM_ERROR)
		snprintf(why, CRL_WHY_MAX, "%s:%zu: %s", path, file.pem.line,
			 file.pem.why);
	else if (found == 0)
		snprintf(why, CRL_WHY_MAX, "%s: no CRL in it", path);
	pki_file_close(&file);
	return trust == TRUST_OK && result == PEM_END && found > 0;
}

/* CRL is about certificates of ISSUER: see the head of crl.h. */
static bool speaks_for(const struct crl *crl, const struct certificate *issuer,
		       const struct certificate *above)
{
	if (!name_equal(crl->issuer, issuer->subject))
		return false;
	if (bytes_equal(crl->signer, issuer->spki))
		return true;
	if (above == NULL)
		return false;
	return bytes_equal(crl->above, above->spki) ||
	       (bytes_equal(crl->signer, above->spki) &&
		name_equal(crl->issuer, above->subject));
}

/* The certificate of CRL's signer, who is not the issuer in the path and so is
 * not judged with it, holds; ABOVE has issued it. */
static bool signer_holds(const struct crl_set *set, const struct crl *crl,
			 const struct certificate *above, int64_t now)
{
	if (now > crl->signer_not_after)
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (same_signer(&set->list[i], above->subject, above->spki) &&
		    crl_has(&set->list[i], crl->signer_serial))
			return false;
	return true;
}

enum trust crl_set_check(const struct crl_set *set,
			 const struct certificate *certificate,
			 const struct certificate *issuer,
			 const struct certificate *above, int64_t now,
			 bool *covered, int64_t *expires)
{
	*covered = false;
	for (size_t i = 0; i < set->count; i++) {
		const struct crl *crl = &set->list[i];

		if (!speaks_for(crl, issuer, above))
			continue;
		*covered = true;
		if (!bytes_equal(crl->signer, issuer->spki) &&
		    bytes_equal(crl->above, above->spki) &&
		    !signer_holds(set, crl, above, now))
			return TRUST_CRL_VOID;
		/* Once revoked, always revoked, whatever the age of the list.
		 */
		if (crl_has(crl, certificate->serial))
			return TRUST_REVOKED;
		if (is_overdue(set, crl, now))
			return TRUST_CRL_EXPIRED;
		if (crl->next_update + set->grace < *expires)
			*expires = crl->next_update + set->grace;
	}
	return TRUST_OK;
}
