/* explain.c - one question, answered for people: every layer that was
 * consulted, in order, and what it said.  The layers are read off the decision
 * itself: its reason is the layer that ended it. */
#include <stdio.h>
#include <string.h>

#include "acl.h"
#include "ask.h"
#include "command.h"
#include "policy_open.h"
#include "quote.h"
#include "report.h"

struct explanation {
	const struct blob *policy;
	const struct question *question;
	const struct answer *answer;
	struct arena *arena;
};

static void layer(const char *name, const char *text)
{
	printf("  %-16s %s\n", name, text);
}

/* " at acl.yaml:12", or "" when the policy has no source map. */
static const char *entry_place(const struct explanation *about)
{
	const struct entry *entry = &about->answer->decision.entry;
	struct str file;
	uint32_t line;

	if (!blob_entry_source(about->policy, entry->list, entry->name,
			       entry->wildcard, &file, &line) ||
	    line == 0)
		return "";
	return arena_printf(about->arena, " at %s:%u",
			    quote_visible(about->arena, file), line);
}

static void explain_rule(const struct explanation *about)
{
	const struct answer *answer = about->answer;
	const struct rule_info *rule = &answer->rule;
	const char *role = quote_visible(about->arena, about->question->role);
	const char *place = "";
	struct str file;
	uint32_t line;

	if (!answer->has_rule) {
		layer("rule",
		      arena_printf(about->arena,
				   "none for role '%s', and no default rule",
				   role));
		return;
	}
	if (blob_rule_source(about->policy, answer->decision.rule, &file,
			     &line) &&
	    line > 0)
		place = arena_printf(about->arena, " at %s:%u",
				     quote_visible(about->arena, file), line);

	const char *which = quote_visible(about->arena, rule->name);
	const char *project = quote_visible(about->arena, rule->project);

	if (answer->decision.default_rule)
		which = arena_printf(about->arena,
				     "default: no rule for role '%s'", role);
	layer("rule",
	      arena_printf(about->arena, "%s (project %s, action %s)%s", which,
			   rule->project.n > 0 ? project : "none",
			   acl_action_text(rule->action), place));
}

static const char *matched(const struct explanation *about)
{
	char buffer[HOSTNAME_MAX + 3];

	return arena_printf(
		about->arena, "'%s'%s matches",
		ask_entry_text(&about->answer->decision.entry, buffer),
		entry_place(about));
}

/* Decide as for the question, but about HOST. */
static struct decision decide_other(const struct explanation *about,
				    const char *host)
{
	struct hostname name;
	struct query query = {.role = about->question->role, .host = &name};
	struct decision decision = {.reason = REASON_NO_RULE};

	if (hostname_normalize(str_from(host), &name) != HOST_OK)
		return decision;
	decision = decide(about->policy, &query);
	/* it borrows from NAME, and only these two are asked for */
	decision.entry.name = str_make("", decision.entry.name.n);
	return decision;
}

/* The rule's list does not have the host: does it nearly? */
static void explain_near_miss(const struct explanation *about)
{
	const char *host = about->answer->host.text;
	const char *dot = strchr(host, '.');

	if (about->answer->host.form != HOST_NAME)
		return;

	struct decision below =
		decide_other(about, arena_printf(about->arena, "x.%s", host));

	if (below.reason == REASON_HOST_IN_RULE && below.entry.wildcard &&
	    below.entry.name.n == about->answer->host.length) {
		layer("", arena_printf(about->arena,
				       "'*.%s' matches only what is below it",
				       host));
		return;
	}
	if (dot == NULL)
		return;

	struct decision above = decide_other(about, dot + 1);

	if (above.reason == REASON_HOST_IN_RULE && !above.entry.wildcard)
		layer("", arena_printf(about->arena,
				       "'%s' matches itself and nothing below",
				       dot + 1));
}

static void explain_mitm(const struct explanation *about)
{
	struct mitm_info mitm;

	if (about->answer->decision.mitm != MITM_NONE &&
	    blob_mitm(about->policy, about->answer->decision.mitm, &mitm))
		layer("mitm_domains",
		      arena_printf(about->arena,
				   "'%s': the proxy terminates TLS itself",
				   quote_visible(about->arena, mitm.domain)));
}

/* Each layer from the rule on that did not end the decision, then the one that
 * did. */
static void explain_host(const struct explanation *about)
{
	const struct answer *answer = about->answer;
	enum reason reason = answer->decision.reason;
	const char *no_match = "no entry matches";

	explain_rule(about);
	if (reason == REASON_NO_RULE || reason == REASON_CORRUPT)
		return;
	if (about->question->has_proxy) {
		layer("external proxies",
		      arena_printf(
			      about->arena, "'%s' is %sallowed",
			      quote_visible(about->arena,
					    about->question->external_proxy),
			      reason == REASON_PROXY_NOT_ALLOWED ? "not "
								 : ""));
		if (reason == REASON_PROXY_NOT_ALLOWED)
			return;
	}
	if (reason == REASON_HOST_IN_RULE) {
		layer("allowed_domains", matched(about));
		explain_mitm(about);
		return;
	}
	layer("allowed_domains", no_match);
	explain_near_miss(about);
	if (reason == REASON_HOST_IN_GLOBAL_DENY) {
		layer("global deny", matched(about));
		return;
	}
	layer("global deny", no_match);
	if (reason == REASON_HOST_IN_GLOBAL_ALLOW) {
		layer("global allow", matched(about));
		return;
	}
	layer("global allow", no_match);
	layer("action", arena_printf(about->arena, "%s%s",
				     acl_action_text(answer->rule.action),
				     answer->decision.default_rule
					     ? ", of the default rule"
					     : ""));
}

