/* ranges_items.c - see ranges_items.h; special.def is the built-in part. */
#include "ranges_items.h"

#include <string.h>

#include "ranges-format.h"

int items_compare(const void *left, const void *right)
{
	const struct item *a = left;
	const struct item *b = right;
	int order = wide_compare(a->start, b->start);

	if (order != 0)
		return order;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* The first address of a prefix: no host bits. */
static struct wide wide_clear(struct wide a, unsigned host_bits)
{
	if (host_bits >= 128)
		return (struct wide){0, 0};
	if (host_bits >= 64) {
		a.low = 0;
		a.high &= UINT64_MAX << (host_bits - 64);
	} else {
		a.low &= UINT64_MAX << host_bits;
	}
	return a;
}

static void add_item(struct inputs *inputs, const struct addr_prefix *prefix,
		     struct item item)
{
	unsigned length = prefix->length < 128 ? prefix->length : 128;
	struct items *items = &inputs->v6;

	item.start.high = ranges_half(prefix->addr.bytes);
	item.start.low = ranges_half(prefix->addr.bytes + 8);
	if (items_is_v4(prefix)) {
		items = &inputs->v4;
		item.start.low &= UINT32_MAX;
		length -= 96;
	}
	item.length = (uint8_t)length;
	item.start = wide_clear(item.start, items->bits - length);
	items->at[items->count++] = item;
}

static const struct {
	const char *prefix;
	uint8_t kind;
	uint8_t value;
} built_in[] = {
#define SPECIAL(prefix, class, why) {prefix, ITEM_BUILT_IN, ADDR_##class},
#define METADATA4(a, b, c, d) {#a "." #b "." #c "." #d "/32", ITEM_METADATA, 0},
#define METADATA6(text) {text "/128", ITEM_METADATA, 0},
#include "special.def"
#undef SPECIAL
#undef METADATA4
#undef METADATA6
};

#define BUILT_IN_COUNT (sizeof(built_in) / sizeof(built_in[0]))

void items_add(struct inputs *inputs, const struct range_rule *rules,
	       size_t count, const struct ranges_options *options)
{
	struct addr_prefix prefix;

	for (size_t i = 0; i < BUILT_IN_COUNT; i++)
		if (addr_parse_cidr(str_from(built_in[i].prefix), &prefix))
			add_item(inputs, &prefix,
				 (struct item){.kind = built_in[i].kind,
					       .value = built_in[i].value});
	for (size_t i = 0; i < options->nat64_count && i < RANGES_MAX_NAT64;
	     i++)
		if (ranges_nat64_is_valid(&options->nat64[i]))
			add_item(inputs, &options->nat64[i],
				 (struct item){
					 .kind = ITEM_NAT64,
					 .value = options->nat64[i].length});
	for (size_t i = 0; i < count; i++)
		add_item(inputs, &rules[i].prefix,
			 (struct item){.kind = ITEM_RULE,
				       .value = rules[i].action,
				       .port = rules[i].port,
				       .rule = (uint32_t)i});
}

bool ranges_nat64_is_valid(const struct addr_prefix *prefix)
{
	switch (prefix->length) {
	case 32:
	case 40:
	case 48:
	case 56:
	case 64:
		return true;
	case 96:
		/* RFC 6052 2.2: the u-octet is zero */
		return prefix->addr.bytes[8] == 0 && !addr_is_v4(&prefix->addr);
	default:
		return false;
	}
}

#define TEXT(number) #number
#define DECIMAL(number) TEXT(number)

const char *ranges_add_nat64(struct ranges_options *options,
			     const struct addr_prefix *prefix)
{
	struct addr_prefix *list = options->nat64;

	if (addr_is_v4(&prefix->addr))
		return "a NAT64 prefix is one of IPv6";
	if (!ranges_nat64_is_valid(prefix))
		return prefix->length == 96
			       ? "bits 64 to 71 of a NAT64 prefix are zero "
				 "(RFC 6052)"
			       : "a NAT64 prefix has 32, 40, 48, 56, 64 or 96 "
				 "bits (RFC 6052)";
	for (size_t i = 0; i < options->nat64_count; i++)
		if (list[i].length == prefix->length &&
		    memcmp(&list[i].addr, &prefix->addr,
			   sizeof(prefix->addr)) == 0)
			return NULL;
	if (options->nat64_count == RANGES_MAX_NAT64)
		return "more than " DECIMAL(RANGES_MAX_NAT64) " NAT64 prefixes";
	list[options->nat64_count++] = *prefix;
	return NULL;
}

const char *ranges_add_options(struct ranges_options *options,
			       const struct ranges_options *more)
{
	const char *wrong = NULL;

	options->allow_private |= more->allow_private;
	for (size_t i = 0; i < more->nat64_count && wrong == NULL; i++)
		wrong = ranges_add_nat64(options, &more->nat64[i]);
	return wrong;
}

size_t items_built_in_count(void)
{
	return BUILT_IN_COUNT + RANGES_MAX_NAT64;
}
