/* glob.c - what a glob may be is glob_parse(); the rest of the file says what
 * is wrong with the others, and what was probably meant. */
#include "glob.h"

#include <string.h>

#include "quote.h"

/* True when every label of NAME is a number, decimal or hexadecimal: what such
 * a name is the end of can only be an address. */
static bool all_labels_numeric(struct str name)
{
	bool digits = false;
	bool hex = false;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '.') {
			if (!digits)
				return false;
			digits = hex = false;
		} else if (c >= '0' && c <= '9') {
			digits = true;
		} else if ((c | 0x20) == 'x' && digits && !hex &&
			   name.p[i - 1] == '0' &&
			   (i == 1 || name.p[i - 2] == '.')) {
			hex = true;
		} else if (!hex || (c | 0x20) < 'a' || (c | 0x20) > 'f') {
			return false;
		}
	}
	return digits;
}

/* see glob.h */
enum glob_error glob_parse(struct str text, struct str *name, bool *wildcard,
			   struct hostname *normal, enum host_error *why)
{
	struct addr addr;

	*name = text;
	*wildcard = false;
	*why = HOST_OK;
	normal->form = HOST_NONE;
	if (text.n == 0)
		return GLOB_EMPTY;
	if (text.p[0] == '*') {
		if (text.n == 1 || (text.n == 2 && text.p[1] == '.'))
			return GLOB_EVERYTHING;
		if (text.p[1] != '.')
			return GLOB_PARTIAL;
		*wildcard = true;
		*name = str_make(text.p + 2, text.n - 2);
	}
	if (memchr(name->p, '*', name->n) != NULL)
		return GLOB_INNER_WILDCARD;
	if (*wildcard &&
	    (all_labels_numeric(*name) || addr_parse(*name, &addr)))
		return GLOB_OVER_ADDRESS;

	*why = hostname_normalize(*name, normal);
	if (*why != HOST_OK)
		return GLOB_INVALID;
	if (normal->form == HOST_IPV6)
		return GLOB_IPV6;
	if (*wildcard && normal->form == HOST_IPV4)
		return GLOB_OVER_ADDRESS;
	if (!str_equal(*name, str_make(normal->text, normal->length)))
		return GLOB_NOT_NORMAL;
	return GLOB_OK;
}

/* One entry that is being complained of. */
struct complaint {
	struct reader *reader;
	const struct node *node;
	struct str text;     /* as written */
	const char *service; /* fit to be shown, as TEXT below */
	const char *shown;
};

static struct diag *complain(const struct complaint *about, enum diag_code code,
			     const char *what)
{
	return diag_report(about->reader->diags, code,
			   schema_span(about->reader, about->node),
			   "%s: %s: %s", about->service, about->shown, what);
}

static void complain_inner(const struct complaint *about)
{
	struct diag *diag =
		complain(about, DIAG_P031,
			 "domain globs are only supported as prefix: a "
			 "wildcard may only be the first label");
	const char *star = memrchr(about->text.p, '*', about->text.n);
	const char *end = about->text.p + about->text.n;
	const char *suffix = star + 1;

	/* '*.b.com' for 'a.*.b.com'; 'example.*.com' has only the labels
	 * around its star. */
	if (suffix < end && *suffix == '.' &&
	    memchr(suffix + 1, '.', (size_t)(end - suffix - 1)) != NULL) {
		diag_hint(about->reader->diags, diag,
			  "write '*%s' or list the hosts",
			  quote_visible(
				  about->reader->arena,
				  str_make(suffix, (size_t)(end - suffix))));
		return;
	}
	const char *first = memchr(about->text.p, '*', about->text.n);

	if (first == star && first > about->text.p + 1 && first[-1] == '.' &&
	    suffix < end && *suffix == '.')
		diag_hint(about->reader->diags, diag,
			  "write '*.%.*s%.*s' or list the hosts",
			  (int)(first - 1 - about->text.p), about->text.p,
			  (int)(end - suffix), suffix);
	else
		diag_hint(about->reader->diags, diag, "list the hosts");
}

static void complain_partial(const struct complaint *about)
{
	struct diag *diag = complain(
		about, DIAG_P033,
		"domain glob must represent a full prefix (sub)domain");
	size_t skip = 0;

	while (skip < about->text.n &&
	       (about->text.p[skip] == '*' || about->text.p[skip] == '.'))
		skip++;
	diag_hint(about->reader->diags, diag, "write '*.%s'",
		  quote_visible(about->reader->arena,
				str_make(about->text.p + skip,
					 about->text.n - skip)));
}

/* What the writer of an invalid host may have meant. */
static void hint_invalid(const struct complaint *about, struct diag *diag)
{
	struct diag_list *diags = about->reader->diags;
	struct str text = about->text;
	const char *scheme = memmem(text.p, text.n, "://", 3);

	if (scheme != NULL) {
		const char *host = scheme + 3;
		size_t left = (size_t)(text.p + text.n - host);
		size_t n = 0;

		while (n < left && host[n] != '/' && host[n] != ':')
			n++;
		diag_hint(
			diags, diag, "write the host alone: '%s'",
			quote_visible(about->reader->arena, str_make(host, n)));
	} else if (memchr(text.p, '/', text.n) != NULL) {
		diag_hint(diags, diag,
			  "write the host alone; address ranges belong in the "
			  "configuration");
	} else if (memchr(text.p, ':', text.n) != NULL) {
		diag_hint(diags, diag, "leave the port out: entries have none");
	} else if (memchr(text.p, ' ', text.n) != NULL) {
		diag_hint(diags, diag, "remove the blank");
	} else {
		diag_hint(diags, diag, "write a host name");
	}
}

