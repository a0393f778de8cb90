/* blob_exercise.h - ask an accepted blob everything there is to ask, with hosts
 * that no normaliser would let through: nothing of it may fault. */
#ifndef TESTS_BLOB_EXERCISE_H
#define TESTS_BLOB_EXERCISE_H

#include <string.h>

#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"

#define EXERCISE_ENTRIES 100000

static inline bool exercise_visit(void *context, uint32_t list, struct str name,
				  bool wildcard)
{
	const struct blob *blob = context;
	struct str file;
	uint32_t line;

	blob_entry_source(blob, list, name, wildcard, &file, &line);
	return name.n > 0 && name.n <= HOSTNAME_MAX;
}

static inline void exercise_decide(const struct blob *blob, struct str role,
				   const char *host, size_t length,
				   enum host_form form)
{
	struct hostname name = {.form = form, .length = (uint16_t)length};
	struct query query = {.role = role, .host = &name};

	if (length > HOSTNAME_MAX)
		length = HOSTNAME_MAX;
	memcpy(name.text, host, length);
	decide(blob, &query);
	query.external_proxy = &name;
	decide(blob, &query);
}

static inline void exercise(const struct blob *blob)
{
	static const char *const hosts[] = {"api.example.com",
					    "x.y.z.w.example.org",
					    "example.com",
					    "com",
					    "1.2.3.4",
					    "localhost",
					    "",
					    ".",
					    "..",
					    ".com",
					    "a..b.example.com",
					    "x.t1",
					    "n1.deep.example.net"};
	char longest[HOSTNAME_MAX];
	struct blob_info info;
	uint32_t rules = blob_rule_count(blob);

	blob_info(blob, &info);
	for (uint32_t i = 0; i <= rules; i++) {
		struct rule_info rule = {.name = STR("no such role")};
		struct str file;
		uint32_t line;

		blob_rule(blob, i, &rule);
		blob_rule_source(blob, i, &file, &line);
		/* the first few are enough: they share all but their list */
		if (i > 8 && i < rules)
			continue;
		for (size_t k = 0; k < sizeof(hosts) / sizeof(hosts[0]); k++)
			exercise_decide(blob, rule.name, hosts[k],
					strlen(hosts[k]), HOST_NAME);
		for (size_t k = 0; k < sizeof(longest); k++)
			longest[k] = k % 2 ? '.' : 'a';
		exercise_decide(blob, rule.name, longest, sizeof(longest),
				HOST_NAME);
		memset(longest, 0xff, sizeof(longest));
		exercise_decide(blob, rule.name, longest, sizeof(longest),
				HOST_NAME);
		exercise_decide(blob, rule.name, longest, UINT16_MAX,
				HOST_NAME);
		exercise_decide(blob, rule.name, "1.2.3.4", 7, HOST_IPV4);
		exercise_decide(blob, rule.name, "com", 3, HOST_NONE);
	}
	for (uint32_t i = 0; i < 4; i++) {
		struct mitm_info mitm = {.header_count = 0};
		struct str name, value, file;
		uint32_t line;

		blob_mitm(blob, i, &mitm);
		for (uint32_t k = 0; k <= mitm.header_count && k < 8; k++)
			blob_mitm_header(blob, i, k, &name, &value);
		for (uint32_t k = 0; k <= mitm.full_header_count && k < 8; k++)
			blob_mitm_full_header(blob, i, k, &name);
		blob_range_rule(blob, i);
		blob_range_source(blob, i, &file, &line);
	}
	for (unsigned i = 0; i < 256; i += 5) {
		struct addr addr = {{0}};

		memset(addr.bytes, (int)i, sizeof(addr.bytes));
		ranges_classify(&blob->ranges, &addr, 443);
		addr = addr_from_v4((const uint8_t[]){(uint8_t)i, 1, 2, 3});
		ranges_classify(&blob->ranges, &addr, 0);
	}
	if (info.entries <= EXERCISE_ENTRIES) {
		struct blob copy = *blob;

		blob_walk(blob, exercise_visit, &copy);
	}
}

#endif
