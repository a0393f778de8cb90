#include "testrun.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "compile.h"
#include "policy_open.h"
#include "quote.h"
#include "report.h"
#include "schema.h"

/* One test as read. */
struct test {
	struct question question;
	enum verdict expect;
	struct field reason, rule, entry; /* not there: not looked at */
	struct span at;
};

struct run {
	struct reader reader;
	const struct blob *policy; /* NULL: the tests are only read */
	struct span *passes;       /* where the tests that passed are */
	uint32_t passed;
	uint32_t failed;
};

static struct str field_text(const struct field *field)
{
	return field->value == NULL
		       ? STR("")
		       : str_make(field->value->text, field->value->count);
}

static struct span field_span(const struct reader *reader,
			      const struct field *field)
{
	return schema_span(reader,
			   field->value != NULL ? field->value : field->key);
}

static bool parse_port(struct str text, uint16_t *port)
{
	uint32_t value = 0;

	if (text.n == 0 || text.n > 5)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(text.p[i] - '0');
	}
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

static void read_expect(struct reader *reader, struct test *test,
			const struct field *field)
{
	static const char *const words[] = {"deny", "report", "allow"};
	struct str text = field_text(field);

	if (field->wrong)
		return;
	for (size_t i = 0; i < 3; i++)
		if (str_equal(text, str_from(words[i]))) {
			test->expect = (enum verdict)i;
			return;
		}

	const char *shown = quote_visible(reader->arena, text);
	const char *near = diag_nearest(shown, words, 3);
	struct diag *diag =
		field->key == NULL
			? diag_report(reader->diags, DIAG_T004, test->at,
				      "a test without 'expect'")
			: diag_report(reader->diags, DIAG_T004,
				      field_span(reader, field),
				      "expect is allow, report or deny, not "
				      "'%s'",
				      shown);

	if (near != NULL)
		diag_hint(reader->diags, diag, "did you mean '%s'?", near);
	else
		diag_hint(reader->diags, diag,
			  "write 'expect: allow', report or deny");
}

static bool read_test(struct reader *reader, const struct node *node,
		      struct test *test)
{
	struct field fields[SCHEMA_KEY_COUNT];
	struct question *question = &test->question;
	uint32_t errors = reader->diags->errors;
	const struct field *port = &fields[KEY_TEST_PORT];
	const struct field *address = &fields[KEY_TEST_ADDRESS];

	memset(test, 0, sizeof(*test));
	test->at = schema_span(reader, node);
	if (!schema_read(reader, SCHEMA_SCOPE_TEST, "a test", node, fields))
		return false;
	question->role = field_text(&fields[KEY_TEST_ROLE]);
	question->host = field_text(&fields[KEY_TEST_HOST]);
	question->has_host = fields[KEY_TEST_HOST].value != NULL;
	question->external_proxy = field_text(&fields[KEY_TEST_PROXY]);
	question->has_proxy = question->external_proxy.n > 0;
	question->port = ASK_DEFAULT_PORT;
	if (port->value != NULL &&
	    !parse_port(field_text(port), &question->port))
		diag_report(reader->diags, DIAG_T006, field_span(reader, port),
			    "'%s' is no port",
			    quote_visible(reader->arena, field_text(port)));
	question->has_address = address->value != NULL;
	if (question->has_address &&
	    !addr_parse(field_text(address), &question->address))
		diag_report(reader->diags, DIAG_T007,
			    field_span(reader, address),
			    "'%s' is no IP address",
			    quote_visible(reader->arena, field_text(address)));
	if (!question->has_host && !question->has_address &&
	    !fields[KEY_TEST_HOST].wrong && !address->wrong)
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_T005, test->at,
				      "a test without host and address"),
			  "write 'host: HOST'");
	test->reason = fields[KEY_TEST_REASON];
	test->rule = fields[KEY_TEST_RULE_NAME];
	test->entry = fields[KEY_TEST_ENTRY];
	read_expect(reader, test, &fields[KEY_TEST_EXPECT]);
	return reader->diags->errors == errors;
}

/* Where the policy says what was decided: "'*.a.com' at acl.yaml:3". */
static const char *decided_by(struct arena *arena, const struct answer *answer)
{
	char buffer[HOSTNAME_MAX + 3];
	const char *what = "no rule";

	if (answer->by_address)
		what = "the address";
	else if (answer->decision.entry.name.n > 0)
		what = ask_entry_text(&answer->decision.entry, buffer);
	else if (answer->has_rule)
		what = quote_visible(arena, answer->rule.name);
	if (!answer->has_place)
		return arena_printf(arena, "'%s'", what);
	return arena_printf(arena, "'%s' at %s:%u", what,
			    quote_visible(arena, answer->file), answer->line);
}

/* FIELD, when it is there, must be GOT. */
static bool check_text(struct run *run, const struct field *field,
		       const char *what, struct str got, const char *by)
{
	struct arena *arena = run->reader.arena;

	if (field->key == NULL || str_equal(field_text(field), got))
		return true;
	diag_report(run->reader.diags, DIAG_T008,
		    field_span(&run->reader, field),
		    "expected %s '%s', decided '%s', by %s", what,
		    quote_visible(arena, field_text(field)),
		    quote_visible(arena, got), by);
	return false;
}

