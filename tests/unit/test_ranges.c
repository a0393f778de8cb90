/* test_ranges.c - what addresses are: the registries, upstream's classes, cloud
 * metadata, translators, ports, and the shapes that a table must survive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/policy/ranges.h"
#include "runtime/policy/ranges_build.h"

#define MAX_RULES 16

/* A policy written the way people write one: "allow 10.0.0.0/8",
 * "deny 8.8.8.8:53". */
struct policy {
	struct range_rule rules[MAX_RULES];
	size_t count;
	struct ranges_options options;
	struct ranges view;
	void *image;
};

static void add_rule(struct policy *policy, const char *line)
{
	struct range_rule *rule = &policy->rules[policy->count++];
	bool allow = strncmp(line, "allow ", 6) == 0;
	struct str text = str_from(line + (allow ? 6 : 5));

	assert_true(allow || strncmp(line, "deny ", 5) == 0);
	*rule = (struct range_rule){.action = allow ? RANGE_ALLOW : RANGE_DENY};
	if (addr_parse_cidr(text, &rule->prefix))
		return;
	assert_int_equal(
		addr_parse_endpoint(text, &rule->prefix.addr, &rule->port),
		ENDPOINT_OK);
	rule->prefix.length = 128;
}

static void build(struct policy *policy)
{
	size_t length;

	policy->image = ranges_build(policy->rules, policy->count,
				     &policy->options, &length);
	assert_non_null(policy->image);
	assert_true(ranges_open(&policy->view, policy->image, length));
}

/* LINES end with NULL. */
static void build_lines(struct policy *policy, const char *const *lines)
{
	policy->count = 0;
	for (; *lines; lines++)
		add_rule(policy, *lines);
	build(policy);
}

#define BUILD(policy, ...)                                                     \
	build_lines(policy, (const char *const[]){__VA_ARGS__, NULL})

static struct classification classify(const struct policy *policy,
				      const char *address, uint16_t port)
{
	struct addr addr;

	if (!addr_parse(str_from(address), &addr))
		fail_msg("%s is no address", address);
	return ranges_classify(&policy->view, &addr, port);
}

static void expect(const struct policy *policy, const char *address,
		   uint16_t port, enum addr_class class)
{
	struct classification got = classify(policy, address, port);

	if (got.class != class)
		fail_msg("%s port %u: wanted %s, got %s", address, port,
			 addr_class_text(class), addr_class_text(got.class));
}

/* --- the registries --- */

enum registry { NOT_GLOBAL, DEPRECATED, EMBEDDING, GLOBAL };

static void test_registry(void **unused)
{
	static const struct {
		const char *text;
		int says; /* enum registry; -1: stricter than the registries */
		enum addr_class class;
	} rows[] = {
#define ADDRESS(text, says, class) {text, says, ADDR_##class},
#define STRICT(text, class, why) {text, -1, ADDR_##class},
#include "data/registry.inc"
#undef ADDRESS
#undef STRICT
	};
	struct policy policy = {0};
	size_t denied = 0;
	size_t allowed = 0;

	(void)unused;
	BUILD(&policy, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool allows = addr_class_allows(
			classify(&policy, rows[i].text, 443).class);

		expect(&policy, rows[i].text, 443, rows[i].class);
		assert_true(allows == (rows[i].says == GLOBAL));
		allowed += allows;
		denied += !allows;
	}
	assert_int_equal(allowed, 97);
	assert_int_equal(denied, 261 + 11 + 25 + 40);
	free(policy.image);
}

/* --- upstream's classes --- */

enum { A, B, C, D, E, F, G, H };

