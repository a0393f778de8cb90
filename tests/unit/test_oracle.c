/* test_oracle.c - random policies and queries: what decide() finds in the blob
 * equals what the oracle finds in the model.  A million decisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/emit.h"
#include "compiler/lower.h"
#include "compiler/oracle.h"
#include "grammar/arena.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"

#define POLICIES 250
#define HOSTS 400
#define QUERIES 4000 /* a policy: POLICIES * QUERIES = 1,000,000 */

static uint64_t state;
static uint32_t seen[REASON_COUNT]; /* decisions by reason */
static uint32_t seen_mitm;

/* xorshift64*: the same run every time, on every machine. */
static uint32_t random_below(uint32_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1du) >> 33) % limit;
}

static bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}

/* Few labels, so that names often share a suffix, a prefix or everything. */
static const char *const labels[] = {"a",  "b",   "c",     "aa",   "a-b", "x1",
				     "_d", "com", "co",    "uk",   "net", "api",
				     "ab", "ac",  "zz-9z", "a_b_c"};

static char *random_name(struct arena *arena)
{
	uint32_t n = 1 + random_below(5);
	char *name = NULL;

	if (one_in(12))
		return arena_printf(arena, "%u.%u.%u.%u", random_below(3),
				    random_below(3), random_below(3),
				    random_below(3));
	for (uint32_t i = 0; i < n; i++) {
		const char *label =
			labels[random_below(sizeof(labels) / sizeof(*labels))];

		name = name == NULL ? arena_printf(arena, "%s", label)
				    : arena_printf(arena, "%s.%s", label, name);
	}
	/* now and then deep, or long */
	if (one_in(20))
		for (int i = 0; i < 20; i++)
			name = arena_printf(arena, "%s.%s", labels[i % 3],
					    name);
	if (one_in(30))
		name = arena_printf(arena, "%060d.%s", 7, name);
	return name;
}

static void random_list(struct arena *arena, struct glob_list *list,
			uint32_t most)
{
	list->count = random_below(most + 1);
	list->items =
		arena_alloc_array(arena, list->count + 1, sizeof(*list->items));
	for (uint32_t i = 0; i < list->count; i++) {
		struct glob *glob = &list->items[i];
		char *name = random_name(arena);

		glob->wildcard = one_in(2);
		/* an address has no subdomains: acl_read() refuses these */
		if (name[strspn(name, "0123456789.")] == '\0')
			glob->wildcard = false;
		glob->name = str_from(name);
		glob->line = i + 1;
	}
}

static void random_rule(struct arena *arena, struct rule *rule, uint32_t size)
{
	rule->project = str_from(one_in(3) ? "" : "p");
	rule->action = (enum rule_action)random_below(3);
	random_list(arena, &rule->domains, size);
	random_list(arena, &rule->proxies, one_in(2) ? 0 : 6);
	if (rule->domains.count == 0 || one_in(3))
		return;
	rule->mitm_count = 1 + random_below(8);
	rule->mitm =
		arena_alloc_array(arena, rule->mitm_count, sizeof(*rule->mitm));
	for (uint32_t i = 0; i < rule->mitm_count; i++)
		rule->mitm[i].glob =
			rule->domains.items[random_below(rule->domains.count)];
}

static void random_model(struct arena *arena, struct model *model,
			 struct source *source)
{
	uint32_t size = one_in(4) ? 200 : 12;

	memset(model, 0, sizeof(*model));
	model->source = source;
	model->service_count = one_in(5) ? 0 : 3 + random_below(3);
	model->services = arena_alloc_array(arena, model->service_count + 1,
					    sizeof(*model->services));
	for (uint32_t i = 0; i < model->service_count; i++) {
		/* distinct, out of order, one of them empty */
		model->services[i].name = str_from(
			i == 3 ? "" : arena_printf(arena, "r%u", (i * 7) % 5));
		random_rule(arena, &model->services[i], size);
	}
	if (!one_in(3)) {
		model->default_rule =
			arena_alloc(arena, sizeof(*model->default_rule));
		model->default_rule->name = STR("default");
		model->default_rule->is_default = true;
		random_rule(arena, model->default_rule, size);
	}
	random_list(arena, &model->global_allow, one_in(2) ? 0 : size);
	random_list(arena, &model->global_deny, one_in(2) ? 0 : size);
}

