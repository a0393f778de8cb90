/* addresses.c - address lists as the reference reads them, errors included.
 * Their order does not matter, so lists are appended as they come. */
#include "addresses.h"

#include "grammar/document.h"
#include "quote.h"
#include "schema.h"

static void append(struct addresses *addresses, struct arena *arena,
		   struct range_rule rule, struct span at)
{
	if (addresses->count == addresses->capacity) {
		uint32_t capacity =
			addresses->capacity == 0 ? 16 : addresses->capacity * 2;

		addresses->ranges = arena_grow_array(
			arena, addresses->ranges, addresses->capacity, capacity,
			sizeof(*addresses->ranges));
		addresses->capacity = capacity;
	}
	addresses->ranges[addresses->count++] = (struct placed_range){rule, at};
}

/* "10.0.0.1:" is an address with a port that is none. */
static struct str port_part(struct str text)
{
	const char *colon = memrchr(text.p, ':', text.n);

	if (colon == NULL)
		return STR("");
	return str_make(colon + 1, (size_t)(text.p + text.n - colon - 1));
}

static struct str address_part(struct str text)
{
	const char *colon = memrchr(text.p, ':', text.n);

	return colon == NULL ? text
			     : str_make(text.p, (size_t)(colon - text.p));
}

static const char *add_address(struct addresses *addresses, struct arena *arena,
			       enum range_action action, struct str text,
			       struct span at, enum diag_code *code)
{
	struct range_rule rule = {.action = (uint8_t)action};

	rule.prefix.length = 128;
	*code = DIAG_P051;
	switch (addr_parse_endpoint(text, &rule.prefix.addr, &rule.port)) {
	case ENDPOINT_OK:
		append(addresses, arena, rule, at);
		return NULL;
	case ENDPOINT_FORM:
		return arena_printf(
			arena, "address must be in the form ip[:port], got %s",
			quote_visible(arena, text));
	case ENDPOINT_IP:
		return arena_printf(arena, "invalid IP address '%s'",
				    quote_visible(arena, address_part(text)));
	case ENDPOINT_PORT:
		break;
	}
	*code = DIAG_P052;
	return arena_printf(arena, "invalid port number '%s'",
			    quote_visible(arena, port_part(text)));
}

static const char *add_range(struct addresses *addresses, struct arena *arena,
			     enum range_action action, struct str text,
			     struct span at, enum diag_code *code)
{
	struct range_rule rule = {.action = (uint8_t)action};

	*code = DIAG_P050;
	if (!addr_parse_cidr(text, &rule.prefix))
		return arena_printf(arena, "invalid CIDR address: %s",
				    quote_visible(arena, text));
	append(addresses, arena, rule, at);
	return NULL;
}

static const char *add_nat64(struct addresses *addresses, struct arena *arena,
			     struct str text, enum diag_code *code)
{
	struct addr_prefix prefix;
	const char *wrong = "invalid IPv6 prefix";

	*code = DIAG_P053;
	if (addr_parse_cidr(text, &prefix))
		wrong = ranges_add_nat64(&addresses->options, &prefix);
	return wrong == NULL ? NULL
			     : arena_printf(arena, "%s: %s", wrong,
					    quote_visible(arena, text));
}

/* see addresses.h */
const char *addresses_add(struct addresses *addresses, struct arena *arena,
			  enum addresses_list which, struct str text,
			  struct span at, enum diag_code *code)
{
	switch (which) {
	case ADDRESSES_DENY_RANGE:
		return add_range(addresses, arena, RANGE_DENY, text, at, code);
	case ADDRESSES_ALLOW_RANGE:
		return add_range(addresses, arena, RANGE_ALLOW, text, at, code);
	case ADDRESSES_DENY_ADDRESS:
		return add_address(addresses, arena, RANGE_DENY, text, at,
				   code);
	case ADDRESSES_ALLOW_ADDRESS:
		return add_address(addresses, arena, RANGE_ALLOW, text, at,
				   code);
	case ADDRESSES_NAT64_PREFIX:
		break;
	}
	return add_nat64(addresses, arena, text, code);
}

