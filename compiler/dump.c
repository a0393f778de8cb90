/* dump.c - a policy as canonical YAML: what, compiled again with the same
 * address lists, gives the same policy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"
#include "command.h"
#include "policy_open.h"
#include "quote.h"

/* One entry of one list; names are copied, since a walk lends them. */
struct item {
	char *text; /* "*.example.com" */
	size_t length;
	uint32_t list;
};

struct dump {
	const struct blob *policy;
	struct arena *arena;
	struct item *items;
	uint32_t count;
	uint32_t capacity;
};

static bool collect(void *context, uint32_t list, struct str name,
		    bool wildcard)
{
	struct dump *dump = context;

	if (dump->count == dump->capacity) {
		uint32_t capacity =
			dump->capacity == 0 ? 64 : dump->capacity * 2;

		dump->items = arena_grow_array(dump->arena, dump->items,
					       dump->capacity, capacity,
					       sizeof(*dump->items));
		dump->capacity = capacity;
	}

	size_t length = name.n + (wildcard ? 2 : 0);
	char *text = arena_alloc(dump->arena, length + 1);

	if (wildcard)
		memcpy(text, "*.", 2);
	memcpy(text + (wildcard ? 2 : 0), name.p, name.n);
	dump->items[dump->count++] = (struct item){text, length, list};
	return true;
}

/* By list; merge sort keeps the canonical order inside a list. */
static void sort_by_list(struct item *items, struct item *scratch, size_t count)
{
	if (count < 2)
		return;

	size_t half = count / 2;
	size_t left = 0, right = half;

	sort_by_list(items, scratch, half);
	sort_by_list(items + half, scratch + half, count - half);
	for (size_t i = 0; i < count; i++) {
		bool take_left = right == count;

		if (left < half && right < count)
			take_left = items[left].list <= items[right].list;
		scratch[i] = take_left ? items[left++] : items[right++];
	}
	memcpy(items, scratch, count * sizeof(*items));
}

static void print_key_text(const char *prefix, const char *key, struct str text)
{
	printf("%s%s: ", prefix, key);
	quote_yaml(stdout, text);
	putchar('\n');
}

static void print_list(const struct dump *dump, const char *indent,
		       const char *key, uint32_t list)
{
	uint32_t low = 0;
	uint32_t high = dump->count;

	if (list == LIST_NONE)
		return;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (dump->items[middle].list < list)
			low = middle + 1;
		else
			high = middle;
	}
	printf("%s%s:\n", indent, key);
	for (; low < dump->count && dump->items[low].list == list; low++) {
		printf("%s  - ", indent);
		quote_yaml(stdout, str_make(dump->items[low].text,
					    dump->items[low].length));
		putchar('\n');
	}
}

/* INDENT is that of the rule's keys. */
static void print_mitm(const struct dump *dump, const char *indent,
		       uint32_t index)
{
	struct mitm_info mitm;
	struct str name, value;

	if (!blob_mitm(dump->policy, index, &mitm))
		return;
	printf("%s  - domain: ", indent);
	quote_yaml(stdout, mitm.domain);
	putchar('\n');
	if (mitm.header_count > 0)
		printf("%s    add_headers:\n", indent);
	for (uint32_t i = 0; i < mitm.header_count; i++) {
		if (!blob_mitm_header(dump->policy, index, i, &name, &value))
			continue;
		printf("%s      ", indent);
		quote_yaml(stdout, name);
		fputs(": ", stdout);
		quote_yaml(stdout, value);
		putchar('\n');
	}
	if (mitm.detailed_http_logs)
		printf("%s    detailed_http_logs: true\n", indent);
	if (mitm.full_header_count > 0)
		printf("%s    detailed_http_logs_full_headers:\n", indent);
	for (uint32_t i = 0; i < mitm.full_header_count; i++) {
		if (!blob_mitm_full_header(dump->policy, index, i, &name))
			continue;
		printf("%s      - ", indent);
		quote_yaml(stdout, name);
		putchar('\n');
	}
}

static void print_rule(const struct dump *dump, const struct rule_info *rule)
{
	const char *indent = rule->is_default ? "  " : "    ";

	if (rule->is_default)
		puts("default:");
	else
		print_key_text("  - ", "name", rule->name);
	if (rule->project.n > 0)
		print_key_text(indent, "project", rule->project);
	printf("%saction: %s\n", indent, acl_action_text(rule->action));
	/* An empty list says that nothing is allowed on purpose. */
	if (rule->list == LIST_NONE)
		printf("%sallowed_domains: []\n", indent);
	print_list(dump, indent, "allowed_domains", rule->list);
	print_list(dump, indent, "allowed_external_proxies", rule->proxies);
	if (rule->mitm_count > 0)
		printf("%smitm_domains:\n", indent);
	for (uint32_t i = 0; i < rule->mitm_count; i++)
		print_mitm(dump, indent, rule->mitm_first + i);
}

/* What YAML cannot hold: the options that give the same address lists. */
static void print_addresses(const struct blob *policy)
{
	struct ranges_options options;
	uint32_t count = blob_range_count(policy);

	blob_range_options(policy, &options);
	if (count == 0 && !options.allow_private && options.nat64_count == 0)
		return;
	puts("# compile with:");
	if (options.allow_private)
		puts("#   --unsafe-allow-private-ranges");
	for (uint32_t i = 0; i < options.nat64_count; i++) {
		char text[ADDR_TEXT_MAX + 4];

		addr_format_prefix(&options.nat64[i], text);
		printf("#   --nat64-prefix=%s\n", text);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct range_rule rule = blob_range_rule(policy, i);
		const char *action =
			rule.action == RANGE_ALLOW ? "allow" : "deny";
		char text[ADDR_TEXT_MAX + 4];

		if (rule.prefix.length < 128) {
			addr_format_prefix(&rule.prefix, text);
			printf("#   --%s-range=%s\n", action, text);
			continue;
		}
		addr_format(&rule.prefix.addr, text);
		if (rule.port == 0)
			printf("#   --%s-address=%s\n", action, text);
		else if (addr_is_v4(&rule.prefix.addr))
			printf("#   --%s-address=%s:%u\n", action, text,
			       rule.port);
		else
			printf("#   --%s-address=[%s]:%u\n", action, text,
			       rule.port);
	}
}

static void print_policy(struct dump *dump)
{
	const struct blob *policy = dump->policy;
	struct rule_info rule;
	bool services = false;

	blob_walk(policy, collect, dump);
	sort_by_list(dump->items,
		     arena_alloc_array(dump->arena, dump->count,
				       sizeof(*dump->items)),
		     dump->count);
	print_addresses(policy);
	puts("version: v1");
	for (uint32_t i = 0; i < blob_rule_count(policy); i++) {
		if (!blob_rule(policy, i, &rule))
			continue;
		if (!services)
			puts(rule.is_default ? "services: []" : "services:");
		services = true;
		print_rule(dump, &rule);
	}
	if (!services)
		puts("services: []");
	print_list(dump, "", "global_allow_list", blob_global_allow(policy));
	print_list(dump, "", "global_deny_list", blob_global_deny(policy));
}

/* see command.h */
int command_dump(const struct options *options)
{
	struct policy policy;

	if (options->operand_count != 1)
		return options_usage("--dump takes one policy");

	int status = policy_open(&policy, options, options->operands[0]);

	if (status == STATUS_YES) {
		struct dump dump = {.policy = &policy.blob,
				    .arena = arena_new()};

		print_policy(&dump);
		arena_free(dump.arena);
	}
	policy_close(&policy);
	return status;
}
