/* config.c - see config.h.
 * The document keeps scalars as text; what YAML 1.1 would have made of them
 * matters here only to tell a number from a string, as upstream does. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/document.h"

#define MAX_KEYS 64 /* rows of both tables together, for suggestions */

struct reader {
	struct settings *settings;
	struct document document;
	struct arena *arena;
	struct diag_list diags;
};

/* SECTION is "" or "tls.": what the key's name begins with in the table. */
static const struct setting *find_setting(const char *section,
					  const struct node *key)
{
	size_t n = strlen(section);

	for (size_t i = 0; i < settings_count; i++) {
		const char *name = settings_table[i].key;

		if (name != NULL && strncmp(name, section, n) == 0 &&
		    strchr(name + n, '.') == NULL && node_equals(key, name + n))
			return &settings_table[i];
	}
	return NULL;
}

static const char *nearest_key(const char *section, const char *word)
{
	size_t n = strlen(section);
	const char *keys[MAX_KEYS];
	uint32_t count = 0;

	for (size_t i = 0; i < settings_count && count < MAX_KEYS; i++)
		if (settings_table[i].key != NULL &&
		    strncmp(settings_table[i].key, section, n) == 0 &&
		    strchr(settings_table[i].key + n, '.') == NULL)
			keys[count++] = settings_table[i].key + n;
	return diag_nearest(word, keys, count);
}

/* A scalar as a C string. */
static const char *c_string(struct reader *reader, const struct node *node)
{
	return arena_strndup(reader->arena, node->text, node->count);
}

static void report_unknown(struct reader *reader, const char *section,
			   const struct node *key)
{
	const char *text = c_string(reader, key);
	struct span at = node_span(&reader->document, key);
	const char *near;
	struct diag *diag;

	diag = diag_report(&reader->diags, DIAG_C001, at,
			   "field %s not found in type smokescreen.yamlConfig",
			   text);
	near = nearest_key(section, text);
	if (near != NULL)
		diag_hint(&reader->diags, diag, "did you mean '%s'?", near);
}

/* What YAML 1.1 makes of a scalar, for messages. */
static const char *tag(struct reader *reader, const struct node *node)
{
	static const char *const booleans[] = {"true", "false", "yes",
					       "no",   "on",    "off"};
	const char *p;

	switch ((enum node_kind)node->kind) {
	case NODE_SEQUENCE:
		return "!!seq";
	case NODE_MAPPING:
		return "!!map";
	case NODE_NULL:
		return "!!null";
	case NODE_SCALAR:
		break;
	}
	if (node->style != SCALAR_PLAIN)
		return "!!str";
	p = c_string(reader, node);
	for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++)
		if (strcasecmp(p, booleans[i]) == 0)
			return "!!bool";
	p += *p == '-' || *p == '+';
	if (*p == '\0' || strspn(p, "0123456789.") != strlen(p))
		return "!!str";
	return strchr(p, '.') != NULL ? "!!float" : "!!int";
}

static void wrong_kind(struct reader *reader, const struct node *value,
		       const char *type)
{
	struct span at = node_span(&reader->document, value);

	if (value->kind == NODE_SCALAR)
		diag_report(&reader->diags, DIAG_C003, at,
			    "cannot unmarshal %s `%s` into %s",
			    tag(reader, value), c_string(reader, value), type);
	else
		diag_report(&reader->diags, DIAG_C003, at,
			    "cannot unmarshal %s into %s", tag(reader, value),
			    type);
}

static void take_text(struct reader *reader, const struct setting *setting,
		      const struct node *value, const char *text)
{
	char why[SETTINGS_WHY_MAX];

	if (!setting->set(reader->settings, text, why))
		diag_report(&reader->diags, DIAG_C004,
			    node_span(&reader->document, value), "%s", why);
}

static void take_scalar(struct reader *reader, const struct setting *setting,
			const struct node *value)
{
	/* a NUL from "\0" would hide the rest from a C string */
	if (memchr(value->text, '\0', value->count) != NULL)
		diag_report(&reader->diags, DIAG_C004,
			    node_span(&reader->document, value),
			    "a NUL character in '%s'", setting->key);
	else
		take_text(reader, setting, value, c_string(reader, value));
}

static void take_bool(struct reader *reader, const struct setting *setting,
		      const struct node *value)
{
	const char *text;
	bool yes;

	if (strcmp(tag(reader, value), "!!bool") != 0) {
		wrong_kind(reader, value, "bool");
		return;
	}
	text = c_string(reader, value);
	yes = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 ||
	      strcasecmp(text, "on") == 0;
	take_text(reader, setting, value, yes ? "true" : "false");
}

static void take_list(struct reader *reader, const struct setting *setting,
		      const struct node *value)
{
	if (value->kind != NODE_SEQUENCE) {
		wrong_kind(reader, value, "[]string");
		return;
	}
	for (uint32_t i = 0; i < value->count; i++) {
		const struct node *item = value->items[i];

		if (node_is_null(item))
			take_text(reader, setting, item, "");
		else if (item->kind == NODE_SCALAR)
			take_scalar(reader, setting, item);
		else
			wrong_kind(reader, item, "string");
	}
}

