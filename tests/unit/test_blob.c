/* test_blob.c - what goes into a blob comes out: rules, lists, MITM entries,
 * address rules, places in the source; the same policy gives the same bytes,
 * and what does not change a decision does not change the digest. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy_fixture.h"
#include "runtime/policy/format.h"

static void build_policy(struct fixture *f, bool backwards, uint32_t line)
{
	static const char *const globs[] = {
		"example.com",         "*.example.com",
		"api.example.com",     "*.com",
		"localhost",           "1.2.3.4",
		"x.y.z.w.example.org", "*.w.example.org"};
	uint32_t n = sizeof(globs) / sizeof(globs[0]);
	uint32_t a = 0, b = 0;

	if (backwards) {
		b = fixture_rule(f, "beta", "project b", RULE_OPEN);
		a = fixture_rule(f, "alpha", "project a", RULE_REPORT);
	} else {
		a = fixture_rule(f, "alpha", "project a", RULE_REPORT);
		b = fixture_rule(f, "beta", "project b", RULE_OPEN);
	}
	uint32_t d = fixture_rule(f, NULL, "", RULE_ENFORCE);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = backwards ? n - 1 - i : i;

		fixture_glob(f, a, FIXTURE_DOMAIN, globs[k], line + k);
		if (k % 2)
			fixture_glob(f, b, FIXTURE_DOMAIN, globs[k],
				     line + 20 + k);
		if (k % 3 == 0)
			fixture_glob(f, a, FIXTURE_PROXY, globs[k],
				     line + 40 + k);
		if (k == 2)
			fixture_glob(f, 0, FIXTURE_DENY, globs[k], line + 60);
		if (k == 3)
			fixture_glob(f, 0, FIXTURE_ALLOW, globs[k], line + 61);
	}
	fixture_glob(f, d, FIXTURE_DOMAIN, "only.default", line + 62);
}

static void add_mitm(struct fixture *f, uint32_t rule)
{
	static struct header headers[] = {{{"X-A", 3}, {"one", 3}},
					  {{"X-B", 3}, {"", 0}}};
	static struct str full[] = {{"User-Agent", 10}};
	struct canonical_mitm *mitm = fixture_mitm(f, rule, "*.example.com");

	mitm->detailed_http_logs = true;
	mitm->headers = headers;
	mitm->header_count = 2;
	mitm->full_headers = full;
	mitm->full_header_count = 1;
	fixture_mitm(f, rule, "api.example.com");
}

struct seen {
	const struct canonical *canonical;
	uint32_t count;
};

static bool same_as_canonical(void *context, uint32_t list, struct str name,
			      bool wildcard)
{
	struct seen *seen = context;
	const struct canonical_entry *e =
		&seen->canonical->entries[seen->count++];

	assert_in_range(seen->count, 1, seen->canonical->entry_count);
	assert_int_equal(list, e->list);
	assert_int_equal(wildcard, e->wildcard);
	assert_true(str_equal(name, str_make(e->name, e->length)));
	return true;
}

static bool stop_at_three(void *context, uint32_t list, struct str name,
			  bool wildcard)
{
	(void)list, (void)name, (void)wildcard;
	return ++*(int *)context < 3;
}

static void assert_round_trip(const struct fixture *f, const struct blob *blob,
			      bool source_map)
{
	const struct canonical *c = &f->canonical;
	struct seen seen = {c, 0};
	struct str file;
	uint32_t line;

	blob_walk(blob, same_as_canonical, &seen);
	assert_int_equal(seen.count, c->entry_count);
	for (uint32_t i = 0; i < c->entry_count; i++) {
		const struct canonical_entry *e = &c->entries[i];
		struct str name = str_make(e->name, e->length);

		assert_true(
			hosts_has(&blob->hosts, name, e->wildcard, e->list));
		line = 0;
		assert_int_equal(blob_entry_source(blob, e->list, name,
						   e->wildcard, &file, &line),
				 source_map && e->line != 0);
		if (source_map)
			assert_int_equal(line, e->line);
	}
	assert_int_equal(blob_rule_count(blob), c->rule_count);
	for (uint32_t i = 0; i < c->rule_count; i++) {
		struct rule_info rule;

		assert_true(blob_rule(blob, i, &rule));
		assert_true(str_equal(rule.name, c->rules[i].name));
		assert_true(str_equal(rule.project, c->rules[i].project));
		assert_int_equal(rule.action, c->rules[i].action);
		assert_int_equal(rule.is_default, c->rules[i].is_default);
		assert_int_equal(rule.list, c->rules[i].list);
		assert_int_equal(rule.proxies, c->rules[i].proxies);
		assert_int_equal(rule.mitm_first, c->rules[i].mitm_first);
		assert_int_equal(rule.mitm_count, c->rules[i].mitm_count);
		assert_int_equal(blob_rule_source(blob, i, &file, &line),
				 source_map);
		if (source_map)
			assert_int_equal(line, c->rules[i].line);
	}
}

static void everything_comes_back(void **state)
{
	struct fixture f = {0};
	struct blob blob;
	struct blob_info info;
	struct rule_info rule;
	struct mitm_info mitm;
	struct str name, value;
	size_t length;
	int calls = 0;

	(void)state;
	build_policy(&f, false, 100);
	add_mitm(&f, 0);

	uint8_t *bytes = fixture_emit(&f, false, &length);

	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	assert_round_trip(&f, &blob, true);
	blob_walk(&blob, stop_at_three, &calls);
	assert_int_equal(calls, 3);

	blob_info(&blob, &info);
	assert_int_equal(info.major, FORMAT_MAJOR);
	assert_int_equal(info.services, 2);
	assert_true(info.has_default && info.has_source_map);
	assert_int_equal(info.globs, 9);
	assert_int_equal(info.entries, f.canonical.entry_count);
	assert_int_equal(info.length, length);
	assert_int_equal(strlen(info.policy), 16);
	assert_in_range(info.hot_bytes + info.cold_bytes, 1, length);
	assert_int_equal(blob_global_deny(&blob), LIST_GLOBAL_DENY);
	assert_int_equal(blob_global_allow(&blob), LIST_GLOBAL_ALLOW);

	assert_true(blob_mitm(&blob, 0, &mitm));
	assert_true(str_equal(mitm.domain, STR("*.example.com")));
	assert_true(mitm.detailed_http_logs);
	assert_int_equal(mitm.header_count, 2);
	assert_int_equal(mitm.full_header_count, 1);
	assert_true(blob_mitm_header(&blob, 0, 1, &name, &value));
	assert_true(str_equal(name, STR("X-B")));
	assert_int_equal(value.n, 0);
	assert_true(blob_mitm_header(&blob, 0, 0, &name, &value));
	assert_true(str_equal(value, STR("one")));
	assert_true(blob_mitm_full_header(&blob, 0, 0, &name));
	assert_true(str_equal(name, STR("User-Agent")));
	assert_true(blob_mitm(&blob, 1, &mitm));
	assert_false(mitm.detailed_http_logs);
	assert_int_equal(mitm.header_count, 0);

	/* indexes beyond the end are answered, not followed */
	assert_false(blob_rule(&blob, 3, &rule));
	assert_false(blob_mitm(&blob, 2, &mitm));
	assert_false(blob_mitm_header(&blob, 0, 2, &name, &value));
	assert_false(blob_mitm_header(&blob, 2, 0, &name, &value));
	assert_false(blob_mitm_full_header(&blob, 0, 1, &name));
	assert_int_equal(blob_range_rule(&blob, 9).action, RANGE_DENY);
	free(bytes);
	fixture_free(&f);
}

