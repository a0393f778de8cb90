/* lint_suffix.c - wildcards over domains that nobody owns alone, by the Public
 * Suffix List that libpsl carries: 'co.uk', where anyone can register, and
 * 'github.io', whose owner hands names out to customers. */
#include <libpsl.h>

#include "lint-internal.h"
#include "lower.h"

/* Names with more labels are not looked up: the list has hardly any, and a
 * lookup is not free. */
#define SUFFIX_MAX_LABELS 5

/* The list's implicit rule makes every unknown top-level domain a suffix;
 * without it "internal" is none. */
#define LISTED PSL_TYPE_NO_STAR_RULE

static bool is_suffix(const psl_ctx_t *psl, const char *name, int section)
{
	return psl_is_public_suffix2(psl, name, section | LISTED) != 0;
}

static bool has_few_labels(struct str name)
{
	unsigned labels = 1;

	for (size_t i = 0; i < name.n && labels <= SUFFIX_MAX_LABELS; i++)
		labels += name.p[i] == '.';
	return labels <= SUFFIX_MAX_LABELS;
}

/* see lint-internal.h */
bool lint_is_suffix(struct str name, bool private_too)
{
	char text[HOSTNAME_MAX + 1];
	const psl_ctx_t *psl = psl_builtin();

	if (psl == NULL || name.n > HOSTNAME_MAX || !has_few_labels(name))
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return is_suffix(psl, text,
			 private_too ? PSL_TYPE_ANY : PSL_TYPE_ICANN);
}

static void report(struct lint *lint, const struct glob_ref *ref, bool public)
{
	struct str name = ref->glob->name;
	struct diag *diag = diag_report(
		lint->diags, public ? DIAG_L015 : DIAG_L016,
		lint_glob_span(lint, ref->glob),
		public ? "'%s' of %s matches whatever anyone registers under "
			 "the public suffix '%.*s'"
		       : "'%s' of %s matches names of every customer: '%.*s' "
			 "is shared hosting",
		lint_glob_text(lint, ref->glob),
		lint_list_name(lint, ref->list), STR_ARG(name));

	diag_hint(lint->diags, diag,
		  public ? "list the domains that are meant"
			 : "list the names that are yours");
}

/* see lint-internal.h */
void lint_suffixes(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;
	const psl_ctx_t *psl = psl_builtin();
	struct str before = STR("");
	bool public = false, shared = false;

	if (psl == NULL)
		return;
	for (uint32_t i = 0; i < order->count; i++) {
		const struct glob_ref *ref = &order->refs[i];
		struct str name = ref->glob->name;

		/* to deny a whole suffix is no mistake */
		if (!ref->glob->wildcard || ref->list == CANONICAL_GLOBAL_DENY)
			continue;
		/* the same name in the list of the next rule */
		if (!str_equal(name, before)) {
			char text[HOSTNAME_MAX + 1];

			before = name;
			public = shared = false;
			if (!has_few_labels(name))
				continue;
			memcpy(text, name.p, name.n);
			text[name.n] = '\0';
			if (is_suffix(psl, text, PSL_TYPE_ANY)) {
				public = is_suffix(psl, text, PSL_TYPE_ICANN);
				shared = !public;
			}
		}
		if (public || shared)
			report(lint, ref, public);
	}
}
