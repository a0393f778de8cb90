/* test_decide.c - the decision: order, reasons, entries, and a naive scan of
 * the lists that must agree with the trie on every query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy_fixture.h"

struct compiled {
	struct fixture fixture;
	uint8_t *bytes;
	struct blob blob;
};

static void compile(struct compiled *c)
{
	size_t length;

	c->bytes = fixture_emit(&c->fixture, false, &length);
	assert_int_equal(blob_wrap(&c->blob, c->bytes, length), BLOB_OK);
}

static void done(struct compiled *c)
{
	free(c->bytes);
	fixture_free(&c->fixture);
}

static struct decision ask(const struct compiled *c, const char *role,
			   const struct hostname *host, const char *proxy)
{
	static struct hostname via;

	if (proxy != NULL)
		via = fixture_host(proxy);
	return decide(&c->blob, &(struct query){
					.role = str_from(role),
					.host = host,
					.external_proxy = proxy ? &via : NULL,
				});
}

struct expectation {
	const char *role, *host, *proxy;
	enum verdict verdict;
	enum reason reason;
	const char *entry; /* NULL: none */
	uint32_t line;
	bool default_rule;
};

static void assert_entry(const struct compiled *c, const struct decision *d,
			 const struct expectation *e)
{
	char text[300] = "";
	struct str file;
	uint32_t line = 0;

	if (e->entry == NULL) {
		assert_int_equal(d->entry.name.n, 0);
		return;
	}
	snprintf(text, sizeof(text), "%s%.*s", d->entry.wildcard ? "*." : "",
		 STR_ARG(d->entry.name));
	assert_string_equal(text, e->entry);
	assert_true(blob_entry_source(&c->blob, d->entry.list, d->entry.name,
				      d->entry.wildcard, &file, &line));
	assert_true(str_equal(file, STR("acl.yaml")));
	assert_int_equal(line, e->line);
}

static void check_table(const struct compiled *c, const struct expectation *e,
			size_t n)
{
	for (; n > 0; n--, e++) {
		struct hostname host = fixture_host(e->host);
		struct decision d = ask(c, e->role, &host, e->proxy);

		if (d.verdict != e->verdict || d.reason != e->reason)
			fail_msg("%s -> %s: %s, %s", e->role, e->host,
				 verdict_text(d.verdict),
				 reason_text(d.reason));
		assert_int_equal(d.default_rule, e->default_rule);
		assert_entry(c, &d, e);
	}
}

static void build_manual(struct fixture *f)
{
	uint32_t a = fixture_rule(f, "alpha", "p-alpha", RULE_ENFORCE);
	uint32_t r = fixture_rule(f, "report", "p-report", RULE_REPORT);
	uint32_t o = fixture_rule(f, "open", "p-open", RULE_OPEN);
	uint32_t none = fixture_rule(f, "", "p-none", RULE_ENFORCE);
	uint32_t d = fixture_rule(f, NULL, "p-default", RULE_REPORT);

	fixture_glob(f, a, FIXTURE_DOMAIN, "api.example.com", 1);
	fixture_glob(f, a, FIXTURE_DOMAIN, "*.example.com", 2);
	fixture_glob(f, a, FIXTURE_DOMAIN, "*.deep.example.com", 3);
	fixture_glob(f, a, FIXTURE_DOMAIN, "denied-but-listed.org", 4);
	fixture_glob(f, a, FIXTURE_DOMAIN, "localhost", 5);
	fixture_glob(f, a, FIXTURE_DOMAIN, "10.0.0.1", 6);
	fixture_glob(f, a, FIXTURE_DOMAIN, "*.0.0.2", 7);
	fixture_glob(f, a, FIXTURE_DOMAIN, "2001:db8::1", 8);
	fixture_glob(f, a, FIXTURE_PROXY, "proxy.example.net", 9);
	fixture_glob(f, a, FIXTURE_PROXY, "*.proxies.example.net", 10);
	fixture_glob(f, r, FIXTURE_DOMAIN, "*.com", 11);
	fixture_glob(f, o, FIXTURE_DOMAIN, "example.com", 12);
	fixture_glob(f, o, FIXTURE_DOMAIN, "*.example.com", 13);
	fixture_glob(f, none, FIXTURE_DOMAIN, "nobody.example", 14);
	fixture_glob(f, d, FIXTURE_DOMAIN, "default.example", 15);
	fixture_glob(f, 0, FIXTURE_DENY, "denied-but-listed.org", 20);
	fixture_glob(f, 0, FIXTURE_DENY, "*.bad.org", 21);
	fixture_glob(f, 0, FIXTURE_DENY, "both.org", 22);
	fixture_glob(f, 0, FIXTURE_DENY, "*.org", 23);
	fixture_glob(f, 0, FIXTURE_ALLOW, "both.org", 30);
	fixture_glob(f, 0, FIXTURE_ALLOW, "good.net", 31);
	fixture_glob(f, 0, FIXTURE_ALLOW, "*.good.net", 32);
}

