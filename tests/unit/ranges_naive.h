/* ranges_naive.h - the address decision done the slow way, straight from the
 * manual: every rule is looked at for every question.  What the tables must
 * agree with. */
#ifndef TESTS_RANGES_NAIVE_H
#define TESTS_RANGES_NAIVE_H

#include <stdbool.h>
#include <string.h>

#include "runtime/policy/ranges.h"
#include "runtime/policy/ranges_build.h"

struct naive {
	const struct range_rule *rules;
	size_t count;
	const struct ranges_options *options;
};

static bool naive_covers(const struct addr_prefix *prefix,
			 const struct addr *addr)
{
	bool v4 = prefix->length >= 96 && addr_is_v4(&prefix->addr);

	if (v4 != addr_is_v4(addr))
		return false;
	for (int i = 0, left = prefix->length; left > 0; i++, left -= 8) {
		int mask = left >= 8 ? 0xff : 0xff00 >> left;

		if (((prefix->addr.bytes[i] ^ addr->bytes[i]) & mask & 0xff) !=
		    0)
			return false;
	}
	return true;
}

struct naive_special {
	const char *text;
	enum addr_class class;
	struct addr_prefix prefix;
};

static enum addr_class naive_built_in(const struct addr *addr)
{
	static struct naive_special table[] = {
#define SPECIAL(prefix, class, why) {prefix, ADDR_##class, {{{0}}, 0}},
#define METADATA4(a, b, c, d)
#define METADATA6(text)
#include "runtime/policy/special.def"
#undef SPECIAL
#undef METADATA4
#undef METADATA6
	};
	static bool parsed;
	enum addr_class class =
		addr_is_v4(addr) ? ADDR_DEFAULT : ADDR_SPECIAL_PURPOSE;
	int best = -1;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!parsed &&
		    !addr_parse_cidr(str_from(table[i].text), &table[i].prefix))
			return ADDR_CLASS_COUNT;
		if (naive_covers(&table[i].prefix, addr) &&
		    table[i].prefix.length > best) {
			best = table[i].prefix.length;
			class = table[i].class;
		}
	}
	parsed = true;
	return class;
}

static bool naive_is_metadata(const struct addr *addr)
{
	static const char *const list[] = {"169.254.169.254", "168.63.129.16",
					   "100.100.100.200", "fd00:ec2::254"};
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

/* The four bytes behind a NAT64 prefix, the u-octet left out. */
static bool naive_inner(const struct addr *addr, unsigned length,
			struct addr *out)
{
	uint8_t bytes[16];
	size_t n = 0;

	for (size_t i = 0; i < 16; i++)
		if (i != 8 || length == 96)
			bytes[n++] = addr->bytes[i];
	*out = addr_from_v4(bytes + length / 8);
	return length == 96 || addr->bytes[8] == 0;
}

static bool naive_is_isatap(const struct addr *addr)
{
	return (addr->bytes[8] & 0xfc) == 0 && addr->bytes[9] == 0 &&
	       addr->bytes[10] == 0x5e && addr->bytes[11] == 0xfe;
}

static bool naive_in(const char *text, const struct addr *addr)
{
	struct addr_prefix prefix;

	return addr_parse_cidr(str_from(text), &prefix) &&
	       naive_covers(&prefix, addr);
}

/* The metadata address that ADDR leads to, if any. */
static bool naive_embeds_metadata(const struct naive *policy,
				  const struct addr *addr, struct addr *out)
{
	static const unsigned lengths[] = {48, 56, 64, 96};
	uint8_t hidden[4];

	*out = addr_from_v4(addr->bytes + 12);
	if ((naive_in("64:ff9b::/96", addr) || naive_in("::/96", addr) ||
	     naive_in("::ffff:0:0:0/96", addr) || naive_is_isatap(addr)) &&
	    naive_is_metadata(out))
		return true;
	for (size_t i = 0; i < 4; i++)
		hidden[i] = addr->bytes[12 + i] ^ 0xff;
	*out = addr_from_v4(hidden);
	if (naive_in("2001::/32", addr) && naive_is_metadata(out))
		return true;
	*out = addr_from_v4(addr->bytes + 2);
	if (naive_in("2002::/16", addr) && naive_is_metadata(out))
		return true;
	for (size_t i = 0; i < 4; i++)
		if (naive_in("64:ff9b:1::/48", addr) &&
		    naive_inner(addr, lengths[i], out) &&
		    naive_is_metadata(out))
			return true;
	for (size_t i = 0; i < policy->options->nat64_count; i++)
		if (naive_covers(&policy->options->nat64[i], addr) &&
		    naive_inner(addr, policy->options->nat64[i].length, out) &&
		    naive_is_metadata(out))
			return true;
	return false;
}

static struct classification naive_answer(enum addr_class class, size_t rule)
{
	return (struct classification){class, (uint32_t)rule};
}

static struct classification naive_classify(const struct naive *policy,
					    const struct addr *addr,
					    uint16_t port)
{
	size_t exact = RANGE_RULE_NONE;
	size_t allow = RANGE_RULE_NONE;
	size_t deny = RANGE_RULE_NONE;
	bool metadata = naive_is_metadata(addr);
	enum addr_class class = naive_built_in(addr);
	const struct addr_prefix *nat64 = NULL;
	struct addr inner;

	for (size_t i = policy->count; i-- > 0;) {
		const struct range_rule *rule = &policy->rules[i];

		if ((rule->port != 0 && rule->port != port) ||
		    !naive_covers(&rule->prefix, addr))
			continue;
		if (rule->action != RANGE_ALLOW)
			deny = i;
		else if (rule->prefix.length == 128)
			exact = i;
		else
			allow = i;
	}
	if (exact != RANGE_RULE_NONE)
		return naive_answer(ADDR_USER_ALLOWED, exact);
	if (allow != RANGE_RULE_NONE && !metadata) {
		if (!addr_is_v4(addr) &&
		    naive_embeds_metadata(policy, addr, &inner))
			return naive_classify(policy, &inner, port);
		return naive_answer(ADDR_USER_ALLOWED, allow);
	}
	if (class == ADDR_NOT_GLOBAL_UNICAST)
		return naive_answer(class, RANGE_RULE_NONE);
	if (deny != RANGE_RULE_NONE)
		return naive_answer(ADDR_USER_DENIED, deny);
	for (size_t i = 0; i < policy->options->nat64_count; i++) {
		const struct addr_prefix *prefix = &policy->options->nat64[i];

		if (naive_covers(prefix, addr) &&
		    (!nat64 || prefix->length > nat64->length))
			nat64 = prefix;
	}
	if (nat64 && !metadata) {
		if (!naive_inner(addr, nat64->length, &inner))
			return naive_answer(ADDR_IPV6_EMBEDDING,
					    RANGE_RULE_NONE);
		return naive_classify(policy, &inner, port);
	}
	if (class == ADDR_PRIVATE_RANGE && policy->options->allow_private &&
	    !metadata)
		class = ADDR_DEFAULT;
	if (class == ADDR_DEFAULT && !addr_is_v4(addr) && naive_is_isatap(addr))
		class = ADDR_SPECIAL_PURPOSE;
	return naive_answer(class, RANGE_RULE_NONE);
}

#endif
