/* proxy_protocol.h - the header with which a load balancer names the client, in
 * both versions of the PROXY protocol.  Pure: bytes in, an address out.
 * Not here: reading it from a socket and whose header is believed,
 * runtime/proxy/preamble.h. */
#ifndef NET_PROXY_PROTOCOL_H
#define NET_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/addr.h"

/* Version 2 has a length of two bytes behind 16. */
#define PROXY_HEADER_MAX (16u + UINT16_MAX)

enum proxy_header_status {
	PROXY_HEADER_BAD = 0,
	PROXY_HEADER_MORE, /* so far it can become one */
	PROXY_HEADER_DONE,
};

struct proxy_header {
	uint32_t length;  /* what follows is the client's */
	bool has_source;  /* else the connection's own address counts: LOCAL,
			   * UNKNOWN, and families other than TCP */
	struct addr addr; /* the client's */
	uint16_t port;
	const char *error; /* what is wrong, for people; static */
};

/* Read the header at the beginning of the LENGTH bytes at BYTES.  A checksum
 * that is there must be right; what else comes as TLVs must be well formed and
 * is skipped.  No byte beyond LENGTH is read. */
enum proxy_header_status proxy_header_read(const uint8_t *bytes, size_t length,
					   struct proxy_header *out);

#endif
