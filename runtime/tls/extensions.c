/* extensions.c - the extensions of a certificate (RFC 5280 4.2): each one that
 * is known is read in full, each at most once.
 * Not here: what follows from them, chain.c. */
#include "certificate-internal.h"

#include "name.h"
#include "oid.h"

#define MAX_USES 64
#define MAX_POLICIES 64
#define MAX_NAMES 4096

/* --- general names --- */

/* otherName, x400Address, directoryName and ediPartyName are constructed. */
static bool is_constructed(unsigned kind)
{
	return kind == GENERAL_OTHER || kind == GENERAL_X400 ||
	       kind == GENERAL_DIRECTORY || kind == GENERAL_EDI;
}

static bool general_name_of(const struct der_item *item,
			    enum general_name *kind, struct bytes *value)
{
	unsigned number = item->tag & 0x1F;

	if (number > GENERAL_REGISTERED ||
	    item->tag != (is_constructed(number)
				  ? DER_CONTEXT_CONSTRUCTED(number)
				  : DER_CONTEXT(number)))
		return false;
	*kind = (enum general_name)number;
	*value = item->body;
	/* directoryName is a CHOICE, so its tag is explicit. */
	if (number == GENERAL_DIRECTORY)
		return der_only(item->body, DER_SEQUENCE, value);
	return true;
}

bool general_name_next(struct bytes *rest, enum general_name *kind,
		       struct bytes *value)
{
	struct der_item item;

	return rest->n > 0 && der_next(rest, &item) &&
	       general_name_of(&item, kind, value);
}

static bool is_ascii(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7F)
			return false;
	return text.n > 0;
}

static bool general_name_valid(enum general_name kind, struct bytes value)
{
	switch (kind) {
	case GENERAL_EMAIL:
	case GENERAL_DNS:
	case GENERAL_URI:
		return is_ascii(value);
	case GENERAL_DIRECTORY:
		return name_valid(value);
	case GENERAL_REGISTERED:
		return der_oid_valid(value);
	case GENERAL_IP:
		return value.n == 4 || value.n == 16;
	case GENERAL_OTHER:
	case GENERAL_X400:
	case GENERAL_EDI:
		return true;
	}
	return false;
}

bool general_names_valid(struct bytes names)
{
	size_t count = 0;

	if (names.n == 0)
		return false;
	while (names.n > 0) {
		enum general_name kind;
		struct bytes value;

		if (++count > MAX_NAMES ||
		    !general_name_next(&names, &kind, &value) ||
		    !general_name_valid(kind, value))
			return false;
	}
	return true;
}

/* --- one function per extension; each gets the value's bytes --- */

static bool read_basic_constraints(struct bytes value, struct certificate *out)
{
	struct bytes body;
	struct bytes field;

	if (!der_only(value, DER_SEQUENCE, &body))
		return false;
	if (der_at(body, DER_BOOLEAN) &&
	    (!der_expect(&body, DER_BOOLEAN, &field) ||
	     !der_boolean(field, &out->ca)))
		return false;
	if (der_at(body, DER_INTEGER) &&
	    (!der_expect(&body, DER_INTEGER, &field) ||
	     !der_uint(field, &out->path_length)))
		return false;
	/* A path length means something for a CA only. */
	return body.n == 0 && (out->ca || out->path_length == CERTIFICATE_NONE);
}

static bool read_key_usage(struct bytes value, struct certificate *out)
{
	struct bytes bits;

	return der_only(value, DER_BIT_STRING, &bits) &&
	       der_named_bits(bits, &out->key_usage) && out->key_usage != 0;
}

static bool read_extended_key_usage(struct bytes value, struct certificate *out)
{
	struct bytes uses;
	size_t count = 0;

	if (!der_only(value, DER_SEQUENCE, &uses) || uses.n == 0)
		return false;
	while (uses.n > 0) {
		struct bytes use;

		if (++count > MAX_USES || !der_expect(&uses, DER_OID, &use) ||
		    !der_oid_valid(use))
			return false;
		out->client_auth |= OID_IS(use, OID_CLIENT_AUTH);
		out->server_auth |= OID_IS(use, OID_SERVER_AUTH);
		out->any_purpose |= OID_IS(use, OID_ANY_PURPOSE);
	}
	return true;
}

static bool read_subject_alt_name(struct bytes value, struct certificate *out)
{
	return der_only(value, DER_SEQUENCE, &out->alt_names) &&
	       general_names_valid(out->alt_names);
}

