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

static struct str keep(char **at, struct str text)
{
	struct str kept = str_make(*at, text.n);

	if (text.n != 0)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return kept;
}

/* With texts of its own. */
struct identity *identity_copy(const struct identity *from)
{
	size_t size = from->role.n + from->source.n + from->cn.n + from->ou.n +
		      from->why.n + from->leaf.n;
	struct identity *identity = malloc(sizeof(*identity) + size);
	char *at;

	if (identity == NULL)
		return NULL;
	*identity = *from;
	at = identity->text;
	identity->role = keep(&at, from->role);
	identity->source = keep(&at, from->source);
	identity->cn = keep(&at, from->cn);
	identity->ou = keep(&at, from->ou);
	identity->why = keep(&at, from->why);
	if (from->leaf.n != 0)
		memcpy(at, from->leaf.p, from->leaf.n);
	identity->leaf = bytes_make((uint8_t *)at, from->leaf.n);
	return identity;
}

enum trust identity_new(const struct role_spec *spec,
			const struct certificate *leaf, struct identity **out)
{
	char source[ROLE_SOURCE_NAME_MAX] = "";
	struct texts texts = {.cn_size = 0};
	struct role role = {.source = NULL};
	struct identity from = {.has_certificate = true};
	enum trust trust = TRUST_OK;

	if (spec->by_program)
		from.leaf = leaf->der;
	else
		trust = role_find(spec, leaf, &role);
	if (trust != TRUST_OK)
		return trust;
	read_names(leaf->subject, &texts);
	if (role.source != NULL) {
		from.has_role = true;
		from.role = str_make(role.text, role.size);
		from.source = str_from(role_source_name(role.source, source));
	}
	from.cn = str_make(texts.cn, texts.cn_size);
	from.ou = str_make(texts.ou, texts.ou_size);
	*out = identity_copy(&from);
	return *out != NULL ? TRUST_OK : TRUST_NO_MEMORY;
}

struct identity *identity_by_word(const struct identity *shown,
				  const struct identity_word *word)
{
	struct identity from = {.has_role = word->has_role,
				.refused = word->refused};

	if (shown != NULL) {
		from.has_certificate = shown->has_certificate;
		from.cn = shown->cn;
		from.ou = shown->ou;
	}
	if (word->has_role) {
		from.role = word->role;
		from.source = STR("callback");
	}
	if (word->refused)
		from.why = word->why;
	return identity_copy(&from);
}