static void test_upstream(void **unused)
{
	static const struct {
		bool unsafe;
		const char *lines[10];
	} configurations[] = {
		[A] = {false,
		       {"deny 1.1.1.1/32", "deny 8.8.8.8:321",
			"allow 8.8.9.0/24", "allow 10.0.1.0/24",
			"allow 172.16.1.0/24", "allow 192.168.1.0/24",
			"allow 127.0.1.0/24", "allow 10.0.0.1:321"}},
		[B] = {true, {"deny 192.168.0.0/24", "deny 10.0.0.0/8"}},
		[C] = {false, {"allow 192.168.0.0/16", "deny 192.168.1.5"}},
		[D] = {false, {"deny 93.0.0.0/8", "allow 93.184.215.14"}},
		[E] = {false, {"allow 127.0.0.0/8", "allow ::/0"}},
		[F] = {false, {"allow 64:ff9b::/96", "allow 100.64.0.0/10"}},
		[G] = {false, {"deny 0.0.0.0/0", "allow 8.8.8.0/24"}},
		[H] = {true, {NULL}},
	};
	static const struct {
		int configuration;
		const char *text;
		uint16_t port;
		enum addr_class class;
	} rows[] = {
#define CLASSIFIED(configuration, text, port, class)                           \
	{configuration, text, port, ADDR_##class},
#define SELF CLASSIFIED
#define STRICTER(configuration, text, port, class, why)                        \
	CLASSIFIED(configuration, text, port, class)
#include "data/classified.inc"
#undef CLASSIFIED
#undef SELF
#undef STRICTER
	};
	struct policy policy;

	(void)unused;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), 80);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int configuration = rows[i].configuration;

		policy = (struct policy){
			.options.allow_private =
				configurations[configuration].unsafe};
		build_lines(&policy, configurations[configuration].lines);
		expect(&policy, rows[i].text, rows[i].port, rows[i].class);
		free(policy.image);
	}
}

static void test_deciding_rule(void **unused)
{
	struct policy policy = {0};

	(void)unused;
	BUILD(&policy, "deny 10.0.0.0/8", "allow 10.1.0.0/16",
	      "allow 10.1.2.0/24", "allow 10.1.2.3", "deny 9.0.0.0/8",
	      "deny 9.9.9.9", "deny 9.9.9.9:53");
	assert_int_equal(classify(&policy, "10.9.9.9", 1).rule, 0);
	assert_int_equal(classify(&policy, "10.1.1.1", 1).rule, 1);
	/* the lowest index, not the longest prefix */
	assert_int_equal(classify(&policy, "10.1.2.4", 1).rule, 1);
	/* but the entry for the very address comes first */
	assert_int_equal(classify(&policy, "10.1.2.3", 1).rule, 3);
	assert_int_equal(classify(&policy, "9.9.9.9", 53).rule, 4);
	assert_int_equal(classify(&policy, "8.8.8.8", 53).rule,
			 RANGE_RULE_NONE);
	free(policy.image);
}

/* --- cloud metadata --- */

static void test_metadata(void **unused)
{
	struct policy policy = {.options.allow_private = true};

	(void)unused;
	BUILD(&policy, "allow 0.0.0.0/0", "allow ::/0");
	expect(&policy, "169.254.169.253", 80, ADDR_USER_ALLOWED);
	expect(&policy, "169.254.169.254", 80, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "::ffff:169.254.169.254", 80, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "168.63.129.16", 80, ADDR_SPECIAL_PURPOSE);
	expect(&policy, "100.100.100.200", 80, ADDR_CGNAT_RANGE);
	expect(&policy, "fd00:ec2::254", 80, ADDR_PRIVATE_RANGE);
	expect(&policy, "fd00:ec2::253", 80, ADDR_USER_ALLOWED);
	/* every embedding of them */
	expect(&policy, "64:ff9b::a9fe:a9fe", 80, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "64:ff9b::a9fe:a9fd", 80, ADDR_USER_ALLOWED);
	expect(&policy, "::a9fe:a9fe", 80, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "::ffff:0:a9fe:a9fe", 80, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "2002:a9fe:a9fe::1", 80, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "2001:0:4136:e378:8000:63bf:5601:5601", 80,
	       ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "2606:4700::5efe:a9fe:a9fe", 80,
	       ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "64:ff9b:1::6464:64c8", 80, ADDR_CGNAT_RANGE);
	expect(&policy, "64:ff9b:1:a83f:81:1000::", 80, ADDR_SPECIAL_PURPOSE);
	expect(&policy, "64:ff9b:1:a8:3f:8110::", 80, ADDR_SPECIAL_PURPOSE);
	expect(&policy, "64:ff9b:1:0:a8:3f81:1000:0", 80, ADDR_SPECIAL_PURPOSE);
	expect(&policy, "64:ff9b:1:0:a8:3f81:1100:0", 80, ADDR_USER_ALLOWED);
	free(policy.image);

	/* the flag for private ranges is not enough, nor is a /31 */
	BUILD(&policy, "allow 168.63.129.16/31", "allow fd00:ec2::254/127");
	expect(&policy, "168.63.129.17", 80, ADDR_USER_ALLOWED);
	expect(&policy, "168.63.129.16", 80, ADDR_SPECIAL_PURPOSE);
	expect(&policy, "fd00:ec2::255", 80, ADDR_USER_ALLOWED);
	expect(&policy, "fd00:ec2::254", 80, ADDR_PRIVATE_RANGE);
	expect(&policy, "fd00:ec2::1:254", 80, ADDR_DEFAULT);
	free(policy.image);

	/* exact entries are: as range, as address, for one port */
	BUILD(&policy, "allow 169.254.169.254/32", "allow 168.63.129.16",
	      "allow [fd00:ec2::254]:80", "allow ::/0");
	expect(&policy, "169.254.169.254", 80, ADDR_USER_ALLOWED);
	expect(&policy, "168.63.129.16", 443, ADDR_USER_ALLOWED);
	expect(&policy, "fd00:ec2::254", 80, ADDR_USER_ALLOWED);
	expect(&policy, "fd00:ec2::254", 81, ADDR_PRIVATE_RANGE);
	/* and then they open the way through an allowed embedding as well */
	expect(&policy, "64:ff9b::a9fe:a9fe", 80, ADDR_USER_ALLOWED);
	expect(&policy, "64:ff9b::6464:64c8", 80, ADDR_CGNAT_RANGE);
	free(policy.image);

	BUILD(&policy, "allow 64:ff9b::a9fe:a9fe");
	expect(&policy, "64:ff9b::a9fe:a9fe", 80, ADDR_USER_ALLOWED);
	expect(&policy, "169.254.169.254", 80, ADDR_NOT_GLOBAL_UNICAST);
	free(policy.image);

	/* denied by a rule */
	BUILD(&policy, "deny 168.63.0.0/16", "deny 100.0.0.0/8");
	expect(&policy, "168.63.129.16", 80, ADDR_USER_DENIED);
	expect(&policy, "100.100.100.200", 80, ADDR_USER_DENIED);
	free(policy.image);
}

