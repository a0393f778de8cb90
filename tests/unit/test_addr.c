/* test_addr.c - addresses, prefixes and endpoints as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "runtime/policy/addr.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* Text and canonical text; NULL: no address. */
static void test_parse_and_format(void **unused)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{"0.0.0.0", "0.0.0.0"},
		{"1.2.3.4", "1.2.3.4"},
		{"255.255.255.255", "255.255.255.255"},
		{"100.64.09.1", NULL},
		{"01.2.3.4", NULL},
		{"1.2.3.00", NULL},
		{"1.2.3.256", NULL},
		{"1.2.3", NULL},
		{"1.2.3.", NULL},
		{".1.2.3.4", NULL},
		{"1..2.3", NULL},
		{"1.2.3.4.", NULL},
		{"1.2.3.4.5", NULL},
		{"1.2.3.4 ", NULL},
		{" 1.2.3.4", NULL},
		{"1.2.3.+4", NULL},
		{"1.2.3.-4", NULL},
		{"0x1.2.3.4", NULL},
		{"16909060", NULL},
		{"1.2.3.99999999999999999999", NULL},
		{"", NULL},
		{".", NULL},
		{"a.b.c.d", NULL},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:DB8::1337", "2001:db8::1337"},
		{"0:0:0:0:0:0:0:1", "::1"},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
		/* RFC 5952: one zero group is written out, the longest run is
		 * shortened, the first of equals */
		{"1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
		{"1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
		{"1:0:0:4:0:0:0:8", "1:0:0:4::8"},
		{"1:0:0:4:5:0:0:8", "1::4:5:0:0:8"},
		{"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
		{"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"0001:0020:0300:4000::", "1:20:300:4000::"},
		{"::ffff:1.2.3.4", "1.2.3.4"},
		{"::ffff:102:304", "1.2.3.4"},
		{"::FFFF:0:0", "0.0.0.0"},
		{"::1.2.3.4", "::102:304"},
		{"::ffff:0:1.2.3.4", "::ffff:0:102:304"},
		{"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
		{"64:ff9b::10.0.0.1", "64:ff9b::a00:1"},
		{"1:2:3:4:5:6:7:1.2.3.4", NULL},
		{"1:2:3:4:5:1.2.3.4", NULL},
		{"::1.2.3.4:5", NULL},
		{"::01.2.3.4", NULL},
		{"::1.2.3", NULL},
		{":", NULL},
		{":::", NULL},
		{":1", NULL},
		{"1:", NULL},
		{"1:::2", NULL},
		{"::1::", NULL},
		{"1::2::3", NULL},
		{"1:2:3:4:5:6:7", NULL},
		{"1:2:3:4:5:6:7:8:9", NULL},
		{"1:2:3:4:5:6:7:8:", NULL},
		{"1:2:3:4:5:6:7:8::", NULL},
		{"::1:2:3:4:5:6:7:8", NULL},
		{"1:2:3:4::5:6:7:8", NULL},
		{"::12345", NULL},
		{"::00001", NULL},
		{"::g", NULL},
		{"::1%eth0", NULL},
		{"fe80::1%25lo", NULL},
		{"[::1]", NULL},
		{"::-1", NULL},
		{"0000:0000:0000:0000:0000:ffff:255.255.255.255",
		 "255.255.255.255"},
		{"00000:0000:0000:0000:0000:ffff:255.255.255.255", NULL},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr addr, again;
		char text[ADDR_TEXT_MAX];
		bool parsed = addr_parse(str_from(rows[i].text), &addr);

		if (parsed != (rows[i].canonical != NULL))
			fail_msg("'%s': %d", rows[i].text, parsed);
		if (!parsed)
			continue;
		assert_int_equal(addr_format(&addr, text),
				 strlen(rows[i].canonical));
		assert_string_equal(text, rows[i].canonical);
		assert_true(addr_parse(str_from(text), &again));
		assert_memory_equal(&addr, &again, sizeof(addr));
		assert_true(addr_is_v4(&addr) == (strchr(text, ':') == NULL));
	}
}

static void test_every_octet_in_every_place(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 256; i++) {
		for (unsigned at = 0; at < 4; at++) {
			uint8_t octets[4] = {9, 10, 99, 100};
			char want[ADDR_TEXT_MAX], got[ADDR_TEXT_MAX];
			struct addr addr;
			int n;

			octets[at] = (uint8_t)i;
			addr = addr_from_v4(octets);
			n = snprintf(want, sizeof(want), "%u.%u.%u.%u",
				     octets[0], octets[1], octets[2],
				     octets[3]);
			assert_int_equal(addr_format(&addr, got), n);
			assert_string_equal(got, want);
		}
	}
}

/* Every address survives its text. */
static void test_round_trip(void **unused)
{
	uint64_t state = 88172645463325252;

	(void)unused;
	for (int i = 0; i < 20000; i++) {
		struct addr addr, again;
		char text[ADDR_TEXT_MAX];

		for (size_t j = 0; j < sizeof(addr.bytes); j++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			/* many zeros, so that runs of them occur */
			addr.bytes[j] =
				state >> 60 < 10 ? 0 : (uint8_t)(state >> 32);
		}
		assert_true(addr_format(&addr, text) < ADDR_TEXT_MAX);
		assert_true(addr_parse(str_from(text), &again));
		assert_memory_equal(&addr, &again, sizeof(addr));
	}
}

static void test_prefixes(void **unused)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"10.0.0.1/32", "10.0.0.1/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"1.2.3.4/0", "0.0.0.0/0"},
		{"10.255.0.0/9", "10.128.0.0/9"},
		{"10.0.0.0/08", "10.0.0.0/8"},
		{"::/0", "::/0"},
		{"2001:db8::1/32", "2001:db8::/32"},
		{"2001:db8::1/128", "2001:db8::1/128"},
		{"ffff::/1", "8000::/1"},
		{"::ffff:10.1.2.3/104", "10.0.0.0/8"},
		{"::ffff:0:0/96", "0.0.0.0/0"},
		/* wider than the mapped prefix: an IPv6 range */
		{"::ffff:10.1.2.3/95", "::fffe:0:0/95"},
		{"10.0.0.1", NULL},
		{"10.0.0.0/33", NULL},
		{"10.0.0.0/104", NULL},
		{"::/129", NULL},
		{"10.0.0/8", NULL},
		{"", NULL},
		{"/", NULL},
		{"/8", NULL},
		{"10.0.0.0/", NULL},
		{"10.0.0.0/-1", NULL},
		{"10.0.0.0/+8", NULL},
		{"10.0.0.0/8 ", NULL},
		{" 10.0.0.0/8", NULL},
		{"10.0.0.0/8/8", NULL},
		{"10.0.0.0/4294967304", NULL},
		{"010.0.0.0/8", NULL},
		{"fe80::%lo/10", NULL},
		{"10.0.0.0/255.0.0.0", NULL},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr_prefix prefix;
		char text[ADDR_TEXT_MAX + 4];
		bool parsed = addr_parse_cidr(str_from(rows[i].text), &prefix);

		if (parsed != (rows[i].canonical != NULL))
			fail_msg("'%s': %d", rows[i].text, parsed);
		if (!parsed)
			continue;
		assert_int_equal(addr_format_prefix(&prefix, text),
				 strlen(rows[i].canonical));
		assert_string_equal(text, rows[i].canonical);
	}
}

