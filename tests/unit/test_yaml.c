/* test_yaml.c - trees: values, spans, anchors, merge keys, limits, and the
 * errors that the case files of tests/cases state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "grammar/document.h"
#include "grammar/yaml_parse.h"

struct fixture {
	struct arena *arena;
	struct diag_list list;
	struct source source;
	struct document document;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->arena = arena_new();
	diag_init(&f->list, f->arena);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	free(f);
	return 0;
}

static bool parse_bytes(struct fixture *f, const void *bytes, size_t length)
{
	diag_init(&f->list, f->arena);
	source_from_bytes(&f->source, f->arena, "test.yaml", bytes,
			  (uint32_t)length);
	return document_parse(&f->document, &f->source, f->arena, &f->list);
}

static bool parse(struct fixture *f, const char *text)
{
	return parse_bytes(f, text, strlen(text));
}

static struct node *tree(struct fixture *f, const char *text)
{
	if (!parse(f, text)) {
		diag_print(&f->list, stderr, false);
		fail_msg("did not parse: %s", text);
	}
	return f->document.root;
}

/* The tree as one line: text in quotes, ~ for nothing, * before an alias, <
 * before a merged pair. */
static void flatten(FILE *out, const struct node *node)
{
	if (node->aliased)
		putc('*', out);
	switch ((enum node_kind)node->kind) {
	case NODE_NULL:
		putc('~', out);
		break;
	case NODE_SCALAR:
		putc('\'', out);
		fwrite(node->text, 1, node->count, out);
		putc('\'', out);
		break;
	case NODE_SEQUENCE:
		putc('[', out);
		for (uint32_t i = 0; i < node->count; i++) {
			fputs(i > 0 ? "," : "", out);
			flatten(out, node->items[i]);
		}
		putc(']', out);
		break;
	case NODE_MAPPING:
		putc('{', out);
		for (uint32_t i = 0; i < node->count; i++) {
			fputs(i > 0 ? "," : "", out);
			fputs(node->pairs[i].merged ? "<" : "", out);
			flatten(out, node->pairs[i].key);
			putc(':', out);
			flatten(out, node->pairs[i].value);
		}
		putc('}', out);
		break;
	}
}

static void expect(struct fixture *f, const char *yaml, const char *flat)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	flatten(out, tree(f, yaml));
	fclose(out);
	assert_string_equal(text, flat);
	free(text);
}

static void test_blocks(void **state)
{
	struct fixture *f = *state;

	expect(f, "", "~");
	expect(f, "# nothing\n", "~");
	expect(f, "---\n...\n", "~");
	expect(f, "a", "'a'");
	expect(f, "a: b", "{'a':'b'}");
	expect(f, "a:\n- b\n- c\nd: e\n", "{'a':['b','c'],'d':'e'}");
	expect(f, "a:\n  - b\n  -\n    - c\nd:\n", "{'a':['b',['c']],'d':~}");
	expect(f, "- a: b\n  c: d\n- - e\n  - f\n-\n",
	       "[{'a':'b','c':'d'},['e','f'],~]");
	expect(f, "a:\n   b: 1\nc:\n      d: 2\n",
	       "{'a':{'b':'1'},'c':{'d':'2'}}");
	expect(f, "a:\n  - b:\n    - c\n    d: e\n",
	       "{'a':[{'b':['c'],'d':'e'}]}");
	expect(f, "  a: b\n  c: d\n", "{'a':'b','c':'d'}");
	expect(f, "a:   \n  b  \n\n\n# c\n", "{'a':'b'}");
	expect(f, "a: [\n  b,\n\n  c # d\n  ]\n", "{'a':['b','c']}");
	expect(f, "a: b\na: c\n", "{'a':'b','a':'c'}");
}

