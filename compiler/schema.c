/* schema.c - the table of keys, and the one reader of mappings. */
#include "schema.h"

#include <string.h>

#include "quote.h"

const struct schema_key schema_keys[SCHEMA_KEY_COUNT] = {
#define KEY(scope, id, name, kind, presence, description)                      \
	[KEY_##scope##_##id] = {SCHEMA_SCOPE_##scope, SCHEMA_##kind,           \
				SCHEMA_##presence, name, description},
#include "acl_schema.def"
#undef KEY
};

/* What each kind is called: to people, and in the reference's errors. */
static const struct {
	enum node_kind node;
	const char *words;
	const char *go_type;
} kinds[] = {
	[SCHEMA_TEXT] = {NODE_SCALAR, "a text", "string"},
	[SCHEMA_VERSION] = {NODE_SCALAR, "a text", "string"},
	[SCHEMA_ACTION] = {NODE_SCALAR, "a text", "string"},
	[SCHEMA_VERDICT] = {NODE_SCALAR, "a text", "string"},
	[SCHEMA_PORT] = {NODE_SCALAR, "a text", "string"},
	[SCHEMA_GLOB] = {NODE_SCALAR, "a text", "string"},
	[SCHEMA_BOOL] = {NODE_SCALAR, "true or false", "bool"},
	[SCHEMA_GLOBS] = {NODE_SEQUENCE, "a list of hosts", "[]string"},
	[SCHEMA_TEXTS] = {NODE_SEQUENCE, "a list of texts", "[]string"},
	[SCHEMA_RULES] = {NODE_SEQUENCE, "a list of rules", "[]acl.YAMLRule"},
	[SCHEMA_RULE] = {NODE_MAPPING, "a mapping", "acl.YAMLRule"},
	[SCHEMA_MITMS] = {NODE_SEQUENCE, "a list of mappings", "[]struct"},
	[SCHEMA_HEADERS] = {NODE_MAPPING, "a mapping of header names to values",
			    "map[string]string"},
	[SCHEMA_TESTS] = {NODE_SEQUENCE, "a list of tests", "[]struct"},
	[SCHEMA_POLICY] = {NODE_MAPPING, "a mapping", "acl.YAMLConfig"},
	[SCHEMA_MAPPING] = {NODE_MAPPING, "a mapping", "struct"},
};

struct span schema_span(const struct reader *reader, const struct node *node)
{
	return node_span(reader->document, node);
}

/* see schema.h */
uint32_t schema_line(struct reader *reader, uint32_t offset)
{
	struct source *source = reader->document->source;
	uint32_t line = reader->line;

	/* On the same line as the last one, or on one of the next few. */
	if (line > 0 && offset >= source->line_starts[line - 1])
		for (int step = 0; step < 4 && line < source->line_count;
		     step++, line++)
			if (offset < source->line_starts[line])
				return reader->line = line;
	line = source_locate(source, reader->arena, offset).line;
	return reader->line = line;
}

/* "!!seq", or "!!str `example...`": a node as the reference names it. */
static const char *go_value(struct reader *reader, const struct node *node)
{
	if (node->kind == NODE_SEQUENCE)
		return "!!seq";
	if (node->kind == NODE_MAPPING)
		return "!!map";
	const char *tag = node->style == SCALAR_PLAIN
				  ? quote_plain_tag(node->text, node->count)
				  : "!!str";
	bool longer = node->count > 10;
	struct str shown = str_make(node->text, longer ? 7 : node->count);

	return arena_printf(reader->arena, "%s `%s%s`", tag,
			    quote_visible(reader->arena, shown),
			    longer ? "..." : "");
}

static const char *node_words(const struct node *node)
{
	switch ((enum node_kind)node->kind) {
	case NODE_SEQUENCE:
		return "a list";
	case NODE_MAPPING:
		return "a mapping";
	case NODE_SCALAR:
		return "a text";
	case NODE_NULL:
		break;
	}
	return "nothing";
}

/* see schema.h */
struct diag *schema_wrong_kind(struct reader *reader, const struct node *node,
			       enum schema_kind kind, const char *what)
{
	struct diag *diag = diag_report(
		reader->diags, reader->wrong_kind, schema_span(reader, node),
		"%s must be %s, not %s: cannot unmarshal %s into %s", what,
		kinds[kind].words, node_words(node), go_value(reader, node),
		kinds[kind].go_type);

	if (kinds[kind].node == NODE_SEQUENCE && node->kind == NODE_SCALAR)
		diag_hint(reader->diags, diag, "write '[%s]'",
			  quote_visible(reader->arena,
					str_make(node->text, node->count)));
	else
		diag_hint(reader->diags, diag, "write %s", kinds[kind].words);
	return diag;
}

static bool key_is(const struct node *key, const char *name)
{
	return key->kind == NODE_SCALAR && node_equals(key, name);
}

static bool is_private(const struct node *key)
{
	return key->count >= 2 && memcmp(key->text, "x-", 2) == 0;
}

static void unknown_key(struct reader *reader, enum schema_scope scope,
			const char *what, const struct node *key)
{
	const char *names[SCHEMA_KEY_COUNT];
	uint32_t count = 0;

	for (size_t id = 0; id < SCHEMA_KEY_COUNT; id++)
		if (schema_keys[id].scope == scope)
			names[count++] = schema_keys[id].name;

	const char *text =
		quote_visible(reader->arena, str_make(key->text, key->count));
	struct diag *diag = diag_report(reader->diags, reader->unknown_key,
					schema_span(reader, key),
					"unknown key '%s' in %s", text, what);
	const char *near = diag_nearest(text, names, count);

	if (near != NULL) {
		diag_hint(reader->diags, diag, "did you mean '%s'?", near);
		return;
	}

	const char *known = "";

	for (uint32_t i = 0; i < count; i++)
		known = arena_printf(reader->arena, "%s%s%s", known,
				     i == 0 ? "" : ", ", names[i]);
	diag_hint(reader->diags, diag, "known keys: %s; or name it 'x-%s'",
		  known, text);
}

static void duplicate_key(struct reader *reader, const struct node *first,
			  const struct node *second)
{
	struct diag *diag = diag_report(
		reader->diags, reader->duplicate_key,
		schema_span(reader, second), "key '%s' is given twice",
		quote_visible(reader->arena,
			      str_make(second->text, second->count)));

	diag_relate(reader->diags, diag, schema_span(reader, first),
		    "first defined here");
	diag_hint(reader->diags, diag, "remove one of the two");
}

/* What is private may be anchored and merged into what is not: a key twice in
 * it would be lost there without a word.  Aliases are looked at where they
 * point. */
static void check_private(struct reader *reader, const struct node *node)
{
	struct textset seen;

	if (node->aliased)
		return;
	if (node->kind == NODE_SEQUENCE)
		for (uint32_t i = 0; i < node->count; i++)
			check_private(reader, node->items[i]);
	if (node->kind != NODE_MAPPING)
		return;
	textset_init(&seen, reader->arena);
	for (uint32_t i = 0; i < node->count; i++) {
		const struct pair *pair = &node->pairs[i];

		if (pair->merged)
			continue;
		if (pair->key->kind == NODE_SCALAR) {
			struct str key =
				str_make(pair->key->text, pair->key->count);
			uint32_t first = textset_add(&seen, key, i);

			if (first != TEXTSET_NONE)
				duplicate_key(reader, node->pairs[first].key,
					      pair->key);
		}
		check_private(reader, pair->value);
	}
}

static void check_kind(struct reader *reader, enum schema_kind kind,
		       const char *name, struct field *field)
{
	if (node_is_null(field->value)) {
		field->value = NULL;
		return;
	}
	if (field->value->kind == (uint8_t)kinds[kind].node)
		return;
	schema_wrong_kind(reader, field->value, kind,
			  arena_printf(reader->arena, "'%s'", name));
	field->value = NULL;
	field->wrong = true;
}

/* The id of KEY in SCOPE, or SCHEMA_KEY_COUNT. */
static size_t find_key(enum schema_scope scope, const struct node *key)
{
	for (size_t id = 0; id < SCHEMA_KEY_COUNT; id++)
		if (schema_keys[id].scope == scope &&
		    key_is(key, schema_keys[id].name))
			return id;
	return SCHEMA_KEY_COUNT;
}

/* True the first time for a key that was merged in, however many mappings it is
 * merged into. */
static bool first_time(struct reader *reader, const struct node *key)
{
	char *place = arena_printf(reader->arena, "%u", key->start);

	if (reader->unknown == NULL) {
		reader->unknown =
			arena_alloc(reader->arena, sizeof(*reader->unknown));
		textset_init(reader->unknown, reader->arena);
	}
	return textset_add(reader->unknown, str_from(place), 0) == TEXTSET_NONE;
}

/* A key that is neither known nor private may be given twice, too; it is
 * reported as unknown each time, which says enough. */
static void take_pair(struct reader *reader, enum schema_scope scope,
		      const char *what, const struct pair *pair,
		      struct field *fields, bool merged[])
{
	if (pair->key->kind != NODE_SCALAR) {
		schema_wrong_kind(reader, pair->key, SCHEMA_TEXT, "a key");
		return;
	}

	size_t id = find_key(scope, pair->key);

	if (id == SCHEMA_KEY_COUNT) {
		if (!is_private(pair->key) &&
		    (!pair->merged || first_time(reader, pair->key)))
			unknown_key(reader, scope, what, pair->key);
		if (!pair->merged)
			check_private(reader, pair->value);
		return;
	}

	struct field *field = &fields[id];

	if (field->key != NULL) {
		/* An explicit key wins over a merged one, wherever it is. */
		if (pair->merged)
			return;
		if (!merged[id]) {
			duplicate_key(reader, field->key, pair->key);
			return;
		}
	}
	field->key = pair->key;
	field->value = pair->value;
	merged[id] = pair->merged;
}

/* What a mapping of SCOPE is as a value. */
static enum schema_kind scope_kind(enum schema_scope scope)
{
	if (scope == SCHEMA_SCOPE_TOP)
		return SCHEMA_POLICY;
	return scope == SCHEMA_SCOPE_RULE ? SCHEMA_RULE : SCHEMA_MAPPING;
}

/* see schema.h */
bool schema_read(struct reader *reader, enum schema_scope scope,
		 const char *what, const struct node *mapping,
		 struct field fields[SCHEMA_KEY_COUNT])
{
	bool merged[SCHEMA_KEY_COUNT] = {false};

	for (size_t id = 0; id < SCHEMA_KEY_COUNT; id++)
		if (schema_keys[id].scope == scope)
			fields[id] = (struct field){NULL, NULL, false};
	if (node_is_null(mapping))
		return true;
	if (mapping->kind != NODE_MAPPING) {
		schema_wrong_kind(reader, mapping, scope_kind(scope), what);
		return false;
	}
	for (uint32_t i = 0; i < mapping->count; i++)
		take_pair(reader, scope, what, &mapping->pairs[i], fields,
			  merged);
	for (size_t id = 0; id < SCHEMA_KEY_COUNT; id++)
		if (schema_keys[id].scope == scope && fields[id].key != NULL)
			check_kind(reader, schema_keys[id].kind,
				   schema_keys[id].name, &fields[id]);
	return true;
}

/* see schema.h */
bool schema_text(struct reader *reader, const struct node *node,
		 const char *what, struct str *text)
{
	*text = STR("");
	if (node == NULL || node_is_null(node))
		return true;
	if (node->kind != NODE_SCALAR) {
		schema_wrong_kind(reader, node, SCHEMA_TEXT, what);
		return false;
	}
	*text = str_make(node->text, node->count);
	return true;
}
