/* identity.h - who a client is, by the certificate it has shown and proved to
 * have the key of: kept as long as the connection, so in one small piece. */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include "role.h"
#include "runtime/policy/str.h"

struct identity {
	struct str role;   /* empty without HAS_ROLE */
	struct str source; /* "cn": which of --role-from gave it */
	struct str cn;     /* the last one, */
	struct str ou;     /* the first one; for the log */
	bool has_role;
	char text[]; /* what they point into */
};

/* LEAF has passed chain_check().  TRUST_OK: *OUT is the caller's, to be
 * freed with free(). */
enum trust identity_new(const struct role_spec *spec,
			const struct certificate *leaf, struct identity **out);

/* The caller's, to be freed with free().  NULL: out of memory. */
struct identity *identity_copy(const struct identity *identity);

/* The role of whoever has shown IDENTITY, or with NULL nothing. */
static inline struct str identity_role(const struct identity *identity)
{
	return identity != NULL ? identity->role : STR("");
}

static inline bool identity_has_role(const struct identity *identity)
{
	return identity != NULL && identity->has_role;
}

#endif