static void test_scalars(void **state)
{
	struct fixture *f = *state;

	expect(f, "a b  c", "'a b  c'");
	expect(f, "a\n b\n\n\n c", "'a b\n\nc'");
	expect(f, "a: b\n c\n  d", "{'a':'b c d'}");
	expect(f, "a: b #c", "{'a':'b'}");
	expect(f, "a: b#c", "{'a':'b#c'}");
	expect(f, "a: http://b.c:80/?d#e", "{'a':'http://b.c:80/?d#e'}");
	expect(f, "a: -b\nc: ?d\ne: :f", "{'a':'-b','c':'?d','e':':f'}");
	expect(f, "a:: b", "{'a:':'b'}");
	expect(f, "a ::b: c", "{'a ::b':'c'}");
	expect(f, "'a''b'", "'a'b'");
	expect(f, "' a\n  b\n\n c '", "' a b\nc '");
	expect(f, "\"a \\\n  b\"", "'a b'");
	expect(f, "\"a\\\n  \\ b\"", "'a b'");
	expect(f, "\"a\\\n\n  b\"", "'a\nb'");
	expect(f, "\"\\x41\\u00e9\\U0001f600\\ud83d\\ude00\"",
	       "'A\xc3\xa9\xf0\x9f\x98\x80\xf0\x9f\x98\x80'");
	expect(f, "\"\\a\\b\\t\\n\\v\\f\\r\\e\\ \\\"\\/\\\\\\N\\_\\L\\P\"",
	       "'\a\b\t\n\v\f\r\x1b \"/\\\xc2\x85\xc2\xa0\xe2\x80\xa8"
	       "\xe2\x80\xa9'");
	expect(f, "\"\"", "''");
	expect(f, "''", "''");
	expect(f, "\"\n\"", "' '");
	expect(f, "'a\r\n  b'\r\n", "'a b'");

	struct node *root = tree(f, "\"a\\0b\"");

	assert_int_equal(root->count, 3);
	assert_memory_equal(root->text, "a\0b", 3);
}

static void test_flow(void **state)
{
	struct fixture *f = *state;

	expect(f, "[]", "[]");
	expect(f, "{}", "{}");
	expect(f, "[a, b,]", "['a','b']");
	expect(f, "{a: b, c, d: , e: [f]}", "{'a':'b','c':~,'d':~,'e':['f']}");
	expect(f, "{\"a\":b,'c' :d}", "{'a':'b','c':'d'}");
	expect(f, "{a:b}", "{'a:b':~}");
	expect(f, "{\"a\"\n:\n b}", "{'a':'b'}");
	expect(f, "[a: b, {c: d}]", "[{'a':'b'},{'c':'d'}]");
	expect(f, "[a b\n c, \"d\n e\"]", "['a b c','d e']");
	expect(f, "{?a}", "{'?a':~}");
}

static void test_anchors(void **state)
{
	struct fixture *f = *state;

	expect(f, "a: &x b\nc: *x", "{'a':'b','c':*'b'}");
	expect(f, "a: &x\n  b: c\nd: *x", "{'a':{'b':'c'},'d':*{'b':'c'}}");
	expect(f, "a: &x\n- b\nd: *x", "{'a':['b'],'d':*['b']}");
	expect(f, "&x a: *x", "{'a':*'a'}");
	expect(f, "- &x a\n- &x b\n- *x", "['a','b',*'b']");
	expect(f, "- &x\n- *x", "[~,*~]");
	expect(f, "[&x [a], *x]", "[['a'],*['a']]");
	expect(f, "&x\n&y a: b\nc: *y", "{'a':'b','c':*'a'}");
	expect(f, "- &x a\n- *x : b", "['a',{*'a':'b'}]");
	expect(f, "- &aa 1\n- &a 2\n- &ab 3\n- [*a, *aa, *ab]",
	       "['1','2','3',[*'2',*'1',*'3']]");
}

