/* chain.c - path building: see chain.h.  Depth first from the leaf up, anchors
 * before intermediates, issuers whose key identifier agrees before others. */
#include "chain.h"

#include "chain-internal.h"
#include "constraints.h"
#include "name.h"

_Static_assert(CHAIN_MAX_CERTIFICATES <= 16, "a bit for each in uint16_t");

struct search {
	const struct chain_request *request;
	struct certificate presented[CHAIN_MAX_CERTIFICATES];
	size_t count;
	struct path path;
	uint16_t used;                          /* bit per one in the path */
	uint16_t good[CHAIN_MAX_CERTIFICATES];  /* [child]: its signers, and */
	uint16_t wrong[CHAIN_MAX_CERTIFICATES]; /* those that are not */
	size_t signatures;                      /* left */
	size_t steps;                           /* left */
	size_t paths;                           /* left */
	size_t work; /* left of CONSTRAINTS_MAX_WORK */
	struct chain_result result;
};

/* Keep the most telling reason: that a way was found and why it ends tells more
 * than that none was. */
static void blame(struct search *search, enum trust trust, size_t at)
{
	enum trust so_far = search->result.trust;

	if (so_far == TRUST_UNKNOWN_CA ||
	    (so_far == TRUST_SIGNATURE && trust != TRUST_UNKNOWN_CA)) {
		search->result.trust = trust;
		search->result.at = at;
	}
}

static size_t index_of(const struct search *search,
		       const struct certificate *certificate)
{
	for (size_t i = 0; i < search->count; i++)
		if (certificate == &search->presented[i])
			return i;
	return search->count;
}

static const struct certificate *top_of(const struct search *search)
{
	return search->path.certificates[search->path.depth - 1];
}

/* The key identifiers do not speak against it. */
static bool ids_agree(const struct certificate *child,
		      const struct certificate *issuer)
{
	return child->authority_key.n == 0 || issuer->subject_key.n == 0 ||
	       bytes_equal(child->authority_key, issuer->subject_key);
}

static bool spend(struct search *search, size_t *budget)
{
	if (*budget == 0) {
		search->result.trust = TRUST_TOO_COMPLEX;
		search->result.at = 0;
		return false;
	}
	--*budget;
	return true;
}

static bool is_over(const struct search *search)
{
	return search->result.trust == TRUST_OK ||
	       search->result.trust == TRUST_TOO_COMPLEX;
}

/* ISSUER has signed CHILD. */
static enum trust check_link(struct search *search,
			     const struct certificate *child,
			     const struct certificate *issuer)
{
	size_t from = index_of(search, child);
	size_t to = index_of(search, issuer);
	uint16_t bit = (uint16_t)(to < search->count ? 1u << to : 0u);
	enum trust trust;

	if (child->signature_trust != TRUST_OK)
		return child->signature_trust;
	if (issuer->key_trust != TRUST_OK)
		return issuer->key_trust;
	/* Saves the arithmetic when the answer cannot be yes. */
	if (!issuer->ca)
		return TRUST_NOT_CA;
	if (search->good[from] & bit)
		return TRUST_OK;
	if (search->wrong[from] & bit)
		return TRUST_SIGNATURE;
	if (!spend(search, &search->signatures))
		return TRUST_TOO_COMPLEX;
	trust = signature_check(&child->signature, child->tbs, &issuer->key);
	if (trust == TRUST_OK)
		search->good[from] = (uint16_t)(search->good[from] | bit);
	else
		search->wrong[from] = (uint16_t)(search->wrong[from] | bit);
	return trust;
}

/* The path is complete with the anchor of index ANCHOR on top. */
static void judge(struct search *search, size_t anchor)
{
	struct path_verdict verdict;

	if (!spend(search, &search->paths))
		return;
	search->path.anchor = anchor;
	verdict = path_check(&search->path, search->request, &search->work);
	if (verdict.trust != TRUST_OK) {
		blame(search, verdict.trust, index_of(search, verdict.about));
		return;
	}
	search->result.trust = TRUST_OK;
	search->result.at = 0;
	search->result.depth = search->path.depth;
	search->result.expires = verdict.expires;
	search->result.unchecked = verdict.unchecked;
}

