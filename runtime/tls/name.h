/* name.h - distinguished names: walked, compared as RFC 5280 7.1 wants it, and
 * turned into text.  Pure.
 *
 * A name is the body of an RDNSequence.  Its text may be in any of ASN.1's many
 * kinds of strings; comparing goes by characters, without regard to kind, to
 * the case of ASCII letters, and to how many blanks stand where. */
#ifndef TLS_NAME_H
#define TLS_NAME_H

#include "der.h"

#define NAME_MAX_BYTES 4096
#define NAME_MAX_ATTRIBUTES 64
#define NAME_MAX_IN_RDN 8 /* of those, in one set: comparing is square */

struct name_attribute {
	struct bytes type; /* OID body */
	unsigned tag;
	struct bytes value;
	bool first; /* of its RDN */
};

struct name_cursor {
	struct bytes rdns;
	struct bytes rdn;
	bool damaged;
};

static inline struct name_cursor name_walk(struct bytes name)
{
	return (struct name_cursor){.rdns = name};
}

/* The next attribute.  False: there is none, or the name is DAMAGED. */
bool name_next(struct name_cursor *cursor, struct name_attribute *out);

/* Structure and texts are in order: what every other function here assumes, and
 * certificate_read() has made sure of. */
bool name_valid(struct bytes name);

bool name_equal(struct bytes a, struct bytes b);

/* NAME is BASE or below it: begins with the same RDNs.  CAUTIOUS: in doubt it
 * is; for what is excluded.  Doubt is a letter outside ASCII, which may have
 * another case and several spellings. */
bool name_within(struct bytes name, struct bytes base, bool cautious);

/* VALUE, of kind TAG, in UTF-8 to OUT, its length to SIZE.  False: it is no
 * text, longer than MAX, or has control characters in it. */
bool name_text(unsigned tag, struct bytes value, char *out, size_t max,
	       size_t *size);

#endif
