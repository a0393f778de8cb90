/* path.c - is every certificate of a path what its place asks for?  RFC 5280
 * 6.1, from the anchor down; each rule is one function.
 * Not here: how the path was found, and signatures: chain.c. */
#include "chain-internal.h"

#include "constraints.h"
#include "policies.h"

struct walk {
	const struct path *path;
	const struct chain_request *request;
	struct policies policies;
	uint32_t path_length; /* CAs that may follow, self-issued ones apart */
	size_t *work;         /* left for name constraints */
	int64_t expires;
	bool unchecked;
};

static bool is_anchor(const struct walk *walk, size_t i)
{
	return i == walk->path->depth - 1;
}

static enum trust check_itself(struct walk *walk, size_t i,
			       const struct certificate *certificate)
{
	if (certificate->unknown_critical)
		return TRUST_EXTENSION_CRITICAL;
	if (certificate->key_trust != TRUST_OK)
		return certificate->key_trust;
	/* Some roots have 0 for a serial number; nobody revokes them. */
	if (!is_anchor(walk, i) && certificate->serial.n == 1 &&
	    certificate->serial.p[0] == 0)
		return TRUST_SERIAL;
	return TRUST_OK;
}

static enum trust check_dates(struct walk *walk,
			      const struct certificate *certificate)
{
	if (walk->request->now < certificate->not_before)
		return TRUST_NOT_YET_VALID;
	if (walk->request->now > certificate->not_after)
		return TRUST_EXPIRED;
	if (certificate->not_after < walk->expires)
		walk->expires = certificate->not_after;
	return TRUST_OK;
}

static enum trust ask_crls(struct walk *walk,
			   const struct certificate *certificate,
			   const struct certificate *issuer,
			   const struct certificate *above)
{
	enum trust trust;
	bool covered;

	if (walk->request->crls == NULL) {
		walk->unchecked = true;
		return TRUST_OK;
	}
	trust = crl_set_check(walk->request->crls, certificate, issuer, above,
			      walk->request->now, &covered, &walk->expires);
	walk->unchecked |= !covered;
	return trust;
}

/* The issuer of anchor I, NULL if it is not known. */
static const struct certificate *parent_of(const struct anchors *anchors,
					   size_t i)
{
	size_t parent = anchors->list[i].parent;

	return parent == ANCHOR_NO_PARENT ? NULL
					  : &anchors->list[parent].certificate;
}

/* An anchor that is an intermediate answers to those above it. */
static enum trust check_anchor_revocation(struct walk *walk)
{
	const struct anchors *anchors = walk->request->anchors;
	size_t i = walk->path->anchor;

	for (size_t turns = 0; turns < CHAIN_MAX_DEPTH; turns++) {
		size_t parent = anchors->list[i].parent;
		enum trust trust;

		if (parent == ANCHOR_NO_PARENT)
			return TRUST_OK;
		trust = ask_crls(walk, &anchors->list[i].certificate,
				 &anchors->list[parent].certificate,
				 parent_of(anchors, parent));
		if (trust != TRUST_OK)
			return trust;
		i = parent;
	}
	return TRUST_OK;
}

static enum trust check_revocation(struct walk *walk, size_t i)
{
	const struct path *path = walk->path;

	if (is_anchor(walk, i))
		return check_anchor_revocation(walk);
	return ask_crls(
		walk, path->certificates[i], path->certificates[i + 1],
		is_anchor(walk, i + 1)
			? parent_of(walk->request->anchors, path->anchor)
			: path->certificates[i + 2]);
}

/* 6.1.3 (b), (c): a CA may issue itself a new key, whatever its name. */
static enum trust check_constraints(struct walk *walk, size_t i)
{
	const struct certificate *certificate = walk->path->certificates[i];

	if (i != 0 && certificate_self_issued(certificate))
		return TRUST_OK;
	for (size_t above = i + 1; above < walk->path->depth; above++) {
		enum trust trust = constraints_check(
			certificate, walk->path->certificates[above],
			walk->work);

		if (trust != TRUST_OK)
			return trust;
	}
	return TRUST_OK;
}

