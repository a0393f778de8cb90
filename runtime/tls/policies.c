/* policies.c - see policies.h.  Letters are those of RFC 5280 6.1.3 to 6.1.5.
 */
#include "policies.h"

#include "oid.h"

static void lower(uint32_t *number, uint32_t limit)
{
	if (limit < *number)
		*number = limit;
}

static void count_down(uint32_t *number)
{
	if (*number != 0 && *number != CERTIFICATE_NONE)
		--*number;
}

void policies_init(struct policies *policies, const struct certificate *anchor)
{
	*policies = (struct policies){.any = true,
				      .require = anchor->require_policy,
				      .mapping = anchor->inhibit_mapping,
				      .inhibit_any = anchor->inhibit_any};
}

static bool is_in(struct bytes oid, const struct bytes *set, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_equal(set[i], oid))
			return true;
	return false;
}

/* Add OID once.  False: no room. */
static bool add(struct bytes oid, struct bytes *set, size_t *count)
{
	if (is_in(oid, set, *count))
		return true;
	if (*count == POLICIES_MAX)
		return false;
	set[(*count)++] = oid;
	return true;
}

static void become(struct policies *policies, const struct bytes *set,
		   size_t count)
{
	memcpy(policies->expected, set, count * sizeof(*set));
	policies->count = count;
}

/* (d), (e): what the certificate asserts, of what was expected. */
static bool intersect(struct policies *policies,
		      const struct certificate *certificate, bool any_counts)
{
	struct bytes next[POLICIES_MAX] = {{0}};
	struct bytes rest = certificate->policies;
	size_t count = 0;
	bool any = false;

	while (rest.n > 0) {
		struct bytes policy;
		struct bytes oid;

		if (!der_expect(&rest, DER_SEQUENCE, &policy) ||
		    !der_expect(&policy, DER_OID, &oid))
			return false;
		if (OID_IS(oid, OID_ANY_POLICY))
			any = any_counts;
		else if ((policies->any ||
			  is_in(oid, policies->expected, policies->count)) &&
			 !add(oid, next, &count))
			return false;
	}
	for (size_t i = 0; any && i < policies->count; i++)
		if (!add(policies->expected[i], next, &count))
			return false;
	policies->any = policies->any && any;
	become(policies, next, count);
	return true;
}

/* The next mapping of REST. */
static bool next_mapping(struct bytes *rest, struct bytes *from,
			 struct bytes *to)
{
	struct bytes pair;

	return der_expect(rest, DER_SEQUENCE, &pair) &&
	       der_expect(&pair, DER_OID, from) &&
	       der_expect(&pair, DER_OID, to);
}

static bool is_mapped(struct bytes oid, struct bytes mappings)
{
	struct bytes from;
	struct bytes to;

	while (next_mapping(&mappings, &from, &to))
		if (bytes_equal(from, oid))
			return true;
	return false;
}

/* 6.1.4 (a), (b): the issuer's names of policies become the subject's. */
static enum trust map(struct policies *policies,
		      const struct certificate *certificate)
{
	struct bytes next[POLICIES_MAX] = {{0}};
	struct bytes rest = certificate->mappings;
	struct bytes from;
	struct bytes to;
	size_t count = 0;

	for (size_t i = 0; i < policies->count; i++)
		if (!is_mapped(policies->expected[i], certificate->mappings) &&
		    !add(policies->expected[i], next, &count))
			return TRUST_TOO_COMPLEX;
	while (next_mapping(&rest, &from, &to)) {
		if (OID_IS(from, OID_ANY_POLICY) || OID_IS(to, OID_ANY_POLICY))
			return TRUST_POLICY;
		if (policies->mapping == 0)
			continue;
		if ((policies->any ||
		     is_in(from, policies->expected, policies->count)) &&
		    !add(to, next, &count))
			return TRUST_TOO_COMPLEX;
	}
	become(policies, next, count);
	return TRUST_OK;
}

static bool nothing_left(const struct policies *policies)
{
	return !policies->any && policies->count == 0;
}

enum trust policies_step(struct policies *policies,
			 const struct certificate *certificate, bool last)
{
	bool self_issued = certificate_self_issued(certificate);
	enum trust trust;

	if (!intersect(policies, certificate,
		       policies->inhibit_any > 0 || (!last && self_issued)))
		return TRUST_TOO_COMPLEX;
	/* (f) */
	if (policies->require == 0 && nothing_left(policies))
		return TRUST_POLICY;
	if (last) {
		/* 6.1.5 (a), (b) */
		count_down(&policies->require);
		if (certificate->require_policy == 0)
			policies->require = 0;
		return policies->require == 0 && nothing_left(policies)
			       ? TRUST_POLICY
			       : TRUST_OK;
	}
	if ((trust = map(policies, certificate)) != TRUST_OK)
		return trust;
	/* 6.1.4 (h) to (j) */
	if (!self_issued) {
		count_down(&policies->require);
		count_down(&policies->mapping);
		count_down(&policies->inhibit_any);
	}
	lower(&policies->require, certificate->require_policy);
	lower(&policies->mapping, certificate->inhibit_mapping);
	lower(&policies->inhibit_any, certificate->inhibit_any);
	return TRUST_OK;
}
