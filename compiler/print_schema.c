/* print_schema.c - the language as JSON Schema (draft-07, which editors' YAML
 * servers read), from the table that the compiler reads policies by.  A schema
 * cannot say everything that --check finds; it must never refuse what --check
 * accepts in its usual spelling. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "acl.h"
#include "acl_schema.h"
#include "command.h"
#include "report.h"
#include "runtime/policy/decide.h"

#define SCHEMA_DIALECT "http://json-schema.org/draft-07/schema#"

/* A host glob in its normal form; see hostname.c and glob.c.  Left out of the
 * pattern: A-labels are not decoded, and not every spelling of a number is
 * recognised as an address. */
#define LABEL "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
#define NUMBER "([0-9]{1,9}|0x[0-9a-f]{1,8})"
#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define GLOB_PATTERN                                                           \
	"^(?!" NUMBER "$)(?!" OCTET "(\\." OCTET "){1,2}$)"                    \
	"(?!\\*\\." NUMBER "(\\." NUMBER ")*$)"                                \
	"(?=(\\*\\.)?[^*]{1,253}$)"                                            \
	"(\\*\\.)?" LABEL "(\\." LABEL ")*$"

/* RFC 9110, section 5.6.2; and no control characters but tabs in a value. */
#define TOKEN_PATTERN "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
#define VALUE_PATTERN "^[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$"
#define PORT_PATTERN "^[0-9]{1,5}$"
#define PRIVATE_PATTERN "^x-"

static const char *const definition_names[] = {
	[SCHEMA_SCOPE_TOP] = "policy", [SCHEMA_SCOPE_RULE] = "rule",
	[SCHEMA_SCOPE_MITM] = "mitm",  [SCHEMA_SCOPE_TESTS] = "tests",
	[SCHEMA_SCOPE_TEST] = "test",
};

static void set(json_t *object, const char *key, const char *text)
{
	json_object_set_new(object, key, json_string(text));
}

static json_t *one_type(const char *type)
{
	json_t *object = json_object();

	set(object, "type", type);
	return object;
}

static json_t *reference(const char *definition)
{
	json_t *object = json_object();
	char target[64];

	snprintf(target, sizeof(target), "#/definitions/%s", definition);
	set(object, "$ref", target);
	return object;
}

static json_t *list_of(json_t *items)
{
	json_t *object = one_type("array");

	json_object_set_new(object, "items", items);
	return object;
}

/* Any scalar: the compiler reads it as text, whatever others see in it. */
static json_t *text_schema(const char *pattern)
{
	static const char *const types[] = {"string", "number", "boolean",
					    "null"};
	json_t *object = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		json_array_append_new(list, json_string(types[i]));
	json_object_set_new(object, "type", list);
	json_object_set_new(object, "maxLength", json_integer(ACL_TEXT_MAX));
	if (pattern != NULL)
		set(object, "pattern", pattern);
	return object;
}

static json_t *string_schema(const char *pattern)
{
	json_t *object = one_type("string");

	set(object, "pattern", pattern);
	return object;
}

static json_t *actions(void)
{
	json_t *object = json_object();
	json_t *words = json_array();

	for (int i = 0; i <= RULE_OPEN; i++)
		json_array_append_new(words, json_string(acl_action_text(
						     (enum rule_action)i)));
	json_object_set_new(object, "enum", words);
	return object;
}

static json_t *verdicts(void)
{
	json_t *object = json_object();
	json_t *words = json_array();

	for (int i = VERDICT_DENY; i <= VERDICT_ALLOW; i++)
		json_array_append_new(
			words, json_string(verdict_text((enum verdict)i)));
	json_object_set_new(object, "enum", words);
	return object;
}

static json_t *headers(void)
{
	json_t *object = one_type("object");
	json_t *names = json_object();

	set(names, "pattern", TOKEN_PATTERN);
	json_object_set_new(object, "propertyNames", names);
	json_object_set_new(object, "additionalProperties",
			    text_schema(VALUE_PATTERN));
	return object;
}

static json_t *port(void)
{
	json_t *object = json_object();
	json_t *types = json_array();

	json_array_append_new(types, json_string("integer"));
	json_array_append_new(types, json_string("string"));
	json_object_set_new(object, "type", types);
	json_object_set_new(object, "minimum", json_integer(0));
	json_object_set_new(object, "maximum", json_integer(UINT16_MAX));
	set(object, "pattern", PORT_PATTERN);
	return object;
}

