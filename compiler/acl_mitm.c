/* acl_mitm.c - reads mitm_domains: which hosts, and the headers that are added.
 * Headers are checked as HTTP would read them: a policy must not be a way to
 * inject some. */
#include "acl_mitm.h"

#include <string.h>

#include "acl.h"
#include "glob.h"
#include "quote.h"
#include "textset.h"

/* RFC 9110, section 5.6.2: what a header name is made of. */
static bool is_token(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return text.n > 0;
}

static bool check_header_name(struct reader *reader, const struct node *node,
			      struct str name)
{
	if (name.n > ACL_TEXT_MAX) {
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P013,
				      schema_span(reader, node),
				      "a header name of %zu bytes: the limit "
				      "is %d",
				      name.n, ACL_TEXT_MAX),
			  "write a shorter name");
		return false;
	}
	if (is_token(name))
		return true;
	diag_hint(reader->diags,
		  diag_report(reader->diags, DIAG_P010,
			      schema_span(reader, node), "%s is no header name",
			      quote_go(reader->arena, name)),
		  "letters, digits and '-', without blanks or colon");
	return false;
}

static bool check_header_value(struct reader *reader, const struct node *node,
			       struct str value)
{
	if (value.n > ACL_TEXT_MAX) {
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P013,
				      schema_span(reader, node),
				      "a header value of %zu bytes: the limit "
				      "is %d",
				      value.n, ACL_TEXT_MAX),
			  "write a shorter value");
		return false;
	}
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c == '\t' || (c >= 0x20 && c != 0x7f))
			continue;
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P011,
				      schema_span(reader, node),
				      "control character \\x%02x in a header "
				      "value",
				      c),
			  "write the value on one line");
		return false;
	}
	return true;
}

static struct str lower_case(struct arena *arena, struct str text)
{
	char *copy = arena_strndup(arena, text.p, text.n);

	for (size_t i = 0; i < text.n; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] | 0x20);
	return str_make(copy, text.n);
}

static void read_headers(struct reader *reader, struct mitm_domain *mitm,
			 const struct field *field)
{
	struct textset seen;

	if (field->value == NULL)
		return;

	const struct node *mapping = field->value;

	mitm->headers = arena_alloc_array(reader->arena, mapping->count,
					  sizeof(*mitm->headers));
	textset_init(&seen, reader->arena);
	/* Explicit keys first: they win over merged ones. */
	for (uint32_t i = 0; i < 2 * mapping->count; i++) {
		uint32_t at = i < mapping->count ? i : i - mapping->count;
		const struct pair *pair = &mapping->pairs[at];
		struct str name, value;

		if (pair->merged != (i >= mapping->count))
			continue;
		if (!schema_text(reader, pair->key, "a header name", &name) ||
		    !schema_text(reader, pair->value, "a header value",
				 &value) ||
		    !check_header_name(reader, pair->key, name) ||
		    !check_header_value(reader, pair->value, value))
			continue;

		uint32_t first =
			textset_add(&seen, lower_case(reader->arena, name), at);

		if (first == TEXTSET_NONE) {
			mitm->headers[mitm->header_count++] =
				(struct header){name, value};
			continue;
		}
		if (pair->merged)
			continue;

		struct diag *diag =
			diag_report(reader->diags, DIAG_P012,
				    schema_span(reader, pair->key),
				    "header '%s' is given twice",
				    quote_visible(reader->arena, name));

		diag_relate(reader->diags, diag,
			    schema_span(reader, mapping->pairs[first].key),
			    "first defined here");
		diag_hint(reader->diags, diag, "remove one of the two");
	}
}

static void read_full_headers(struct reader *reader, struct mitm_domain *mitm,
			      const struct field *field)
{
	if (field->value == NULL)
		return;

	const struct node *list = field->value;

	mitm->full_headers = arena_alloc_array(reader->arena, list->count,
					       sizeof(*mitm->full_headers));
	for (uint32_t i = 0; i < list->count; i++) {
		struct str name;

		if (schema_text(reader, list->items[i], "a header name",
				&name) &&
		    check_header_name(reader, list->items[i], name))
			mitm->full_headers[mitm->full_header_count++] = name;
	}
}

