/* hosts.h - the host table: which lists a host is in.  One trie over reversed
 * labels for all lists of a policy; equal subtrees are stored once, and a name
 * says who owns it.  Reads verified bytes: no bounds are checked here, because
 * verify_hosts() has.  Not here: which list decides what, decide.h. */
#ifndef POLICY_HOSTS_H
#define POLICY_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostname.h"
#include "str.h"

/* A view of the sections that make the table; borrowed from the blob.  The
 * root's fields are copied here, so that a lookup starts with its first child
 * and not with a cache miss to find where the children are. */
struct hosts {
	const uint8_t *node; /* section NODE; NULL: an empty table */
	const uint8_t *post;
	const uint8_t *tops;
	uint32_t top_bytes;            /* of a record of TOPS */
	const uint8_t *root_directory; /* NULL: the root is a small node */
	uint32_t root_buckets;
	uint32_t lists;
	uint32_t id_bytes; /* of a list id in a posting: 2 or 4 */
	uint32_t singles;  /* keys of the root that are one label */
};

/* The entry of one list that a host matched. */
struct hosts_entry {
	bool found;
	bool wildcard;
	uint16_t start; /* the entry's name is the host's text from here */
};

/* What three lists say of one host: the exact entry where there is one, else
 * the longest wildcard. */
struct hosts_answer {
	struct hosts_entry list;
	struct hosts_entry deny;
	struct hosts_entry allow;
	uint32_t nodes; /* visited: at most one a label */
};

/* Fill the root's fields from the others, once the table is verified. */
void hosts_view_root(struct hosts *hosts);

/* Look HOST up for LIST (LIST_NONE: for the global lists alone).  Address
 * literals match exact entries only; HOST_NONE matches nothing.  Fills ANSWER.
 */
void hosts_find(const struct hosts *hosts, const struct hostname *host,
		uint32_t list, struct hosts_answer *answer);

/* True when the very entry (NAME, WILDCARD) is in LIST, global lists
 * included. */
bool hosts_has(const struct hosts *hosts, struct str name, bool wildcard,
	       uint32_t list);

#endif