static const struct glob *any_glob(const struct model *model)
{
	const struct glob_list *lists[4] = {&model->global_allow,
					    &model->global_deny, NULL, NULL};
	const struct glob_list *list;

	if (model->service_count > 0) {
		const struct rule *rule =
			&model->services[random_below(model->service_count)];

		lists[2] = &rule->domains;
		lists[3] = &rule->proxies;
	}
	list = lists[random_below(4)];
	return list == NULL || list->count == 0
		       ? NULL
		       : &list->items[random_below(list->count)];
}

/* Hosts near the policy's own: its entries, what is above and below them. */
static void random_host(struct arena *arena, const struct model *model,
			struct hostname *host)
{
	const struct glob *glob = any_glob(model);
	const char *text = random_name(arena);

	if (glob != NULL && !one_in(4)) {
		switch (random_below(4)) {
		case 0:
			text = glob->name.p;
			break;
		case 1:
			text = arena_printf(arena, "%s.%s", text, glob->name.p);
			break;
		case 2:
			text = arena_printf(arena, "x%s", glob->name.p);
			break;
		default:
			text = strchr(glob->name.p, '.');
			text = text == NULL ? "com" : text + 1;
			break;
		}
	}
	hostname_normalize(str_from(text), host);
}

static uint32_t count_labels(const struct hostname *host)
{
	uint32_t count = 1;

	for (uint32_t i = 0; i < host->length; i++)
		count += host->text[i] == '.';
	return count;
}

static void compare(const struct model *model, const struct blob *blob,
		    const struct query *query)
{
	struct oracle_decision want = oracle_decide(model, query);
	struct decision got = decide(blob, query);
	struct rule_info rule;

	seen[want.reason]++;
	seen_mitm += want.mitm != NULL;
	if (got.verdict != want.verdict || got.reason != want.reason)
		fail_msg("role '%.*s' host '%s': decided %s (%s), not %s (%s)",
			 STR_ARG(query->role), query->host->text,
			 verdict_text(got.verdict), reason_text(got.reason),
			 verdict_text(want.verdict), reason_text(want.reason));
	if (want.rule == NULL) {
		assert_int_equal(got.rule, RULE_NONE);
		assert_int_equal(got.mitm, MITM_NONE);
		return;
	}
	assert_true(blob_rule(blob, got.rule, &rule));
	assert_true(str_equal(got.rule_name, want.rule->name));
	assert_true(str_equal(got.project, want.rule->project));
	assert_int_equal(got.default_rule, want.rule->is_default);
	assert_int_equal(rule.is_default, want.rule->is_default);
	if (want.mitm == NULL)
		assert_int_equal(got.mitm, MITM_NONE);
	else
		assert_int_equal(got.mitm - rule.mitm_first,
				 want.mitm - want.rule->mitm);
	if (want.glob == NULL) {
		assert_int_equal(got.entry.name.n, 0);
	} else {
		assert_true(str_equal(got.entry.name, want.glob->name));
		assert_int_equal(got.entry.wildcard, want.glob->wildcard);
	}
	if (query->external_proxy == NULL)
		assert_true(got.nodes_visited <= count_labels(query->host) + 1);
}

static void run_policy(uint32_t number, uint32_t queries)
{
	struct arena *arena = arena_new();
	struct model model;
	struct canonical canonical;
	struct source source;
	struct blob blob;
	struct hostname *hosts =
		arena_alloc_array(arena, HOSTS, sizeof(*hosts));
	const char *why = NULL;
	size_t length;

	state = 0x9e3779b97f4a7c15u * (number + 1);
	source_from_bytes(&source, arena, "random.yaml", "", 0);
	random_model(arena, &model, &source);
	lower_model(&canonical, &model, arena);

	uint8_t *bytes = emit_blob(&canonical, one_in(2), &length, &why);

	assert_non_null(bytes);
	assert_int_equal(blob_wrap(&blob, bytes, length), BLOB_OK);
	for (uint32_t i = 0; i < HOSTS; i++)
		random_host(arena, &model, &hosts[i]);
	for (uint32_t i = 0; i < queries; i++) {
		static const char *const roles[] = {"r0", "r1", "r2", "r3",
						    "r4", "",   "r",  "R0"};
		struct query query = {
			.role = str_from(roles[random_below(8)]),
			.host = &hosts[random_below(HOSTS)],
		};

		if (one_in(8))
			query.external_proxy = &hosts[random_below(HOSTS)];
		compare(&model, &blob, &query);
	}
	blob_unmap(&blob);
	free(bytes);
	arena_free(arena);
}

