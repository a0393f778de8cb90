/* model.h - the policy as people think of it: services, rules, lists; each
 * thing with the place it was written.  Made by acl.c from a document, read by
 * lint, lower and the oracle. */
#ifndef COMPILER_MODEL_H
#define COMPILER_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar/source.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/ranges_build.h"
#include "runtime/policy/str.h"

/* One glob of a list, already validated and in normal form. */
struct glob {
	struct str name; /* "example.com": no "*.", no trailing dot */
	uint32_t start;  /* span of the scalar in the model's source */
	uint32_t end;
	uint32_t line; /* of start: 1.. */
	bool wildcard; /* "*.example.com" */
};

struct glob_list {
	struct glob *items;
	uint32_t count;
	struct span at; /* the whole list; no source: the key is not there */
};

struct header {
	struct str name;
	struct str value;
};

struct mitm_domain {
	struct glob glob;
	bool detailed_http_logs;
	struct header *headers; /* add_headers */
	uint32_t header_count;
	struct str *full_headers; /* detailed_http_logs_full_headers */
	uint32_t full_header_count;
	struct span at;
};

struct rule {
	struct str name; /* "default" for the default rule */
	struct str project;
	enum rule_action action;
	bool is_default;
	struct glob_list domains;
	struct glob_list proxies;
	struct mitm_domain *mitm; /* in the order written */
	uint32_t mitm_count;
	struct span at;      /* of the whole rule */
	struct span name_at; /* no source: without a name */
	struct span action_at;
};

/* An address rule with its place (a config file or none for a flag). */
struct placed_range {
	struct range_rule rule;
	struct span at;
};

/* A glob and the list it is in, for the walks over all lists at once. */
struct glob_ref {
	const struct glob *glob;
	uint32_t list; /* as lower.h numbers them */
};

/* Whose list it is: a rule's domains or its proxies. */
struct list_owner {
	const struct rule *rule;
	bool proxies;
};

/* Every glob of every list in canonical order: by reversed labels, exact before
 * wildcard, list, then as written.  Duplicates are still there. */
struct glob_order {
	struct rule **rules; /* services by name, default last */
	uint32_t rule_count;
	struct list_owner *owners; /* by list number */
	struct glob_ref *refs;
	uint32_t count;
	uint32_t list_count;
};

struct model {
	struct source *source;
	struct rule *services; /* in the order written */
	uint32_t service_count;
	struct rule *default_rule; /* NULL: none */
	struct glob_list global_allow;
	struct glob_list global_deny;
	struct placed_range *ranges;
	uint32_t range_count;
	struct ranges_options range_options;
	struct glob_order order; /* made by model_sort() */
};

/* Fill MODEL's order.  Scratch memory is freed again, the result is ARENA's. */
void model_sort(struct model *model, struct arena *arena);

#endif
