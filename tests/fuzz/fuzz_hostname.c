/* fuzz_hostname.c - whatever bytes a client calls a host: no fault, and what is
 * accepted is in normal form, short enough, and no number in disguise. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/policy/hostname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                     \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

static void check_normal(struct str text)
{
	struct hostname host, again;
	char buffer[HOSTNAME_ERROR_MAX];
	enum host_error error = hostname_normalize(text, &host);

	REQUIRE(error != HOST_NEEDS_IDNA);
	REQUIRE((error == HOST_OK) == (host.form != HOST_NONE));
	REQUIRE(strlen(hostname_error_text(error, &host, buffer)) > 0);
	if (error != HOST_OK)
		return;
	REQUIRE(host.length > 0 && host.length <= HOSTNAME_MAX);
	REQUIRE(strlen(host.text) == host.length);
	text = str_make(host.text, host.length);
	REQUIRE(!hostname_is_numeric_form(text));
	REQUIRE(hostname_normalize(text, &again) == HOST_OK);
	REQUIRE(memcmp(&host, &again, sizeof(host)) == 0);
	for (size_t i = 0; i < text.n && host.form == HOST_NAME; i++) {
		char c = text.p[i];

		REQUIRE((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '.' || c == '-' || c == '_');
	}
}

static void check_addresses(struct str text)
{
	struct addr addr, again;
	struct addr_prefix prefix;
	char out[ADDR_TEXT_MAX + 4];
	uint16_t port;

	if (addr_parse(text, &addr)) {
		size_t n = addr_format(&addr, out);

		REQUIRE(addr_parse(str_make(out, n), &again));
		REQUIRE(memcmp(&addr, &again, sizeof(addr)) == 0);
	}
	if (addr_parse_cidr(text, &prefix)) {
		size_t n = addr_format_prefix(&prefix, out);
		struct addr_prefix second;

		REQUIRE(addr_parse_cidr(str_make(out, n), &second));
		REQUIRE(prefix.length == second.length);
		REQUIRE(memcmp(&prefix.addr, &second.addr, sizeof(addr)) == 0);
	}
	addr_parse_endpoint(text, &addr, &port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct str host;
	uint16_t port;

	check_normal(text);
	check_addresses(text);
	if (authority_split(text, &host, &port) == AUTHORITY_OK)
		check_normal(host);
	return 0;
}
