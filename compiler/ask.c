/* ask.c - see ask.h.  The order is the proxy's: the name first, then the
 * address. */
#include "ask.h"

#include <stdio.h>
#include <string.h>

#include "quote.h"
#include "report.h"

static void decide_host(const struct blob *policy,
			const struct question *question, struct answer *answer)
{
	struct hostname proxy;
	struct query query = {.role = question->role, .host = &answer->host};

	answer->host_error = hostname_normalize(question->host, &answer->host);
	if (answer->host_error != HOST_OK) {
		answer->reason = "invalid host";
		return;
	}
	if (question->has_proxy) {
		/* A proxy that cannot be normalised is on no list. */
		if (hostname_normalize(question->external_proxy, &proxy) !=
		    HOST_OK)
			proxy.form = HOST_NONE;
		query.external_proxy = &proxy;
	}
	answer->decision = decide(policy, &query);
	answer->verdict = answer->decision.verdict;
	answer->reason = reason_text(answer->decision.reason);
	if (answer->decision.rule != RULE_NONE)
		answer->has_rule =
			blob_rule(policy, answer->decision.rule, &answer->rule);

	const struct entry *entry = &answer->decision.entry;

	if (entry->name.n > 0)
		answer->has_place = blob_entry_source(
			policy, entry->list, entry->name, entry->wildcard,
			&answer->file, &answer->line);
	else if (answer->has_rule)
		answer->has_place =
			blob_rule_source(policy, answer->decision.rule,
					 &answer->file, &answer->line);
}

/* An address is looked at when its host was let through, or when there is no
 * host; a denied one denies. */
static void judge_address(const struct blob *policy,
			  const struct question *question,
			  struct answer *answer)
{
	answer->address = ranges_classify(&policy->ranges, &question->address,
					  question->port);

	bool allows = addr_class_allows(answer->address.class);

	if (question->has_host && (answer->verdict == VERDICT_DENY || allows))
		return;
	answer->by_address = true;
	answer->verdict = allows ? VERDICT_ALLOW : VERDICT_DENY;
	answer->reason = addr_class_text(answer->address.class);
	answer->has_place = answer->address.rule != RANGE_RULE_NONE &&
			    blob_range_source(policy, answer->address.rule,
					      &answer->file, &answer->line);
}

/* see ask.h */
void ask(const struct blob *policy, const struct question *question,
	 struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->decision.rule = RULE_NONE;
	answer->decision.mitm = MITM_NONE;
	answer->address.rule = RANGE_RULE_NONE;
	answer->reason = "";
	if (question->has_host)
		decide_host(policy, question, answer);
	if (question->has_address)
		judge_address(policy, question, answer);
	/* a range from the command line has no line */
	answer->has_place = answer->has_place && answer->line > 0;
}

/* see ask.h */
const char *ask_entry_text(const struct entry *entry, char *buffer)
{
	snprintf(buffer, HOSTNAME_MAX + 3, "%s%.*s",
		 entry->wildcard && entry->name.n > 0 ? "*." : "",
		 STR_ARG(entry->name));
	return buffer;
}

/* see ask.h */
const char *ask_error_text(const struct question *question,
			   const struct answer *answer, char *buffer)
{
	char why[128];
	struct arena *arena = arena_new();

	snprintf(buffer, ASK_ERROR_MAX, "invalid domain %.300s: %s",
		 quote_go(arena, question->host),
		 hostname_error_text(answer->host_error, &answer->host, why));
	arena_free(arena);
	return buffer;
}

static void set_str(json_t *object, const char *key, struct str text)
{
	json_object_set_new(
		object, key,
		report_json_text(text.p != NULL ? text.p : "", text.n));
}

/* see ask.h */
json_t *ask_json(const struct question *question, const struct answer *answer)
{
	json_t *object = json_object();
	const struct decision *decision = &answer->decision;
	char buffer[ASK_ERROR_MAX];
	bool decided = question->has_host && answer->host_error == HOST_OK;

	if (decided)
		set_str(object, "host",
			str_make(answer->host.text, answer->host.length));
	set_str(object, "result", str_from(verdict_text(answer->verdict)));
	set_str(object, "reason", str_from(answer->reason));
	if (question->has_host && !decided)
		set_str(object, "error",
			str_from(ask_error_text(question, answer, buffer)));
	if (answer->has_rule) {
		set_str(object, "project", answer->rule.project);
		set_str(object, "rule", answer->rule.name);
		json_object_set_new(object, "default_rule",
				    json_boolean(decision->default_rule));
	}
	if (decision->entry.name.n > 0)
		set_str(object, "entry",
			str_from(ask_entry_text(&decision->entry, buffer)));
	if (answer->has_place) {
		set_str(object, "file", answer->file);
		json_object_set_new(object, "line", json_integer(answer->line));
	}
	if (question->has_address)
		set_str(object, "address_class",
			str_from(addr_class_text(answer->address.class)));
	return object;
}