static enum trust check_policies(struct walk *walk, size_t i)
{
	const struct certificate *certificate = walk->path->certificates[i];

	if (is_anchor(walk, i)) {
		policies_init(&walk->policies, certificate);
		return TRUST_OK;
	}
	return policies_step(&walk->policies, certificate, i == 0);
}

/* That a CA is good for everything narrows nothing; that a client says so of
 * itself does not make it a client. */
static enum trust check_purpose(struct walk *walk, size_t i)
{
	const struct certificate *certificate = walk->path->certificates[i];
	bool named = walk->request->purpose == CHAIN_SERVER
			     ? certificate->server_auth
			     : certificate->client_auth;

	if (!(certificate->extensions & HAS_EXTENDED_KEY_USAGE) || named ||
	    (i > 0 && certificate->any_purpose))
		return TRUST_OK;
	return TRUST_PURPOSE;
}

static bool usage_allows(const struct certificate *certificate, unsigned usage)
{
	return !(certificate->extensions & HAS_KEY_USAGE) ||
	       (certificate->key_usage & usage) != 0;
}

/* 6.1.4 (k) to (n) */
static enum trust check_ca(struct walk *walk, size_t i)
{
	const struct certificate *certificate = walk->path->certificates[i];

	if (!certificate->ca)
		return TRUST_NOT_CA;
	if (!usage_allows(certificate, USAGE_CERTIFICATE_SIGN))
		return TRUST_KEY_USAGE;
	if (!is_anchor(walk, i) && !certificate_self_issued(certificate)) {
		if (walk->path_length == 0)
			return TRUST_PATH_LENGTH;
		if (walk->path_length != CERTIFICATE_NONE)
			walk->path_length--;
	}
	if (certificate->path_length < walk->path_length)
		walk->path_length = certificate->path_length;
	return TRUST_OK;
}

/* A server's that is trusted for itself alone may be a CA's: what "openssl req
 * -x509" makes is, whatever it is for. */
static enum trust check_leaf(const struct walk *walk,
			     const struct certificate *certificate)
{
	bool itself =
		walk->request->purpose == CHAIN_SERVER && is_anchor(walk, 0);

	if (!itself && (certificate->ca ||
			((certificate->extensions & HAS_KEY_USAGE) &&
			 (certificate->key_usage & USAGE_CERTIFICATE_SIGN))))
		return TRUST_LEAF_IS_CA;
	if (!usage_allows(certificate, USAGE_DIGITAL_SIGNATURE))
		return TRUST_KEY_USAGE;
	return TRUST_OK;
}

static enum trust check_one(struct walk *walk, size_t i)
{
	const struct certificate *certificate = walk->path->certificates[i];
	enum trust trust;

	if ((trust = check_itself(walk, i, certificate)) != TRUST_OK ||
	    (trust = check_dates(walk, certificate)) != TRUST_OK ||
	    (trust = check_revocation(walk, i)) != TRUST_OK ||
	    (trust = check_constraints(walk, i)) != TRUST_OK ||
	    (trust = check_policies(walk, i)) != TRUST_OK ||
	    (trust = check_purpose(walk, i)) != TRUST_OK)
		return trust;
	return i == 0 ? check_leaf(walk, certificate) : check_ca(walk, i);
}

struct path_verdict path_check(const struct path *path,
			       const struct chain_request *request,
			       size_t *work)
{
	struct walk walk = {.path = path,
			    .request = request,
			    .path_length = CERTIFICATE_NONE,
			    .work = work,
			    .expires = INT64_MAX};
	struct path_verdict verdict = {0};

	for (size_t i = path->depth; i-- > 0;) {
		verdict.about = path->certificates[i];
		verdict.trust = check_one(&walk, i);
		if (verdict.trust != TRUST_OK)
			return verdict;
	}
	verdict.expires = walk.expires;
	verdict.unchecked = walk.unchecked;
	return verdict;
}