/* --- IPv4 inside IPv6 --- */

static void test_nat64(void **unused)
{
	/* 192.0.2.33 behind each length: the examples of RFC 6052 2.4; here
	 * 8.8.4.33, public, and 10.2.4.33, private */
	static const struct {
		const char *prefix, *public, *private, *bad_octet;
	} rows[] = {
		{"2606::/32", "2606:0:808:421::", "2606:0:a02:421::",
		 "2606:0:808:421:100::"},
		{"2606:0:100::/40", "2606:0:108:804:21::",
		 "2606:0:10a:204:21::", "2606:0:108:804:121::"},
		{"2606:0:122::/48", "2606:0:122:808:4:2100::",
		 "2606:0:122:a02:4:2100::", "2606:0:122:808:8004:2100::"},
		{"2606:0:122:300::/56", "2606:0:122:308:8:421::",
		 "2606:0:122:30a:2:421::", "2606:0:122:308:ff08:421::"},
		{"2606:0:122:344::/64", "2606:0:122:344:8:804:2100:0",
		 "2606:0:122:344:a:204:2100:0",
		 "2606:0:122:344:108:804:2100:0"},
		{"2606:0:122:344::/96", "2606:0:122:344::8.8.4.33",
		 "2606:0:122:344::10.2.4.33", NULL},
	};
	struct policy policy;

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		policy = (struct policy){.options.nat64_count = 1};
		assert_true(addr_parse_cidr(str_from(rows[i].prefix),
					    &policy.options.nat64[0]));
		assert_true(ranges_nat64_is_valid(&policy.options.nat64[0]));
		BUILD(&policy, "deny 8.8.4.0/28", "deny 8.8.4.33:25",
		      "allow 10.2.4.33:443");
		expect(&policy, rows[i].public, 443, ADDR_DEFAULT);
		expect(&policy, rows[i].public, 25, ADDR_USER_DENIED);
		expect(&policy, rows[i].private, 80, ADDR_PRIVATE_RANGE);
		expect(&policy, rows[i].private, 443, ADDR_USER_ALLOWED);
		if (rows[i].bad_octet)
			expect(&policy, rows[i].bad_octet, 443,
			       ADDR_IPV6_EMBEDDING);
		free(policy.image);
	}

	/* the well-known prefix, opened for DNS64 */
	policy = (struct policy){.options.nat64_count = 1};
	assert_true(
		addr_parse_cidr(STR("64:ff9b::/96"), &policy.options.nat64[0]));
	BUILD(&policy, "deny 64:ff9b::1.0.0.0/104", "allow 64:ff9b::10.0.0.7");
	expect(&policy, "64:ff9b::8.8.8.8", 443, ADDR_DEFAULT);
	expect(&policy, "64:ff9b::10.0.0.1", 443, ADDR_PRIVATE_RANGE);
	expect(&policy, "64:ff9b::127.0.0.1", 443, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "64:ff9b::169.254.169.254", 80,
	       ADDR_NOT_GLOBAL_UNICAST);
	/* rules for the IPv6 address itself come first */
	expect(&policy, "64:ff9b::1.1.1.1", 443, ADDR_USER_DENIED);
	expect(&policy, "64:ff9b::10.0.0.7", 443, ADDR_USER_ALLOWED);
	expect(&policy, "2002:808:808::1", 443, ADDR_IPV6_EMBEDDING);
	free(policy.image);
}