static void take_value(struct reader *reader, const struct setting *setting,
		       const struct node *value)
{
	/* nothing written is nothing set, as upstream has it */
	if (node_is_null(value))
		return;
	switch (setting->kind) {
	case SETTING_BOOL:
		take_bool(reader, setting, value);
		break;
	case SETTING_NUMBER:
		if (strcmp(tag(reader, value), "!!int") != 0)
			wrong_kind(reader, value, "uint16");
		else
			take_scalar(reader, setting, value);
		break;
	case SETTING_INTEGER:
		if (strcmp(tag(reader, value), "!!int") != 0)
			wrong_kind(reader, value, "int");
		else
			take_scalar(reader, setting, value);
		break;
	case SETTING_FLOAT:
		/* an exponent makes no difference to tag(), but to us */
		if (value->kind != NODE_SCALAR || value->style != SCALAR_PLAIN)
			wrong_kind(reader, value, "float64");
		else
			take_scalar(reader, setting, value);
		break;
	case SETTING_STRING:
		if (value->kind != NODE_SCALAR)
			wrong_kind(reader, value, "string");
		else
			take_scalar(reader, setting, value);
		break;
	case SETTING_DURATION:
		if (value->kind != NODE_SCALAR)
			wrong_kind(reader, value, "time.Duration");
		else
			take_scalar(reader, setting, value);
		break;
	case SETTING_LIST:
		take_list(reader, setting, value);
		break;
	}
}

static bool same_key(const struct node *a, const struct node *b)
{
	return a->kind == NODE_SCALAR && b->kind == NODE_SCALAR &&
	       a->count == b->count && memcmp(a->text, b->text, a->count) == 0;
}

/* The pair before INDEX that has the same key, or NULL. */
static const struct pair *earlier(const struct node *root, uint32_t index)
{
	const struct node *key = root->pairs[index].key;

	for (uint32_t i = 0; i < index; i++)
		if (same_key(root->pairs[i].key, key))
			return &root->pairs[i];
	return NULL;
}

/* Whether pair INDEX counts: an explicit key wins over merged ones, the first
 * of which wins over the others.  Two explicit ones are a mistake. */
static bool counts(struct reader *reader, const struct node *root,
		   uint32_t index)
{
	const struct pair *pair = &root->pairs[index];
	const struct pair *before = earlier(root, index);
	struct diag *diag;

	if (pair->merged) {
		for (uint32_t i = 0; i < root->count; i++)
			if (!root->pairs[i].merged &&
			    same_key(root->pairs[i].key, pair->key))
				return false;
		return before == NULL;
	}
	if (before == NULL || before->merged)
		return true;
	diag = diag_report(
		&reader->diags, DIAG_C002,
		node_span(&reader->document, pair->key),
		"field %s already set in type smokescreen.yamlConfig",
		c_string(reader, pair->key));
	diag_relate(&reader->diags, diag,
		    node_span(&reader->document, before->key),
		    "first set here");
	return false;
}

static void read_keys(struct reader *reader, const char *section,
		      const struct node *root);

static bool has_key(const struct node *mapping, const char *name)
{
	for (uint32_t i = 0; i < mapping->count; i++)
		if (node_equals(mapping->pairs[i].key, name))
			return true;
	return false;
}

/* The one section that there is. */
static void read_tls(struct reader *reader, const struct node *value)
{
	if (node_is_null(value))
		return;
	read_keys(reader, "tls.", value);
	if (value->kind == NODE_MAPPING && !has_key(value, "cert_file") &&
	    !has_key(value, "bundle_files"))
		diag_report(&reader->diags, DIAG_C004,
			    node_span(&reader->document, value),
			    "'tls' section requires 'cert_file'");
}

static void read_keys(struct reader *reader, const char *section,
		      const struct node *root)
{
	if (node_is_null(root))
		return;
	if (root->kind != NODE_MAPPING) {
		wrong_kind(reader, root, "smokescreen.yamlConfig");
		return;
	}
	for (uint32_t i = 0; i < root->count; i++) {
		const struct pair *pair = &root->pairs[i];
		const struct setting *setting;

		if (pair->key->kind != NODE_SCALAR) {
			wrong_kind(reader, pair->key, "a key");
			continue;
		}
		if (!counts(reader, root, i))
			continue;
		if (*section == '\0' && node_equals(pair->key, "tls")) {
			read_tls(reader, pair->value);
			continue;
		}
		setting = find_setting(section, pair->key);
		if (setting == NULL)
			report_unknown(reader, section, pair->key);
		else
			take_value(reader, setting, pair->value);
	}
}

bool config_read(struct settings *settings, const char *path, FILE *errors)
{
	struct reader reader = {.settings = settings};
	struct source source;
	const char *why;
	bool ok = false;

	reader.arena = arena_new();
	diag_init(&reader.diags, reader.arena);
	if (!source_load(&source, reader.arena, path, &why)) {
		fprintf(errors,
			"Couldn't load file \"%s\" specified by --config-file: "
			"%s\n",
			path, why);
		goto out;
	}
	if (document_parse(&reader.document, &source, reader.arena,
			   &reader.diags))
		read_keys(&reader, "", reader.document.root);
	ok = reader.diags.errors == 0;
	if (reader.diags.count != 0)
		diag_print(&reader.diags, errors, false);
	if (!ok)
		fprintf(errors,
			"Couldn't load file \"%s\" specified by --config-file: "
			"%u error%s\n",
			path, reader.diags.errors,
			reader.diags.errors == 1 ? "" : "s");
out:
	arena_free(reader.arena);
	return ok;
}
