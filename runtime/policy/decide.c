/* decide.c - see decide.h.  Reads like the manual: find the rule, then ask five
 * questions in order; the first that is answered decides. */
#include "decide.h"

#include "blob-internal.h"

static const char *const reason_texts[] = {
#define REASON(name, text) [REASON_##name] = (text),
#include "reasons.def"
#undef REASON
};

/* see decide.h */
const char *reason_text(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT ? reason_texts[reason]
					       : reason_texts[REASON_CORRUPT];
}

/* see decide.h */
const char *verdict_text(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_REPORT:
		return "report";
	case VERDICT_ALLOW:
		return "allow";
	case VERDICT_DENY:
		break;
	}
	return "deny";
}

/* What the five questions are asked about. */
struct question {
	const struct blob *policy;
	const struct query *query;
	struct hosts_answer hosts;
	const uint8_t *rule; /* its record */
	uint32_t list;       /* of the rule; LIST_NONE: empty */
};

/* The service named ROLE, byte for byte. */
static uint32_t service_named(const struct blob *policy, struct str role)
{
	const struct blob_section *index = &policy->section[SECTION_ROLE];
	uint64_t hash = format_hash(role.p, role.n);
	uint32_t buckets = get_u32le(index->p);
	const uint8_t *first =
		index->p + 4 + 4 * (size_t)key_bucket(hash, buckets);
	const uint8_t *pairs = index->p + 4 + 4 * ((size_t)buckets + 1);
	uint32_t end = get_u32le(first + 4);

	for (uint32_t i = get_u32le(first); i < end; i++) {
		const uint8_t *pair = pairs + ROLE_PAIR_BYTES * (size_t)i;
		uint32_t rule = get_u32le(pair + 4);

		if (get_u32le(pair) != (uint32_t)(hash >> 32))
			continue;

		const uint8_t *p = blob_record(policy, SECTION_RULE, rule);

		if (str_equal(blob_string(policy, p + RULE_NAME,
					  p + RULE_NAME_LEN),
			      role))
			return rule;
	}
	return RULE_NONE;
}

/* Find the rule and write it down: the service's own, else the default one. */
static bool rule_applies(struct question *q, struct decision *d)
{
	d->rule = service_named(q->policy, q->query->role);
	if (d->rule == RULE_NONE) {
		d->rule = get_u32le(q->policy->section[SECTION_META].p +
				    META_DEFAULT_RULE);
		if (d->rule == NO_INDEX)
			return false;
		d->default_rule = true;
	}
	q->rule = blob_record(q->policy, SECTION_RULE, d->rule);
	q->list = get_u32le(q->rule + RULE_LIST);
	d->rule_name = blob_string(q->policy, q->rule + RULE_NAME,
				   q->rule + RULE_NAME_LEN);
	d->project = blob_string(q->policy, q->rule + RULE_PROJECT,
				 q->rule + RULE_PROJECT_LEN);
	return true;
}

static bool proxy_is_refused(const struct question *q)
{
	const struct hostname *proxy = q->query->external_proxy;
	uint32_t list = get_u32le(q->rule + RULE_PROXIES);

	struct hosts_answer answer = {.nodes = 0};

	if (proxy == NULL)
		return false;
	if (list == LIST_NONE)
		return true;
	hosts_find(&q->policy->hosts, proxy, list, &answer);
	return !answer.list.found;
}

static struct entry entry_of(const struct question *q,
			     const struct hosts_entry *found, uint32_t list)
{
	const struct hostname *host = q->query->host;

	return (struct entry){
		.name = str_make(host->text + found->start,
				 (size_t)host->length - found->start),
		.wildcard = found->wildcard,
		.list = list,
	};
}

/* GLOB against "*." and NAME, or against NAME: bytewise order. */
static int glob_compare(struct str glob, struct str name, bool wildcard)
{
	if (wildcard) {
		size_t n = glob.n < 2 ? glob.n : 2;
		int order = str_compare(str_make(glob.p, n), STR("*."));

		if (order != 0)
			return order;
		glob = str_make(glob.p + n, glob.n - n);
	}
	return str_compare(glob, name);
}

