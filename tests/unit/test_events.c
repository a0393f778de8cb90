/* test_events.c - the stream of parse events, in the notation of the YAML test
 * suite, and the agreement of the grammar with what it says it accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grammar/events.h"
#include "grammar/yaml.h"
#include "grammar/yaml_parse.h"

/* Events are separated by spaces here; _ is a space in text. */
static const struct {
	const char *yaml;
	const char *events;
} table[] = {
	/* streams */
	{"", ""},
	{"# only a comment\n", ""},
	{"...\n", ""},
	{"---\n", "+DOC_--- =VAL_: -DOC"},
	{"---\n...\n", "+DOC_--- =VAL_: -DOC_..."},
	{"--- a\n", "+DOC_--- =VAL_:a -DOC"},
	{"--- # c\na\n... # d\n", "+DOC_--- =VAL_:a -DOC_..."},
	{"\xef\xbb\xbf"
	 "a",
	 "+DOC =VAL_:a -DOC"},
	/* blocks */
	{"- a\n- b\n", "+DOC +SEQ =VAL_:a =VAL_:b -SEQ -DOC"},
	{"- - a\n  - b\n- c",
	 "+DOC +SEQ +SEQ =VAL_:a =VAL_:b -SEQ =VAL_:c -SEQ -DOC"},
	{"-\n  a: b\n", "+DOC +SEQ +MAP =VAL_:a =VAL_:b -MAP -SEQ -DOC"},
	{"- a: b\n  c:\n", "+DOC +SEQ +MAP =VAL_:a =VAL_:b =VAL_:c =VAL_: "
			   "-MAP -SEQ -DOC"},
	{"a:\n- b\nc:\n  - d\n",
	 "+DOC +MAP =VAL_:a +SEQ =VAL_:b -SEQ =VAL_:c +SEQ =VAL_:d -SEQ -MAP "
	 "-DOC"},
	{"a:\n-\n- b: c\n",
	 "+DOC +MAP =VAL_:a +SEQ =VAL_: +MAP =VAL_:b =VAL_:c -MAP -SEQ -MAP "
	 "-DOC"},
	{"a:\n b\n  c\n", "+DOC +MAP =VAL_:a =VAL_:b_c -MAP -DOC"},
	{"a:\tb\t# c\n", "+DOC +MAP =VAL_:a =VAL_:b -MAP -DOC"},
	/* scalars */
	{"'a'", "+DOC =VAL_'a -DOC"},
	{"\"a\\n\\t\\\\b\\0\"", "+DOC =VAL_\"a\\n\\t\\\\b\\0 -DOC"},
	{"a\n\nb\n", "+DOC =VAL_:a\\nb -DOC"},
	{"a\n- b\n", "+DOC =VAL_:a_-_b -DOC"},
	{"- a\n -b\n", "+DOC +SEQ =VAL_:a_-b -SEQ -DOC"},
	{"\"a\n\n\n b\"", "+DOC =VAL_\"a\\n\\nb -DOC"},
	{"'\n  a\n\n'", "+DOC =VAL_'_a\\n -DOC"},
	{"\"\\\n  a \\\n  b\"", "+DOC =VAL_\"a_b -DOC"},
	{"--- |\n", NULL},
	/* flow */
	{"[a, 'b', \"c\"]", "+DOC +SEQ_[] =VAL_:a =VAL_'b =VAL_\"c -SEQ -DOC"},
	{"{a: b, c}", "+DOC +MAP_{} =VAL_:a =VAL_:b =VAL_:c =VAL_: -MAP -DOC"},
	{"[a: b, \"c\":d]",
	 "+DOC +SEQ_[] +MAP_{} =VAL_:a =VAL_:b -MAP +MAP_{} =VAL_\"c =VAL_:d "
	 "-MAP -SEQ -DOC"},
	{"a: [b,\n c]\n",
	 "+DOC +MAP =VAL_:a +SEQ_[] =VAL_:b =VAL_:c -SEQ -MAP -DOC"},
	{"{a\n : b}", "+DOC +MAP_{} =VAL_:a =VAL_:b -MAP -DOC"},
	{"[a\n : b]", NULL},
	/* anchors */
	{"&a b", "+DOC =VAL_&a_:b -DOC"},
	{"&a\n- &b c\n- *b\n", "+DOC +SEQ_&a =VAL_&b_:c =ALI_*b -SEQ -DOC"},
	{"&a b: &c\n", "+DOC +MAP =VAL_&a_:b =VAL_&c_: -MAP -DOC"},
	{"&a\n&b c: d\n", "+DOC +MAP_&a =VAL_&b_:c =VAL_:d -MAP -DOC"},
	{"&a [&b c, &d {e: f}]",
	 "+DOC +SEQ_[]_&a =VAL_&b_:c +MAP_{}_&d =VAL_:e =VAL_:f -MAP -SEQ "
	 "-DOC"},
	{"a: &b\n- c\n", "+DOC +MAP =VAL_:a +SEQ_&b =VAL_:c -SEQ -MAP -DOC"},
	{"*a : b\n", "+DOC +MAP =ALI_*a =VAL_:b -MAP -DOC"},
	{"a: {<<: *b}\n",
	 "+DOC +MAP =VAL_:a +MAP_{} =VAL_:<< =ALI_*b -MAP -MAP -DOC"},
	{"{&a b, *c , d}",
	 "+DOC +MAP_{} =VAL_&a_:b =VAL_: =ALI_*c =VAL_: =VAL_:d =VAL_: -MAP "
	 "-DOC"},
	/* what is not YAML at all */
	{"a: b: c\n", NULL},
	{"- a\nb\n", NULL},
	{"a: b\n- c\n", NULL},
	{"a:\n  - b\n - c\n", NULL},
	{"[a, b\n", NULL},
	{"[a\n]]\n", NULL},
	{"[,a]", NULL},
	{"[a,,b]", NULL},
	{"'a", NULL},
	{"a\n---b: c\n", NULL},
	{"&a &b c", NULL},
	{"&a *b", NULL},
	{"a:\n\t- b\n", NULL},
	{"a: [\nb]\n", NULL},
	{"a\nb: c\n", NULL},
	{"\"a\nb\": c\n", NULL},
	{"a: 'b' c\n", NULL},
	{"a: b\n...\nc: d\n", NULL},
	{"@a", NULL},
};

