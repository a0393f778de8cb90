/* crl.c - one CRL: see crl.h.  Sets of them are in crl_set.c. */
#include "crl.h"

#include <stdlib.h>

#include "name.h"
#include "oid.h"

#define VERSION_2 1
#define MAX_SERIAL CERTIFICATE_MAX_SERIAL

/* --- extensions --- */

static enum trust list_extension(struct bytes oid, bool critical,
				 struct bytes value, struct crl *out)
{
	if (OID_IS(oid, OID_DELTA_CRL))
		return TRUST_CRL_DELTA;
	if (OID_IS(oid, OID_ISSUING_POINT))
		return TRUST_CRL_PARTIAL;
	if (OID_IS(oid, OID_AUTHORITY_KEY_ID))
		return authority_key_read(value, &out->authority_key)
			       ? TRUST_OK
			       : TRUST_CRL_EXTENSION;
	if (OID_IS(oid, OID_CRL_NUMBER))
		return !critical &&
				       der_only(value, DER_INTEGER,
						&out->number) &&
				       der_integer_valid(out->number) &&
				       out->number.p[0] < 0x80
			       ? TRUST_OK
			       : TRUST_CRL_EXTENSION;
	if (OID_IS(oid, OID_ISSUER_ALT_NAME))
		return TRUST_OK;
	return critical ? TRUST_CRL_CRITICAL : TRUST_OK;
}

/* Why and since when a certificate is revoked does not matter, only that it is.
 * removeFromCRL stands in delta CRLs alone (RFC 5280 5.3.1). */
static enum trust entry_extension(struct bytes oid, bool critical,
				  struct bytes value, struct crl *out)
{
	struct bytes reason;

	(void)out;
	if (OID_IS(oid, OID_CERTIFICATE_ISSUER))
		return TRUST_CRL_INDIRECT;
	if (OID_IS(oid, OID_REASON_CODE))
		return der_only(value, DER_ENUMERATED, &reason) && reason.n == 1
			       ? TRUST_OK
			       : TRUST_CRL_EXTENSION;
	if (OID_IS(oid, OID_INVALIDITY_DATE))
		return TRUST_OK;
	return critical ? TRUST_CRL_CRITICAL : TRUST_OK;
}

static enum trust
read_extensions(struct bytes extensions, struct crl *out,
		enum trust (*take)(struct bytes oid, bool critical,
				   struct bytes value, struct crl *out))
{
	struct bytes seen[CRL_MAX_EXTENSIONS];
	size_t count = 0;

	if (extensions.n == 0)
		return TRUST_CRL_EXTENSION;
	while (extensions.n > 0) {
		struct bytes extension;
		struct bytes field;
		struct bytes value;
		bool critical = false;
		enum trust trust;

		if (count == CRL_MAX_EXTENSIONS ||
		    !der_expect(&extensions, DER_SEQUENCE, &extension) ||
		    !der_expect(&extension, DER_OID, &seen[count]) ||
		    !der_oid_valid(seen[count]))
			return TRUST_CRL_EXTENSION;
		if (der_at(extension, DER_BOOLEAN) &&
		    (!der_expect(&extension, DER_BOOLEAN, &field) ||
		     !der_boolean(field, &critical)))
			return TRUST_CRL_EXTENSION;
		if (!der_only(extension, DER_OCTET_STRING, &value))
			return TRUST_CRL_EXTENSION;
		for (size_t i = 0; i < count; i++)
			if (bytes_equal(seen[i], seen[count]))
				return TRUST_CRL_EXTENSION;
		if ((trust = take(seen[count], critical, value, out)) !=
		    TRUST_OK)
			return trust;
		count++;
	}
	return TRUST_OK;
}

/* --- the serial numbers --- */

/* What an entry is sorted by; most pairs differ in KEY already. */
struct slot {
	uint64_t key; /* length, then the first seven octets */
	uint32_t offset;
};

static uint64_t key_of(struct bytes serial)
{
	uint64_t key = serial.n;

	for (size_t i = 0; i < 7; i++)
		key = key << 8 | (i < serial.n ? serial.p[i] : 0);
	return key;
}