static void address_rules_come_back(void **state)
{
	struct fixture f = {0};
	struct blob blob;
	struct ranges_options options;
	struct addr_prefix nat64;
	struct addr inside, outside;
	struct str file;
	uint32_t line;
	size_t length;

	(void)state;
	fixture_range(&f, "10.0.0.0/8", 0, RANGE_ALLOW, 7);
	fixture_range(&f, "93.184.216.0/24", 443, RANGE_DENY, 0);
	f.ranges[0].file = 1;
	assert_true(addr_parse_cidr(STR("2001:db8:64::/96"), &nat64));
	f.options = (struct ranges_options){
		.allow_private = true, .nat64_count = 1, .nat64 = {nat64}};

	uint8_t *bytes = fixture_emit(&f, false, &length);

	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	assert_int_equal(blob_range_count(&blob), 2);
	for (uint32_t i = 0; i < 2; i++) {
		struct range_rule rule = blob_range_rule(&blob, i);
		const struct range_rule *in = &f.ranges[i].rule;

		assert_memory_equal(&rule.prefix, &in->prefix,
				    sizeof(rule.prefix));
		assert_int_equal(rule.port, in->port);
		assert_int_equal(rule.action, in->action);
	}
	blob_range_options(&blob, &options);
	assert_true(options.allow_private);
	assert_int_equal(options.nat64_count, 1);
	assert_memory_equal(&options.nat64[0], &nat64, sizeof(nat64));
	assert_true(blob_range_source(&blob, 0, &file, &line));
	assert_true(str_equal(file, STR("config.yaml")));
	assert_int_equal(line, 7);
	/* from a flag: nowhere */
	assert_false(blob_range_source(&blob, 1, &file, &line));
	assert_false(blob_range_source(&blob, 2, &file, &line));

	/* the compiled table is there and decides */
	assert_true(addr_parse(STR("10.1.2.3"), &inside));
	assert_true(addr_parse(STR("93.184.216.34"), &outside));
	assert_int_equal(ranges_classify(&blob.ranges, &inside, 80).class,
			 ADDR_USER_ALLOWED);
	assert_int_equal(ranges_classify(&blob.ranges, &outside, 443).class,
			 ADDR_USER_DENIED);
	assert_int_equal(ranges_classify(&blob.ranges, &outside, 80).class,
			 ADDR_DEFAULT);
	free(bytes);
	fixture_free(&f);
}

