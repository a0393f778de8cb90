/* test_proxy_address.c - URLs of upstream proxies: ports, credentials, and that
 * no text for people has the latter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/net/proxy_address.h"

static void test_what_is_understood(void **state)
{
	static const struct {
		const char *text, *shown, *basic;
	} rows[] = {
		{"http://Proxy.TEST", "http://proxy.test:80", NULL},
		{"HTTP://proxy.test:3128/", "http://proxy.test:3128", NULL},
		{"https://proxy.test", "https://proxy.test:443", NULL},
		{"http://proxy.test:", "http://proxy.test:80", NULL},
		{"http://10.0.0.1:1", "http://10.0.0.1:1", NULL},
		{"http://[2001:DB8::1]", "http://[2001:db8::1]:80", NULL},
		{"http://[::ffff:10.0.0.1]:8", "http://10.0.0.1:8", NULL},
		/* RFC 7617 2 */
		{"http://Aladdin:open%20sesame@a", "http://a:80",
		 "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"http://u@a", "http://a:80", "dTo="},
		{"http://u:@a", "http://a:80", "dTo="},
		{"http://u:p@a", "http://a:80", "dTpw"},
		{"http://@a", "http://a:80", "Og=="},
		{"http://u:p:q@a", "http://a:80", "dTpwOnE="},
		{"http://%3a:%00%ff@a", "http://a:80", "OjoA/w=="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char shown[PROXY_ADDRESS_TEXT_MAX];
		struct proxy_address address;

		if (proxy_address_parse(str_from(rows[i].text), &address) !=
		    PROXY_ADDRESS_OK)
			fail_msg("%s", rows[i].text);
		assert_string_equal(proxy_address_format(&address, shown),
				    rows[i].shown);
		if (rows[i].basic == NULL)
			assert_null(address.basic);
		else
			assert_string_equal(address.basic, rows[i].basic);
		proxy_address_fini(&address);
		assert_null(address.basic);
	}
}

static void test_what_is_not(void **state)
{
	static const struct {
		const char *text;
		enum proxy_address_error error;
	} rows[] = {
		{"", PROXY_ADDRESS_BAD_URL},
		{"proxy.test:3128", PROXY_ADDRESS_BAD_URL},
		{"http://", PROXY_ADDRESS_BAD_URL},
		{"http://u:p%@a", PROXY_ADDRESS_BAD_URL},
		{"http://u:p@", PROXY_ADDRESS_BAD_URL},
		{"http://a\r\nX: y", PROXY_ADDRESS_BAD_URL},
		{"http://a b", PROXY_ADDRESS_BAD_URL},
		{"socks5://a:1080", PROXY_ADDRESS_BAD_SCHEME},
		{"httpx://a", PROXY_ADDRESS_BAD_SCHEME},
		{"ftp://u:secret@a", PROXY_ADDRESS_BAD_SCHEME},
		{"http://0x7f.1", PROXY_ADDRESS_BAD_HOST},
		{"http://2130706433", PROXY_ADDRESS_BAD_HOST},
		{"http://a..b", PROXY_ADDRESS_BAD_HOST},
		{"http://[::g]", PROXY_ADDRESS_BAD_URL},
		{"http://[:::1]", PROXY_ADDRESS_BAD_HOST},
		{"http://a:0", PROXY_ADDRESS_BAD_PORT},
		{"http://a:65536", PROXY_ADDRESS_BAD_PORT},
		{"http://a:99999999999999999999", PROXY_ADDRESS_BAD_PORT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proxy_address address;
		enum proxy_address_error error =
			proxy_address_parse(str_from(rows[i].text), &address);

		if (error != rows[i].error)
			fail_msg("'%s': %s", rows[i].text,
				 proxy_address_error_text(error));
		proxy_address_fini(&address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_understood),
		cmocka_unit_test(test_what_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