static void read_bool(struct reader *reader, const struct field *field,
		      const char *name, bool *value)
{
	const struct node *node = field->value;

	if (node == NULL)
		return;
	if (node->style != SCALAR_PLAIN ||
	    !quote_parse_bool(str_make(node->text, node->count), value))
		schema_wrong_kind(reader, node, SCHEMA_BOOL,
				  arena_printf(reader->arena, "'%s'", name));
}

/* The domain must be, text for text, an entry of the rule's list.  LISTED has
 * those texts, valid or not: an invalid one is reported where it is listed. */
static bool read_domain(struct reader *reader, const struct field *field,
			const struct node *node, const struct textset *listed,
			struct str service, struct glob *glob)
{
	struct hostname normal;
	enum host_error why;
	struct str text = STR("");

	if (field->wrong)
		return false;
	if (field->value != NULL)
		text = str_make(field->value->text, field->value->count);
	if (text.n == 0) {
		diag_hint(
			reader->diags,
			diag_report(reader->diags, DIAG_P030,
				    schema_span(reader, field->value != NULL
								? field->value
							: field->key != NULL
								? field->key
								: node),
				    "%s: glob cannot be empty: a mitm_domains "
				    "entry without domain",
				    quote_visible(reader->arena, service)),
			"write 'domain: HOST'");
		return false;
	}
	if (textset_find(listed, text) == TEXTSET_NONE) {
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_P008,
				      schema_span(reader, field->value),
				      "domain %s was added to mitm_domains but "
				      "is missing in allowed_domains",
				      quote_visible(reader->arena, text)),
			  "add it to allowed_domains of the same rule");
		return false;
	}
	glob->start = field->value->start;
	glob->end = field->value->end;

	enum glob_error error =
		glob_parse(text, &glob->name, &glob->wildcard, &normal, &why);

	/* Other mistakes are reported where the text is listed; this one wants
	 * to be mended in both places. */
	if (error == GLOB_NOT_NORMAL)
		glob_read(reader, field->value, service, glob);
	return error == GLOB_OK;
}

/* see acl_mitm.h */
void acl_read_mitm(struct reader *reader, struct rule *rule,
		   const struct field *field, const struct field *domains,
		   struct str service)
{
	struct textset listed;

	if (field->value == NULL)
		return;
	textset_init(&listed, reader->arena);
	if (domains->value != NULL)
		for (uint32_t i = 0; i < domains->value->count; i++) {
			const struct node *item = domains->value->items[i];

			if (item->kind == NODE_SCALAR)
				textset_add(&listed,
					    str_make(item->text, item->count),
					    i);
		}

	const struct node *list = field->value;

	rule->mitm = arena_alloc_array(reader->arena, list->count,
				       sizeof(*rule->mitm));
	for (uint32_t i = 0; i < list->count; i++) {
		struct mitm_domain *mitm = &rule->mitm[rule->mitm_count];
		struct field fields[SCHEMA_KEY_COUNT];

		if (!schema_read(reader, SCHEMA_SCOPE_MITM,
				 "a mitm_domains entry", list->items[i],
				 fields))
			continue;
		mitm->at = schema_span(reader, list->items[i]);

		bool ok = read_domain(reader, &fields[KEY_MITM_DOMAIN],
				      list->items[i], &listed, service,
				      &mitm->glob);

		read_headers(reader, mitm, &fields[KEY_MITM_ADD_HEADERS]);
		read_bool(reader, &fields[KEY_MITM_DETAILED_LOGS],
			  "detailed_http_logs", &mitm->detailed_http_logs);
		read_full_headers(reader, mitm, &fields[KEY_MITM_FULL_HEADERS]);
		if (ok)
			rule->mitm_count++;
	}
}
