/* policy_fixture.h - policies for tests and benchmarks, without YAML: rules and
 * globs in any order become a struct canonical and a blob.  Sorting here is the
 * fixture's own; it leans on nothing in compiler/. */
#ifndef TESTS_POLICY_FIXTURE_H
#define TESTS_POLICY_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/emit.h"
#include "compiler/lower.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"
#include "runtime/policy/hostname.h"

enum fixture_kind {
	FIXTURE_DOMAIN,
	FIXTURE_PROXY,
	FIXTURE_DENY,
	FIXTURE_ALLOW
};

struct fixture_glob {
	struct canonical_entry entry;
	uint32_t rule; /* as fixture_rule() numbered it */
	enum fixture_kind kind;
};

struct fixture_mitm {
	struct canonical_mitm mitm;
	uint32_t rule;
};

struct fixture {
	struct canonical_rule *rules;
	uint32_t rule_count;
	struct fixture_glob *globs;
	uint32_t glob_count;
	struct fixture_mitm *mitm;
	uint32_t mitm_count;
	struct canonical_range *ranges;
	uint32_t range_count;
	char **texts;
	uint32_t text_count;
	struct ranges_options options;
	const char *files[2];
	struct canonical canonical; /* of fixture_finish() */
};

static inline void *fixture_grow(void *p, uint32_t count, size_t size)
{
	/* doubling, seen from the count alone */
	if (count & (count - 1))
		return p;
	p = realloc(p, size * (count ? 2 * (size_t)count : 1));
	if (p == NULL)
		abort();
	return p;
}

static inline const char *fixture_text(struct fixture *f, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		abort();
	f->texts = fixture_grow(f->texts, f->text_count, sizeof(*f->texts));
	f->texts[f->text_count++] = copy;
	return copy;
}

/* A service, or the default rule when NAME is NULL.  Its number. */
static inline uint32_t fixture_rule(struct fixture *f, const char *name,
				    const char *project,
				    enum rule_action action)
{
	f->rules = fixture_grow(f->rules, f->rule_count, sizeof(*f->rules));
	f->rules[f->rule_count] = (struct canonical_rule){
		.name = str_from(fixture_text(f, name ? name : "default")),
		.project = str_from(fixture_text(f, project)),
		.action = action,
		.is_default = name == NULL,
		.list = LIST_NONE,
		.proxies = LIST_NONE,
		.line = 10 + f->rule_count,
	};
	return f->rule_count++;
}

/* "example.com" or "*.example.com" into a list of RULE, or a global one. */
static inline void fixture_glob(struct fixture *f, uint32_t rule,
				enum fixture_kind kind, const char *glob,
				uint32_t line)
{
	bool wildcard = glob[0] == '*';
	const char *name = fixture_text(f, glob + (wildcard ? 2 : 0));

	f->globs = fixture_grow(f->globs, f->glob_count, sizeof(*f->globs));
	f->globs[f->glob_count++] = (struct fixture_glob){
		.entry = {.name = name,
			  .length = (uint8_t)strlen(name),
			  .line = line,
			  .wildcard = wildcard},
		.rule = rule,
		.kind = kind,
	};
}

static inline struct canonical_mitm *
fixture_mitm(struct fixture *f, uint32_t rule, const char *glob)
{
	f->mitm = fixture_grow(f->mitm, f->mitm_count, sizeof(*f->mitm));
	f->mitm[f->mitm_count] = (struct fixture_mitm){
		.mitm = {.domain = str_from(fixture_text(f, glob))},
		.rule = rule,
	};
	return &f->mitm[f->mitm_count++].mitm;
}

static inline void fixture_range(struct fixture *f, const char *cidr,
				 uint16_t port, uint8_t action, uint32_t line)
{
	struct canonical_range range = {
		.rule = {.port = port, .action = action},
		.line = line,
	};

	if (!addr_parse_cidr(str_from(cidr), &range.rule.prefix))
		abort();
	f->ranges = fixture_grow(f->ranges, f->range_count, sizeof(*f->ranges));
	f->ranges[f->range_count++] = range;
}

static inline int fixture_compare_names(const char *a, size_t an, const char *b,
					size_t bn)
{
	for (;;) {
		const char *da = memrchr(a, '.', an), *db = memrchr(b, '.', bn);
		const char *la = da ? da + 1 : a, *lb = db ? db + 1 : b;
		int order = str_compare(str_make(la, (size_t)(a + an - la)),
					str_make(lb, (size_t)(b + bn - lb)));

		if (order != 0)
			return order;
		if (da == NULL || db == NULL)
			return (da != NULL) - (db != NULL);
		an = (size_t)(da - a);
		bn = (size_t)(db - b);
	}
}

