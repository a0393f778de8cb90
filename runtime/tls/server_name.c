/* server_name.c - see server_name.h. */
#include "server_name.h"

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

/* NAME is of a normalised host, so already in small letters; whatever else may
 * be in PATTERN, a NUL among it, is no part of one. */
static bool same_name(struct bytes pattern, struct bytes name)
{
	if (pattern.n != name.n || name.n == 0)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (lower(pattern.p[i]) != name.p[i])
			return false;
	return true;
}

/* From the first dot on, dot included; nothing without one. */
static struct bytes behind_label(struct bytes name)
{
	size_t i = 0;

	while (i < name.n && name.p[i] != '.')
		i++;
	return bytes_make(name.p + i, name.n - i);
}

static bool has_two_labels(struct bytes dotted)
{
	return dotted.n > 1 && memchr(dotted.p + 1, '.', dotted.n - 1) != NULL;
}

/* A wildcard stands for one whole label (RFC 9525 6.3); one over all of a
 * top-level domain is nobody's to have. */
static bool name_matches(struct bytes pattern, struct bytes name)
{
	struct bytes rest;

	if (pattern.n < 2 || pattern.p[0] != '*' || pattern.p[1] != '.')
		return same_name(pattern, name);
	rest = behind_label(name);
	return rest.n < name.n && has_two_labels(rest) &&
	       same_name(bytes_make(pattern.p + 1, pattern.n - 1), rest);
}

static bool address_matches(struct bytes value, const struct addr *addr)
{
	if (value.n == 4) {
		struct addr v4 = addr_from_v4(value.p);

		return memcmp(v4.bytes, addr->bytes, sizeof(v4.bytes)) == 0;
	}
	return value.n == sizeof(addr->bytes) &&
	       memcmp(value.p, addr->bytes, sizeof(addr->bytes)) == 0;
}

bool server_name_matches(const struct certificate *certificate,
			 const struct hostname *host)
{
	struct bytes name =
		bytes_make((const uint8_t *)host->text, host->length);
	struct bytes rest = certificate->alt_names;
	enum general_name kind;
	struct bytes value;

	while (general_name_next(&rest, &kind, &value)) {
		if (host->form == HOST_NAME && kind == GENERAL_DNS &&
		    name_matches(value, name))
			return true;
		if ((host->form == HOST_IPV4 || host->form == HOST_IPV6) &&
		    kind == GENERAL_IP && address_matches(value, &host->addr))
			return true;
	}
	return false;
}