static void test_nat64_prefixes(void **unused)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{"64:ff9b::/96", true},
		{"2001:db8::/32", true},
		{"2001:db8::/33", false},
		{"2001:db8::/128", false},
		{"::/0", false},
		{"10.0.0.0/8", false},
		{"0.0.0.0/0", false},
		{"2001:db8:0:0:100::/96", false},
		{"2001:db8:1:2::/64", true},
	};
	struct addr_prefix prefix;

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(addr_parse_cidr(str_from(rows[i].text), &prefix));
		assert_true(ranges_nat64_is_valid(&prefix) == rows[i].valid);
		struct ranges_options options = {0};
		assert_true((ranges_add_nat64(&options, &prefix) == NULL) ==
			    rows[i].valid);
		assert_int_equal(options.nat64_count, rows[i].valid);
	}
}

static void test_isatap(void **unused)
{
	struct policy policy = {.options.allow_private = true};

	(void)unused;
	BUILD(&policy, "allow 2606:4700:1::/48", "deny 2606:4700:2::/48");
	expect(&policy, "2606:4700::5efe:8.8.8.8", 443, ADDR_SPECIAL_PURPOSE);
	expect(&policy, "2606:4700::200:5efe:8.8.8.8", 443,
	       ADDR_SPECIAL_PURPOSE);
	expect(&policy, "2606:4700::1:5efe:8.8.8.8", 443, ADDR_DEFAULT);
	expect(&policy, "2606:4700:1::5efe:8.8.8.8", 443, ADDR_USER_ALLOWED);
	expect(&policy, "2606:4700:2::5efe:8.8.8.8", 443, ADDR_USER_DENIED);
	/* private ranges opened by the flag do not open it */
	expect(&policy, "fd00::1", 443, ADDR_DEFAULT);
	expect(&policy, "fd00::5efe:10.0.0.1", 443, ADDR_SPECIAL_PURPOSE);
	free(policy.image);
}

/* --- shapes --- */

static void test_ports(void **unused)
{
	struct policy policy = {0};

	(void)unused;
	/* ports of a wider prefix hold inside a narrower one */
	BUILD(&policy, "deny 8.0.0.0/8", "allow 8.8.8.8:443",
	      "allow 8.8.8.8:53", "deny 8.8.8.8:25", "allow 8.8.8.8:65535");
	policy.rules[1].prefix.length = 96 + 16;
	policy.rules[1].prefix.addr.bytes[14] = 0;
	policy.rules[1].prefix.addr.bytes[15] = 0;
	free(policy.image);
	build(&policy);
	expect(&policy, "8.8.8.8", 443, ADDR_USER_ALLOWED);
	expect(&policy, "8.8.8.8", 53, ADDR_USER_ALLOWED);
	expect(&policy, "8.8.8.8", 65535, ADDR_USER_ALLOWED);
	expect(&policy, "8.8.8.8", 25, ADDR_USER_DENIED);
	expect(&policy, "8.8.8.8", 1, ADDR_USER_DENIED);
	expect(&policy, "8.8.9.1", 443, ADDR_USER_ALLOWED);
	expect(&policy, "8.8.9.1", 53, ADDR_USER_DENIED);
	expect(&policy, "8.9.0.0", 443, ADDR_USER_DENIED);
	free(policy.image);
}