/* CANDIDATE may be the issuer of the path's top: put it there. */
static bool push(struct search *search, const struct certificate *candidate,
		 bool agreeing)
{
	const struct certificate *child = top_of(search);
	enum trust trust;

	if (!spend(search, &search->steps) ||
	    ids_agree(child, candidate) != agreeing ||
	    !name_equal(child->issuer, candidate->subject))
		return false;
	trust = check_link(search, child, candidate);
	if (trust != TRUST_OK) {
		/* Who is no CA, or has no key of use, is to blame itself. */
		bool issuer =
			trust == TRUST_NOT_CA || trust == candidate->key_trust;

		blame(search, trust,
		      index_of(search, issuer ? candidate : child));
		return false;
	}
	search->path.certificates[search->path.depth++] = candidate;
	return true;
}

static void try_anchors(struct search *search, bool agreeing)
{
	const struct anchors *anchors = search->request->anchors;

	for (size_t i = 0; i < anchors->count && !is_over(search); i++) {
		/* Comparing with thousands of names is cheap; a step is counted
		 * for those that could be. */
		const struct certificate *anchor =
			&anchors->list[i].certificate;

		if (!name_equal(top_of(search)->issuer, anchor->subject) ||
		    !push(search, anchor, agreeing))
			continue;
		judge(search, i);
		search->path.depth--;
	}
}

static void extend(struct search *search);

static void try_presented(struct search *search, bool agreeing)
{
	for (size_t i = 1; i < search->count && !is_over(search); i++) {
		uint16_t bit = (uint16_t)(1u << i);

		if ((search->used & bit) ||
		    !push(search, &search->presented[i], agreeing))
			continue;
		search->used = (uint16_t)(search->used | bit);
		extend(search);
		search->used = (uint16_t)(search->used & ~bit);
		search->path.depth--;
	}
}

/* Go on from the top of the path; at most CHAIN_MAX_CERTIFICATES deep. */
static void extend(struct search *search)
{
	for (int pass = 0; pass < 2 && !is_over(search); pass++) {
		try_anchors(search, pass == 0);
		try_presented(search, pass == 0);
	}
}

/* A client's certificate among the anchors stands for itself. */
static void try_itself(struct search *search)
{
	const struct anchors *anchors = search->request->anchors;

	for (size_t i = 0; i < anchors->count; i++)
		if (bytes_equal(anchors->list[i].certificate.der,
				search->presented[0].der)) {
			judge(search, i);
			return;
		}
}

static bool read_all(struct search *search, const struct bytes *der,
		     size_t count)
{
	size_t total = 0;

	search->result.trust = TRUST_MALFORMED;
	if (count == 0)
		return false;
	search->result.trust = TRUST_TOO_MANY;
	if (count > CHAIN_MAX_CERTIFICATES)
		return false;
	search->result.trust = TRUST_TOO_BIG;
	for (size_t i = 0; i < count; i++) {
		if (der[i].n > CHAIN_MAX_BYTES - total)
			return false;
		total += der[i].n;
	}
	for (size_t i = 0; i < count; i++) {
		enum trust trust =
			certificate_read(der[i], &search->presented[i]);

		search->result.trust = trust;
		search->result.at = i;
		if (trust != TRUST_OK)
			return false;
	}
	search->count = count;
	return true;
}

struct chain_result chain_check(const struct bytes *der, size_t count,
				const struct chain_request *request)
{
	struct search search = {.request = request,
				.signatures = CHAIN_MAX_SIGNATURES,
				.steps = CHAIN_MAX_STEPS,
				.paths = CHAIN_MAX_PATHS,
				.work = CONSTRAINTS_MAX_WORK};

	if (!read_all(&search, der, count))
		return search.result;
	search.result.trust = TRUST_UNKNOWN_CA;
	search.result.at = 0;
	search.path.certificates[0] = &search.presented[0];
	search.path.depth = 1;
	try_itself(&search);
	if (!is_over(&search))
		extend(&search);
	search.result.leaf = search.presented[0];
	return search.result;
}
