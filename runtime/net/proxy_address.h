/* proxy_address.h - where an upstream proxy is and who we are to it: the
 * meaning of a URL such as "http://user:password@proxy.test:3128".
 * Its credentials are a secret: they are sent to that proxy, and neither logged
 * nor shown. */
#ifndef NET_PROXY_ADDRESS_H
#define NET_PROXY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/policy/hostname.h"
#include "runtime/policy/str.h"

struct proxy_address {
	struct hostname host;
	uint16_t port;
	bool tls;    /* https:// */
	char *basic; /* owned: what "Proxy-Authorization: Basic" is followed
		      * by; NULL: no credentials */
};

enum proxy_address_error {
	PROXY_ADDRESS_BAD_URL = 0,
	PROXY_ADDRESS_BAD_SCHEME,
	PROXY_ADDRESS_BAD_HOST,
	PROXY_ADDRESS_BAD_PORT,
	PROXY_ADDRESS_NO_MEMORY,
	PROXY_ADDRESS_OK,
};

/* Understand TEXT.  OUT is to be given to proxy_address_fini() in any case. */
enum proxy_address_error proxy_address_parse(struct str text,
					     struct proxy_address *out);
void proxy_address_fini(struct proxy_address *address);

/* One line for people, and none of it from the URL: static storage. */
const char *proxy_address_error_text(enum proxy_address_error error);

/* "http://proxy.test:3128": all but the credentials.  Returns OUT. */
#define PROXY_ADDRESS_TEXT_MAX (HOSTNAME_MAX + HOSTNAME_PAD + 32)
const char *proxy_address_format(const struct proxy_address *address,
				 char out[PROXY_ADDRESS_TEXT_MAX]);

#endif
