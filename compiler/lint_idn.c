/* lint_idn.c - names outside ASCII that look like others.  A policy has them as
 * punycode, which nobody reads: what they look like is said here. */
#include "lint-internal.h"
#include "looks.h"
#include "textset.h"

/* A name with A-labels, and an entry that looks the same. */
struct idn {
	struct str name;
	uint32_t first; /* its entries, of order.refs */
	uint32_t end;
	uint32_t like; /* the first one that looks the same: itself, often */
	const struct glob *ascii; /* of that one: an entry in ASCII that does,
				   * or NULL */
};

struct idns {
	struct lint *lint;
	struct idn *items;
	uint32_t count;
	uint32_t capacity;
	struct textset skeletons; /* -> items */
	struct looks looks;       /* of the name at hand */
};

static void add(struct idns *idns, struct str name, uint32_t first,
		uint32_t end)
{
	struct lint *lint = idns->lint;
	struct looks *looks = &idns->looks;
	struct idn *idn;
	uint32_t before;

	if (idns->count == idns->capacity) {
		uint32_t capacity =
			idns->capacity > 0 ? 2 * idns->capacity : 16;

		idns->items = arena_grow_array(lint->arena, idns->items,
					       idns->capacity, capacity,
					       sizeof(*idns->items));
		idns->capacity = capacity;
	}
	looks_read(name, looks);
	before =
		textset_add(&idns->skeletons,
			    str_make(arena_strndup(lint->arena, looks->skeleton,
						   looks->skeleton_length),
				     looks->skeleton_length),
			    idns->count);
	idn = &idns->items[idns->count++];
	*idn = (struct idn){name, first, end, idns->count - 1, NULL};
	if (before != TEXTSET_NONE)
		idn->like = before;
}

static void find_idns(struct idns *idns)
{
	const struct glob_order *order = &idns->lint->model->order;

	for (uint32_t i = 0, end; i < order->count; i = end) {
		struct str name = order->refs[i].glob->name;

		end = i + 1;
		if (!looks_is_idn(name))
			continue;
		while (end < order->count &&
		       str_equal(order->refs[end].glob->name, name))
			end++;
		add(idns, name, i, end);
	}
}

/* The ASCII names that one of them looks like. */
static void find_twins(struct idns *idns)
{
	const struct glob_order *order = &idns->lint->model->order;
	char skeleton[HOSTNAME_MAX + 1];

	for (uint32_t i = 0; i < order->count; i++) {
		const struct glob *glob = order->refs[i].glob;

		if (looks_is_idn(glob->name))
			continue;

		size_t n = looks_skeleton(glob->name, skeleton);
		uint32_t at =
			textset_find(&idns->skeletons, str_make(skeleton, n));

		if (at != TEXTSET_NONE)
			idns->items[at].ascii = glob;
	}
}

/* The entry that IDN number AT looks like, or NULL. */
static const struct glob *twin_of(const struct idns *idns, uint32_t at)
{
	uint32_t like = idns->items[at].like;

	if (idns->items[like].ascii != NULL || like == at)
		return idns->items[like].ascii;
	return idns->lint->model->order.refs[idns->items[like].first].glob;
}

static void report_mixed(struct idns *idns, const struct glob *glob)
{
	struct lint *lint = idns->lint;
	const struct looks *looks = &idns->looks;

	diag_hint(lint->diags,
		  diag_report(lint->diags, DIAG_L020,
			      lint_glob_span(lint, glob),
			      "'%s' is shown as '%s' and mixes %s and %s "
			      "letters",
			      lint_glob_text(lint, glob), looks->text,
			      looks->script, looks->other),
		  "make sure that it is the right host");
}

static void report_confusable(struct idns *idns, const struct glob *glob,
			      const struct glob *twin)
{
	struct lint *lint = idns->lint;
	const struct looks *looks = &idns->looks;
	struct diag *diag = diag_report(
		lint->diags, DIAG_L021, lint_glob_span(lint, glob),
		"'%s' is shown as '%s' and looks like '%s', which is another "
		"host",
		lint_glob_text(lint, glob), looks->text,
		twin != NULL ? lint_glob_text(lint, twin) : looks->skeleton);

	if (twin != NULL)
		diag_relate(lint->diags, diag, lint_glob_span(lint, twin),
			    "the entry that it looks like");
	diag_hint(lint->diags, diag, "make sure that it is the right host");
}

static bool has_ascii_top(struct str name)
{
	const char *dot = memrchr(name.p, '.', name.n);

	return dot != NULL &&
	       !looks_is_idn(str_make(dot + 1,
				      (size_t)(name.p + name.n - (dot + 1))));
}

/* see lint-internal.h */
void lint_idns(struct lint *lint)
{
	const struct glob_order *order = &lint->model->order;
	struct idns *idns = arena_alloc(lint->arena, sizeof(*idns));

	idns->lint = lint;
	textset_init(&idns->skeletons, lint->arena);
	find_idns(idns);
	if (idns->count > 0)
		find_twins(idns);
	for (uint32_t i = 0; i < idns->count; i++) {
		const struct idn *idn = &idns->items[i];
		const struct glob *twin = twin_of(idns, i);
		uint32_t last = UINT32_MAX; /* a list that two rules share */

		looks_read(idn->name, &idns->looks);

		/* Below a top-level domain in its own script a word is a
		 * word, whatever it looks like. */
		bool looks_ascii = idns->looks.all_ascii &&
				   !idns->looks.mixes &&
				   has_ascii_top(idn->name);

		for (uint32_t k = idn->first; k < idn->end; k++) {
			const struct glob *glob = order->refs[k].glob;

			if (glob->start == last)
				continue;
			last = glob->start;
			if (idns->looks.mixes)
				report_mixed(idns, glob);
			if (twin != NULL || looks_ascii)
				report_confusable(idns, glob, twin);
		}
	}
}