static json_t *kind_schema(enum schema_kind kind)
{
	switch (kind) {
	case SCHEMA_TEXT:
		return text_schema(NULL);
	case SCHEMA_VERSION:
		return string_schema("^v1$");
	case SCHEMA_ACTION:
		return actions();
	case SCHEMA_VERDICT:
		return verdicts();
	case SCHEMA_PORT:
		return port();
	case SCHEMA_GLOB:
		return reference("glob");
	case SCHEMA_BOOL:
		return one_type("boolean");
	case SCHEMA_GLOBS:
		return list_of(reference("glob"));
	case SCHEMA_TEXTS:
		return list_of(string_schema(TOKEN_PATTERN));
	case SCHEMA_RULES:
		return list_of(reference("rule"));
	case SCHEMA_RULE:
		return reference("rule");
	case SCHEMA_MITMS:
		return list_of(reference("mitm"));
	case SCHEMA_HEADERS:
		return headers();
	case SCHEMA_TESTS:
		return list_of(reference("test"));
	case SCHEMA_POLICY:
	case SCHEMA_MAPPING:
		break;
	}
	return json_object();
}

/* Under a key that need not be there, null says the same as its absence. */
static json_t *property(const struct schema_key *key)
{
	json_t *object = json_object();
	json_t *value = kind_schema(key->kind);

	set(object, "description", key->description);
	if (key->presence == SCHEMA_OPTIONAL && key->kind != SCHEMA_TEXT) {
		json_t *either = json_array();

		json_array_append_new(either, value);
		json_array_append_new(either, one_type("null"));
		json_object_set_new(object, "anyOf", either);
	} else if (json_object_get(value, "$ref") != NULL) {
		/* Beside a reference nothing else would count. */
		json_t *all = json_array();

		json_array_append_new(all, value);
		json_object_set_new(object, "allOf", all);
	} else {
		json_object_update_missing_new(object, value);
	}
	return object;
}

/* The mapping of SCOPE, added to OBJECT. */
static void add_mapping(json_t *object, enum schema_scope scope)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	json_t *private = json_object();

	set(object, "type", "object");
	for (size_t id = 0; id < SCHEMA_KEY_COUNT; id++) {
		const struct schema_key *key = &schema_keys[id];

		if (key->scope != scope)
			continue;
		json_object_set_new(properties, key->name, property(key));
		if (key->presence == SCHEMA_REQUIRED)
			json_array_append_new(required, json_string(key->name));
	}
	json_object_set_new(object, "properties", properties);
	json_object_set_new(private, PRIVATE_PATTERN, json_object());
	json_object_set_new(object, "patternProperties", private);
	json_object_set_new(object, "additionalProperties", json_false());
	if (json_array_size(required) > 0)
		json_object_set_new(object, "required", required);
	else
		json_decref(required);
}

/* A mapping that has KEY. */
static json_t *mapping_with(const char *key)
{
	json_t *object = json_object();
	json_t *keys = json_array();

	json_array_append_new(keys, json_string(key));
	json_object_set_new(object, "required", keys);
	return object;
}

static void define_mapping(json_t *definitions, enum schema_scope scope)
{
	json_t *object = json_object();

	add_mapping(object, scope);
	if (scope == SCHEMA_SCOPE_TEST) {
		json_t *either = json_array();

		json_array_append_new(
			either, mapping_with(schema_keys[KEY_TEST_HOST].name));
		json_array_append_new(
			either,
			mapping_with(schema_keys[KEY_TEST_ADDRESS].name));
		json_object_set_new(object, "anyOf", either);
	}
	json_object_set_new(definitions, definition_names[scope], object);
}

static json_t *glob(void)
{
	json_t *object = one_type("string");

	set(object, "description",
	    "A host, or '*.' and a domain for every name below it; in lower "
	    "case, without a dot at the end, names outside ASCII in punycode.");
	set(object, "pattern", GLOB_PATTERN);
	return object;
}

/* see command.h */
int command_print_schema(const struct options *options)
{
	bool tests = strcmp(options->schema, "tests") == 0;
	json_t *root = json_object();
	json_t *definitions = json_object();

	if (options->operand_count > 0 ||
	    (!tests && strcmp(options->schema, "acl") != 0)) {
		json_decref(root);
		json_decref(definitions);
		return options_usage("--print-schema takes acl or tests");
	}
	set(root, "$schema", SCHEMA_DIALECT);
	set(root, "title",
	    tests ? "Smokescreen policy tests" : "Smokescreen egress policy");
	set(root, "description",
	    tests ? "What a policy is expected to decide."
		  : "Which client may reach which hosts through the proxy.");
	add_mapping(root, tests ? SCHEMA_SCOPE_TESTS : SCHEMA_SCOPE_TOP);
	if (tests) {
		define_mapping(definitions, SCHEMA_SCOPE_TEST);
	} else {
		json_object_set_new(definitions, "glob", glob());
		define_mapping(definitions, SCHEMA_SCOPE_RULE);
		define_mapping(definitions, SCHEMA_SCOPE_MITM);
	}
	json_object_set_new(root, "definitions", definitions);
	report_json_print(stdout, root, 2);
	return STATUS_YES;
}