static void test_every_port(void **unused)
{
	struct ranges_options options = {0};
	struct range_rule *rules = calloc(65535, sizeof(*rules));
	struct policy policy = {0};
	size_t length;

	(void)unused;
	assert_non_null(rules);
	for (uint32_t i = 0; i < 65535; i++) {
		rules[i].port = (uint16_t)(i + 1);
		rules[i].prefix.length = 128;
		rules[i].action = i % 3 ? RANGE_DENY : RANGE_ALLOW;
		assert_true(addr_parse(STR("8.8.8.8"), &rules[i].prefix.addr));
	}
	policy.image = ranges_build(rules, 65535, &options, &length);
	assert_non_null(policy.image);
	assert_true(ranges_open(&policy.view, policy.image, length));
	expect(&policy, "8.8.8.8", 0, ADDR_DEFAULT);
	for (uint32_t i = 0; i < 65535; i++) {
		struct classification got =
			classify(&policy, "8.8.8.8", (uint16_t)(i + 1));

		assert_int_equal(got.class,
				 i % 3 ? ADDR_USER_DENIED : ADDR_USER_ALLOWED);
		assert_int_equal(got.rule, i);
	}
	free(policy.image);
	free(rules);
}

/* All lengths of one address, alternating: as deep as prefixes nest. */
static void test_nested(void **unused)
{
	static const char *const places[] = {
		"255.255.255.255",
		"0.0.0.0",
		"8.8.8.8",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"::",
		"2606:4700::1:2:3"};

	(void)unused;
	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		struct range_rule rules[129];
		struct ranges_options options = {0};
		struct ranges view;
		struct addr addr;
		size_t length;
		int first, last = 128;
		void *image;

		assert_true(addr_parse(str_from(places[p]), &addr));
		first = addr_is_v4(&addr) ? 96 : 0;
		for (int i = first; i <= last; i++) {
			rules[i - first] = (struct range_rule){
				{addr, (uint8_t)i}, 0, RANGE_DENY};
			for (int bit = i; bit < 128; bit++)
				rules[i - first].prefix.addr.bytes[bit / 8] &=
					(uint8_t) ~(0x80u >> bit % 8);
		}
		image = ranges_build(rules, (size_t)(last - first + 1),
				     &options, &length);
		assert_non_null(image);
		assert_true(ranges_open(&view, image, length));
		free(image);
		/* one rule in the middle, for ports, on top */
		rules[5].port = 7;
		rules[5].action = RANGE_ALLOW;
		image = ranges_build(rules, (size_t)(last - first + 1),
				     &options, &length);
		assert_non_null(image);
		assert_true(ranges_open(&view, image, length));
		assert_true(addr_class_allows(
			ranges_classify(&view, &addr, 7).class));
		free(image);
	}
}

/* Rules as no parser makes them: host bits set, lengths and actions beyond what
 * there is.  They deny at worst. */
static void test_odd_rules(void **unused)
{
	struct policy policy = {0};
	struct range_rule *rules = policy.rules;
	struct ranges_options *options = &policy.options;

	(void)unused;
	for (size_t i = 0; i < 8; i++)
		assert_true(addr_parse(STR("8.8.8.8"), &rules[i].prefix.addr));
	rules[0].prefix.length = 95; /* IPv6, and covers no IPv4 */
	rules[1].prefix.length = 0;
	rules[2].prefix.length = 255;
	rules[2].action = 7;
	rules[3].prefix.length = 96 + 8;
	rules[3].port = 80;
	policy.count = 4;
	options->nat64_count = 255;
	build(&policy);
	expect(&policy, "8.8.8.8", 1, ADDR_USER_DENIED);
	expect(&policy, "8.8.8.9", 1, ADDR_DEFAULT);
	expect(&policy, "8.0.0.1", 80, ADDR_USER_DENIED);
	expect(&policy, "2606:4700::1", 80, ADDR_USER_DENIED);
	free(policy.image);
}

static void test_zeroed_view_denies(void **unused)
{
	struct policy policy = {0};

	(void)unused;
	expect(&policy, "8.8.8.8", 443, ADDR_NOT_GLOBAL_UNICAST);
	expect(&policy, "2606:4700::1", 443, ADDR_NOT_GLOBAL_UNICAST);
	assert_false(ranges_open(&policy.view, NULL, 0));
	assert_false(addr_class_allows((enum addr_class)0));
	assert_false(addr_class_allows(ADDR_CLASS_COUNT));
	assert_string_equal(addr_class_text(ADDR_CGNAT_RANGE),
			    "Deny: CGNAT Range");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_upstream),
		cmocka_unit_test(test_deciding_rule),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_nat64),
		cmocka_unit_test(test_nat64_prefixes),
		cmocka_unit_test(test_isatap),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_every_port),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_odd_rules),
		cmocka_unit_test(test_zeroed_view_denies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