static int compare_serials(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return memcmp(a.p, b.p, a.n);
}

/* The octets of the INTEGER at OFFSET, read before. */
static struct bytes serial_at(const uint8_t *der, uint32_t offset)
{
	return bytes_make(der + offset + 2, der[offset + 1]);
}

static int compare_slots(const void *left, const void *right, void *der)
{
	const struct slot *a = left;
	const struct slot *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return compare_serials(serial_at(der, a->offset),
			       serial_at(der, b->offset));
}

/* Read one entry; where its serial is to SLOT. */
static enum trust read_entry(struct bytes *entries, struct crl *out,
			     struct slot *slot)
{
	struct bytes entry;
	struct bytes extensions;
	struct der_item serial;
	struct der_item date;
	int64_t when;

	if (!der_expect(entries, DER_SEQUENCE, &entry) ||
	    !der_next(&entry, &serial) || serial.tag != DER_INTEGER ||
	    !der_integer_valid(serial.body) || serial.body.n > MAX_SERIAL)
		return TRUST_CRL_MALFORMED;
	if (!der_next(&entry, &date) || !der_time(&date, &when))
		return TRUST_CRL_DATE;
	slot->key = key_of(serial.body);
	slot->offset = (uint32_t)(serial.whole.p - out->der.p);
	if (entry.n == 0)
		return TRUST_OK;
	if (!der_only(entry, DER_SEQUENCE, &extensions))
		return TRUST_CRL_MALFORMED;
	return read_extensions(extensions, out, entry_extension);
}

static size_t count_items(struct bytes list)
{
	struct der_item item;
	size_t count = 0;

	while (list.n > 0 && der_next(&list, &item))
		count++;
	return count;
}

static enum trust read_entries(struct bytes entries, struct crl *out)
{
	size_t room = count_items(entries);
	struct slot *slots;
	size_t count = 0;
	enum trust trust = TRUST_OK;

	/* RFC 5280 5.1.2.6: absent rather than empty. */
	if (room == 0)
		return TRUST_CRL_MALFORMED;
	slots = calloc(room, sizeof(*slots));
	out->serials = calloc(room, sizeof(*out->serials));
	if (slots == NULL || out->serials == NULL) {
		free(slots);
		return TRUST_NO_MEMORY;
	}
	while (trust == TRUST_OK && entries.n > 0) {
		if (count == room)
			trust = TRUST_CRL_MALFORMED;
		else
			trust = read_entry(&entries, out, &slots[count++]);
	}
	if (trust == TRUST_OK) {
		qsort_r(slots, count, sizeof(*slots), compare_slots,
			(void *)(uintptr_t)out->der.p);
		for (size_t i = 0; i < count; i++)
			out->serials[i] = slots[i].offset;
		out->count = count;
	}
	free(slots);
	return trust;
}

