/* endpoint.h - an address and a port, as the kernel and as people want them. */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H

#include <stdint.h>
#include <sys/socket.h>

#include "runtime/policy/addr.h"

/* "255.255.255.255:65535", "[...]:65535" with the longest IPv6 text, a NUL. */
#define ENDPOINT_TEXT_MAX (ADDR_TEXT_MAX + 8)

/* Fill OUT for bind() or connect(): AF_INET when ADDR is IPv4, mapped too, else
 * AF_INET6 (no scope).  Returns the length to pass with it. */
socklen_t endpoint_to_sockaddr(const struct addr *addr, uint16_t port,
			       struct sockaddr_storage *out);

/* "1.2.3.4:80", "[2001:db8::1]:80".  Returns OUT. */
const char *endpoint_format(const struct addr *addr, uint16_t port,
			    char out[ENDPOINT_TEXT_MAX]);

#endif
