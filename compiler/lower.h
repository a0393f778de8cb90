/* lower.h - the canonical form: what the policy says, without how it was
 * written.  Sorted and free of duplicates, so that two spellings of one policy
 * are equal here, and the bytes that emit.c writes are equal too. */
#ifndef COMPILER_LOWER_H
#define COMPILER_LOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar/arena.h"
#include "model.h"

/* One (glob, list) pair.  Sorted by reversed labels, then exact before
 * wildcard, then list; unique by these. */
struct canonical_entry {
	const char *name; /* lower-case, no "*.", no trailing dot */
	uint32_t line;    /* where first written; 0: nowhere */
	uint32_t list;    /* see below */
	uint8_t length;   /* 1..HOSTNAME_MAX */
	bool wildcard;
};

struct canonical_mitm {
	struct str domain; /* "*.example.com" as text */
	bool detailed_http_logs;
	struct header *headers; /* sorted by name */
	uint32_t header_count;
	struct str *full_headers; /* sorted, unique */
	uint32_t full_header_count;
};

struct canonical_rule {
	struct str name;
	struct str project;
	enum rule_action action;
	bool is_default;
	uint32_t list;    /* LIST_NONE: empty */
	uint32_t proxies; /* LIST_NONE: empty */
	uint32_t mitm_first;
	uint32_t mitm_count;
	uint32_t line;
};

struct canonical_range {
	struct range_rule rule;
	uint32_t file; /* index into files */
	uint32_t line;
};

/* Lists are numbered 0..list_count-1: for each rule in order its domains, then
 * its proxies, each only if not empty; global lists have the two ids below. */
#define CANONICAL_GLOBAL_DENY (UINT32_MAX - 1)
#define CANONICAL_GLOBAL_ALLOW (UINT32_MAX - 2)

struct canonical {
	struct canonical_rule *rules; /* services by name, default last */
	uint32_t rule_count;
	struct canonical_entry *entries;
	uint32_t entry_count;
	uint32_t list_count;
	struct canonical_mitm *mitm; /* of all rules, each rule's in order */
	uint32_t mitm_count;
	struct canonical_range *ranges; /* sorted by prefix, port, action;
					 * unique */
	uint32_t range_count;
	struct ranges_options range_options;
	const char **files; /* base names; 0 is the ACL itself */
	uint32_t file_count;
};

/* Lower MODEL into OUT; everything new is ARENA's, texts are borrowed from the
 * model's source or copied: the model itself may go.  Cannot fail on a model
 * that acl_read() passed. */
void lower_model(struct canonical *out, struct model *model,
		 struct arena *arena);

/* Reversed-label order of names: "a.com" < "b.com" < "a.org". */
int lower_compare_names(struct str a, struct str b);

#endif