static void run_test(struct run *run, const struct test *test)
{
	struct answer answer;
	struct arena *arena = run->reader.arena;
	char entry[HOSTNAME_MAX + 3];
	bool ok = true;

	ask(run->policy, &test->question, &answer);

	const char *by = decided_by(arena, &answer);

	if (answer.verdict != test->expect) {
		struct diag *diag = diag_report(
			run->reader.diags, DIAG_T008, test->at,
			"expected %s, decided %s: %s, by %s",
			verdict_text(test->expect),
			verdict_text(answer.verdict), answer.reason, by);

		diag_hint(run->reader.diags, diag, "%s", answer.reason);
		ok = false;
	}
	ok &= check_text(run, &test->reason, "reason", str_from(answer.reason),
			 by);
	ok &= check_text(run, &test->rule, "rule",
			 answer.has_rule ? answer.rule.name : STR(""), by);
	ok &= check_text(
		run, &test->entry, "entry",
		str_from(ask_entry_text(&answer.decision.entry, entry)), by);
	if (ok)
		run->passes[run->passed++] = test->at;
	else
		run->failed++;
}

static void run_document(struct run *run)
{
	struct reader *reader = &run->reader;
	const struct node *root = reader->document->root;
	struct field fields[SCHEMA_KEY_COUNT];
	const struct field *tests = &fields[KEY_TESTS_TESTS];

	if (!schema_read(reader, SCHEMA_SCOPE_TESTS, "a test file", root,
			 fields) ||
	    tests->wrong)
		return;
	if (tests->value == NULL || tests->value->count == 0) {
		diag_hint(reader->diags,
			  diag_report(reader->diags, DIAG_T009,
				      tests->key != NULL
					      ? schema_span(reader, tests->key)
					      : schema_span(reader, root),
				      "no tests"),
			  "write 'tests:' and a list");
		return;
	}
	run->passes = arena_alloc_array(reader->arena, tests->value->count,
					sizeof(*run->passes));
	for (uint32_t i = 0; i < tests->value->count; i++) {
		struct test test;

		if (!read_test(reader, tests->value->items[i], &test))
			run->failed++;
		else if (run->policy != NULL)
			run_test(run, &test);
	}
}

/* see testrun.h */
bool testrun_is_tests(const struct document *document)
{
	const struct node *root = document->root;
	bool tests = false;

	if (root->kind != NODE_MAPPING)
		return false;
	for (uint32_t i = 0; i < root->count; i++) {
		const struct node *key = root->pairs[i].key;

		if (key->kind != NODE_SCALAR)
			continue;
		if (node_equals(key, schema_keys[KEY_TOP_VERSION].name) ||
		    node_equals(key, schema_keys[KEY_TOP_SERVICES].name))
			return false;
		tests |= node_equals(key, schema_keys[KEY_TESTS_TESTS].name);
	}
	return tests;
}

static struct reader test_reader(const struct document *document,
				 struct diag_list *diags, struct arena *arena)
{
	return (struct reader){
		.document = document,
		.diags = diags,
		.arena = arena,
		.unknown_key = DIAG_T002,
		.duplicate_key = DIAG_T003,
		.wrong_kind = DIAG_T001,
	};
}

/* see testrun.h */
void testrun_check(const struct document *document, struct diag_list *diags,
		   struct arena *arena)
{
	struct run run = {.reader = test_reader(document, diags, arena)};

	run_document(&run);
}

/* Run the tests in the file at PATH and report. */
static int run_file(const struct blob *policy, const char *path,
		    struct report *report)
{
	struct arena *arena = arena_new();
	struct diag_list diags;
	struct source source;
	struct document document;
	const char *why;
	int status = STATUS_YES;
	struct run run = {
		.reader = test_reader(&document, &diags, arena),
		.policy = policy,
	};

	diag_init(&diags, arena);
	if (!source_load(&source, arena, path, &why)) {
		fprintf(stderr, "smokescreenc: %s: %s\n",
			quote_visible(arena, str_from(path)), why);
		report_unread(report, path, why);
		arena_free(arena);
		return STATUS_IO;
	}
	if (document_parse(&document, &source, arena, &diags))
		run_document(&run);
	if (diags.errors > 0)
		status = STATUS_NO;
	report->passes = run.passes;
	report->pass_count = run.passed;
	report_file(report, &source, &diags);
	report->pass_count = 0;
	report->passed += run.passed;
	report->failed += run.failed;
	if (diags.errors > 0 && run.failed == 0)
		report->failed++;
	arena_free(arena);
	return status;
}

/* see command.h */
int command_test(const struct options *options)
{
	struct policy policy;
	struct report report;
	int status;

	if (options->operand_count < 2)
		return options_usage("--test takes a policy and at least one "
				     "file of tests");
	status = policy_open(&policy, options, options->operands[0]);
	if (status != STATUS_YES) {
		policy_close(&policy);
		return status;
	}
	report_begin(&report, options, stdout);
	report.tests = true;
	for (uint32_t i = 1; i < options->operand_count; i++) {
		int one = run_file(&policy.blob, options->operands[i], &report);

		if (one > status)
			status = one;
	}
	report_end(&report, status);
	policy_close(&policy);
	return status;
}
