/* lint_globs.c - lints about entries of host lists.  They walk all lists at
 * once in canonical order, where equal names are neighbours and a domain comes
 * before what is below it: linear in the policy. */
#include "lint-internal.h"
#include "lower.h"
#include "runtime/policy/hostname.h"

static bool same_entry(const struct glob_ref *a, const struct glob_ref *b)
{
	return a->list == b->list && a->glob->wildcard == b->glob->wildcard &&
	       str_equal(a->glob->name, b->glob->name);
}

/* see lint-internal.h */
void lint_duplicates(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;
	const struct glob_ref *first = NULL;

	for (uint32_t i = 0; i < order->count; i++) {
		const struct glob_ref *ref = &order->refs[i];

		if (first == NULL || !same_entry(first, ref)) {
			first = ref;
			continue;
		}

		struct diag *diag = diag_report(
			lint->diags, DIAG_L001, lint_glob_span(lint, ref->glob),
			"duplicate entry '%s' in %s",
			lint_glob_text(lint, ref->glob),
			lint_list_name(lint, ref->list));

		diag_relate(lint->diags, diag,
			    lint_glob_span(lint, first->glob),
			    "first listed here");
		diag_hint(lint->diags, diag, "remove it");
		lint_fix_remove(lint, diag, ref->glob, true);
	}
}

/* The wildcards of one name, in the order of their lists: the rules', then the
 * global ones. */
struct wildcards {
	const struct glob_ref *refs;
	uint32_t count;
	uint32_t allowing; /* of the domains of rules */
};

/* The wildcards of the names above the one at hand, the nearest last. */
struct path {
	struct wildcards above[HOSTNAME_MAX_LABELS + 1];
	uint32_t depth;
};

static bool is_below(struct str name, struct str domain)
{
	return name.n > domain.n + 1 && name.p[name.n - domain.n - 1] == '.' &&
	       memcmp(name.p + name.n - domain.n, domain.p, domain.n) == 0;
}

/* The entry of LIST among WILDCARDS, or NULL. */
static const struct glob_ref *find_list(const struct wildcards *wildcards,
					uint32_t list)
{
	uint32_t low = 0;
	uint32_t high = wildcards->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (wildcards->refs[middle].list < list)
			low = middle + 1;
		else
			high = middle;
	}
	return low < wildcards->count && wildcards->refs[low].list == list
		       ? &wildcards->refs[low]
		       : NULL;
}

/* The widest wildcard of LIST above the name at hand, or NULL. */
static const struct glob_ref *find_above(const struct path *path, uint32_t list)
{
	for (uint32_t i = 0; i < path->depth; i++) {
		const struct glob_ref *ref = find_list(&path->above[i], list);

		if (ref != NULL)
			return ref;
	}
	return NULL;
}

static void report_shadowed(struct lint *lint, const struct glob_ref *ref,
			    const struct glob_ref *wider)
{
	struct diag *diag = diag_report(
		lint->diags, DIAG_L002, lint_glob_span(lint, ref->glob),
		"'%s' changes nothing: '%s' of %s covers it",
		lint_glob_text(lint, ref->glob),
		lint_glob_text(lint, wider->glob),
		lint_list_name(lint, ref->list));

	diag_relate(lint->diags, diag, lint_glob_span(lint, wider->glob),
		    "the wider entry");
	diag_hint(lint->diags, diag, "remove it");
	/* Hosts are decided as before, but --explain names another entry. */
	lint_fix_remove(lint, diag, ref->glob, false);
}

/* An entry that DENY, of the global deny list, covers. */
static void report_denied(struct lint *lint, const struct glob_ref *ref,
			  const struct glob_ref *deny)
{
	bool global = ref->list == CANONICAL_GLOBAL_ALLOW;
	const char *text = lint_glob_text(lint, ref->glob);
	struct diag *diag =
		global ? diag_report(lint->diags, DIAG_L013,
				     lint_glob_span(lint, ref->glob),
				     "'%s' is never allowed: '%s' of "
				     "global_deny_list comes first",
				     text, lint_glob_text(lint, deny->glob))
		       : diag_report(lint->diags, DIAG_L012,
				     lint_glob_span(lint, ref->glob),
				     "'%s' of %s is allowed although '%s' is "
				     "denied globally: the rule comes first",
				     text, lint_list_name(lint, ref->list),
				     lint_glob_text(lint, deny->glob));

	diag_relate(lint->diags, diag, lint_glob_span(lint, deny->glob),
		    "denied here");
	diag_hint(lint->diags, diag, "remove one of the two");
}