bool crl_has(const struct crl *crl, struct bytes serial)
{
	size_t low = 0;
	size_t high = crl->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_serials(
			serial_at(crl->der.p, crl->serials[middle]), serial);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* --- the whole --- */

static enum trust read_dates(struct bytes *tbs, struct crl *out)
{
	struct der_item date;

	if (!der_next(tbs, &date) || !der_time(&date, &out->this_update))
		return TRUST_CRL_DATE;
	/* RFC 5280 5.1.2.5: next update MUST be there. */
	if (!der_at(*tbs, DER_UTC_TIME) && !der_at(*tbs, DER_GENERALIZED_TIME))
		return TRUST_CRL_DATE;
	if (!der_next(tbs, &date) || !der_time(&date, &out->next_update))
		return TRUST_CRL_DATE;
	return TRUST_OK;
}

static enum trust read_tbs(struct bytes tbs, struct bytes algorithm,
			   struct crl *out)
{
	struct bytes field;
	struct bytes extensions;
	uint32_t version;
	enum trust trust;

	/* Version 1 has no number, and nothing that is of use here. */
	if (!der_at(tbs, DER_INTEGER))
		return der_at(tbs, DER_SEQUENCE) ? TRUST_CRL_VERSION
						 : TRUST_CRL_MALFORMED;
	if (!der_expect(&tbs, DER_INTEGER, &field) ||
	    !der_uint(field, &version))
		return TRUST_CRL_MALFORMED;
	if (version != VERSION_2)
		return TRUST_CRL_VERSION;
	if (!der_expect(&tbs, DER_SEQUENCE, &field))
		return TRUST_CRL_MALFORMED;
	if (!bytes_equal(field, algorithm))
		return TRUST_ALGORITHM_TWO;
	if (!der_expect(&tbs, DER_SEQUENCE, &out->issuer) ||
	    out->issuer.n == 0 || !name_valid(out->issuer))
		return TRUST_CRL_MALFORMED;
	if ((trust = read_dates(&tbs, out)) != TRUST_OK)
		return trust;
	if (der_at(tbs, DER_SEQUENCE)) {
		if (!der_expect(&tbs, DER_SEQUENCE, &field))
			return TRUST_CRL_MALFORMED;
		if ((trust = read_entries(field, out)) != TRUST_OK)
			return trust;
	}
	if (tbs.n == 0)
		return TRUST_CRL_NUMBER;
	if (!der_only(tbs, DER_CONTEXT_CONSTRUCTED(0), &field) ||
	    !der_only(field, DER_SEQUENCE, &extensions))
		return TRUST_CRL_MALFORMED;
	trust = read_extensions(extensions, out, list_extension);
	if (trust == TRUST_OK && out->number.n == 0)
		return TRUST_CRL_NUMBER;
	return trust;
}

enum trust crl_read(struct bytes der, struct crl *out)
{
	struct bytes outer;
	struct bytes algorithm;
	struct bytes value;
	struct der_item tbs;
	enum trust trust;

	*out = (struct crl){.der = der};
	/* Offsets have 32 bits. */
	if (der.n > CRL_MAX_BYTES)
		return TRUST_TOO_BIG;
	if (!der_only(der, DER_SEQUENCE, &outer) || !der_next(&outer, &tbs) ||
	    tbs.tag != DER_SEQUENCE ||
	    !der_expect(&outer, DER_SEQUENCE, &algorithm) ||
	    !der_expect(&outer, DER_BIT_STRING, &value) || outer.n != 0 ||
	    !der_octets_in_bits(value, &out->signature.value))
		return TRUST_CRL_MALFORMED;
	out->tbs = tbs.whole;
	out->signature_trust =
		signature_algorithm_read(algorithm, &out->signature);
	trust = out->signature_trust == TRUST_MALFORMED
			? TRUST_CRL_MALFORMED
			: read_tbs(tbs.body, algorithm, out);
	if (trust != TRUST_OK)
		crl_fini(out);
	return trust;
}

void crl_fini(struct crl *crl)
{
	free(crl->serials);
	crl->serials = NULL;
	crl->count = 0;
}

enum trust crl_check_signer(const struct crl *crl,
			    const struct certificate *issuer)
{
	if (!name_equal(crl->issuer, issuer->subject))
		return TRUST_CRL_ISSUER;
	/* Another CA of that name. */
	if (crl->authority_key.n > 0 && issuer->subject_key.n > 0 &&
	    !bytes_equal(crl->authority_key, issuer->subject_key))
		return TRUST_CRL_ISSUER;
	if (crl->signature_trust != TRUST_OK)
		return crl->signature_trust;
	if (issuer->key_trust != TRUST_OK)
		return issuer->key_trust;
	if (signature_check(&crl->signature, crl->tbs, &issuer->key) !=
	    TRUST_OK)
		return TRUST_SIGNATURE;
	if ((issuer->extensions & HAS_KEY_USAGE) &&
	    !(issuer->key_usage & USAGE_CRL_SIGN))
		return TRUST_CRL_SIGNER;
	if (!issuer->ca || ((issuer->extensions & HAS_KEY_USAGE) &&
			    !(issuer->key_usage & USAGE_CERTIFICATE_SIGN)))
		return TRUST_CRL_ONLY_SIGNER;
	return TRUST_OK;
}