static const struct config_list {
	const char *key;
	enum addresses_list list;
	const char *hint;
} config_lists[] = {
	{"deny_ranges", ADDRESSES_DENY_RANGE, "write ADDRESS/BITS"},
	{"allow_ranges", ADDRESSES_ALLOW_RANGE, "write ADDRESS/BITS"},
	{"deny_addresses", ADDRESSES_DENY_ADDRESS, "write IP or IP:PORT"},
	{"allow_addresses", ADDRESSES_ALLOW_ADDRESS, "write IP or IP:PORT"},
	{"nat64_prefix", ADDRESSES_NAT64_PREFIX, "as in 64:ff9b::/96"},
};

static void read_list(struct addresses *addresses, struct reader *reader,
		      const struct config_list *what, const struct node *list)
{
	if (node_is_null(list))
		return;
	if (list->kind != NODE_SEQUENCE) {
		schema_wrong_kind(
			reader, list, SCHEMA_TEXTS,
			arena_printf(reader->arena, "'%s'", what->key));
		return;
	}
	for (uint32_t i = 0; i < list->count; i++) {
		struct span at = schema_span(reader, list->items[i]);
		enum diag_code code;
		struct str text;

		if (!schema_text(reader, list->items[i], "an entry", &text))
			continue;

		const char *wrong = addresses_add(addresses, reader->arena,
						  what->list, text, at, &code);

		if (wrong == NULL)
			continue;
		diag_hint(reader->diags,
			  diag_report(reader->diags, code, at, "%s: %s",
				      what->key, wrong),
			  "%s", what->hint);
	}
}

static void read_private(struct addresses *addresses, struct reader *reader,
			 const struct node *node)
{
	bool value = false;

	if (node_is_null(node))
		return;
	if (node->kind != NODE_SCALAR || node->style != SCALAR_PLAIN ||
	    !quote_parse_bool(str_make(node->text, node->count), &value))
		schema_wrong_kind(reader, node, SCHEMA_BOOL,
				  "'unsafe_allow_private_ranges'");
	addresses->options.allow_private |= value;
}

/* The value of KEY, or NULL; given twice, that is reported. */
static const struct node *
find_value(struct reader *reader, const struct node *mapping, const char *key)
{
	const struct pair *found = NULL;

	for (uint32_t i = 0; i < mapping->count; i++) {
		const struct pair *pair = &mapping->pairs[i];

		if (pair->key->kind != NODE_SCALAR ||
		    !node_equals(pair->key, key))
			continue;
		if (found == NULL || found->merged) {
			found = pair;
		} else if (!pair->merged) {
			struct diag *diag = diag_report(
				reader->diags, reader->duplicate_key,
				schema_span(reader, pair->key),
				"key '%s' is given twice", key);

			diag_relate(reader->diags, diag,
				    schema_span(reader, found->key),
				    "first defined here");
			diag_hint(reader->diags, diag, "remove one of the two");
		}
	}
	return found == NULL ? NULL : found->value;
}

/* see addresses.h */
bool addresses_read_config(struct addresses *addresses, struct source *source,
			   struct arena *arena, struct diag_list *diags)
{
	struct document document;
	struct reader reader = {&document, diags,     arena, DIAG_P003,
				DIAG_P004, DIAG_P005, 0,     NULL};
	uint32_t errors = diags->errors;

	if (!document_parse(&document, source, arena, diags))
		return false;

	const struct node *root = document.root;

	if (node_is_null(root))
		return true;
	if (root->kind != NODE_MAPPING) {
		schema_wrong_kind(&reader, root, SCHEMA_MAPPING,
				  "a configuration");
		return false;
	}
	for (size_t i = 0; i < sizeof(config_lists) / sizeof(config_lists[0]);
	     i++) {
		const struct node *list =
			find_value(&reader, root, config_lists[i].key);

		if (list != NULL)
			read_list(addresses, &reader, &config_lists[i], list);
	}

	const struct node *private_ranges =
		find_value(&reader, root, "unsafe_allow_private_ranges");

	if (private_ranges != NULL)
		read_private(addresses, &reader, private_ranges);
	return diags->errors == errors;
}
