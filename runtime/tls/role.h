/* role.h - which role a certificate gives its holder: --role-from.
 *
 *	SPEC    = SOURCE *( "," SOURCE )
 *	SOURCE  = KIND *( ":prefix=" TEXT / ":split=" TEXT )
 *	KIND    = "cn" / "ou" / "ou." NUMBER / "san-dns" / "san-uri" /
 *	          "spiffe" / "san-email" / "serial" / "spki-sha256"
 *
 * Sources are tried in order; the first that has a value wins.  A value must
 * begin with the prefix, which is taken off, and ends before the first
 * occurrence of what it is split at.  "\" makes the next character of a TEXT an
 * ordinary one.  Pure; the certificate has passed chain_check(). */
#ifndef TLS_ROLE_H
#define TLS_ROLE_H

#include "certificate.h"
#include "runtime/policy/str.h"

#define ROLE_MAX 255 /* bytes */
#define ROLE_MAX_SOURCES 16
#define ROLE_WHY_MAX 256
#define ROLE_DEFAULT_SPEC "cn"

enum role_kind {
	ROLE_NONE = 0,
	ROLE_CN, /* the last one, as upstream takes it */
	ROLE_OU, /* likewise, or the one of a number */
	ROLE_SAN_DNS,
	ROLE_SAN_URI,
	ROLE_SPIFFE, /* the path, of the only URI, with its slash */
	ROLE_SAN_EMAIL,
	ROLE_SERIAL,      /* hexadecimal, small letters */
	ROLE_SPKI_SHA256, /* likewise, of the SubjectPublicKeyInfo */
};

struct role_source {
	enum role_kind kind;
	bool numbered;
	uint32_t number; /* from 0, if NUMBERED */
	struct str prefix;
	struct str split; /* empty: not at all */
};

struct role_spec {
	char *text; /* owned; what the sources point into */
	struct role_source sources[ROLE_MAX_SOURCES];
	size_t count;
	bool by_program; /* none of these: the program around the proxy says */
};

struct role {
	char text[ROLE_MAX + 1]; /* UTF-8 without control characters */
	size_t size;
	const struct role_source *source; /* NULL: no role */
};

/* False: WHY, of ROLE_WHY_MAX bytes, says what is wrong. */
bool role_spec_parse(const char *text, struct role_spec *out, char *why);
void role_spec_fini(struct role_spec *spec);

/* The role of CERTIFICATE, or none.  TRUST_ROLE_TEXT: the certificate names
 * something that must reach neither a log nor a policy; it is to be refused. */
enum trust role_find(const struct role_spec *spec,
		     const struct certificate *certificate, struct role *out);

/* "cn", "ou.0"; the buffer is the caller's, of ROLE_SOURCE_NAME_MAX bytes. */
#define ROLE_SOURCE_NAME_MAX 16
const char *role_source_name(const struct role_source *source,
			     char name[ROLE_SOURCE_NAME_MAX]);

#endif