static bool read_issuer_alt_name(struct bytes value, struct certificate *out)
{
	struct bytes names;

	(void)out;
	return der_only(value, DER_SEQUENCE, &names) &&
	       general_names_valid(names);
}

/* GeneralSubtrees, the body: bases are checked where they are applied. */
static bool subtrees_valid(struct bytes subtrees)
{
	size_t count = 0;

	if (subtrees.n == 0)
		return false;
	while (subtrees.n > 0) {
		struct bytes subtree;
		struct der_item base;
		enum general_name kind;
		struct bytes name;

		if (++count > MAX_NAMES ||
		    !der_expect(&subtrees, DER_SEQUENCE, &subtree) ||
		    !der_next(&subtree, &base) ||
		    !general_name_of(&base, &kind, &name))
			return false;
		if (kind == GENERAL_DIRECTORY && !name_valid(name))
			return false;
		/* RFC 5280 4.2.1.10: minimum is 0, its default, and maximum
		 * absent. */
		if (subtree.n != 0)
			return false;
	}
	return true;
}

static bool read_name_constraints(struct bytes value, struct certificate *out)
{
	struct bytes body;
	struct bytes *lists[] = {&out->permitted, &out->excluded};

	if (!der_only(value, DER_SEQUENCE, &body) || body.n == 0)
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (der_at(body, DER_CONTEXT_CONSTRUCTED(i)) &&
		    (!der_expect(&body, DER_CONTEXT_CONSTRUCTED(i), lists[i]) ||
		     !subtrees_valid(*lists[i])))
			return false;
	return body.n == 0;
}

bool authority_key_read(struct bytes value, struct bytes *key)
{
	struct bytes body;
	struct bytes field;

	if (!der_only(value, DER_SEQUENCE, &body))
		return false;
	if (der_at(body, DER_CONTEXT(0)) &&
	    !der_expect(&body, DER_CONTEXT(0), key))
		return false;
	if (der_at(body, DER_CONTEXT_CONSTRUCTED(1)) &&
	    (!der_expect(&body, DER_CONTEXT_CONSTRUCTED(1), &field) ||
	     !general_names_valid(field)))
		return false;
	if (der_at(body, DER_CONTEXT(2)) &&
	    (!der_expect(&body, DER_CONTEXT(2), &field) ||
	     !der_integer_valid(field)))
		return false;
	return body.n == 0;
}

static bool read_authority_key_id(struct bytes value, struct certificate *out)
{
	return authority_key_read(value, &out->authority_key);
}

static bool read_subject_key_id(struct bytes value, struct certificate *out)
{
	return der_only(value, DER_OCTET_STRING, &out->subject_key) &&
	       out->subject_key.n > 0;
}

static bool read_policies(struct bytes value, struct certificate *out)
{
	struct bytes seen[MAX_POLICIES];
	struct bytes rest;
	size_t count = 0;

	if (!der_only(value, DER_SEQUENCE, &out->policies) ||
	    out->policies.n == 0)
		return false;
	rest = out->policies;
	while (rest.n > 0) {
		struct bytes policy;
		struct bytes qualifiers;

		if (count == MAX_POLICIES ||
		    !der_expect(&rest, DER_SEQUENCE, &policy) ||
		    !der_expect(&policy, DER_OID, &seen[count]) ||
		    !der_oid_valid(seen[count]))
			return false;
		if (policy.n != 0 &&
		    (!der_only(policy, DER_SEQUENCE, &qualifiers) ||
		     qualifiers.n == 0))
			return false;
		for (size_t i = 0; i < count; i++)
			if (bytes_equal(seen[i], seen[count]))
				return false;
		count++;
	}
	return true;
}

static bool read_policy_mappings(struct bytes value, struct certificate *out)
{
	struct bytes rest;
	size_t count = 0;

	if (!der_only(value, DER_SEQUENCE, &out->mappings) ||
	    out->mappings.n == 0)
		return false;
	rest = out->mappings;
	while (rest.n > 0) {
		struct bytes pair;
		struct bytes oid;

		if (++count > MAX_POLICIES ||
		    !der_expect(&rest, DER_SEQUENCE, &pair))
			return false;
		for (int i = 0; i < 2; i++)
			if (!der_expect(&pair, DER_OID, &oid) ||
			    !der_oid_valid(oid))
				return false;
		if (pair.n != 0)
			return false;
	}
	return true;
}

