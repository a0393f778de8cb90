/* lint_shapes.c - lints about what an entry is by itself: an address, a single
 * label, a wildcard that can match nothing. */
#include "lint-internal.h"
#include "lower.h"

static void report_single(struct lint *lint, const struct glob_ref *ref)
{
	/* Public top-level domains are lint_suffix.c's; to deny a whole one is
	 * no mistake. */
	if (ref->glob->wildcard && (ref->list == CANONICAL_GLOBAL_DENY ||
				    lint_is_suffix(ref->glob->name, false)))
		return;
	diag_hint(lint->diags,
		  diag_report(lint->diags, DIAG_L011,
			      lint_glob_span(lint, ref->glob),
			      ref->glob->wildcard
				      ? "'%s' matches every host of a "
					"top-level domain"
				      : "'%s' is a single label: no public "
					"host has such a name",
			      lint_glob_text(lint, ref->glob)),
		  "write the whole name");
}

static void report_address(struct lint *lint, const struct glob_ref *ref)
{
	bool deny = ref->list == CANONICAL_GLOBAL_DENY;

	diag_hint(lint->diags,
		  diag_report(lint->diags, DIAG_L014,
			      lint_glob_span(lint, ref->glob),
			      "'%.*s' is an address: names that resolve to it "
			      "are not meant",
			      STR_ARG(ref->glob->name)),
		  "use %s_addresses in the configuration",
		  deny ? "deny" : "allow");
}

/* see lint-internal.h */
void lint_shapes(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;

	for (uint32_t i = 0; i < order->count; i++) {
		const struct glob_ref *ref = &order->refs[i];
		struct str name = ref->glob->name;
		char last = name.p[name.n - 1];
		struct addr addr;

		if (memchr(name.p, '.', name.n) == NULL)
			report_single(lint, ref);
		else if (last >= '0' && last <= '9' && addr_parse(name, &addr))
			report_address(lint, ref);
		/* "a." before it is the least that a host adds */
		else if (ref->glob->wildcard && name.n > HOSTNAME_MAX - 2)
			diag_hint(lint->diags,
				  diag_report(lint->diags, DIAG_L019,
					      lint_glob_span(lint, ref->glob),
					      "a wildcard over a name of %zu "
					      "bytes matches no host",
					      name.n),
				  "remove it: names have at most %d bytes",
				  HOSTNAME_MAX);
	}
}