static void complain_invalid(const struct complaint *about, struct str name,
			     const struct hostname *normal, enum host_error why)
{
	struct arena *arena = about->reader->arena;
	char buffer[128];
	const char *text = hostname_error_text(why, normal, buffer);
	const char *what = arena_printf(
		arena, "incorrect ACL entry: invalid domain %s: %s",
		quote_go(arena, name), text);
	enum diag_code code = why == HOST_LABEL_TOO_LONG ? DIAG_P036
			      : why == HOST_TOO_LONG     ? DIAG_P037
			      : why == HOST_EMPTY_LABEL  ? DIAG_P038
			      : why == HOST_EMPTY        ? DIAG_P038
			      : why == HOST_NUMERIC      ? DIAG_P041
							 : DIAG_P034;
	struct diag *diag = complain(about, code, what);

	if (code == DIAG_P034)
		hint_invalid(about, diag);
	else if (code == DIAG_P036)
		diag_hint(about->reader->diags, diag,
			  "labels have at most %d bytes", HOSTNAME_LABEL_MAX);
	else if (code == DIAG_P037)
		diag_hint(about->reader->diags, diag,
			  "names have at most %d bytes", HOSTNAME_MAX);
	else if (code == DIAG_P041)
		diag_hint(about->reader->diags, diag,
			  "write four decimal numbers without leading zeros");
	else if (name.n > 1 && name.p[0] == '.' && name.p[1] != '.')
		diag_hint(about->reader->diags, diag, "write '*%s'",
			  quote_visible(arena, name));
	else
		diag_hint(about->reader->diags, diag, "remove the extra dots");
}

/* TEXT, a normal form, written as NODE is. */
static const char *written_as(struct arena *arena, const struct node *node,
			      const char *text)
{
	/* the one name that means something else without quotes */
	if (node->style == SCALAR_PLAIN && strcmp(text, "null") != 0)
		return text;
	return arena_printf(
		arena, node->style == SCALAR_SINGLE ? "'%s'" : "\"%s\"", text);
}

static void complain_normal(const struct complaint *about, bool wildcard,
			    const struct hostname *normal)
{
	struct reader *reader = about->reader;
	/* a fix borrows its text: it must live as long as the diagnostics */
	struct arena *arena = reader->diags->arena;
	const char *use =
		arena_printf(arena, "%s%s", wildcard ? "*." : "", normal->text);
	struct diag *diag =
		complain(about, DIAG_P035,
			 arena_printf(reader->arena,
				      "incorrect ACL entry; use \"%s\"", use));

	diag_hint(reader->diags, diag, "write '%s'", use);
	if (!about->node->aliased)
		diag_set_fix(reader->diags, diag,
			     schema_span(reader, about->node),
			     written_as(arena, about->node, use), true);
}

/* see glob.h */
bool glob_read(struct reader *reader, const struct node *node,
	       struct str service, struct glob *glob)
{
	struct str text;
	struct hostname normal;
	enum host_error why;

	if (!schema_text(reader, node, "an entry", &text))
		return false;

	enum glob_error error =
		glob_parse(text, &glob->name, &glob->wildcard, &normal, &why);

	glob->start = node->start;
	glob->end = node->end;
	glob->line = schema_line(reader, node->start);
	if (error == GLOB_OK)
		return true;

	struct complaint about = {reader, node, text,
				  quote_visible(reader->arena, service),
				  quote_visible(reader->arena, text)};

	switch (error) {
	case GLOB_OK:
		break;
	case GLOB_EMPTY:
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P030,
				      schema_span(reader, node),
				      "%s: glob cannot be empty",
				      about.service),
			  "write a host or remove the entry");
		break;
	case GLOB_EVERYTHING:
		diag_hint(reader->diags,
			  complain(&about, DIAG_P032,
				   "domain glob must not match everything"),
			  "write 'action: open' to allow every host");
		break;
	case GLOB_PARTIAL:
		complain_partial(&about);
		break;
	case GLOB_INNER_WILDCARD:
		complain_inner(&about);
		break;
	case GLOB_OVER_ADDRESS:
		diag_hint(reader->diags,
			  complain(&about, DIAG_P040,
				   "addresses have no subdomains"),
			  "use allow_ranges in the configuration");
		break;
	case GLOB_IPV6:
		diag_hint(reader->diags,
			  complain(&about, DIAG_P039,
				   "an IPv6 address can never match"),
			  "use allow_addresses in the configuration");
		break;
	case GLOB_INVALID:
		complain_invalid(&about, glob->name, &normal, why);
		break;
	case GLOB_NOT_NORMAL:
		complain_normal(&about, glob->wildcard, &normal);
		break;
	}
	return false;
}

/* see glob.h */
void glob_read_list(struct reader *reader, const struct field *field,
		    struct str service, struct glob_list *list)
{
	*list = (struct glob_list){NULL, 0, {NULL, 0, 0}};
	/* a key without a value is as good as none */
	if (field->value == NULL)
		return;
	list->at = schema_span(reader, field->value);

	const struct node *sequence = field->value;

	list->items = arena_alloc_array(reader->arena, sequence->count,
					sizeof(*list->items));
	for (uint32_t i = 0; i < sequence->count; i++)
		if (glob_read(reader, sequence->items[i], service,
			      &list->items[list->count]))
			list->count++;
}
