/* acl_schema.h - acl_schema.def as types and tables. */
#ifndef COMPILER_ACL_SCHEMA_H
#define COMPILER_ACL_SCHEMA_H

#include <stdint.h>

/* What a key's value is. */
enum schema_kind {
	SCHEMA_TEXT = 0,
	SCHEMA_VERSION, /* the text v1 */
	SCHEMA_ACTION,  /* one of three words */
	SCHEMA_VERDICT, /* one of three words */
	SCHEMA_PORT,
	SCHEMA_GLOB, /* a host glob */
	SCHEMA_BOOL,
	SCHEMA_GLOBS,   /* list of host globs */
	SCHEMA_TEXTS,   /* list of texts */
	SCHEMA_RULES,   /* list of rules */
	SCHEMA_RULE,    /* one rule */
	SCHEMA_MITMS,   /* list of MITM entries */
	SCHEMA_HEADERS, /* mapping of header names to values */
	SCHEMA_TESTS,   /* list of policy tests */
	SCHEMA_POLICY,  /* a whole policy: never under a key */
	SCHEMA_MAPPING, /* any other mapping: never under a key */
};

/* Whether a mapping must have a key, with a value. */
enum schema_presence { SCHEMA_OPTIONAL = 0, SCHEMA_REQUIRED };

enum schema_scope {
	SCHEMA_SCOPE_TOP = 0, /* the policy itself */
	SCHEMA_SCOPE_RULE,    /* one of services, and default */
	SCHEMA_SCOPE_MITM,    /* one of mitm_domains */
	SCHEMA_SCOPE_TESTS,   /* a test file itself */
	SCHEMA_SCOPE_TEST,    /* one of tests */
	SCHEMA_SCOPE_COUNT
};

enum schema_id {
#define KEY(scope, id, name, kind, presence, description) KEY_##scope##_##id,
#include "acl_schema.def"
#undef KEY
	SCHEMA_KEY_COUNT
};

struct schema_key {
	enum schema_scope scope;
	enum schema_kind kind;
	enum schema_presence presence; /* said to others: acl.c and testrun.c
					* have messages of their own */
	const char *name;
	const char *description;
};

/* By enum schema_id; the keys of one scope are neighbours. */
extern const struct schema_key schema_keys[SCHEMA_KEY_COUNT];

#endif
