/* role.c - the role in a certificate: see role.h. */
#include "role.h"

#include <bearssl.h>

#include "name.h"
#include "oid.h"

/* What a source made of one value. */
enum outcome { REFUSED = 0, NOTHING, FOUND };

static bool begins_with(struct str text, struct str prefix)
{
	return text.n >= prefix.n &&
	       (prefix.n == 0 || memcmp(text.p, prefix.p, prefix.n) == 0);
}

/* Take off the prefix and what follows the separator. */
static bool trim(const struct role_source *source, struct str *value)
{
	if (!begins_with(*value, source->prefix))
		return false;
	*value = str_make(value->p + source->prefix.n,
			  value->n - source->prefix.n);
	if (source->split.n > 0) {
		const char *found = memmem(value->p, value->n, source->split.p,
					   source->split.n);

		if (found != NULL)
			value->n = (size_t)(found - value->p);
	}
	return value->n > 0;
}

/* VALUE, which is printable, becomes the role if it suits. */
static enum outcome take(const struct role_source *source, struct str value,
			 struct role *out)
{
	if (value.n > ROLE_MAX)
		return REFUSED;
	if (!trim(source, &value))
		return NOTHING;
	memmove(out->text, value.p, value.n);
	out->text[value.n] = '\0';
	out->size = value.n;
	out->source = source;
	return FOUND;
}

/* The last attribute of TYPE in the subject, or the one of a number. */
static enum outcome from_subject(const struct role_source *source,
				 const struct certificate *certificate,
				 struct bytes type, struct role *out)
{
	struct name_cursor cursor = name_walk(certificate->subject);
	struct name_attribute attribute;
	struct name_attribute chosen = {0};
	uint32_t count = 0;
	char text[ROLE_MAX];
	size_t size;

	while (name_next(&cursor, &attribute)) {
		if (!bytes_equal(attribute.type, type))
			continue;
		if (!source->numbered || count == source->number)
			chosen = attribute;
		count++;
	}
	if (chosen.tag == 0)
		return NOTHING;
	if (!name_text(chosen.tag, chosen.value, text, sizeof(text), &size))
		return REFUSED;
	return take(source, str_make(text, size), out);
}

/* The first alternative name of KIND that suits; in them are no blanks and no
 * control characters, certificate_read() has seen to that. */
static enum outcome from_alt_names(const struct role_source *source,
				   const struct certificate *certificate,
				   enum general_name wanted, struct role *out)
{
	struct bytes rest = certificate->alt_names;
	enum general_name kind;
	struct bytes value;

	while (general_name_next(&rest, &kind, &value)) {
		enum outcome outcome;

		if (kind != wanted)
			continue;
		outcome = take(source, str_make((const char *)value.p, value.n),
			       out);
		if (outcome != NOTHING)
			return outcome;
	}
	return NOTHING;
}

/* An X.509-SVID has exactly one URI.  With more it would be for the holder to
 * say who he is. */
static enum outcome from_spiffe(const struct role_source *source,
				const struct certificate *certificate,
				struct role *out)
{
	static const struct str scheme = {"spiffe://", 9};
	struct bytes rest = certificate->alt_names;
	enum general_name kind;
	struct bytes value;
	struct str id = {0};
	const char *slash;
	size_t uris = 0;

	while (general_name_next(&rest, &kind, &value)) {
		struct str uri = str_make((const char *)value.p, value.n);

		if (kind != GENERAL_URI)
			continue;
		uris++;
		if (begins_with(uri, scheme))
			id = uri;
	}
	if (id.p == NULL)
		return NOTHING;
	if (uris > 1)
		return REFUSED;
	id = str_make(id.p + scheme.n, id.n - scheme.n);
	slash = memchr(id.p, '/', id.n);
	if (slash == NULL)
		return NOTHING;
	return take(source, str_make(slash, id.n - (size_t)(slash - id.p)),
		    out);
}

static enum outcome from_octets(const struct role_source *source,
				struct bytes octets, struct role *out)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * 64];

	if (octets.n > sizeof(text) / 2)
		return REFUSED;
	for (size_t i = 0; i < octets.n; i++) {
		text[2 * i] = digits[octets.p[i] >> 4];
		text[2 * i + 1] = digits[octets.p[i] & 15];
	}
	return take(source, str_make(text, 2 * octets.n), out);
}

static enum outcome from_serial(const struct role_source *source,
				const struct certificate *certificate,
				struct role *out)
{
	struct bytes serial = certificate->serial;

	/* The octet for the sign is not part of the number. */
	if (serial.n > 1 && serial.p[0] == 0)
		serial = bytes_make(serial.p + 1, serial.n - 1);
	return from_octets(source, serial, out);
}

static enum outcome from_spki(const struct role_source *source,
			      const struct certificate *certificate,
			      struct role *out)
{
	br_sha256_context context;
	uint8_t hash[br_sha256_SIZE];

	br_sha256_init(&context);
	br_sha256_update(&context, certificate->spki.p, certificate->spki.n);
	br_sha256_out(&context, hash);
	return from_octets(source, bytes_make(hash, sizeof(hash)), out);
}

static enum outcome try_source(const struct role_source *source,
			       const struct certificate *certificate,
			       struct role *out)
{
	switch (source->kind) {
	case ROLE_CN:
		return from_subject(source, certificate,
				    (struct bytes)OID_COMMON_NAME, out);
	case ROLE_OU:
		return from_subject(source, certificate,
				    (struct bytes)OID_ORGANIZATIONAL_UNIT, out);
	case ROLE_SAN_DNS:
		return from_alt_names(source, certificate, GENERAL_DNS, out);
	case ROLE_SAN_URI:
		return from_alt_names(source, certificate, GENERAL_URI, out);
	case ROLE_SAN_EMAIL:
		return from_alt_names(source, certificate, GENERAL_EMAIL, out);
	case ROLE_SPIFFE:
		return from_spiffe(source, certificate, out);
	case ROLE_SERIAL:
		return from_serial(source, certificate, out);
	case ROLE_SPKI_SHA256:
		return from_spki(source, certificate, out);
	case ROLE_NONE:
		break;
	}
	return NOTHING;
}

enum trust role_find(const struct role_spec *spec,
		     const struct certificate *certificate, struct role *out)
{
	*out = (struct role){.source = NULL};
	for (size_t i = 0; i < spec->count; i++) {
		switch (try_source(&spec->sources[i], certificate, out)) {
		case FOUND:
			return TRUST_OK;
		case NOTHING:
			break;
		case REFUSED:
			*out = (struct role){.source = NULL};
			return TRUST_ROLE_TEXT;
		}
	}
	return TRUST_OK;
}
