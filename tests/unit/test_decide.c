/* test_decide.c - the decision as the manual has it: order, reasons, entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_reasons),
		cmocka_unit_test(no_default_rule),
		cmocka_unit_test(nothing_loaded),
		cmocka_unit_test(an_empty_policy),
		cmocka_unit_test(first_mitm_entry_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
