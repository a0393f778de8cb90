/* proxyline.h - the line with which a load balancer names the client (PROXY
 * protocol version 1): a pure scanner over bytes from outside, read strictly.
 * Not here: whether the addresses are addresses, and version 2, which is no
 * text: runtime/net/proxy_protocol.h. */
#ifndef GRAMMAR_PROXYLINE_H
#define GRAMMAR_PROXYLINE_H

#include <stddef.h>
#include <stdint.h>

#define PROXYLINE_MAX 107u /* "\r\n" included */

enum proxyline_status {
	PROXYLINE_BAD = 0,
	PROXYLINE_MORE, /* no line yet, and it can still become one */
	PROXYLINE_DONE,
};

enum proxyline_family {
	PROXYLINE_UNKNOWN = 0, /* no addresses */
	PROXYLINE_TCP4,
	PROXYLINE_TCP6,
};

struct proxyline_span {
	uint32_t start;
	uint32_t length;
};

struct proxyline {
	enum proxyline_family family;
	/* of the characters that addresses have, and no more is known */
	struct proxyline_span source, destination;
	uint32_t source_port, destination_port; /* 0 to 99999 */
	uint32_t length;                        /* "\r\n" included */
};

/* Scan the line at the beginning of the LENGTH bytes at BYTES.  OUT is filled
 * when it is there.  No byte beyond LENGTH is read. */
enum proxyline_status proxyline_scan(const char *bytes, size_t length,
				     struct proxyline *out);

#endif