/* The events as one line, as in the table; NULL when there was an error. */
static char *events_of(const char *yaml)
{
	struct arena *arena = arena_new();
	struct diag_list list;
	struct source source;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	diag_init(&list, arena);
	source_from_bytes(&source, arena, "test", yaml, (uint32_t)strlen(yaml));

	bool ok = document_events(&source, &list, out);

	fclose(out);
	assert_int_equal(ok, list.errors == 0);
	arena_free(arena);
	if (!ok) {
		free(text);
		return NULL;
	}
	for (char *p = text; *p != '\0'; p++)
		*p = *p == ' ' ? '_' : *p == '\n' ? ' ' : *p;
	assert_memory_equal(text, "+STR ", 5);
	assert_string_equal(text + strlen(text) - 5, "-STR ");
	text[strlen(text) - 5] = '\0';
	memmove(text, text + 5, strlen(text) - 4);
	if (text[0] != '\0')
		text[strlen(text) - 1] = '\0';
	return text;
}

static void test_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char *got = events_of(table[i].yaml);

		if (table[i].events == NULL ? got != NULL
		    : got == NULL           ? true
					    : strcmp(got, table[i].events) != 0)
			fail_msg("%s\nexpected %s\ngot      %s", table[i].yaml,
				 table[i].events != NULL ? table[i].events
							 : "an error",
				 got != NULL ? got : "an error");
		free(got);
	}
}

/* The deepest stack that the grammar needs: anchored mappings in anchored
 * sequences without indentation.  Nothing but the scanner bounds it here. */
static void test_deepest_stack(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	for (int i = 0; i < DOCUMENT_MAX_DEPTH; i++)
		fprintf(out, "%*sz: 1\n%*sa: &s\n%*s- 0\n%*s- &m\n", 2 * i, "",
			2 * i, "", 2 * i, "", 2 * i, "");
	fprintf(out, "%*s- b\n", 2 * (DOCUMENT_MAX_DEPTH - 1), "");
	fclose(out);

	char *events = events_of(text);

	assert_non_null(events);
	free(events);
	free(text);
	for (int type = 0; type < 2; type++) {
		out = open_memstream(&text, &size);
		for (int i = 0; i < DOCUMENT_MAX_DEPTH; i++)
			fputs(type == 0 ? "[a,&a b: &c " : "{a,&a b: &c ", out);
		for (int i = 0; i < DOCUMENT_MAX_DEPTH; i++)
			fputs(type == 0 ? "]" : "}", out);
		fclose(out);
		events = events_of(text);
		assert_non_null(events);
		free(events);
		free(text);
	}
}

/* Feed TYPES[0..COUNT) to a fresh parser; true if it took them all. */
static bool feed(const int *types, unsigned count)
{
	struct yaml_parse parse = {.receiver = NULL};
	void *parser = yaml_parserAlloc(malloc, &parse);

	assert_non_null(parser);
	for (unsigned i = 0; i < count && !parse.mismatched; i++)
		yaml_parser(parser, types[i], (struct yaml_token){0});

	bool ok = !parse.mismatched;

	/* What it took to the end is a document. */
	if (ok && count > 0 && types[count - 1] == 0)
		assert_true(parse.accepted);
	yaml_parserFree(parser, free);
	return ok;
}

/* yaml_parser_accepts() says yes exactly when the parser then finds no error.
 * Random walks over the tokens. */
static void test_accepts(void **state)
{
	uint32_t seed = 1;
	unsigned refused = 0;
	unsigned ended = 0;

	(void)state;
	for (unsigned walk = 0; walk < 1500; walk++) {
		int types[60];
		unsigned count = 0;
		struct yaml_parse parse = {.receiver = NULL};
		void *parser = yaml_parserAlloc(malloc, &parse);

		assert_non_null(parser);
		for (unsigned tries = 0; tries < 400 && count < 60; tries++) {
			seed = seed * 1664525 + 1013904223;

			int type = (int)((seed >> 16) % YAML_TOKEN_COUNT);
			bool accepts = yaml_parser_accepts(parser, type);

			types[count] = type;
			if (!accepts) {
				assert_false(feed(types, count + 1));
				refused++;
				continue;
			}
			yaml_parser(parser, type, (struct yaml_token){0});
			assert_false(parse.mismatched);
			count++;
			if (type == 0) {
				assert_true(parse.accepted);
				ended++;
				break;
			}
		}
		assert_true(feed(types, count));
		yaml_parserFree(parser, free);
	}
	assert_true(refused > 10000);
	assert_true(ended > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_deepest_stack),
		cmocka_unit_test(test_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
