/* oracle.c - as slow and as plain as it can be written; shares nothing with
 * decide() but the words. */
#include "oracle.h"

#include <string.h>

static bool glob_matches(const struct glob *glob, const struct hostname *host)
{
	size_t n = glob->name.n;

	if (host->form == HOST_NONE)
		return false;
	if (!glob->wildcard)
		return str_equal(glob->name,
				 str_make(host->text, host->length));
	/* An address has no subdomains. */
	return host->form == HOST_NAME && host->length > n + 1 &&
	       host->text[host->length - n - 1] == '.' &&
	       memcmp(host->text + host->length - n, glob->name.p, n) == 0;
}

/* The glob of LIST that matches HOST, the one with the longest name if there
 * are several, exact before wildcard; NULL: none. */
static const struct glob *find_glob(const struct glob_list *list,
				    const struct hostname *host)
{
	const struct glob *best = NULL;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct glob *glob = &list->items[i];

		if (glob_matches(glob, host) &&
		    (best == NULL || glob->name.n > best->name.n))
			best = glob;
	}
	return best;
}

static const struct rule *find_rule(const struct model *model, struct str role)
{
	for (uint32_t i = 0; i < model->service_count; i++)
		if (str_equal(model->services[i].name, role))
			return &model->services[i];
	return model->default_rule;
}

static const struct mitm_domain *find_mitm(const struct rule *rule,
					   const struct hostname *host)
{
	for (uint32_t i = 0; i < rule->mitm_count; i++)
		if (glob_matches(&rule->mitm[i].glob, host))
			return &rule->mitm[i];
	return NULL;
}

/* see oracle.h */
struct oracle_decision oracle_decide(const struct model *model,
				     const struct query *query)
{
	struct oracle_decision out = {VERDICT_DENY, REASON_NO_RULE, NULL, NULL,
				      NULL};
	const struct rule *rule = find_rule(model, query->role);

	if (rule == NULL)
		return out;
	out.rule = rule;
	if (query->external_proxy != NULL &&
	    find_glob(&rule->proxies, query->external_proxy) == NULL) {
		out.reason = REASON_PROXY_NOT_ALLOWED;
		return out;
	}
	out.glob = find_glob(&rule->domains, query->host);
	if (out.glob != NULL) {
		out.verdict = VERDICT_ALLOW;
		out.reason = REASON_HOST_IN_RULE;
		out.mitm = find_mitm(rule, query->host);
		return out;
	}
	out.glob = find_glob(&model->global_deny, query->host);
	if (out.glob != NULL) {
		out.reason = REASON_HOST_IN_GLOBAL_DENY;
		return out;
	}
	out.glob = find_glob(&model->global_allow, query->host);
	if (out.glob != NULL) {
		out.verdict = VERDICT_ALLOW;
		out.reason = REASON_HOST_IN_GLOBAL_ALLOW;
		return out;
	}
	switch (rule->action) {
	case RULE_OPEN:
		out.verdict = VERDICT_ALLOW;
		out.reason = REASON_RULE_OPEN;
		break;
	case RULE_REPORT:
		out.verdict = VERDICT_REPORT;
		out.reason = REASON_RULE_REPORT;
		break;
	case RULE_ENFORCE:
		out.reason = REASON_RULE_ENFORCE;
		break;
	}
	if (rule->is_default)
		out.reason = REASON_DEFAULT_RULE;
	return out;
}
