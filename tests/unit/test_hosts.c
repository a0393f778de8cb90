/* test_hosts.c - the trie against a naive scan of the lists, which must agree
 * on every query, over random policies and odd shapes; and the promise that
 * cost does not grow with the policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy_fixture.h"

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
		cmocka_unit_test(trie_agrees_with_scan),
		cmocka_unit_test(shapes),
		cmocka_unit_test(more_top_labels_than_codes),
		cmocka_unit_test(many_lists),
		cmocka_unit_test(cost_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
