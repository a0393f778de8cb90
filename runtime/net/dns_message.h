/* dns_message.h - DNS questions written and answers checked (RFC 1035, 2181,
 * 2308, 6891).  Pure: bytes in, verdict out; no allocation, no I/O.
 *
 * An answer is believed when it is a response to the very question asked (id,
 * name, type, class) and its address records belong to that name, or to the
 * name at the end of the CNAME chain that starts there.  Records of any other
 * owner are as if they were not there. */
#ifndef NET_DNS_MESSAGE_H
#define NET_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/addr.h"
#include "runtime/policy/str.h"

#define DNS_NAME_MAX 255        /* RFC 1035 2.3.4: on the wire, root included */
#define DNS_UDP_SIZE 1232       /* what we say we take: no fragments */
#define DNS_QUERY_MAX 512       /* longest question we write, with its OPT */
#define DNS_MAX_CNAMES 16       /* longest chain that is followed */
#define DNS_MAX_ADDRESSES 64    /* per answer; the rest is dropped */
#define DNS_TTL_NONE UINT32_MAX /* no record says how long */

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_AAAA = 28 };

/* A name on the wire, letters in lower case, uncompressed. */
struct dns_name {
	uint16_t length; /* with the root's zero */
	uint8_t bytes[DNS_NAME_MAX];
};

struct dns_question {
	struct dns_name name;
	enum dns_type type;
};

enum dns_verdict {
	DNS_MALFORMED = 0, /* not a message, or not one that can be trusted */
	DNS_MISMATCH,      /* an answer to something else */
	DNS_TRUNCATED,     /* TC: ask again over TCP */
	DNS_REFUSAL,       /* SERVFAIL, REFUSED, ...: see rcode */
	DNS_NO_NAME,       /* NXDOMAIN */
	DNS_NO_DATA,       /* the name has no address of this type */
	DNS_ADDRESSES,     /* at least one */
};

struct dns_answer {
	enum dns_verdict verdict;
	uint8_t rcode;
	uint32_t ttl; /* seconds: the least on the way to the addresses, or the
		       * SOA's for a negative answer, or DNS_TTL_NONE */
	size_t count;
	struct addr addrs[DNS_MAX_ADDRESSES];
};

/* "www.example.com", with or without the final dot.  False: an empty or long
 * label, or too long as a whole. */
bool dns_name_from_text(struct str text, struct dns_name *out);

/* Write the query for QUESTION: recursion desired, one OPT record at the very
 * end.  Returns its length. */
size_t dns_query_write(const struct dns_question *question, uint16_t id,
		       uint8_t out[DNS_QUERY_MAX]);

/* Judge BYTES as the answer to QUESTION asked under ID. */
void dns_answer_read(const uint8_t *bytes, size_t size, uint16_t id,
		     const struct dns_question *question,
		     struct dns_answer *out);

#endif
