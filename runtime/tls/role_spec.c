/* role_spec.c - the text of --role-from, read: see role.h. */
#include "role.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
	struct str name;
	enum role_kind kind;
} kinds[] = {
	{{"cn", 2}, ROLE_CN},           {{"ou", 2}, ROLE_OU},
	{{"san-dns", 7}, ROLE_SAN_DNS}, {{"san-uri", 7}, ROLE_SAN_URI},
	{{"spiffe", 6}, ROLE_SPIFFE},   {{"san-email", 9}, ROLE_SAN_EMAIL},
	{{"serial", 6}, ROLE_SERIAL},   {{"spki-sha256", 11}, ROLE_SPKI_SHA256},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static const struct str prefix_key = {":prefix=", 8};
static const struct str split_key = {":split=", 7};

static bool at_key(const char *p, struct str key)
{
	return strncmp(p, key.p, key.n) == 0;
}

static bool at_end(const char *p)
{
	return *p == '\0' || *p == ',' || at_key(p, prefix_key) ||
	       at_key(p, split_key);
}

/* The text at *P, its backslashes resolved in place. */
static struct str take_text(char **p)
{
	char *start = *p;
	char *to = start;

	while (!at_end(*p)) {
		if (**p == '\\' && (*p)[1] != '\0')
			++*p;
		*to++ = *(*p)++;
	}
	return str_make(start, (size_t)(to - start));
}

static bool read_number(struct str digits, uint32_t *out)
{
	if (digits.n == 0 || digits.n > 2)
		return false;
	*out = 0;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		*out = *out * 10 + (uint32_t)(digits.p[i] - '0');
	}
	return true;
}

static bool read_kind(struct str word, struct role_source *out)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (str_equal(word, kinds[i].name)) {
			out->kind = kinds[i].kind;
			return true;
		}
	if (word.n < 4 || memcmp(word.p, "ou.", 3) != 0)
		return false;
	out->kind = ROLE_OU;
	out->numbered = true;
	return read_number(str_make(word.p + 3, word.n - 3), &out->number);
}

static bool read_source(char **p, struct role_source *out, char *why)
{
	struct str word = take_text(p);

	*out = (struct role_source){0};
	if (!read_kind(word, out)) {
		snprintf(why, ROLE_WHY_MAX,
			 "'%.*s' is no source of roles: cn, ou, ou.0, san-dns, "
			 "san-uri, spiffe, san-email, serial, spki-sha256",
			 (int)(word.n < 64 ? word.n : 64), word.p);
		return false;
	}
	while (**p == ':') {
		bool is_prefix = at_key(*p, prefix_key);
		struct str *option = is_prefix ? &out->prefix : &out->split;

		*p += is_prefix ? prefix_key.n : split_key.n;
		if (option->p != NULL) {
			snprintf(why, ROLE_WHY_MAX, "two of ':%s=' in a source",
				 is_prefix ? "prefix" : "split");
			return false;
		}
		*option = take_text(p);
		if (option->n == 0) {
			snprintf(why, ROLE_WHY_MAX, "nothing after ':%s='",
				 is_prefix ? "prefix" : "split");
			return false;
		}
	}
	return true;
}

bool role_spec_parse(const char *text, struct role_spec *out, char *why)
{
	char *p;

	*out = (struct role_spec){.text = strdup(text)};
	if (out->text == NULL) {
		snprintf(why, ROLE_WHY_MAX, "out of memory");
		return false;
	}
	p = out->text;
	for (;;) {
		if (out->count == ROLE_MAX_SOURCES) {
			snprintf(why, ROLE_WHY_MAX, "more than %d sources",
				 ROLE_MAX_SOURCES);
			break;
		}
		if (!read_source(&p, &out->sources[out->count], why))
			break;
		out->count++;
		if (*p == '\0')
			return true;
		p++;
	}
	role_spec_fini(out);
	return false;
}

void role_spec_fini(struct role_spec *spec)
{
	free(spec->text);
	*spec = (struct role_spec){0};
}

const char *role_source_name(const struct role_source *source,
			     char name[ROLE_SOURCE_NAME_MAX])
{
	name[0] = '\0';
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (kinds[i].kind == source->kind)
			snprintf(name, ROLE_SOURCE_NAME_MAX, "%s",
				 kinds[i].name.p);
	if (source->numbered)
		snprintf(name, ROLE_SOURCE_NAME_MAX, "ou.%u",
			 (unsigned)source->number);
	return name;
}