/* The first of the rule's MITM entries that is this very glob; MITM_NONE. */
static uint32_t mitm_named(const struct question *q, struct str name,
			   bool wildcard)
{
	uint32_t low = get_u32le(q->rule + RULE_MITM_FIRST);
	uint32_t n = get_u32le(q->rule + RULE_MITM_COUNT);
	uint32_t found = MITM_NONE;

	while (n > 0) {
		uint32_t half = n / 2;
		uint32_t index = get_u32le(
			blob_record(q->policy, SECTION_MITM_ORDER, low + half));
		const uint8_t *p = blob_record(q->policy, SECTION_MITM, index);
		int order = glob_compare(blob_string(q->policy, p + MITM_DOMAIN,
						     p + MITM_DOMAIN_LEN),
					 name, wildcard);

		if (order == 0)
			found = index;
		if (order < 0) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return found;
}

/* The first, in the order written, of the rule's MITM entries that the host
 * matches: one search a label, whatever the number of entries. */
static uint32_t mitm_of(const struct question *q)
{
	const struct hostname *host = q->query->host;
	const char *text = host->text;
	uint32_t first;

	if (get_u32le(q->rule + RULE_MITM_COUNT) == 0)
		return MITM_NONE;
	first = mitm_named(q, str_make(text, host->length), false);
	if (host->form != HOST_NAME)
		return first;
	for (size_t i = 0; i < host->length; i++) {
		if (text[i] != '.')
			continue;

		uint32_t index = mitm_named(
			q, str_make(text + i + 1, host->length - i - 1), true);

		if (index < first)
			first = index;
	}
	return first;
}

static void set(struct decision *d, enum verdict verdict, enum reason reason)
{
	d->verdict = verdict;
	d->reason = reason;
}

static bool host_is_in_rule(const struct question *q, struct decision *d)
{
	if (!q->hosts.list.found)
		return false;
	set(d, VERDICT_ALLOW, REASON_HOST_IN_RULE);
	d->entry = entry_of(q, &q->hosts.list, q->list);
	d->mitm = mitm_of(q);
	return true;
}

static bool host_is_globally_denied(const struct question *q,
				    struct decision *d)
{
	if (!q->hosts.deny.found)
		return false;
	set(d, VERDICT_DENY, REASON_HOST_IN_GLOBAL_DENY);
	d->entry = entry_of(q, &q->hosts.deny, LIST_GLOBAL_DENY);
	return true;
}

static bool host_is_globally_allowed(const struct question *q,
				     struct decision *d)
{
	if (!q->hosts.allow.found)
		return false;
	set(d, VERDICT_ALLOW, REASON_HOST_IN_GLOBAL_ALLOW);
	d->entry = entry_of(q, &q->hosts.allow, LIST_GLOBAL_ALLOW);
	return true;
}

static void rule_action_decides(const struct question *q, struct decision *d)
{
	switch ((enum rule_action)q->rule[RULE_ACTION]) {
	case RULE_OPEN:
		set(d, VERDICT_ALLOW, REASON_RULE_OPEN);
		break;
	case RULE_REPORT:
		set(d, VERDICT_REPORT, REASON_RULE_REPORT);
		break;
	case RULE_ENFORCE:
		set(d, VERDICT_DENY, REASON_RULE_ENFORCE);
		break;
	}
	if (d->default_rule)
		d->reason = REASON_DEFAULT_RULE;
}

/* see decide.h */
struct decision decide(const struct blob *policy, const struct query *query)
{
	struct question q = {.policy = policy, .query = query};
	struct decision d = {.rule = RULE_NONE, .mitm = MITM_NONE};

	if (policy->bytes == NULL)
		return d;
	if (!rule_applies(&q, &d)) {
		set(&d, VERDICT_DENY, REASON_NO_RULE);
		return d;
	}
	if (proxy_is_refused(&q)) {
		set(&d, VERDICT_DENY, REASON_PROXY_NOT_ALLOWED);
		return d;
	}
	hosts_find(&policy->hosts, query->host, q.list, &q.hosts);
	d.nodes_visited = q.hosts.nodes;
	if (host_is_in_rule(&q, &d) || host_is_globally_denied(&q, &d) ||
	    host_is_globally_allowed(&q, &d))
		return d;
	rule_action_decides(&q, &d);
	return d;
}