static void explain_class(const struct explanation *about, const char *address,
			  struct classification class)
{
	const char *by = "";
	struct str file;
	uint32_t line;

	if (class.rule != RANGE_RULE_NONE) {
		struct range_rule rule =
			blob_range_rule(about->policy, class.rule);
		char prefix[ADDR_TEXT_MAX + 4];

		addr_format_prefix(&rule.prefix, prefix);
		by = arena_printf(about->arena, " by %s", prefix);
		if (rule.port != 0)
			by = arena_printf(about->arena, "%s port %u", by,
					  rule.port);
		if (blob_range_source(about->policy, class.rule, &file,
				      &line) &&
		    line > 0)
			by = arena_printf(about->arena, "%s at %s:%u", by,
					  quote_visible(about->arena, file),
					  line);
	}
	layer("address", arena_printf(about->arena, "%s port %u is '%s'%s",
				      address, about->question->port,
				      addr_class_text(class.class), by));
}

static void explain_address(const struct explanation *about)
{
	const struct question *question = about->question;
	const struct answer *answer = about->answer;
	char text[ADDR_TEXT_MAX];

	if (question->has_address) {
		addr_format(&question->address, text);
		explain_class(about, text, answer->address);
		return;
	}
	if (answer->verdict == VERDICT_DENY)
		return;
	if (answer->host.form == HOST_NAME) {
		layer("address", "not asked about: give --address");
		return;
	}
	if (answer->host.form == HOST_IPV6) {
		layer("address", "the proxy refuses IPv6 addresses as hosts");
		return;
	}
	/* The host is an address: the proxy will judge that one. */
	struct classification class = ranges_classify(
		&about->policy->ranges, &answer->host.addr, question->port);

	explain_class(about, answer->host.text, class);
	if (!addr_class_allows(class.class))
		layer("", "the proxy denies by this class too: give --address");
}

static void print_text(const struct explanation *about)
{
	const struct question *question = about->question;
	const struct answer *answer = about->answer;
	char buffer[ASK_ERROR_MAX];

	printf("role '%s'", quote_visible(about->arena, question->role));
	if (question->has_host)
		printf(", host '%s', port %u",
		       answer->host_error == HOST_OK
			       ? answer->host.text
			       : quote_visible(about->arena, question->host),
		       question->port);
	putchar('\n');
	if (question->has_host && answer->host_error != HOST_OK)
		layer("host", ask_error_text(question, answer, buffer));
	else if (question->has_host)
		explain_host(about);
	explain_address(about);
	printf("%s: %s\n", verdict_text(answer->verdict), answer->reason);
}

/* HOST, HOST:PORT, [IPV6]:PORT, IPV6. */
static bool read_host(const char *text, struct question *question)
{
	struct str whole = str_from(text);
	const char *colon = strchr(text, ':');

	question->has_host = true;
	question->host = whole;
	if (colon == NULL ||
	    (whole.p[0] != '[' && strchr(colon + 1, ':') != NULL))
		return true;

	enum authority_error error =
		authority_split(whole, &question->host, &question->port);

	if (error == AUTHORITY_OK)
		return true;
	options_usage("--host %s: %s", text, authority_error_text(error));
	return false;
}

static bool read_question(const struct options *options,
			  struct question *question)
{
	*question =
		(struct question){.role = STR(""), .port = ASK_DEFAULT_PORT};
	if (options->role != NULL)
		question->role = str_from(options->role);
	if (options->host != NULL && !read_host(options->host, question))
		return false;
	if (options->address != NULL) {
		question->has_address = true;
		if (!addr_parse(str_from(options->address),
				&question->address)) {
			options_usage("--address %s: not an IP address",
				      options->address);
			return false;
		}
	}
	if (options->external_proxy != NULL) {
		question->has_proxy = options->external_proxy[0] != '\0';
		question->external_proxy = str_from(options->external_proxy);
	}
	if (question->has_host || question->has_address)
		return true;
	options_usage("--explain needs --host, --address or --batch");
	return false;
}

static int explain_one(const struct options *options, const struct blob *policy,
		       const struct question *question)
{
	struct answer answer;
	struct arena *arena = arena_new();
	struct explanation about = {policy, question, &answer, arena};

	ask(policy, question, &answer);
	if (options->format == FORMAT_JSON)
		report_json_print(stdout, ask_json(question, &answer), 2);
	else
		print_text(&about);
	arena_free(arena);
	return answer.verdict == VERDICT_DENY ? STATUS_NO : STATUS_YES;
}

/* see command.h */
int command_explain(const struct options *options)
{
	struct question question;
	struct policy policy;

	if (options->operand_count != 1)
		return options_usage("--explain takes one policy");
	if (options->batch) {
		if (options->role != NULL || options->host != NULL ||
		    options->address != NULL || options->external_proxy != NULL)
			return options_usage("--batch takes its queries from "
					     "standard input");
		if (strcmp(options->operands[0], "-") == 0)
			return options_usage("--batch reads its queries from "
					     "standard input: name a file for "
					     "the policy");
	} else if (!read_question(options, &question)) {
		return STATUS_USAGE;
	}

	int status = policy_open(&policy, options, options->operands[0]);

	if (status == STATUS_YES)
		status = options->batch ? command_batch(&policy.blob)
					: explain_one(options, &policy.blob,
						      &question);
	policy_close(&policy);
	return status;
}