static inline int fixture_compare_entries(const void *a, const void *b)
{
	const struct canonical_entry *x = a, *y = b;
	int order =
		fixture_compare_names(x->name, x->length, y->name, y->length);

	if (order != 0)
		return order;
	if (x->wildcard != y->wildcard)
		return x->wildcard - y->wildcard;
	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static inline int fixture_compare_rules(const void *a, const void *b)
{
	const struct canonical_rule *x = *(struct canonical_rule *const *)a,
				    *y = *(struct canonical_rule *const *)b;

	if (x->is_default != y->is_default)
		return x->is_default - y->is_default;
	return str_compare(x->name, y->name);
}

/* Sort everything, number the lists; then f->canonical can be compiled. */
static inline void fixture_finish(struct fixture *f)
{
	struct canonical *c = &f->canonical;
	struct canonical_rule **sorted =
		calloc(f->rule_count + 1, sizeof(struct canonical_rule *));
	uint32_t mitm = 0;
	bool *has = calloc(2 * (size_t)f->rule_count + 2, sizeof(bool));

	*c = (struct canonical){
		.rules = calloc(f->rule_count + 1, sizeof(*c->rules)),
		.rule_count = f->rule_count,
		.entries = calloc(f->glob_count + 1, sizeof(*c->entries)),
		.mitm = calloc(f->mitm_count + 1, sizeof(*c->mitm)),
		.mitm_count = f->mitm_count,
		.ranges = f->ranges,
		.range_count = f->range_count,
		.range_options = f->options,
		.files = f->files,
		.file_count = 2,
	};
	if (sorted == NULL || has == NULL || c->rules == NULL ||
	    c->entries == NULL || c->mitm == NULL)
		abort();
	f->files[0] = "acl.yaml";
	f->files[1] = "config.yaml";
	for (uint32_t i = 0; i < f->glob_count; i++)
		if (f->globs[i].kind <= FIXTURE_PROXY)
			has[2 * f->globs[i].rule + f->globs[i].kind] = true;
	for (uint32_t i = 0; i < f->rule_count; i++)
		sorted[i] = &f->rules[i];
	if (f->rule_count > 1)
		qsort(sorted, f->rule_count, sizeof(struct canonical_rule *),
		      fixture_compare_rules);
	for (uint32_t i = 0; i < f->rule_count; i++) {
		struct canonical_rule *rule = sorted[i];
		uint32_t number = (uint32_t)(rule - f->rules);

		rule->list = has[2 * number] ? c->list_count++ : LIST_NONE;
		rule->proxies =
			has[2 * number + 1] ? c->list_count++ : LIST_NONE;
		rule->mitm_first = mitm;
		rule->mitm_count = 0;
		for (uint32_t k = 0; k < f->mitm_count; k++)
			if (f->mitm[k].rule == number) {
				c->mitm[mitm++] = f->mitm[k].mitm;
				rule->mitm_count++;
			}
		c->rules[i] = *rule;
	}

	uint32_t n = 0;

	for (uint32_t i = 0; i < f->glob_count; i++) {
		struct fixture_glob *g = &f->globs[i];
		struct canonical_entry *e = &c->entries[n++];

		*e = g->entry;
		e->list = g->kind == FIXTURE_DENY    ? CANONICAL_GLOBAL_DENY
			  : g->kind == FIXTURE_ALLOW ? CANONICAL_GLOBAL_ALLOW
			  : g->kind == FIXTURE_PROXY ? f->rules[g->rule].proxies
						     : f->rules[g->rule].list;
	}
	if (n > 1)
		qsort(c->entries, n, sizeof(*c->entries),
		      fixture_compare_entries);
	for (uint32_t i = 0; i < n; i++) {
		struct canonical_entry *last =
			&c->entries[c->entry_count ? c->entry_count - 1 : 0];

		if (c->entry_count > 0 && last->list == c->entries[i].list &&
		    last->wildcard == c->entries[i].wildcard &&
		    last->length == c->entries[i].length &&
		    memcmp(last->name, c->entries[i].name, last->length) == 0)
			continue;
		c->entries[c->entry_count++] = c->entries[i];
	}
	free(sorted);
	free(has);
}

/* The blob, to be free()d; dies when there is none. */
static inline uint8_t *fixture_emit(struct fixture *f, bool strip,
				    size_t *length)
{
	const char *why;

	free(f->canonical.rules);
	free(f->canonical.entries);
	free(f->canonical.mitm);
	fixture_finish(f);

	uint8_t *bytes = emit_blob(&f->canonical, strip, length, &why);

	if (bytes == NULL) {
		fprintf(stderr, "emit_blob: %s\n", why);
		abort();
	}
	return bytes;
}

static inline void fixture_free(struct fixture *f)
{
	free(f->canonical.rules);
	free(f->canonical.entries);
	free(f->canonical.mitm);
	for (uint32_t i = 0; i < f->text_count; i++)
		free(f->texts[i]);
	free(f->texts);
	free(f->rules);
	free(f->globs);
	free(f->mitm);
	free(f->ranges);
	memset(f, 0, sizeof(*f));
}

/* A host as the normaliser leaves it, without asking the normaliser. */
static inline struct hostname fixture_host(const char *text)
{
	struct hostname host = {.form = HOST_NAME};
	struct addr addr;

	host.length = (uint16_t)strlen(text);
	memcpy(host.text, text, host.length);
	if (addr_parse(str_from(text), &addr)) {
		host.form = addr_is_v4(&addr) ? HOST_IPV4 : HOST_IPV6;
		host.addr = addr;
	}
	return host;
}

/* --- a compiled policy --------------------------------------------------- */

struct compiled {
	struct fixture fixture;
	uint8_t *bytes;
	struct blob blob;
};

static inline void compile(struct compiled *c)
{
	size_t length;

	c->bytes = fixture_emit(&c->fixture, false, &length);
	if (blob_wrap(&c->blob, c->bytes, length) != BLOB_OK)
		abort();
}

static inline void done(struct compiled *c)
{
	free(c->bytes);
	fixture_free(&c->fixture);
}

static inline struct decision ask(const struct compiled *c, const char *role,
				  const struct hostname *host,
				  const char *proxy)
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

/* xorshift64*: the same numbers everywhere. */
static inline uint64_t fixture_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

#endif