static bool is_rule_domain(const struct lint *lint, uint32_t list)
{
	return list < CANONICAL_GLOBAL_ALLOW &&
	       !lint->model->order.owners[list].proxies;
}

/* True when LIST is a rule's allowed_domains or the global allow list: those
 * that the global deny list has a say about. */
static bool allows(const struct lint *lint, uint32_t list)
{
	return list == CANONICAL_GLOBAL_ALLOW || is_rule_domain(lint, list);
}

/* A rule that allows more than DENY, an entry of the global deny list: the
 * first one, and how many entries there are. */
static const struct glob_ref *
find_override(const struct lint *lint, const struct path *path, uint32_t *count)
{
	const struct glob_ref *first = NULL;

	*count = 0;
	for (uint32_t i = 0; i < path->depth; i++) {
		const struct wildcards *above = &path->above[i];

		*count += above->allowing;
		for (uint32_t k = 0; first == NULL && above->allowing > 0; k++)
			if (is_rule_domain(lint, above->refs[k].list))
				first = &above->refs[k];
	}
	return first;
}

static void report_overridden(struct lint *lint, const struct path *path,
			      const struct glob_ref *deny)
{
	uint32_t count;
	const struct glob_ref *allow = find_override(lint, path, &count);

	if (allow == NULL)
		return;

	struct diag *diag = diag_report(
		lint->diags, DIAG_L017, lint_glob_span(lint, deny->glob),
		"'%s' is denied globally and yet allowed by '%s' of %s%s: a "
		"rule comes first",
		lint_glob_text(lint, deny->glob),
		lint_glob_text(lint, allow->glob),
		lint_list_name(lint, allow->list),
		count == 1 ? ""
			   : arena_printf(lint->arena, " (and %u more)",
					  count - 1));

	diag_relate(lint->diags, diag, lint_glob_span(lint, allow->glob),
		    "allowed here");
	diag_hint(lint->diags, diag, "narrow what the rule allows");
}

/* All entries of one name: EXACT without a wildcard, then WILD with one. */
static void check_name(struct lint *lint, const struct path *path,
		       const struct wildcards *exact,
		       const struct wildcards *wild)
{
	const struct wildcards *both[] = {exact, wild};

	for (int kind = 0; kind < 2; kind++) {
		const struct glob_ref *deny =
			find_above(path, CANONICAL_GLOBAL_DENY);

		if (deny == NULL)
			deny = find_list(both[kind], CANONICAL_GLOBAL_DENY);
		for (uint32_t i = 0; i < both[kind]->count; i++) {
			const struct glob_ref *ref = &both[kind]->refs[i];

			if (ref->list == CANONICAL_GLOBAL_DENY)
				report_overridden(lint, path, ref);

			const struct glob_ref *wider =
				find_above(path, ref->list);

			if (wider != NULL)
				report_shadowed(lint, ref, wider);
			if (deny != NULL && allows(lint, ref->list))
				report_denied(lint, ref, deny);
		}
	}
}

/* see lint-internal.h */
void lint_shadowed(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;
	struct path path = {.depth = 0};

	for (uint32_t i = 0, end; i < order->count; i = end) {
		struct str name = order->refs[i].glob->name;
		uint32_t wild = i;

		for (end = i; end < order->count; end++) {
			if (!str_equal(order->refs[end].glob->name, name))
				break;
			if (!order->refs[end].glob->wildcard)
				wild = end + 1;
		}
		while (path.depth > 0 &&
		       !is_below(name,
				 path.above[path.depth - 1].refs->glob->name))
			path.depth--;

		struct wildcards exacts = {&order->refs[i], wild - i, 0};
		struct wildcards wilds = {&order->refs[wild], end - wild, 0};

		check_name(lint, &path, &exacts, &wilds);
		if (wilds.count == 0)
			continue;
		for (uint32_t k = 0; k < wilds.count; k++)
			wilds.allowing +=
				is_rule_domain(lint, wilds.refs[k].list);
		path.above[path.depth++] = wilds;
	}
}