static void test_endpoints(void **unused)
{
	static const struct {
		const char *text;
		enum endpoint_error error;
		const char *address;
		uint16_t port;
	} rows[] = {
		{"10.0.0.1", ENDPOINT_OK, "10.0.0.1", 0},
		{"10.0.0.1:80", ENDPOINT_OK, "10.0.0.1", 80},
		{"10.0.0.1:0", ENDPOINT_OK, "10.0.0.1", 0},
		{"10.0.0.1:00443", ENDPOINT_OK, "10.0.0.1", 443},
		{"10.0.0.1:65535", ENDPOINT_OK, "10.0.0.1", 65535},
		{"[::1]:80", ENDPOINT_OK, "::1", 80},
		{"[10.0.0.1]:80", ENDPOINT_OK, "10.0.0.1", 80},
		{"[::ffff:1.2.3.4]:80", ENDPOINT_OK, "1.2.3.4", 80},
		{"::1", ENDPOINT_OK, "::1", 0},
		{"::1:80", ENDPOINT_OK, "::1:80", 0},
		/* upstream takes these two for ports */
		{"10.0.0.1:70000", ENDPOINT_PORT, NULL, 0},
		{"10.0.0.1:-1", ENDPOINT_PORT, NULL, 0},
		{"10.0.0.1:", ENDPOINT_PORT, NULL, 0},
		{"10.0.0.1:http", ENDPOINT_PORT, NULL, 0},
		{"10.0.0.1:+80", ENDPOINT_PORT, NULL, 0},
		{"10.0.0.1: 80", ENDPOINT_PORT, NULL, 0},
		{"10.0.0.1:99999999999999999999", ENDPOINT_PORT, NULL, 0},
		{"localhost", ENDPOINT_FORM, NULL, 0},
		{"10.0.0.0/8", ENDPOINT_FORM, NULL, 0},
		{"", ENDPOINT_FORM, NULL, 0},
		{"010.0.0.1", ENDPOINT_FORM, NULL, 0},
		{"[::1]", ENDPOINT_FORM, NULL, 0},
		{"[::1", ENDPOINT_FORM, NULL, 0},
		{"::1]:80", ENDPOINT_FORM, NULL, 0},
		{"[[::1]]:80", ENDPOINT_FORM, NULL, 0},
		{"1:2:3:80", ENDPOINT_FORM, NULL, 0},
		{"localhost:80", ENDPOINT_IP, NULL, 0},
		{":80", ENDPOINT_IP, NULL, 0},
		{"[]:80", ENDPOINT_IP, NULL, 0},
		{"[::1%lo]:80", ENDPOINT_IP, NULL, 0},
		{"010.0.0.1:80", ENDPOINT_IP, NULL, 0},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct addr addr;
		uint16_t port = 1;
		char text[ADDR_TEXT_MAX];
		enum endpoint_error error = addr_parse_endpoint(
			str_from(rows[i].text), &addr, &port);

		if (error != rows[i].error)
			fail_msg("'%s': %d", rows[i].text, (int)error);
		if (error != ENDPOINT_OK)
			continue;
		addr_format(&addr, text);
		assert_string_equal(text, rows[i].address);
		assert_int_equal(port, rows[i].port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_format),
		cmocka_unit_test(test_every_octet_in_every_place),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