static void order_and_reasons(void **state)
{
	static const struct expectation table[] = {
		{"alpha", "api.example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "api.example.com", 1, false},
		{"alpha", "x.example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "*.example.com", 2, false},
		{"alpha", "a.b.c.d.e.deep.example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "*.deep.example.com", 3, false},
		/* any depth below, never the apex */
		{"alpha", "example.com", NULL, VERDICT_DENY,
		 REASON_RULE_ENFORCE, NULL, 0, false},
		{"alpha", "deep.example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "*.example.com", 2, false},
		{"alpha", "xexample.com", NULL, VERDICT_DENY,
		 REASON_RULE_ENFORCE, NULL, 0, false},
		/* the rule's own list comes before the global ones */
		{"alpha", "denied-but-listed.org", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "denied-but-listed.org", 4, false},
		{"open", "denied-but-listed.org", NULL, VERDICT_DENY,
		 REASON_HOST_IN_GLOBAL_DENY, "denied-but-listed.org", 20,
		 false},
		{"open", "very.bad.org", NULL, VERDICT_DENY,
		 REASON_HOST_IN_GLOBAL_DENY, "*.bad.org", 21, false},
		{"open", "bad.org", NULL, VERDICT_DENY,
		 REASON_HOST_IN_GLOBAL_DENY, "*.org", 23, false},
		/* deny before allow */
		{"alpha", "both.org", NULL, VERDICT_DENY,
		 REASON_HOST_IN_GLOBAL_DENY, "both.org", 22, false},
		{"alpha", "good.net", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_GLOBAL_ALLOW, "good.net", 31, false},
		{"alpha", "x.y.good.net", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_GLOBAL_ALLOW, "*.good.net", 32, false},
		/* the action */
		{"open", "elsewhere.io", NULL, VERDICT_ALLOW, REASON_RULE_OPEN,
		 NULL, 0, false},
		{"report", "elsewhere.io", NULL, VERDICT_REPORT,
		 REASON_RULE_REPORT, NULL, 0, false},
		{"alpha", "elsewhere.io", NULL, VERDICT_DENY,
		 REASON_RULE_ENFORCE, NULL, 0, false},
		/* a wildcard over a top label, and another rule's */
		{"report", "anything.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "*.com", 11, false},
		{"report", "api.example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "*.com", 11, false},
		{"report", "com", NULL, VERDICT_REPORT, REASON_RULE_REPORT,
		 NULL, 0, false},
		{"open", "example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "example.com", 12, false},
		{"alpha", "localhost", NULL, VERDICT_ALLOW, REASON_HOST_IN_RULE,
		 "localhost", 5, false},
		/* the service named "", and the default rule */
		{"", "nobody.example", NULL, VERDICT_ALLOW, REASON_HOST_IN_RULE,
		 "nobody.example", 14, false},
		{"", "elsewhere.io", NULL, VERDICT_DENY, REASON_RULE_ENFORCE,
		 NULL, 0, false},
		{"unknown", "default.example", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "default.example", 15, true},
		{"unknown", "elsewhere.io", NULL, VERDICT_REPORT,
		 REASON_DEFAULT_RULE, NULL, 0, true},
		{"Alpha", "api.example.com", NULL, VERDICT_REPORT,
		 REASON_DEFAULT_RULE, NULL, 0, true},
		{"default", "default.example", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "default.example", 15, true},
		{"unknown", "x.bad.org", NULL, VERDICT_DENY,
		 REASON_HOST_IN_GLOBAL_DENY, "*.bad.org", 21, true},
		/* external proxies come first of all */
		{"alpha", "api.example.com", "proxy.example.net", VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "api.example.com", 1, false},
		{"alpha", "api.example.com", "x.proxies.example.net",
		 VERDICT_ALLOW, REASON_HOST_IN_RULE, "api.example.com", 1,
		 false},
		{"alpha", "api.example.com", "other.example.net", VERDICT_DENY,
		 REASON_PROXY_NOT_ALLOWED, NULL, 0, false},
		{"alpha", "api.example.com", "good.net", VERDICT_DENY,
		 REASON_PROXY_NOT_ALLOWED, NULL, 0, false},
		{"open", "elsewhere.io", "proxy.example.net", VERDICT_DENY,
		 REASON_PROXY_NOT_ALLOWED, NULL, 0, false},
		/* literals match exact entries alone */
		{"alpha", "10.0.0.1", NULL, VERDICT_ALLOW, REASON_HOST_IN_RULE,
		 "10.0.0.1", 6, false},
		{"alpha", "10.0.0.2", NULL, VERDICT_DENY, REASON_RULE_ENFORCE,
		 NULL, 0, false},
		{"alpha", "x.0.0.2", NULL, VERDICT_ALLOW, REASON_HOST_IN_RULE,
		 "*.0.0.2", 7, false},
		{"alpha", "2001:db8::1", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "2001:db8::1", 8, false},
		{"alpha", "2001:db8::2", NULL, VERDICT_DENY,
		 REASON_RULE_ENFORCE, NULL, 0, false},
		/* as upstream: an empty first label is a label */
		{"alpha", ".example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "*.example.com", 2, false},
		{"alpha", "a..example.com", NULL, VERDICT_ALLOW,
		 REASON_HOST_IN_RULE, "*.example.com", 2, false},
		{"alpha", ".", NULL, VERDICT_DENY, REASON_RULE_ENFORCE, NULL, 0,
		 false},
		{"alpha", "", NULL, VERDICT_DENY, REASON_RULE_ENFORCE, NULL, 0,
		 false},
	};
	struct compiled c = {0};

	(void)state;
	build_manual(&c.fixture);
	compile(&c);
	check_table(&c, table, sizeof(table) / sizeof(table[0]));

	struct hostname host = fixture_host("api.example.com");
	struct decision d = ask(&c, "alpha", &host, NULL);

	assert_true(str_equal(d.project, STR("p-alpha")));
	assert_true(str_equal(d.rule_name, STR("alpha")));
	d = ask(&c, "nobody-knows", &host, NULL);
	assert_true(str_equal(d.rule_name, STR("default")));
	assert_true(str_equal(d.project, STR("p-default")));

	/* a refused host matches nothing and falls through to the action */
	host.form = HOST_NONE;
	d = ask(&c, "alpha", &host, NULL);
	assert_int_equal(d.reason, REASON_RULE_ENFORCE);
	d = ask(&c, "open", &host, NULL);
	assert_int_equal(d.verdict, VERDICT_ALLOW);
	done(&c);
}

static void no_default_rule(void **state)
{
	struct compiled c = {0};
	struct hostname host = fixture_host("example.com");

	(void)state;
	fixture_rule(&c.fixture, "default", "p", RULE_OPEN);
	fixture_glob(&c.fixture, 0, FIXTURE_ALLOW, "example.com", 1);
	compile(&c);

	struct decision d = ask(&c, "x", &host, "proxy.example.net");

	assert_int_equal(d.verdict, VERDICT_DENY);
	assert_int_equal(d.reason, REASON_NO_RULE);
	assert_int_equal(d.rule, RULE_NONE);
	/* a service may be called default without being it */
	d = ask(&c, "default", &host, NULL);
	assert_int_equal(d.reason, REASON_HOST_IN_GLOBAL_ALLOW);
	assert_false(d.default_rule);
	done(&c);
}

static void nothing_loaded(void **state)
{
	struct blob none = {0};
	struct hostname host = fixture_host("example.com");
	struct query query = {.role = STR("x"), .host = &host};
	struct decision d = decide(&none, &query);
	struct decision zero = {0};

	(void)state;
	assert_int_equal(d.verdict, VERDICT_DENY);
	assert_int_equal(d.reason, REASON_CORRUPT);
	assert_int_equal(zero.verdict, VERDICT_DENY);
	assert_string_equal(reason_text((enum reason)99), "policy is damaged");
}

static void an_empty_policy(void **state)
{
	struct compiled c = {0};
	struct hostname host = fixture_host("example.com");

	(void)state;
	compile(&c);
	assert_int_equal(ask(&c, "", &host, NULL).reason, REASON_NO_RULE);
	done(&c);
}

static uint32_t mitm_for(const struct compiled *c, const char *text)
{
	struct hostname host = fixture_host(text);

	return ask(c, "m", &host, NULL).mitm;
}

static void first_mitm_entry_wins(void **state)
{
	static const char *const globs[] = {
		"*.b.example.com",   "a.b.example.com", "*.example.com",
		"*.a.b.example.com", "a.b.example.com", "z.org",
		"1.2.3.4",           "*.2.3.4"};
	struct compiled c = {0};

	(void)state;
	/* a rule before, so that indexes do not start at 0 */
	uint32_t other = fixture_rule(&c.fixture, "a", "p", RULE_OPEN);
	uint32_t m = fixture_rule(&c.fixture, "m", "p", RULE_OPEN);

	fixture_glob(&c.fixture, other, FIXTURE_DOMAIN, "first.org", 1);
	fixture_mitm(&c.fixture, other, "first.org");
	for (uint32_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
		fixture_glob(&c.fixture, m, FIXTURE_DOMAIN, globs[i], i + 1);
		fixture_mitm(&c.fixture, m, globs[i]);
	}
	fixture_glob(&c.fixture, m, FIXTURE_DOMAIN, "plain.org", 50);
	fixture_glob(&c.fixture, 0, FIXTURE_ALLOW, "global.org", 51);
	compile(&c);
	assert_int_equal(mitm_for(&c, "a.b.example.com"), 1);
	assert_int_equal(mitm_for(&c, "x.b.example.com"), 1);
	assert_int_equal(mitm_for(&c, "b.example.com"), 3);
	assert_int_equal(mitm_for(&c, "x.a.b.example.com"), 1);
	assert_int_equal(mitm_for(&c, "z.org"), 6);
	assert_int_equal(mitm_for(&c, "1.2.3.4"), 7);
	assert_int_equal(mitm_for(&c, "x.2.3.4"), 8);
	assert_int_equal(mitm_for(&c, "plain.org"), MITM_NONE);
	assert_int_equal(mitm_for(&c, "global.org"), MITM_NONE);
	assert_int_equal(mitm_for(&c, "other.org"), MITM_NONE);
	assert_int_equal(mitm_for(&c, "first.org"), MITM_NONE);
	done(&c);
}

/* --- the naive scan ------------------------------------------------------- */

static bool naive_match(const struct canonical_entry *e,
			const struct hostname *host)
{
	size_t n = e->length;

	if (host->form == HOST_NONE || host->length == 0)
		return false;
	if (!e->wildcard)
		return host->length == n && memcmp(host->text, e->name, n) == 0;
	return host->form == HOST_NAME && host->length > n &&
	       host->text[host->length - n - 1] == '.' &&
	       memcmp(host->text + host->length - n, e->name, n) == 0;
}

/* The best entry of LIST: exact, else the longest. */
static const struct canonical_entry *naive_find(const struct canonical *c,
						uint32_t list,
						const struct hostname *host)
{
	const struct canonical_entry *best = NULL;

	for (uint32_t i = 0; i < c->entry_count; i++) {
		const struct canonical_entry *e = &c->entries[i];

		if (e->list != list || !naive_match(e, host))
			continue;
		if (best == NULL || (!e->wildcard && best->wildcard) ||
		    (best->wildcard && e->length > best->length))
			best = e;
	}
	return best;
}

static void compare_with_naive(const struct compiled *c, const char *role,
			       const struct hostname *host)
{
	const struct canonical *canonical = &c->fixture.canonical;
	const struct canonical_rule *rule = NULL;
	const struct canonical_entry *e = NULL;
	struct decision d = ask(c, role, host, NULL);
	enum reason reason = REASON_NO_RULE;
	uint32_t labels = 1;

	for (uint32_t i = 0; i < canonical->rule_count; i++)
		if (canonical->rules[i].is_default ||
		    str_equal(canonical->rules[i].name, str_from(role))) {
			rule = &canonical->rules[i];
			break;
		}
	if (rule != NULL) {
		static const enum reason actions[] = {
			[RULE_ENFORCE] = REASON_RULE_ENFORCE,
			[RULE_REPORT] = REASON_RULE_REPORT,
			[RULE_OPEN] = REASON_RULE_OPEN,
		};

		reason = rule->is_default ? REASON_DEFAULT_RULE
					  : actions[rule->action];
		if (rule->list != LIST_NONE &&
		    (e = naive_find(canonical, rule->list, host)) != NULL)
			reason = REASON_HOST_IN_RULE;
		else if ((e = naive_find(canonical, CANONICAL_GLOBAL_DENY,
					 host)) != NULL)
			reason = REASON_HOST_IN_GLOBAL_DENY;
		else if ((e = naive_find(canonical, CANONICAL_GLOBAL_ALLOW,
					 host)) != NULL)
			reason = REASON_HOST_IN_GLOBAL_ALLOW;
	}
	if (d.reason != reason)
		fail_msg("%s -> %s: %s, not %s", role, host->text,
			 reason_text(d.reason), reason_text(reason));
	if (e == NULL) {
		assert_int_equal(d.entry.name.n, 0);
	} else {
		assert_int_equal(d.entry.wildcard, e->wildcard);
		assert_true(
			str_equal(d.entry.name, str_make(e->name, e->length)));
		assert_int_equal(d.entry.list, e->list);
	}
	for (uint32_t i = 0; i < host->length; i++)
		labels += host->text[i] == '.';
	assert_in_range(d.nodes_visited, 0, labels);
}

#define LONGEST_LABEL                                                          \
	"abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxy"

/* Few labels, so that names are prefixes, parents and twins of each other. */
static void random_name(uint64_t *seed, char *out, unsigned most, unsigned pool)
{
	static const char *const labels[] = {
		"a",           "b",
		"c",           "com",
		"org",         "net",
		"x-1",         "ab",
		"abcdefgh",    "abcdefghi",
		"0",           "_",
		"a1",          "bb",
		"cc",          "long-label-of-more-than-sixteen-bytes",
		LONGEST_LABEL,
	};
	unsigned n = 1 + (unsigned)(fixture_random(seed) % most);
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		char number[16];
		unsigned pick = (unsigned)(fixture_random(seed) % pool);
		const char *label = number;

		if (pick < sizeof(labels) / sizeof(labels[0]))
			label = labels[pick];
		else
			snprintf(number, sizeof(number), "n%u", pick);
		if (at + strlen(label) + 2 > HOSTNAME_MAX)
			break;
		if (i > 0)
			out[at++] = '.';
		memcpy(out + at, label, strlen(label));
		at += strlen(label);
	}
	out[at] = '\0';
}

static void random_policy(struct fixture *f, uint64_t *seed)
{
	static const char *const names[] = {"a", "b", "c", ""};
	unsigned pool = fixture_random(seed) % 2 ? 8 : 60;
	unsigned rules = (unsigned)(fixture_random(seed) % 5);
	unsigned globs = (unsigned)(fixture_random(seed) % 400);

	for (unsigned i = 0; i < rules && i < 4; i++)
		fixture_rule(f, names[i], "p",
			     (enum rule_action)(fixture_random(seed) % 3));
	if (fixture_random(seed) % 2)
		fixture_rule(f, NULL, "p",
			     (enum rule_action)(fixture_random(seed) % 3));
	for (unsigned i = 0; i < globs; i++) {
		char text[300] = "*.";
		enum fixture_kind kind =
			(enum fixture_kind)(fixture_random(seed) % 5);
		bool wildcard = fixture_random(seed) % 2;

		if (kind > FIXTURE_ALLOW || f->rule_count == 0)
			kind = f->rule_count ? FIXTURE_DOMAIN : FIXTURE_DENY;
		random_name(seed, text + 2, 5, pool);
		fixture_glob(f,
			     f->rule_count ? (uint32_t)(fixture_random(seed) %
							f->rule_count)
					   : 0,
			     kind, wildcard ? text : text + 2, i + 1);
	}
}

static void trie_agrees_with_scan(void **state)
{
	uint64_t seed = 0x5eed;

	(void)state;
	for (unsigned round = 0; round < 600; round++) {
		struct compiled c = {0};
		unsigned pool = round % 2 ? 8 : 60;

		random_policy(&c.fixture, &seed);
		compile(&c);
		for (unsigned i = 0; i < 500; i++) {
			static const char *const roles[] = {"a", "b", "c", "",
							    "zz"};
			char text[300];
			struct hostname host;
			uint64_t pick = fixture_random(&seed);

			random_name(&seed, text, 7, pool);
			if (pick % 4 == 0 && c.fixture.glob_count > 0) {
				const struct fixture_glob *g =
					&c.fixture.globs[fixture_random(&seed) %
							 c.fixture.glob_count];

				snprintf(text, sizeof(text), "%s%s",
					 pick % 8 && g->entry.length < 240
						 ? "sub.x."
						 : "",
					 g->entry.name);
			}
			host = fixture_host(text);
			compare_with_naive(&c, roles[pick % 5], &host);
		}
		done(&c);
	}
}

/* Every name under many top labels, many names under one, deep chains. */
static void shapes(void **state)
{
	struct compiled c = {0};
	uint32_t r = fixture_rule(&c.fixture, "a", "p", RULE_ENFORCE);
	char text[300];

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "%shost%u.example.com",
			 i % 3 ? "" : "*.", i);
		fixture_glob(&c.fixture, r, FIXTURE_DOMAIN, text, i + 1);
		snprintf(text, sizeof(text), "x.top%u", i);
		fixture_glob(&c.fixture, r, FIXTURE_DOMAIN, text, i + 1);
		snprintf(text, sizeof(text), "*.top%u", i);
		if (i % 2)
			fixture_glob(&c.fixture, r, FIXTURE_DOMAIN, text,
				     i + 1);
	}
	memset(text, 0, sizeof(text));
	for (unsigned i = 0; i < 127; i++)
		memcpy(text + 2 * i, i < 126 ? "a." : "a", i < 126 ? 2 : 1);
	fixture_glob(&c.fixture, r, FIXTURE_DOMAIN, text, 9);
	fixture_glob(&c.fixture, r, FIXTURE_DENY, "*.a.a.a.a.a.a", 9);
	compile(&c);

	static const char *const hosts[] = {
		"host1.example.com",
		"x.host3.example.com",
		"host3.example.com",
		"host3001.example.com",
		"x.top7",
		"y.top7",
		"y.top8",
		"top7",
		"x.y.top9",
		"a.a.a.a.a.a",
		"b.a.a.a.a.a.a.a",
	};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct hostname host = fixture_host(hosts[i]);

		compare_with_naive(&c, "a", &host);
	}
	for (size_t n = 1; n <= 253; n++) {
		struct hostname host = fixture_host(text + 253 - n);

		compare_with_naive(&c, "a", &host);
	}
	done(&c);
}

/* Beyond the top labels that have codes, a name's labels are keys one by one.
 */
static void more_top_labels_than_codes(void **state)
{
	struct compiled c = {0};
	uint32_t r = fixture_rule(&c.fixture, "a", "p", RULE_ENFORCE);
	char text[64];
	uint64_t seed = 3;

	(void)state;
	for (unsigned i = 0; i < 66000; i++) {
		snprintf(text, sizeof(text), "%sx%u.t%05u", i % 3 ? "" : "*.",
			 i % 5, i);
		fixture_glob(&c.fixture, r, FIXTURE_DOMAIN, text, i + 1);
		snprintf(text, sizeof(text), "%st%05u", i % 2 ? "" : "*.", i);
		if (i % 7 == 0)
			fixture_glob(&c.fixture, 0, FIXTURE_DENY, text, i + 1);
	}
	compile(&c);
	for (unsigned i = 0; i < 300; i++) {
		unsigned n =
			i < 200 ? 65400 + i * 3
				: (unsigned)(fixture_random(&seed) % 66000);
		for (size_t k = 0; k < 4; k++) {
			struct hostname host;

			switch (k) {
			case 0:
				snprintf(text, sizeof(text), "x%u.t%05u", n % 5,
					 n);
				break;
			case 1:
				snprintf(text, sizeof(text), "y.x%u.t%05u",
					 n % 5, n);
				break;
			case 2:
				snprintf(text, sizeof(text), "z.t%05u", n);
				break;
			default:
				snprintf(text, sizeof(text), "t%05u", n);
				break;
			}
			host = fixture_host(text);
			compare_with_naive(&c, "a", &host);
		}
	}
	done(&c);
}

static void many_lists(void **state)
{
	struct compiled c = {0};

	(void)state;
	/* dense sets become bitmaps, sparse ones lists of ids */
	for (unsigned i = 0; i < 700; i++) {
		char name[16];
		uint32_t rule;

		snprintf(name, sizeof(name), "r%03u", i);
		rule = fixture_rule(&c.fixture, name, "p", RULE_ENFORCE);
		fixture_glob(&c.fixture, rule, FIXTURE_DOMAIN, "*.all.com", 1);
		if (i % 2)
			fixture_glob(&c.fixture, rule, FIXTURE_DOMAIN,
				     "odd.com", 2);
		if (i % 97 == 0)
			fixture_glob(&c.fixture, rule, FIXTURE_DOMAIN,
				     "sparse.com", 3);
		fixture_glob(&c.fixture, rule, FIXTURE_PROXY, "*.all.com", 4);
	}
	compile(&c);
	for (unsigned i = 0; i < 700; i++) {
		static const char *const hosts[] = {"x.all.com", "odd.com",
						    "sparse.com"};
		char name[16];

		snprintf(name, sizeof(name), "r%03u", i);
		for (size_t k = 0; k < 3; k++) {
			struct hostname host = fixture_host(hosts[k]);

			compare_with_naive(&c, name, &host);
		}
	}
	done(&c);
}

/* --- the promise ------------------------------------------------------------
 */

static void cost_does_not_grow(void **state)
{
	static const unsigned sizes[] = {10, 1000000};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct compiled c = {0};
		uint32_t r = fixture_rule(&c.fixture, "a", "p", RULE_ENFORCE);
		uint64_t seed = 7;
		char text[300];

		for (unsigned i = 0; i < sizes[k]; i++) {
			snprintf(text, sizeof(text), "%sn%u.%c%u.%s",
				 i % 3 ? "" : "*.", i, 'a' + (char)(i % 7),
				 i / 9, i % 5 ? "com" : "org");
			fixture_glob(&c.fixture, r, FIXTURE_DOMAIN, text, i);
		}
		compile(&c);
		for (unsigned i = 0; i < 20000; i++) {
			struct hostname host;
			unsigned n =
				(unsigned)(fixture_random(&seed) % sizes[k]);
			unsigned labels = 1;

			snprintf(text, sizeof(text), "%sn%u.%c%u.%s",
				 i % 2 ? "a.b.c.d.e.f." : "", n,
				 'a' + (char)(n % 7), n / 9,
				 n % 5 ? "com" : "org");
			host = fixture_host(text);
			for (const char *p = text; *p; p++)
				labels += *p == '.';

			struct decision d = ask(&c, "a", &host, NULL);

			assert_in_range(d.nodes_visited, 1, labels);
			assert_int_equal(d.verdict, (n % 3 == 0) == (i % 2)
							    ? VERDICT_ALLOW
							    : VERDICT_DENY);
		}
		done(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_reasons),
		cmocka_unit_test(no_default_rule),
		cmocka_unit_test(nothing_loaded),
		cmocka_unit_test(an_empty_policy),
		cmocka_unit_test(first_mitm_entry_wins),
		cmocka_unit_test(trie_agrees_with_scan),
		cmocka_unit_test(shapes),
		cmocka_unit_test(more_top_labels_than_codes),
		cmocka_unit_test(many_lists),
		cmocka_unit_test(cost_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