static void large_policies_come_back(void **state)
{
	struct fixture f = {0};
	struct blob blob;
	size_t length;
	char text[64];

	(void)state;
	for (unsigned r = 0; r < 40; r++) {
		snprintf(text, sizeof(text), "role-%u", r);
		fixture_rule(&f, text, r % 2 ? "one" : "two", RULE_ENFORCE);
		for (unsigned i = 0; i < 200; i++) {
			snprintf(text, sizeof(text), "%sh%u.d%u.t%u",
				 i % 3 ? "" : "*.", i * (r % 7 + 1), i % 11,
				 (i + r) % 90);
			fixture_glob(&f, r, FIXTURE_DOMAIN, text,
				     1 + 200 * r + i);
		}
	}

	uint8_t *bytes = fixture_emit(&f, false, &length);

	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	assert_round_trip(&f, &blob, true);
	free(bytes);
	fixture_free(&f);
}

static void more_top_labels_than_codes_come_back(void **state)
{
	struct fixture f = {0};
	struct blob blob;
	size_t length;
	char text[64];

	(void)state;
	fixture_rule(&f, "a", "p", RULE_ENFORCE);
	for (unsigned i = 0; i < 66000; i++) {
		snprintf(text, sizeof(text), "x.t%u", i);
		fixture_glob(&f, 0, FIXTURE_DOMAIN, text, i + 1);
		snprintf(text, sizeof(text), "*.t%u", i);
		if (i % 5 == 0)
			fixture_glob(&f, 0, FIXTURE_DOMAIN, text, i + 1);
		snprintf(text, sizeof(text), "t%u", i);
		if (i % 7 == 0)
			fixture_glob(&f, 0, FIXTURE_ALLOW, text, i + 1);
	}

	uint8_t *bytes = fixture_emit(&f, false, &length);

	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	assert_int_equal(blob.section[SECTION_TOPS].count, TOPS_MAX);
	assert_round_trip(&f, &blob, true);
	free(bytes);
	fixture_free(&f);
}

