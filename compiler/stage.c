/* stage.c - a look at what one pass of the compiler hands to the next. */
#include <stdio.h>
#include <string.h>

#include "acl.h"
#include "command.h"
#include "compile.h"
#include "quote.h"
#include "report.h"

static void print_place(struct compilation *compilation, struct span at)
{
	struct place start =
		source_locate(at.source, compilation->arena, at.start);
	struct place end = source_locate(at.source, compilation->arena, at.end);

	printf("  [%u:%u-%u:%u]\n", start.line, start.column, end.line,
	       end.column);
}

static void print_node(struct compilation *compilation, const struct node *node,
		       int depth)
{
	static const char *const styles[] = {"plain", "single", "double"};
	struct span at = node_span(&compilation->document, node);
	const char *aliased = node->aliased ? " aliased" : "";

	switch ((enum node_kind)node->kind) {
	case NODE_NULL:
		printf("null%s", aliased);
		print_place(compilation, at);
		break;
	case NODE_SCALAR:
		printf("%s%s ", styles[node->style], aliased);
		fputs(quote_go(compilation->arena,
			       str_make(node->text, node->count)),
		      stdout);
		print_place(compilation, at);
		break;
	case NODE_SEQUENCE:
		printf("%ssequence%s of %u", node->flow ? "flow " : "", aliased,
		       node->count);
		print_place(compilation, at);
		for (uint32_t i = 0; i < node->count; i++) {
			printf("%*s- ", 2 * depth, "");
			print_node(compilation, node->items[i], depth + 1);
		}
		break;
	case NODE_MAPPING:
		printf("%smapping%s of %u", node->flow ? "flow " : "", aliased,
		       node->count);
		print_place(compilation, at);
		for (uint32_t i = 0; i < node->count; i++) {
			const struct pair *pair = &node->pairs[i];

			printf("%*s%s ", 2 * depth, "",
			       pair->merged ? "merged key" : "key");
			print_node(compilation, pair->key, depth + 1);
			printf("%*s", 2 * depth + 2, "");
			print_node(compilation, pair->value, depth + 1);
		}
		break;
	}
}

static void print_globs(const char *name, const struct glob_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		printf("  %s %s%.*s  line %u\n", name,
		       list->items[i].wildcard ? "*." : "",
		       STR_ARG(list->items[i].name), list->items[i].line);
}

static void print_rule(struct compilation *compilation, const struct rule *rule)
{
	struct arena *arena = compilation->arena;

	printf("%s %s project %s action %s\n",
	       rule->is_default ? "default" : "service",
	       quote_go(arena, rule->name), quote_go(arena, rule->project),
	       acl_action_text(rule->action));
	print_globs("domain", &rule->domains);
	print_globs("proxy", &rule->proxies);
	for (uint32_t i = 0; i < rule->mitm_count; i++) {
		const struct mitm_domain *mitm = &rule->mitm[i];

		printf("  mitm %s%.*s: %u headers, logs %s\n",
		       mitm->glob.wildcard ? "*." : "",
		       STR_ARG(mitm->glob.name), mitm->header_count,
		       mitm->detailed_http_logs ? "detailed" : "plain");
	}
}

static void print_model(struct compilation *compilation)
{
	const struct model *model = &compilation->model;

	for (uint32_t i = 0; i < model->service_count; i++)
		print_rule(compilation, &model->services[i]);
	if (model->default_rule != NULL)
		print_rule(compilation, model->default_rule);
	puts("global");
	print_globs("deny", &model->global_deny);
	print_globs("allow", &model->global_allow);
}

static void print_canonical(struct compilation *compilation)
{
	const struct canonical *canonical = &compilation->canonical;

	for (uint32_t i = 0; i < canonical->rule_count; i++) {
		const struct canonical_rule *rule = &canonical->rules[i];

		printf("rule %u %s action %s", i,
		       quote_go(compilation->arena, rule->name),
		       acl_action_text(rule->action));
		if (rule->list != LIST_NONE)
			printf(" domains %u", rule->list);
		if (rule->proxies != LIST_NONE)
			printf(" proxies %u", rule->proxies);
		putchar('\n');
	}
	for (uint32_t i = 0; i < canonical->entry_count; i++) {
		const struct canonical_entry *entry = &canonical->entries[i];

		printf("entry %s%.*s list ", entry->wildcard ? "*." : "",
		       entry->length, entry->name);
		if (entry->list == CANONICAL_GLOBAL_DENY)
			fputs("deny", stdout);
		else if (entry->list == CANONICAL_GLOBAL_ALLOW)
			fputs("allow", stdout);
		else
			printf("%u", entry->list);
		printf(" line %u\n", entry->line);
	}
	for (uint32_t i = 0; i < canonical->range_count; i++) {
		const struct range_rule *rule = &canonical->ranges[i].rule;
		char text[ADDR_TEXT_MAX + 4];

		addr_format_prefix(&rule->prefix, text);
		printf("range %s %s port %u line %u\n",
		       rule->action == RANGE_ALLOW ? "allow" : "deny", text,
		       rule->port, canonical->ranges[i].line);
	}
}

/* see command.h */
int command_stage(const struct options *options)
{
	static const char *const names[] = {"source", "document", "model",
					    "canonical"};
	struct compilation compilation;
	unsigned stage = 0;

	while (stage <= STAGE_CANONICAL &&
	       strcmp(options->stage, names[stage]) != 0)
		stage++;
	if (stage > STAGE_CANONICAL)
		return options_usage("--stage %s: source, document, model or "
				     "canonical is meant",
				     options->stage);
	if (options->operand_count != 1)
		return options_usage("--stage takes one policy");

	int status = STATUS_IO;
	enum compile_result result;

	compile_init(&compilation, options);
	result = compile_load(&compilation, options->operands[0]);
	if (result == COMPILE_OK)
		result = compile_run(&compilation, (enum compile_stage)stage);
	if (result != COMPILE_IO) {
		status = result == COMPILE_OK ? STATUS_YES : STATUS_NO;
		report_errors(options, &compilation.diags);
	}
	if (result == COMPILE_OK) {
		if (stage == STAGE_SOURCE)
			fwrite(compilation.source.bytes, 1,
			       compilation.source.length, stdout);
		else if (stage == STAGE_DOCUMENT)
			print_node(&compilation, compilation.document.root, 0);
		else if (stage == STAGE_MODEL)
			print_model(&compilation);
		else
			print_canonical(&compilation);
	}
	compile_fini(&compilation);
	return status;
}
