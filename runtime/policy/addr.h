/* addr.h - IP addresses as 16 bytes, and their text forms.
 * Text is read as strictly as Go's net.ParseIP and net.ParseCIDR read it: no
 * leading zeros, no octal, no short forms, no zones.  What a lenient libc would
 * read beyond that is host_is_numeric_form() in hostname.h. */
#ifndef POLICY_ADDR_H
#define POLICY_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "str.h"

#define ADDR_TEXT_MAX 46 /* INET6_ADDRSTRLEN: longest text and its NUL */

/* Network byte order.  IPv4 is held as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so
 * that a mapped address and its IPv4 form are one address. */
struct addr {
	uint8_t bytes[16];
};

/* A prefix in the 128-bit space: 10.0.0.0/8 has LENGTH 104. */
struct addr_prefix {
	struct addr addr; /* bits beyond the length are zero */
	uint8_t length;   /* 0..128 */
};

static inline bool addr_is_v4(const struct addr *addr)
{
	return memcmp(addr->bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
}

struct addr addr_from_v4(const uint8_t octets[4]);
struct addr addr_from_v6(const uint8_t octets[16]);

bool addr_parse(struct str text, struct addr *out);

/* Canonical text: dotted quad for IPv4 (mapped too), else RFC 5952.  Returns
 * the length; OUT is NUL-terminated. */
size_t addr_format(const struct addr *addr, char out[ADDR_TEXT_MAX]);

/* "10.0.0.0/8": host bits are masked away, as upstream does. */
bool addr_parse_cidr(struct str text, struct addr_prefix *out);

enum endpoint_error {
	ENDPOINT_OK = 0,
	ENDPOINT_FORM, /* not ip, ip:port or [ip]:port */
	ENDPOINT_IP,   /* the address part is none */
	ENDPOINT_PORT, /* the port part is none, or beyond 65535 */
};

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80".  Port 0 or none: any port. */
enum endpoint_error addr_parse_endpoint(struct str text, struct addr *out,
					uint16_t *port);

/* PREFIX in its natural family: "10.0.0.0/8", "2001:db8::/32".  OUT has room
 * for ADDR_TEXT_MAX + 4 bytes. */
size_t addr_format_prefix(const struct addr_prefix *prefix, char *out);

#endif