static void digests(void **state)
{
	struct fixture f[5] = {0};
	uint8_t *bytes[5];
	struct blob blob[5];
	struct blob_info info[5];
	size_t length[5];

	(void)state;
	build_policy(&f[0], false, 100);
	build_policy(&f[1], true, 100);  /* another order */
	build_policy(&f[2], false, 999); /* other lines */
	build_policy(&f[3], false, 100); /* stripped */
	build_policy(&f[4], false, 100); /* one entry more */
	fixture_glob(&f[4], 0, FIXTURE_DOMAIN, "more.example.net", 1);
	for (int i = 0; i < 5; i++) {
		bytes[i] = fixture_emit(&f[i], i == 3, &length[i]);
		assert_int_equal(blob_wrap(&blob[i], bytes[i], length[i]),
				 BLOB_OK);
		blob_info(&blob[i], &info[i]);
	}
	for (int i = 1; i < 4; i++)
		assert_memory_equal(info[0].digest, info[i].digest, 32);
	assert_memory_not_equal(info[0].digest, info[4].digest, 32);
	assert_string_not_equal(info[0].policy, info[4].policy);
	assert_true(length[3] < length[0]);
	assert_false(info[3].has_source_map);
	assert_round_trip(&f[3], &blob[3], false);
	/* lines differ, so the bytes do; the order does not matter to either,
	 * but for where rules were written */
	assert_int_equal(length[0], length[2]);
	assert_memory_not_equal(bytes[0], bytes[2], length[0]);

	size_t again;
	uint8_t *twice = fixture_emit(&f[0], false, &again);

	assert_int_equal(again, length[0]);
	assert_memory_equal(twice, bytes[0], again);
	free(twice);

	uint8_t *stripped[2];
	size_t n[2];

	for (int i = 0; i < 2; i++)
		stripped[i] = fixture_emit(&f[i], true, &n[i]);
	assert_int_equal(n[0], n[1]);
	assert_memory_equal(stripped[0], stripped[1], n[0]);
	for (int i = 0; i < 2; i++)
		free(stripped[i]);
	for (int i = 0; i < 5; i++) {
		free(bytes[i]);
		fixture_free(&f[i]);
	}
}

static void equal_subtrees_are_stored_once(void **state)
{
	struct fixture f = {0};
	struct blob blob;
	struct blob_info info;
	size_t length;
	char text[64];

	(void)state;
	fixture_rule(&f, "a", "p", RULE_ENFORCE);
	for (unsigned i = 0; i < 1000; i++)
		for (unsigned k = 0; k < 5; k++) {
			snprintf(text, sizeof(text), "%c.eu.site%u.com",
				 'a' + (char)k, i);
			fixture_glob(&f, 0, FIXTURE_DOMAIN, text, 1);
		}

	uint8_t *bytes = fixture_emit(&f, true, &length);

	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	blob_info(&blob, &info);
	assert_int_equal(info.globs, 5000);
	assert_int_equal(info.nodes, 3); /* the root, "eu", its five */
	free(bytes);
	fixture_free(&f);
}

static const char *emit_refuses(struct canonical_entry *entries, uint32_t n)
{
	struct canonical policy = {
		.entries = entries, .entry_count = n, .list_count = 1};
	struct canonical_rule rule = {.name = STR("a"), .proxies = LIST_NONE};
	const char *why = NULL;
	size_t length;

	policy.rules = &rule;
	policy.rule_count = 1;
	assert_null(emit_blob(&policy, true, &length, &why));
	assert_non_null(why);
	return why;
}

static void entries_out_of_order_are_refused(void **state)
{
	struct canonical_entry swapped[] = {{"b.com", 1, 0, 5, false},
					    {"a.com", 1, 0, 5, false}};
	struct canonical_entry tops[] = {{"a.org", 1, 0, 5, false},
					 {"a.com", 1, 0, 5, false}};
	struct canonical_entry twice[] = {{"a.com", 1, 0, 5, false},
					  {"a.com", 1, 0, 5, false}};
	struct canonical_entry foreign[] = {{"a.com", 1, 1, 5, false}};
	struct canonical_entry empty[] = {{"a..com", 1, 0, 6, false}};
	struct canonical_entry blank[] = {{"a b.com", 1, 0, 7, false}};

	(void)state;
	emit_refuses(swapped, 2);
	emit_refuses(tops, 2);
	emit_refuses(twice, 2);
	emit_refuses(foreign, 1);
	emit_refuses(empty, 1);
	emit_refuses(blank, 1);
}

