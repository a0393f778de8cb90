/* endpoint.c - an address and a port in their other forms: see endpoint.h. */
#include "endpoint.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define V4_OFFSET 12 /* where a mapped address keeps its four octets */

socklen_t endpoint_to_sockaddr(const struct addr *addr, uint16_t port,
			       struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (addr_is_v4(addr)) {
		struct sockaddr_in v4 = {.sin_family = AF_INET,
					 .sin_port = htons(port)};

		memcpy(&v4.sin_addr, addr->bytes + V4_OFFSET,
		       sizeof(v4.sin_addr));
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}

	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port)};

	memcpy(&v6.sin6_addr, addr->bytes, sizeof(v6.sin6_addr));
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

const char *endpoint_format(const struct addr *addr, uint16_t port,
			    char out[ENDPOINT_TEXT_MAX])
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	snprintf(out, ENDPOINT_TEXT_MAX, addr_is_v4(addr) ? "%s:%u" : "[%s]:%u",
		 text, (unsigned)port);
	return out;
}
