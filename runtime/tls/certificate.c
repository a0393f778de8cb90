/* certificate.c - see certificate.h.  Extensions are read in extensions.c. */
#include "certificate.h"

#include "certificate-internal.h"
#include "name.h"

#define VERSION_3 2

static enum trust read_version(struct bytes *tbs)
{
	struct bytes tagged;
	struct bytes number;
	uint32_t version;

	/* Version 1 is the default, and so has no field. */
	if (!der_at(*tbs, DER_CONTEXT_CONSTRUCTED(0)))
		return der_at(*tbs, DER_INTEGER) ? TRUST_VERSION
						 : TRUST_MALFORMED;
	if (!der_expect(tbs, DER_CONTEXT_CONSTRUCTED(0), &tagged) ||
	    !der_only(tagged, DER_INTEGER, &number) ||
	    !der_uint(number, &version))
		return TRUST_MALFORMED;
	return version == VERSION_3 ? TRUST_OK : TRUST_VERSION;
}

static enum trust read_serial(struct bytes *tbs, struct certificate *out)
{
	if (!der_expect(tbs, DER_INTEGER, &out->serial))
		return TRUST_MALFORMED;
	if (!der_integer_valid(out->serial) || out->serial.p[0] >= 0x80 ||
	    out->serial.n > CERTIFICATE_MAX_SERIAL)
		return TRUST_SERIAL;
	return TRUST_OK;
}

static enum trust read_names_and_dates(struct bytes *tbs,
				       struct certificate *out)
{
	struct bytes validity;
	struct der_item first;
	struct der_item last;

	if (!der_expect(tbs, DER_SEQUENCE, &out->issuer) ||
	    !der_expect(tbs, DER_SEQUENCE, &validity) ||
	    !der_expect(tbs, DER_SEQUENCE, &out->subject))
		return TRUST_MALFORMED;
	if (out->issuer.n == 0 || !name_valid(out->issuer) ||
	    !name_valid(out->subject))
		return TRUST_NAME;
	if (!der_next(&validity, &first) || !der_next(&validity, &last) ||
	    validity.n != 0 || !der_time(&first, &out->not_before) ||
	    !der_time(&last, &out->not_after))
		return TRUST_DATE;
	return TRUST_OK;
}

/* issuerUniqueID [1] and subjectUniqueID [2]: of no meaning, but in order. */
static bool skip_unique_ids(struct bytes *tbs)
{
	for (unsigned i = 1; i <= 2; i++) {
		struct bytes bits;

		if (der_at(*tbs, DER_CONTEXT(i)) &&
		    (!der_expect(tbs, DER_CONTEXT(i), &bits) || bits.n == 0 ||
		     bits.p[0] > 7))
			return false;
	}
	return true;
}

static enum trust read_tbs(struct bytes tbs, struct bytes algorithm,
			   struct certificate *out)
{
	struct bytes inner;
	struct bytes tagged;
	struct bytes extensions;
	struct der_item spki;
	enum trust trust;

	if ((trust = read_version(&tbs)) != TRUST_OK ||
	    (trust = read_serial(&tbs, out)) != TRUST_OK)
		return trust;
	if (!der_expect(&tbs, DER_SEQUENCE, &inner))
		return TRUST_MALFORMED;
	/* RFC 5280 4.1.1.2: or else the one outside is not signed at all. */
	if (!bytes_equal(inner, algorithm))
		return TRUST_ALGORITHM_TWO;
	if ((trust = read_names_and_dates(&tbs, out)) != TRUST_OK)
		return trust;
	if (!der_next(&tbs, &spki) || spki.tag != DER_SEQUENCE)
		return TRUST_MALFORMED;
	out->spki = spki.whole;
	out->key_trust = public_key_read(spki.body, &out->key);
	if (!skip_unique_ids(&tbs))
		return TRUST_MALFORMED;
	if (tbs.n == 0)
		return TRUST_OK;
	if (!der_only(tbs, DER_CONTEXT_CONSTRUCTED(3), &tagged) ||
	    !der_only(tagged, DER_SEQUENCE, &extensions))
		return TRUST_MALFORMED;
	return extensions_read(extensions, out);
}

enum trust certificate_read(struct bytes der, struct certificate *out)
{
	struct bytes outer;
	struct bytes algorithm;
	struct bytes value;
	struct der_item tbs;

	*out = (struct certificate){.der = der,
				    .path_length = CERTIFICATE_NONE,
				    .require_policy = CERTIFICATE_NONE,
				    .inhibit_mapping = CERTIFICATE_NONE,
				    .inhibit_any = CERTIFICATE_NONE};
	if (der.n > CERTIFICATE_MAX_BYTES)
		return TRUST_TOO_BIG;
	if (!der_only(der, DER_SEQUENCE, &outer) || !der_next(&outer, &tbs) ||
	    tbs.tag != DER_SEQUENCE ||
	    !der_expect(&outer, DER_SEQUENCE, &algorithm) ||
	    !der_expect(&outer, DER_BIT_STRING, &value) || outer.n != 0 ||
	    !der_octets_in_bits(value, &out->signature.value))
		return TRUST_MALFORMED;
	out->tbs = tbs.whole;
	out->signature_trust =
		signature_algorithm_read(algorithm, &out->signature);
	if (out->signature_trust == TRUST_MALFORMED)
		return TRUST_MALFORMED;
	return read_tbs(tbs.body, algorithm, out);
}

bool certificate_self_issued(const struct certificate *certificate)
{
	return name_equal(certificate->subject, certificate->issuer);
}