static void test_merge(void **state)
{
	struct fixture *f = *state;

	expect(f, "a: &a {b: 1, c: 2}\nd: {<<: *a, c: 3}",
	       "{'a':{'b':'1','c':'2'},'d':{'c':'3',<'b':'1'}}");
	expect(f, "a: &a {b: 1}\nc: &c {b: 2, d: 3}\ne: {<<: [*a, *c]}",
	       "{'a':{'b':'1'},'c':{'b':'2','d':'3'},"
	       "'e':{<'b':'1',<'d':'3'}}");
	expect(f, "a: {<<: {b: 1}, c: 2}", "{'a':{'c':'2',<'b':'1'}}");
	expect(f, "<<: {a: 1}\nb: 2\n", "{'b':'2',<'a':'1'}");
	expect(f, "a: &a {b: 1}\nc: &c\n  <<: *a\n  d: 2\ne: {<<: *c}",
	       "{'a':{'b':'1'},'c':{'d':'2',<'b':'1'},"
	       "'e':{<'d':'2',<'b':'1'}}");
	/* Written twice stays twice: the schema has to say so. */
	expect(f, "{a: 1, <<: {a: 2, b: 3}, a: 4}",
	       "{'a':'1','a':'4',<'b':'3'}");
	expect(f, "{<<: {}}", "{}");
	expect(f, "{\"<<\": a}", "{'<<':'a'}");
	expect(f, "[<<]", "['<<']");
}

static void expect_span(const struct fixture *f, const struct node *node,
			const char *text)
{
	struct span span = node_span(&f->document, node);

	assert_ptr_equal(span.source, &f->source);
	assert_int_equal(span.end - span.start, strlen(text));
	assert_memory_equal(f->source.bytes + span.start, text, strlen(text));
}

static void test_spans(void **state)
{
	struct fixture *f = *state;
	struct node *root =
		tree(f, "a: 'b c'\nlist: &l\n- \"d\"\n- [e, {f: g}] # h\n"
			"alias: *l\nnone:\nlong: x\n  y\n");
	struct node *list = root->pairs[1].value;

	expect_span(f, root->pairs[0].key, "a");
	expect_span(f, root->pairs[0].value, "'b c'");
	expect_span(f, list, "- \"d\"\n- [e, {f: g}]");
	expect_span(f, list->items[0], "\"d\"");
	expect_span(f, list->items[1], "[e, {f: g}]");
	expect_span(f, list->items[1]->items[1], "{f: g}");
	expect_span(f, root->pairs[2].value, "*l");
	expect_span(f, root->pairs[3].value, "");
	assert_int_equal(root->pairs[3].value->start,
			 root->pairs[3].key->end + 1);
	expect_span(f, root->pairs[4].value, "x\n  y");
	assert_true(list->items[1]->flow);
	assert_false(list->flow);
	assert_true(root->pairs[2].value->aliased);

	/* What no escape or fold has changed points into the source. */
	assert_ptr_equal(root->pairs[0].value->text,
			 f->source.bytes + root->pairs[0].value->start + 1);
	assert_int_equal(root->pairs[0].value->style, SCALAR_SINGLE);
	assert_int_equal(list->items[0]->style, SCALAR_DOUBLE);
}

static void test_null(void **state)
{
	struct fixture *f = *state;
	struct node *root =
		tree(f, "[~, null, Null, NULL, nULL, \"null\", '']");

	for (uint32_t i = 0; i < root->count; i++)
		assert_int_equal(node_is_null(root->items[i]), i < 4);
	root = tree(f, "a:");
	assert_true(node_is_null(root->pairs[0].value));
	assert_false(node_equals(root->pairs[0].value, ""));
	assert_true(node_equals(root->pairs[0].key, "a"));
	assert_false(node_equals(root->pairs[0].key, "ab"));
	assert_false(node_is_null(root));
}

/* The diagnostics that TEXT states, as "Y001 3:5" lines. */
static void stated(FILE *out, const char *text)
{
	static const char mark[] = "#! expect: ";

	for (const char *line = text; (line = strstr(line, mark)) != NULL;) {
		size_t length;

		line += sizeof(mark) - 1;
		length = strcspn(line, "\r\n");
		if (strncmp(line, "ok", 2) != 0)
			fprintf(out, "%.*s\n", (int)length, line);
	}
}

static char *read_whole(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *text;

	if (file == NULL)
		return NULL;
	text = calloc(1, (1u << 20) + 1);
	assert_non_null(text);
	*size = fread(text, 1, 1u << 20, file);
	fclose(file);
	return text;
}