/* --- files ------------------------------------------------------------------
 */

static void make_directory(char path[64])
{
	snprintf(path, 64, "/tmp/test_blob.XXXXXX");
	assert_non_null(mkdtemp(path));
}

static void files(void **state)
{
	struct fixture f = {0};
	struct blob blob;
	char dir[64], path[128], other[128];
	size_t length;

	(void)state;
	make_directory(dir);
	snprintf(path, sizeof(path), "%s/p.blob", dir);
	snprintf(other, sizeof(other), "%s/text", dir);
	build_policy(&f, false, 1);

	uint8_t *bytes = fixture_emit(&f, false, &length);

	assert_int_equal(blob_load(&blob, path), BLOB_IO);
	assert_int_equal(errno, ENOENT);
	assert_null(blob.bytes);
	assert_true(emit_file(path, bytes, length));
	assert_int_equal(blob_load(&blob, path), BLOB_OK);
	assert_true(blob.mapped);
	assert_int_equal(blob.length, length);
	assert_memory_equal(blob.bytes, bytes, length);

	/* what happens to the file no longer matters */
	assert_int_equal(truncate(path, 10), 0);
	assert_memory_equal(blob.bytes, bytes, length);
	blob_unmap(&blob);
	blob_unmap(&blob);
	assert_null(blob.bytes);
	assert_int_equal(blob_load(&blob, path), BLOB_TRUNCATED);
	assert_null(blob.bytes);

	/* replaced by rename, keeping its mode; nothing is left behind */
	struct stat st;

	assert_int_equal(chmod(path, 0640), 0);
	assert_true(emit_file(path, bytes, length));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true(emit_file(other, (const uint8_t *)"version: v1\n", 12));
	assert_int_equal(blob_load(&blob, other), BLOB_NOT_A_BLOB);
	assert_true(emit_file(other, bytes, 0));
	assert_int_equal(blob_load(&blob, other), BLOB_EMPTY);
	assert_true(emit_file(other,
			      (const uint8_t *)"\x7f"
					       "ELF",
			      4));
	assert_int_equal(blob_load(&blob, other), BLOB_BINARY);
	assert_int_equal(blob_load(&blob, dir), BLOB_IO);
	assert_int_equal(blob_load(&blob, "/dev/zero"), BLOB_BINARY);
	assert_false(emit_file(dir, bytes, length));
	assert_int_equal(errno, EISDIR);
	assert_false(emit_file("/dev/full", bytes, length));
	assert_int_equal(errno, ENOSPC);
	assert_true(emit_file("/dev/null", bytes, length));

	/* through a link, to what it leads to */
	snprintf(other, sizeof(other), "%s/link", dir);
	assert_int_equal(symlink("p.blob", other), 0);
	assert_int_equal(truncate(path, 10), 0);
	assert_true(emit_file(other, bytes, length));
	assert_int_equal(lstat(other, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(blob_load(&blob, path), BLOB_OK);
	blob_unmap(&blob);
	assert_int_equal(unlink(other), 0);
	snprintf(other, sizeof(other), "%s/none/p.blob", dir);
	assert_false(emit_file(other, bytes, length));
	assert_int_equal(errno, ENOENT);
	snprintf(other, sizeof(other), "%s/text", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
	assert_int_equal(rmdir(dir), 0);
	free(bytes);
	fixture_free(&f);
}

static void a_pipe(void **state)
{
	struct fixture f = {0};
	struct blob blob;
	char path[64];
	size_t length;
	int ends[2];

	(void)state;
	fixture_rule(&f, "a", "p", RULE_ENFORCE);

	uint8_t *bytes = fixture_emit(&f, false, &length);

	assert_int_equal(pipe(ends), 0);
	/* it is smaller than what a pipe holds */
	assert_int_equal(write(ends[1], bytes, length), length);
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(blob_load(&blob, path), BLOB_OK);
	assert_int_equal(blob.length, length);
	blob_unmap(&blob);
	close(ends[0]);
	free(bytes);
	fixture_free(&f);
}

static void errors_have_texts(void **state)
{
	(void)state;
	for (int i = 0; i <= BLOB_TOO_LARGE; i++)
		assert_in_range(strlen(blob_error_text((enum blob_error)i)), 5,
				100);
	assert_true(blob_is_blob(FORMAT_MAGIC, 8));
	assert_false(blob_is_blob(FORMAT_MAGIC, 7));
	assert_false(blob_is_blob("version: v1\n", 12));
}

static void nothing_loaded(void **state)
{
	struct blob blob = {0};
	struct blob_info info;
	struct rule_info rule;
	struct ranges_options options;
	struct str file;
	uint32_t line;
	int calls = 0;

	(void)state;
	blob_info(&blob, &info);
	assert_int_equal(info.length, 0);
	assert_int_equal(blob_rule_count(&blob), 0);
	assert_false(blob_rule(&blob, 0, &rule));
	assert_int_equal(blob_global_deny(&blob), LIST_NONE);
	blob_range_options(&blob, &options);
	blob_walk(&blob, stop_at_three, &calls);
	assert_int_equal(calls, 0);
	assert_false(
		blob_entry_source(&blob, 0, STR("a.com"), false, &file, &line));
	assert_false(blob_rule_source(&blob, 0, &file, &line));
	blob_unmap(&blob);
}

/* Words of the source map are as wide as it takes, and each says its line. */
static void lines_of_all_widths(void **state)
{
	static const struct {
		uint32_t entries, last_line, width;
	} cases[] = {
		{2, 3, 0},
		{40, 100, 4},
		{300, 0xfffff, 5},
		{2000, 0xffffff, 6},
		{2000, 0xffffffff, 7},
		{30000, 0xffffffff, 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t step = cases[i].last_line / cases[i].entries;
		struct compiled c = {0};

		fixture_rule(&c.fixture, "svc", "project", RULE_ENFORCE);
		for (uint32_t k = 1; k <= cases[i].entries; k++) {
			char glob[32];

			snprintf(glob, sizeof(glob), "%sn%u.example",
				 k % 3 ? "" : "*.", k);
			fixture_glob(&c.fixture, 0, FIXTURE_DOMAIN, glob,
				     k == cases[i].entries ? cases[i].last_line
							   : k * step);
		}
		compile(&c);

		const struct canonical *policy = &c.fixture.canonical;
		const uint8_t *lines = c.blob.section[SECTION_LINES].p;

		if (cases[i].width != 0)
			assert_int_equal(lines_width(lines), cases[i].width);
		assert_int_equal(get_u64le(c.bytes + HEADER_REQUIRED),
				 lines_width(lines) < 8 ? FEATURE_NARROW_LINES
							: 0);
		for (uint32_t k = 0; k < policy->entry_count; k++) {
			const struct canonical_entry *e = &policy->entries[k];
			struct str file;
			uint32_t line = 0;

			assert_true(blob_entry_source(
				&c.blob, e->list, str_make(e->name, e->length),
				e->wildcard, &file, &line));
			assert_int_equal(line, e->line);
		}
		done(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(address_rules_come_back),
		cmocka_unit_test(large_policies_come_back),
		cmocka_unit_test(more_top_labels_than_codes_come_back),
		cmocka_unit_test(lines_of_all_widths),
		cmocka_unit_test(digests),
		cmocka_unit_test(equal_subtrees_are_stored_once),
		cmocka_unit_test(entries_out_of_order_are_refused),
		cmocka_unit_test(files),
		cmocka_unit_test(a_pipe),
		cmocka_unit_test(errors_have_texts),
		cmocka_unit_test(nothing_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
