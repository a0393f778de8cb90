/* identity.c - see identity.h. */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "oid.h"

struct texts {
	char cn[ROLE_MAX], ou[ROLE_MAX];
	size_t cn_size, ou_size;
};

/* As upstream logs them.  What is no text, or has control characters in it,
 * reaches no log. */
static void read_names(struct bytes subject, struct texts *out)
{
	struct name_cursor cursor = name_walk(subject);
	struct name_attribute attribute;
	bool has_ou = false;

	while (name_next(&cursor, &attribute)) {
		if (OID_IS(attribute.type, OID_COMMON_NAME)) {
			out->cn_size = 0;
			if (!name_text(attribute.tag, attribute.value, out->cn,
				       sizeof(out->cn), &out->cn_size))
				out->cn_size = 0;
		} else if (OID_IS(attribute.type, OID_ORGANIZATIONAL_UNIT) &&
			   !has_ou) {
			has_ou = true;
			if (!name_text(attribute.tag, attribute.value, out->ou,
				       sizeof(out->ou), &out->ou_size))
				out->ou_size = 0;
		}
	}
}

static struct str keep(char **at, const char *text, size_t size)
{
	struct str kept = str_make(*at, size);

	memcpy(*at, text, size);
	*at += size;
	return kept;
}

enum trust identity_new(const struct role_spec *spec,
			const struct certificate *leaf, struct identity **out)
{
	char source[ROLE_SOURCE_NAME_MAX] = "";
	struct texts texts = {.cn_size = 0};
	struct identity *identity;
	struct role role;
	enum trust trust = role_find(spec, leaf, &role);
	char *at;

	if (trust != TRUST_OK)
		return trust;
	if (role.source != NULL)
		role_source_name(role.source, source);
	else
		role.size = 0;
	read_names(leaf->subject, &texts);
	identity = malloc(sizeof(*identity) + role.size + strlen(source) +
			  texts.cn_size + texts.ou_size);
	if (identity == NULL)
		return TRUST_NO_MEMORY;
	at = identity->text;
	identity->has_role = role.source != NULL;
	identity->role = keep(&at, role.text, role.size);
	identity->source = keep(&at, source, strlen(source));
	identity->cn = keep(&at, texts.cn, texts.cn_size);
	identity->ou = keep(&at, texts.ou, texts.ou_size);
	*out = identity;
	return TRUST_OK;
}

struct identity *identity_copy(const struct identity *from)
{
	struct identity *identity =
		malloc(sizeof(*identity) + from->role.n + from->source.n +
		       from->cn.n + from->ou.n);
	char *at;

	if (identity == NULL)
		return NULL;
	at = identity->text;
	identity->has_role = from->has_role;
	identity->role = keep(&at, from->role.p, from->role.n);
	identity->source = keep(&at, from->source.p, from->source.n);
	identity->cn = keep(&at, from->cn.p, from->cn.n);
	identity->ou = keep(&at, from->ou.p, from->ou.n);
	return identity;
}