static void check_case(struct fixture *f, const char *path, bool *seen)
{
	char sidecar[512];
	size_t size = 0;
	size_t sidecar_size = 0;
	char *text = read_whole(path, &size);
	char *expected = NULL;
	char *got = NULL;
	size_t length;
	FILE *out = open_memstream(&expected, &length);

	snprintf(sidecar, sizeof(sidecar), "%s.expect", path);

	char *beside = read_whole(sidecar, &sidecar_size);

	assert_non_null(text);
	stated(out, beside != NULL ? beside : text);
	fclose(out);

	parse_bytes(f, text, size);
	diag_sort(&f->list);
	out = open_memstream(&got, &length);
	for (uint32_t i = 0; i < f->list.count; i++) {
		const struct diag *diag = f->list.items[i];
		struct place place =
			source_locate(&f->source, f->arena, diag->at.start);

		fprintf(out, "%s %u:%u\n", diag_info[diag->code].code,
			place.line, place.column);
		assert_non_null(diag->hint);
		assert_true(diag->at.end <= f->source.length);
		assert_true(diag->at.start <= diag->at.end);
		seen[diag->code] = true;
	}
	fclose(out);
	if (strcmp(got, expected) != 0)
		fail_msg("%s:\nexpected\n%sgot\n%s", path, expected, got);
	free(text);
	free(beside);
	free(expected);
	free(got);
}

/* Check every NAME.yaml of DIRECTORY that starts with PREFIX; their number. */
static unsigned check_cases(struct fixture *f, const char *directory,
			    const char *prefix, bool *seen)
{
	DIR *dir = opendir(directory);
	unsigned count = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char path[400];
		size_t length = strlen(entry->d_name);

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    length < 5 ||
		    strcmp(entry->d_name + length - 5, ".yaml") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		check_case(f, path, seen);
		count++;
	}
	closedir(dir);
	return count;
}

static void test_cases(void **state)
{
	struct fixture *f = *state;
	bool seen[DIAG_CODE_COUNT] = {false};

	assert_true(check_cases(f, "tests/cases", "yaml-", seen) > 50);
	for (unsigned i = 0; i < DIAG_CODE_COUNT; i++)
		if (diag_info[i].code[0] == 'Y' && !seen[i])
			fail_msg("no case shows %s", diag_info[i].code);
}

/* Documents that are YAML of ours, though no policies. */
static void test_documents(void **state)
{
	bool seen[DIAG_CODE_COUNT] = {false};

	assert_true(check_cases(*state, "tests/yaml", "", seen) > 8);
	for (unsigned i = 0; i < DIAG_CODE_COUNT; i++)
		assert_false(seen[i]);
}

