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

/* see addresses.h */
const char *addresses_add(struct addresses *addresses, struct arena *arena,
			  enum addresses_list which, struct str text,
			  struct span at, enum diag_code *code)
{
	bool allow = which == ADDRESSES_ALLOW_RANGE ||
		     which == ADDRESSES_ALLOW_ADDRESS;
	enum range_action action = allow ? RANGE_ALLOW : RANGE_DENY;

	if (which == ADDRESSES_DENY_ADDRESS || which == ADDRESSES_ALLOW_ADDRESS)
		return add_address(addresses, arena, action, text, at, code);

	struct range_rule rule = {.action = (uint8_t)action};

	*code = DIAG_P050;
	if (!addr_parse_cidr(text, &rule.prefix))
		return arena_printf(arena, "invalid CIDR address: %s",
				    quote_visible(arena, text));
	append(addresses, arena, rule, at);
	return NULL;
}

/* see addresses.h */
const char *addresses_add_nat64(struct addresses *addresses,
				struct arena *arena, struct str text)
{
	struct ranges_options *options = &addresses->options;
	struct addr_prefix prefix;

	if (!addr_parse_cidr(text, &prefix) || addr_is_v4(&prefix.addr))
		return arena_printf(arena, "invalid IPv6 prefix: %s",
				    quote_visible(arena, text));
	switch (prefix.length) {
	case 32:
	case 40:
	case 48:
	case 56:
	case 64:
	case 96:
		break;
	default:
		return arena_printf(arena,
				    "a NAT64 prefix has 32, 40, 48, 56, 64 or "
				    "96 bits (RFC 6052), not %d",
				    prefix.length);
	}
	if (options->nat64_count == RANGES_MAX_NAT64)
		return arena_printf(arena, "more than %d NAT64 prefixes",
				    RANGES_MAX_NAT64);
	options->nat64[options->nat64_count++] = prefix;
	return NULL;
}

static const struct {
	const char *key;
	enum addresses_list list;
} config_lists[] = {
	{"deny_ranges", ADDRESSES_DENY_RANGE},
	{"allow_ranges", ADDRESSES_ALLOW_RANGE},
	{"deny_addresses", ADDRESSES_DENY_ADDRESS},
	{"allow_addresses", ADDRESSES_ALLOW_ADDRESS},
};

static void read_list(struct addresses *addresses, struct reader *reader,
		      const char *key, enum addresses_list which,
		      const struct node *list)
{
	if (node_is_null(list))
		return;
	if (list->kind != NODE_SEQUENCE) {
		schema_wrong_kind(reader, list, SCHEMA_TEXTS,
				  arena_printf(reader->arena, "'%s'", key));
		return;
	}
	for (uint32_t i = 0; i < list->count; i++) {
		struct span at = schema_span(reader, list->items[i]);
		enum diag_code code;
		struct str text;

		if (!schema_text(reader, list->items[i], "an entry", &text))
			continue;

		const char *wrong = addresses_add(addresses, reader->arena,
						  which, text, at, &code);

		if (wrong == NULL)
			continue;
		diag_hint(reader->diags,
			  diag_report(reader->diags, code, at, "%s: %s", key,
				      wrong),
			  which <= ADDRESSES_ALLOW_RANGE
				  ? "write ADDRESS/BITS"
				  : "write IP or IP:PORT");
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
			read_list(addresses, &reader, config_lists[i].key,
				  config_lists[i].list, list);
	}

	const struct node *private_ranges =
		find_value(&reader, root, "unsafe_allow_private_ranges");

	if (private_ranges != NULL)
		read_private(addresses, &reader, private_ranges);
	return diags->errors == errors;
}
