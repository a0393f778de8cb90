/* blob.h - a compiled policy in memory: loaded as a sealed copy, verified once,
 * then only read.  format.h has the layout, docs/smokescreen-blob.5 the
 * specification. */
#ifndef POLICY_BLOB_H
#define POLICY_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts.h"
#include "ranges.h"
#include "ranges_build.h"
#include "str.h"

#define RULE_NONE UINT32_MAX
#define MITM_NONE UINT32_MAX

enum blob_error {
	BLOB_OK = 0,
	BLOB_IO,         /* errno says */
	BLOB_NOT_A_BLOB, /* no magic: text, and so YAML perhaps */
	BLOB_EMPTY,
	BLOB_BINARY,  /* neither a blob nor text */
	BLOB_VERSION, /* a major version or feature this program lacks */
	BLOB_TRUNCATED,
	BLOB_CHECKSUM,
	BLOB_DAMAGED, /* a structural rule is broken */
	BLOB_TOO_LARGE,
};

enum rule_action { RULE_ENFORCE = 0, RULE_REPORT, RULE_OPEN };

/* One section as verified. */
struct blob_section {
	const uint8_t *p;
	uint64_t length;
	uint32_t count;
	uint32_t stride; /* bytes a record, for sections made of records */
};

#define BLOB_SECTION_SLOTS 24

struct blob {
	const uint8_t *bytes; /* NULL when nothing is loaded: denies all */
	size_t length;
	bool mapped;          /* blob_unmap() has something to unmap */
	struct ranges ranges; /* the compiled address table, verified */
	struct hosts hosts;   /* the compiled host table, verified */
	struct blob_section section[BLOB_SECTION_SLOTS]; /* by format.h type */
	const char *damage; /* for BLOB_DAMAGED, BLOB_VERSION: static text
			     * that says what is wrong and where */
};

/* Load PATH: read into a sealed memfd, map it read-only, verify.  On any error
 * BLOB is zeroed but for `damage`. */
enum blob_error blob_load(struct blob *blob, const char *path);

/* Verify LENGTH bytes at BYTES (64-byte aligned) and view them; the caller
 * keeps owning them. */
enum blob_error blob_wrap(struct blob *blob, const void *bytes, size_t length);

void blob_unmap(struct blob *blob);

/* One line: "checksum does not match: the file is damaged". */
const char *blob_error_text(enum blob_error error);

/* True when the first bytes are a blob's magic. */
bool blob_is_blob(const void *bytes, size_t length);

/* What the blob says of itself. */
struct blob_info {
	uint16_t major, minor;
	uint8_t digest[32]; /* SHA-256 over the hot sections */
	char policy[17];    /* its first 16 hex digits: "policy" in logs */
	uint64_t length;
	uint32_t services; /* rules without the default */
	bool has_default;
	uint64_t globs;   /* distinct globs */
	uint64_t entries; /* (list, glob) pairs */
	uint64_t nodes;   /* trie nodes after sharing */
	uint32_t range_rules;
	bool has_source_map;
	uint64_t hot_bytes, cold_bytes;
};
void blob_info(const struct blob *blob, struct blob_info *info);

/* Rules: services in order of name, then the default, if any. */
struct rule_info {
	struct str name; /* "default" for it */
	struct str project;
	enum rule_action action;
	bool is_default;
	uint32_t list; /* ids for blob_list_walk(); LIST_NONE if empty */
	uint32_t proxies;
	uint32_t mitm_first, mitm_count; /* MITM entries, in source order */
};
#define LIST_NONE UINT32_MAX
#define LIST_GLOBAL_DENY (UINT32_MAX - 1)
#define LIST_GLOBAL_ALLOW (UINT32_MAX - 2)
uint32_t blob_rule_count(const struct blob *blob);
bool blob_rule(const struct blob *blob, uint32_t index, struct rule_info *out);
/* Lists without a rule: LIST_GLOBAL_DENY and LIST_GLOBAL_ALLOW, or LIST_NONE if
 * empty. */
uint32_t blob_global_deny(const struct blob *blob);
uint32_t blob_global_allow(const struct blob *blob);

/* MITM entries (upstream's mitm_domains). */
struct mitm_info {
	struct str domain; /* a glob as written, "*.x" included */
	bool detailed_http_logs;
	uint32_t header_count;      /* add_headers, sorted by name */
	uint32_t full_header_count; /* detailed_http_logs_full_headers */
};
bool blob_mitm(const struct blob *blob, uint32_t index, struct mitm_info *out);
bool blob_mitm_header(const struct blob *blob, uint32_t mitm, uint32_t index,
		      struct str *name, struct str *value);
bool blob_mitm_full_header(const struct blob *blob, uint32_t mitm,
			   uint32_t index, struct str *name);

/* The configured address rules compiled in, in their canonical order, and the
 * options they were built with: for those who append. */
uint32_t blob_range_count(const struct blob *blob);
struct range_rule blob_range_rule(const struct blob *blob, uint32_t index);
void blob_range_options(const struct blob *blob, struct ranges_options *out);

/* Every entry of every list, in canonical order (reversed labels), each once
 * per list it is in.  Stops when VISIT returns false.  NAME is borrowed for the
 * call.  For dump, info and diff; not for decisions. */
typedef bool blob_visit(void *context, uint32_t list, struct str name,
			bool wildcard);
void blob_walk(const struct blob *blob, blob_visit *visit, void *context);

/* Where an entry of LIST was written; false without a source map.  FILE is
 * borrowed from the blob. */
bool blob_entry_source(const struct blob *blob, uint32_t list, struct str name,
		       bool wildcard, struct str *file, uint32_t *line);
/* The same of an entry that decide() has found: for any other it may be wrong,
 * since it is not looked up again. */
bool blob_found_source(const struct blob *blob, uint32_t list, struct str name,
		       bool wildcard, struct str *file, uint32_t *line);
/* The same of rule INDEX and of range rule INDEX. */
bool blob_rule_source(const struct blob *blob, uint32_t index, struct str *file,
		      uint32_t *line);
bool blob_range_source(const struct blob *blob, uint32_t index,
		       struct str *file, uint32_t *line);

#endif
