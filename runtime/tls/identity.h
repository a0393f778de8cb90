/* identity.h - who a client is, by the certificate it has shown and proved to
 * have the key of, or by what the program around the proxy says: kept as long
 * as the connection, so in one small piece. */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include "role.h"
#include "runtime/policy/str.h"

struct identity {
	struct str role;   /* empty without HAS_ROLE */
	struct str source; /* "cn": which of --role-from gave it; or "callback"
			    */
	struct str cn;     /* the last one, */
	struct str ou;     /* the first one; for the log */
	struct str why;    /* REFUSED, for the log */
	struct bytes leaf; /* the certificate, if the specification says that it
			    * is wanted; else empty */
	bool has_certificate;
	bool has_role;
	bool refused; /* whatever it asks for is denied */
	char text[];  /* what they point into */
};

/* LEAF has passed chain_check().  TRUST_OK: *OUT is the caller's, to be
 * freed with free(). */
enum trust identity_new(const struct role_spec *spec,
			const struct certificate *leaf, struct identity **out);

/* The caller's, to be freed with free().  NULL: out of memory. */
struct identity *identity_copy(const struct identity *identity);

/* What the program around the proxy says of a client. */
struct identity_word {
	struct str role; /* of HAS_ROLE */
	struct str why;  /* of REFUSED */
	bool has_role;
	bool refused;
};

/* Who has shown SHOWN (NULL: nothing) is what WORD says.  The caller's, to be
 * freed with free(); NULL: out of memory. */
struct identity *identity_by_word(const struct identity *shown,
				  const struct identity_word *word);

/* The role of whoever has shown IDENTITY, or with NULL nothing. */
static inline struct str identity_role(const struct identity *identity)
{
	return identity != NULL ? identity->role : STR("");
}

static inline bool identity_has_role(const struct identity *identity)
{
	return identity != NULL && identity->has_role;
}

/* Whoever has shown IDENTITY may be served, by a policy that NEEDS_ROLE or not.
 */
static inline bool identity_suffices(const struct identity *identity,
				     bool needs_role)
{
	if (identity != NULL && identity->refused)
		return false;
	return !needs_role || identity_has_role(identity);
}

#endif
