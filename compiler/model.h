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
	bool wildcard; /* "*.example.com" */
};

struct glob_list {
	struct glob *items;
	uint32_t count;
	struct span at; /* the whole list, or its key */
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
	struct span at; /* of the whole rule */
	struct span name_at;
	struct span action_at;
};

/* An address rule with its place (a config file or none for a flag). */
struct placed_range {
	struct range_rule rule;
	struct span at;
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
};

#endif
