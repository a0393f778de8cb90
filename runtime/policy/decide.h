/* decide.h - the access decision.  Pure: reads a verified blob, allocates
 * nothing, logs nothing.  Not here: names arrive normalised (hostname.h),
 * addresses are judged by ranges.h, DNS and sockets are the caller's. */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "blob.h"
#include "hostname.h"
#include "str.h"

enum verdict { VERDICT_DENY = 0, VERDICT_REPORT, VERDICT_ALLOW };

enum reason {
#define REASON(name, text) REASON_##name,
#include "reasons.def"
#undef REASON
	REASON_COUNT
};

struct query {
	struct str role;             /* borrowed; empty: a client without a
				      * name */
	const struct hostname *host; /* form HOST_NONE matches no entry */
	const struct hostname *external_proxy; /* NULL: none was asked for */
};

/* The list entry that decided.  Its text is a suffix of the query's host, so
 * nothing needs to be stored: "*.example.com" is {"example.com", wildcard}. */
struct entry {
	struct str name; /* borrowed from the query's host; empty: no entry */
	bool wildcard;
	uint32_t list; /* which list: an id for blob_entry_source() */
};

struct decision {
	enum verdict verdict;
	enum reason reason;
	uint32_t rule; /* RULE_NONE when no rule applied */
	bool default_rule;
	struct str rule_name; /* borrowed from the blob; "default" for it */
	struct str project;   /* borrowed from the blob */
	struct entry entry;
	uint32_t mitm;          /* index of the MITM entry, MITM_NONE */
	uint32_t nodes_visited; /* trie nodes looked at: at most one a label */
};

/* Decide QUERY against POLICY, in the order of the manual: rule, external
 * proxy, the rule's list, global deny, global allow, the rule's action. */
struct decision decide(const struct blob *policy, const struct query *query);

/* "host matched ...": static storage. */
const char *reason_text(enum reason reason);
/* "deny", "report", "allow": static storage. */
const char *verdict_text(enum verdict verdict);

#endif
