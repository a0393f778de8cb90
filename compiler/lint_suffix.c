/* lint_suffix.c - wildcards over names below which anyone can have a name, by
 * the public suffix list that is built into libpsl: registries' suffixes and
 * those of hosting companies. */
#include <libpsl.h>

#include "lint-internal.h"
#include "lower.h"
#include "runtime/policy/hostname.h"

/* What is below NAME, when it is a public suffix: "co.uk" is a registry's,
 * "github.io" a company's own business.  One look-up for most names: there may
 * be a million. */
static const char *suffix_kind(const psl_ctx_t *psl, const char *name)
{
	/* a name that no rule of the list is about is no suffix to us */
	const int known = PSL_TYPE_NO_STAR_RULE;

	if (!psl_is_public_suffix2(psl, name, PSL_TYPE_ANY | known))
		return NULL;
	if (psl_is_public_suffix2(psl, name, PSL_TYPE_ICANN | known))
		return "anyone can register names below it";
	return "its customers each have a name below it";
}

/* see lint-internal.h */
void lint_suffixes(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;
	const psl_ctx_t *psl = psl_builtin();

	if (psl == NULL)
		return;
	for (uint32_t i = 0; i < order->count; i++) {
		const struct glob_ref *ref = &order->refs[i];
		struct str glob = ref->glob->name;
		char name[HOSTNAME_MAX + 1];

		/* single labels are lint_shapes()' business */
		if (!ref->glob->wildcard ||
		    ref->list == CANONICAL_GLOBAL_DENY ||
		    memchr(glob.p, '.', glob.n) == NULL)
			continue;
		memcpy(name, glob.p, glob.n);
		name[glob.n] = '\0';

		const char *kind = suffix_kind(psl, name);

		if (kind != NULL)
			diag_hint(lint->diags,
				  diag_report(lint->diags, DIAG_L015,
					      lint_glob_span(lint, ref->glob),
					      "'*.%s' in %s covers strangers: "
					      "%s",
					      name,
					      lint_list_name(lint, ref->list),
					      kind),
				  "list the names that are meant");
	}
}