static void test_fixes(void **state)
{
	static const struct {
		const char *yaml;
		const char *fixed;
	} fixes[] = {
		{"a: *.b.com\n", "a: '*.b.com'\n"},
		{"- [*.b, c]\n", "- ['*.b', c]\n"},
		{"a: [\n  b\n]\n", "a: [\n  b\n ]\n"},
		{"- a:\n    [b\n  ]\n", "- a:\n    [b\n   ]\n"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(fixes) / sizeof(*fixes); i++) {
		const struct diag_fix *fix;
		char *text;

		parse(f, fixes[i].yaml); /* an error or a warning */
		assert_int_equal(f->list.count, 1);
		fix = f->list.items[0]->fix;
		assert_non_null(fix);
		assert_true(fix->safe);
		text = arena_printf(f->arena, "%.*s%s%s", (int)fix->at.start,
				    fixes[i].yaml, fix->replacement,
				    fixes[i].yaml + fix->at.end);
		assert_string_equal(text, fixes[i].fixed);
		assert_true(parse(f, text));
	}
}

/* --- hostile sizes
 * ------------------------------------------------------------ */

/* COUNT times PIECE between HEAD and TAIL. */
static bool parse_repeated(struct fixture *f, const char *head,
			   const char *piece, size_t count, const char *tail)
{
	size_t length = strlen(piece);
	size_t size = strlen(head) + count * length + strlen(tail);
	char *text = malloc(size + 1);
	char *p = text;

	assert_non_null(text);
	memcpy(p, head, strlen(head));
	p += strlen(head);
	for (size_t i = 0; i < count; i++, p += length)
		memcpy(p, piece, length);
	memcpy(p, tail, strlen(tail));

	bool ok = parse_bytes(f, text, size);

	free(text);
	return ok;
}

/* Each of these takes minutes where anything is quadratic. */
static void test_long_inputs(void **state)
{
	static const struct {
		const char *head;
		const char *piece;
		const char *tail;
		bool ok;
	} table[] = {
		{"a:\n", "- b.example.com\n", "", true},
		{"[", "\"a\",", "]", true},
		{"{", "\"a\":b,", "}", true},
		{"[", "&a b,", "]", true},
		{"[&a b,", "*a,", "]", true},
		{"a: \"", "x ", "\"", true},
		{"a: \"", "\\n", "\"", true},
		{"a: \"", "x\n ", "\"", true},
		{"a: '", "'' ", "'", true},
		{"a: b", "\n  c", "\n", true},
		{"a: b", "\n", "", true},
		{"a: b", " ", "\n", true},
		{"a: b", " \n", " c", true},
		{"", "# comment\n", "", true},
		{"", "a: b\n", "", true},
		{"a: ", ":x", "", true},
		{"", "[", "", false},
		{"", "{", "", false},
		{"a: ", "[", "", false},
		{"", "- ", "", false},
		{"", "a: [\n", "", false},
		{"", "a: \"\n", "", false},
		{"", "\"\n", "", false},
		{"", "a: 'x\n", "", false},
		{"", "a: &b *b\n", "", false},
		{"[", "*a,", "]", false},
		{"a: ", "&b ", "", false},
		{"a: ", "!b ", "", false},
		{"a: |\n", "  x\n", "", false},
		{"a: \"", "\\q", "\"", false},
		{"a: \"", "\\ud800", "\"", false},
		{"[", "!a ", "]", false},
		{"a: *", "b", "", false},
		{"a: *.", "b", "", false},
		{"a: *", "\xc3\xa9", "", false},
		{"a: &b *b", "b", "", false},
		{"a: @", "b", "", false},
		{"a: \"\" ", "b", "", false},
		{"", "a: |\n", "", false},
		{"", "a\n", ": b", false},
		{"", "? a\n", "", false},
		{"", ": ", "", false},
		{"", "::::", "", false},
		{"", "::::", "x", true},
		{"", "---\n", "", false},
		{"", "...\n", "", true},
		{"", "%x\n", "", false},
		{"", "\xff", "", false},
		{"x: \"", "\xff", "", false},
		{"", "\t", "a: b", false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		arena_free(f->arena);
		f->arena = arena_new();

		bool ok = parse_repeated(f, table[i].head, table[i].piece,
					 300000, table[i].tail);

		if (ok != table[i].ok)
			fail_msg("'%s' many times: %s", table[i].piece,
				 f->list.count > 0 ? f->list.items[0]->message
						   : "parsed");
		/* Nor is there more to read than somebody can. */
		assert_true(f->list.count <= YAML_MAX_ERRORS + YAML_MAX_SOFT);
		for (uint32_t j = 0; j < f->list.count; j++)
			assert_true(strlen(f->list.items[j]->message) < 300);
	}
}

/* Merging costs no more for keys that were chosen to be costly. */
static void test_long_merge(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fputs("a: &a {", out);
	for (int i = 0; i < 100000; i++)
		fprintf(out, "k%d: v,", i);
	fputs("}\nb: {<<: [*a, *a, *a], ", out);
	for (int i = 0; i < 100000; i++)
		fprintf(out, "k%d: w,", i);
	fputs("z: y}\n", out);
	fclose(out);

	struct node *root = tree(f, text);

	assert_int_equal(root->pairs[1].value->count, 100001);
	free(text);
}

static void test_too_many_errors(void **state)
{
	struct fixture *f = *state;

	assert_false(parse_repeated(f, "", "a: @\n", YAML_MAX_ERRORS - 1, ""));
	assert_int_equal(f->list.count, YAML_MAX_ERRORS - 1);
	assert_false(parse_repeated(f, "", "a: @\n", 300000, ""));
	assert_int_equal(f->list.count, YAML_MAX_ERRORS + 1);
	diag_sort(&f->list);
	assert_int_equal(f->list.items[YAML_MAX_ERRORS]->code, DIAG_Y033);
}

static void test_node_limit(void **state)
{
	struct fixture *f = *state;

	assert_false(parse_repeated(f, "[", ",a", 2, "]"));
	/* 2 + 4000 * 4001 nodes are fewer than the limit, 2 + 4200 * 4201 are
	 * more. */
	char *text = NULL;
	size_t size = 0;

	for (int n = 4000; n <= 4200; n += 200) {
		FILE *out = open_memstream(&text, &size);

		fputs("[&a [", out);
		for (int i = 0; i < n; i++)
			fputs("x,", out);
		fputs("]", out);
		for (int i = 1; i < n; i++)
			fputs(",*a", out);
		fputs("]", out);
		fclose(out);
		assert_int_equal(parse_bytes(f, text, size), n == 4000);
		free(text);
	}
	assert_int_equal(f->list.count, 1);
	assert_int_equal(f->list.items[0]->code, DIAG_Y032);
}

static void test_depth_limit(void **state)
{
	struct fixture *f = *state;
	char text[2 * DOCUMENT_MAX_DEPTH + 3];

	for (size_t n = DOCUMENT_MAX_DEPTH; n <= DOCUMENT_MAX_DEPTH + 1; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		assert_int_equal(parse_bytes(f, text, 2 * n),
				 n == DOCUMENT_MAX_DEPTH);
		memset(text, '{', n);
	}
	assert_int_equal(f->list.count, 1);
	assert_int_equal(f->list.items[0]->code, DIAG_Y031);
	/* One pair between brackets is a mapping more. */
	assert_true(parse_repeated(f, "", "[a: ", DOCUMENT_MAX_DEPTH / 2,
				   "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
	assert_false(parse_repeated(f, "", "[a: ", DOCUMENT_MAX_DEPTH / 2 + 1,
				    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
	assert_int_equal(f->list.items[0]->code, DIAG_Y031);
}

/* The text ends, with the two bytes behind it, at an unmapped page: every
 * prefix of a document that has something of everything is read without a
 * step beyond. */
static void test_unmapped_end(void **state)
{
	static const char text[] =
		"--- # a\nb: &c [d, \"e\\u00e9\\\n  f\", 'g''h', {i: j}]\n"
		"k:\n- l: *c\n  <<: {m: n}\n- |\n  o\n- !p q\n"
		"r: s\n  t\n\nu: \xc3\xa9\xf0\x9f\x98\x80\r\n? v\n*w : x\n...";
	struct fixture *f = *state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (size_t length = 0; length < sizeof(text); length++) {
		unsigned char *bytes = map + page - 2 - length;

		memcpy(bytes, text, length);
		memcpy(bytes + length, "\n", 2);
		f->source = (struct source){.name = "edge",
					    .bytes = bytes,
					    .length = (uint32_t)length};
		diag_init(&f->list, f->arena);
		document_parse(&f->document, &f->source, f->arena, &f->list);
	}
	munmap(map, 2 * page);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_blocks),
		TEST(test_scalars),
		TEST(test_flow),
		TEST(test_anchors),
		TEST(test_merge),
		TEST(test_spans),
		TEST(test_null),
		TEST(test_cases),
		TEST(test_documents),
		TEST(test_fixes),
		TEST(test_long_inputs),
		TEST(test_long_merge),
		TEST(test_too_many_errors),
		TEST(test_node_limit),
		TEST(test_depth_limit),
		TEST(test_unmapped_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
