/* lint_mitm.c - lints about mitm_domains: entries that never come to pass. */
#include <stdlib.h>
#include <strings.h>

#include "lint-internal.h"
#include "textset.h"

static struct span mitm_span(const struct lint *lint,
			     const struct mitm_domain *mitm)
{
	return lint_glob_span(lint, &mitm->glob);
}

static void report_shadowed(struct lint *lint, const struct mitm_domain *mitm,
			    const struct mitm_domain *first)
{
	bool same = mitm->glob.wildcard == first->glob.wildcard &&
		    str_equal(mitm->glob.name, first->glob.name);
	struct diag *diag = diag_report(
		lint->diags, DIAG_L026, mitm_span(lint, mitm),
		same ? "the entry for '%s' is never used: an earlier one is "
		       "for the same hosts"
		     : "the entry for '%s' is never used: '%s' comes first and "
		       "covers it",
		lint_glob_text(lint, &mitm->glob),
		lint_glob_text(lint, &first->glob));

	diag_relate(lint->diags, diag, mitm_span(lint, first),
		    "the entry that is used");
	diag_hint(lint->diags, diag,
		  same ? "merge the two" : "put it before the wider one");
}

/* The first entry before number AT that takes all of its hosts, or NONE.  EXACT
 * and WILD know who was first for each name. */
static uint32_t find_taker(const struct rule *rule, uint32_t at,
			   const struct textset *exact,
			   const struct textset *wild)
{
	const struct glob *glob = &rule->mitm[at].glob;
	uint32_t first =
		textset_find(glob->wildcard ? wild : exact, glob->name);
	struct str name = glob->name;

	for (;;) {
		const char *dot = memchr(name.p, '.', name.n);

		if (dot == NULL)
			return first;
		name = str_make(dot + 1, (size_t)(name.p + name.n - (dot + 1)));

		uint32_t above = textset_find(wild, name);

		if (above < first)
			first = above;
	}
}

static void check_order(struct lint *lint, const struct rule *rule)
{
	struct textset exact, wild;

	textset_init(&exact, lint->arena);
	textset_init(&wild, lint->arena);
	for (uint32_t i = 0; i < rule->mitm_count; i++) {
		const struct glob *glob = &rule->mitm[i].glob;
		uint32_t first = find_taker(rule, i, &exact, &wild);

		if (first != TEXTSET_NONE)
			report_shadowed(lint, &rule->mitm[i],
					&rule->mitm[first]);
		textset_add(glob->wildcard ? &wild : &exact, glob->name, i);
	}
}

static bool is_own_header(struct str name)
{
	static const char *const names[] = {
#define OWN_HEADER(name) name,
#include "runtime/policy/own_headers.def"
#undef OWN_HEADER
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == name.n &&
		    strncasecmp(names[i], name.p, name.n) == 0)
			return true;
	return false;
}

static void check_headers(struct lint *lint, const struct mitm_domain *mitm)
{
	for (uint32_t i = 0; i < mitm->header_count; i++)
		if (is_own_header(mitm->headers[i].name))
			diag_hint(
				lint->diags,
				diag_report(lint->diags, DIAG_L027, mitm->at,
					    "the header '%.*s' of the entry "
					    "for '%s' is not sent: the proxy "
					    "writes its own",
					    STR_ARG(mitm->headers[i].name),
					    lint_glob_text(lint, &mitm->glob)),
				"remove the header");
	if (mitm->full_header_count > 0 && !mitm->detailed_http_logs)
		diag_hint(lint->diags,
			  diag_report(lint->diags, DIAG_L028, mitm->at,
				      "the entry for '%s' names headers to "
				      "log, and logs nothing",
				      lint_glob_text(lint, &mitm->glob)),
			  "write 'detailed_http_logs: true'");
}

static void check_rule(struct lint *lint, const struct rule *rule)
{
	check_order(lint, rule);
	for (uint32_t i = 0; i < rule->mitm_count; i++)
		check_headers(lint, &rule->mitm[i]);
}

/* see lint-internal.h */
void lint_mitm(struct lint *lint)
{
	const struct model *model = lint->model;

	for (uint32_t i = 0; i < model->service_count; i++)
		check_rule(lint, &model->services[i]);
	if (model->default_rule != NULL)
		check_rule(lint, model->default_rule);
}