static void test_a_million_decisions(void **unused)
{
	(void)unused;
	for (uint32_t i = 0; i < POLICIES; i++)
		run_policy(i, QUERIES);
	/* The queries were worth asking: each way out was taken often. */
	for (size_t i = REASON_NO_RULE; i < REASON_COUNT; i++)
		if (seen[i] < 3000)
			fail_msg("only %u decisions were '%s'", seen[i],
				 reason_text((enum reason)i));
	assert_true(seen_mitm > 3000);
}

/* The same policy, written in another order, gives the same bytes. */
static void test_order_does_not_matter(void **unused)
{
	(void)unused;
	for (uint32_t number = 0; number < 60; number++) {
		struct arena *arena = arena_new();
		struct model model;
		struct canonical canonical;
		struct source source;
		const char *why = NULL;
		size_t lengths[2];
		uint8_t *bytes[2];

		state = 0x2545f4914f6cdd1du * (number + 1);
		source_from_bytes(&source, arena, "random.yaml", "", 0);
		random_model(arena, &model, &source);
		lower_model(&canonical, &model, arena);
		bytes[0] = emit_blob(&canonical, true, &lengths[0], &why);

		for (uint32_t i = 0; i < model.service_count / 2; i++) {
			uint32_t other = model.service_count - 1 - i;
			struct rule rule = model.services[i];

			model.services[i] = model.services[other];
			model.services[other] = rule;
		}
		for (uint32_t i = 0; i < model.service_count; i++) {
			struct glob_list *list = &model.services[i].domains;

			for (uint32_t k = 1; k < list->count; k++) {
				uint32_t other = random_below(k + 1);
				struct glob glob = list->items[k];

				list->items[k] = list->items[other];
				list->items[other] = glob;
			}
		}
		model.order = (struct glob_order){NULL, 0, NULL, NULL, 0, 0};
		lower_model(&canonical, &model, arena);
		bytes[1] = emit_blob(&canonical, true, &lengths[1], &why);
		assert_non_null(bytes[0]);
		assert_non_null(bytes[1]);
		assert_int_equal(lengths[0], lengths[1]);
		assert_memory_equal(bytes[0], bytes[1], lengths[0]);
		free(bytes[0]);
		free(bytes[1]);
		arena_free(arena);
	}
}

/* The canonical order is lower_compare_names(), whatever the sort does. */
static void test_canonical_order(void **unused)
{
	(void)unused;
	for (uint32_t number = 0; number < 60; number++) {
		struct arena *arena = arena_new();
		struct model model;
		struct canonical canonical;
		struct source source;

		state = 0xda3e39cb94b95bdbu * (number + 1);
		source_from_bytes(&source, arena, "random.yaml", "", 0);
		random_model(arena, &model, &source);
		lower_model(&canonical, &model, arena);
		for (uint32_t i = 1; i < canonical.entry_count; i++) {
			const struct canonical_entry *a =
				&canonical.entries[i - 1];
			const struct canonical_entry *b = &canonical.entries[i];
			int order = lower_compare_names(
				str_make(a->name, a->length),
				str_make(b->name, b->length));

			if (order == 0)
				order = (int)a->wildcard - (int)b->wildcard;
			if (order == 0)
				order = a->list < b->list   ? -1
					: a->list > b->list ? 1
							    : 0;
			assert_true(order < 0);
		}
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_million_decisions),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_canonical_order),
	};

	return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}