static bool read_policy_constraints(struct bytes value, struct certificate *out)
{
	struct bytes body;
	uint32_t *fields[] = {&out->require_policy, &out->inhibit_mapping};

	if (!der_only(value, DER_SEQUENCE, &body) || body.n == 0)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		struct bytes number;

		if (der_at(body, DER_CONTEXT(i)) &&
		    (!der_expect(&body, DER_CONTEXT(i), &number) ||
		     !der_uint(number, fields[i])))
			return false;
	}
	return body.n == 0;
}

static bool read_inhibit_any(struct bytes value, struct certificate *out)
{
	struct bytes number;

	return der_only(value, DER_INTEGER, &number) &&
	       der_uint(number, &out->inhibit_any);
}

static const struct known {
	struct bytes oid;
	unsigned bit;
	bool (*read)(struct bytes value, struct certificate *out);
} known[] = {
	{OID_BASIC_CONSTRAINTS, HAS_BASIC_CONSTRAINTS, read_basic_constraints},
	{OID_KEY_USAGE, HAS_KEY_USAGE, read_key_usage},
	{OID_EXTENDED_KEY_USAGE, HAS_EXTENDED_KEY_USAGE,
	 read_extended_key_usage},
	{OID_SUBJECT_ALT_NAME, HAS_SUBJECT_ALT_NAME, read_subject_alt_name},
	{OID_ISSUER_ALT_NAME, HAS_ISSUER_ALT_NAME, read_issuer_alt_name},
	{OID_NAME_CONSTRAINTS, HAS_NAME_CONSTRAINTS, read_name_constraints},
	{OID_AUTHORITY_KEY_ID, HAS_AUTHORITY_KEY_ID, read_authority_key_id},
	{OID_SUBJECT_KEY_ID, HAS_SUBJECT_KEY_ID, read_subject_key_id},
	{OID_POLICIES, HAS_POLICIES, read_policies},
	{OID_POLICY_MAPPINGS, HAS_POLICY_MAPPINGS, read_policy_mappings},
	{OID_POLICY_CONSTRAINTS, HAS_POLICY_CONSTRAINTS,
	 read_policy_constraints},
	{OID_INHIBIT_ANY_POLICY, HAS_INHIBIT_ANY_POLICY, read_inhibit_any},
};

static const struct known *find(struct bytes oid)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (bytes_equal(oid, known[i].oid))
			return &known[i];
	return NULL;
}

static enum trust read_one(struct bytes oid, bool critical, struct bytes value,
			   struct certificate *out)
{
	const struct known *extension = find(oid);

	if (extension == NULL) {
		out->unknown_critical |= critical;
		return TRUST_OK;
	}
	out->extensions |= extension->bit;
	if (critical)
		out->critical |= extension->bit;
	return extension->read(value, out) ? TRUST_OK : TRUST_EXTENSION;
}

enum trust extensions_read(struct bytes extensions, struct certificate *out)
{
	struct bytes seen[CERTIFICATE_MAX_EXTENSIONS];
	size_t count = 0;

	if (extensions.n == 0)
		return TRUST_EXTENSION;
	while (extensions.n > 0) {
		struct bytes extension;
		struct bytes field;
		struct bytes value;
		bool critical = false;
		enum trust trust;

		if (count == CERTIFICATE_MAX_EXTENSIONS)
			return TRUST_TOO_COMPLEX;
		if (!der_expect(&extensions, DER_SEQUENCE, &extension) ||
		    !der_expect(&extension, DER_OID, &seen[count]) ||
		    !der_oid_valid(seen[count]))
			return TRUST_EXTENSION;
		if (der_at(extension, DER_BOOLEAN) &&
		    (!der_expect(&extension, DER_BOOLEAN, &field) ||
		     !der_boolean(field, &critical)))
			return TRUST_EXTENSION;
		if (!der_only(extension, DER_OCTET_STRING, &value))
			return TRUST_EXTENSION;
		for (size_t i = 0; i < count; i++)
			if (bytes_equal(seen[i], seen[count]))
				return TRUST_EXTENSION_TWICE;
		trust = read_one(seen[count], critical, value, out);
		if (trust != TRUST_OK)
			return trust;
		count++;
	}
	/* RFC 5280 4.2.1.10: in a CA certificate only. */
	if ((out->extensions & HAS_NAME_CONSTRAINTS) && !out->ca)
		return TRUST_EXTENSION_PLACE;
	return TRUST_OK;
}
