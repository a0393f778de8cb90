/* test_diagnostic.c - collecting, sorting, printing, suggesting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grammar/diagnostic.h"

struct fixture {
	struct arena *arena;
	struct diag_list list;
	struct source source;
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

static void wrap(struct fixture *f, const char *text)
{
	source_from_bytes(&f->source, f->arena, "acl.yaml", text,
			  (uint32_t)strlen(text));
}

static struct span at(struct fixture *f, uint32_t start, uint32_t end)
{
	return (struct span){.source = &f->source, .start = start, .end = end};
}

static void expect_print(struct fixture *f, bool colour, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	diag_print(&f->list, out, colour);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DIAG_CODE_COUNT; i++) {
		const struct diag_info *info = &diag_info[i];
		enum diag_code code;

		assert_int_equal(strlen(info->code), 4);
		assert_true(strlen(info->text) > 4);
		assert_true(strlen(info->help) > 20);
		assert_int_equal(info->help[strlen(info->help) - 1], '.');
		assert_null(strchr(info->name, ' '));
		assert_true(diag_find(info->code, &code));
		assert_int_equal(code, i);
		assert_true(diag_find(info->name, &code));
		assert_int_equal(code, i);
	}
}

static void test_find(void **state)
{
	enum diag_code code = DIAG_CODE_COUNT;

	(void)state;
	assert_true(diag_find("y001", &code));
	assert_int_equal(code, DIAG_Y001);
	assert_true(diag_find("invalid-utf8", &code));
	assert_false(diag_find("Y999", &code));
	assert_false(diag_find("", &code));
	assert_false(diag_find("Y0011", &code));
}

static void test_counts_and_severity(void **state)
{
	struct fixture *f = *state;

	wrap(f, "a: b\n");
	f->list.severity[DIAG_Y002] = DIAG_WARNING;
	f->list.severity[DIAG_Y003] = DIAG_OFF;
	assert_int_equal(
		diag_report(&f->list, DIAG_Y001, at(f, 0, 1), "one")->severity,
		DIAG_ERROR);
	diag_report(&f->list, DIAG_Y002, at(f, 0, 1), "two");

	struct diag *off =
		diag_report(&f->list, DIAG_Y003, at(f, 0, 1), "three");

	diag_hint(&f->list, off, "still chains");
	assert_int_equal(f->list.count, 2);
	assert_int_equal(f->list.errors, 1);
	assert_int_equal(f->list.warnings, 1);
	f->list.warnings_are_errors = true;
	diag_report(&f->list, DIAG_Y002, at(f, 0, 1), "four");
	assert_int_equal(f->list.errors, 2);
	assert_int_equal(f->list.warnings, 1);
}

static void test_print(void **state)
{
	struct fixture *f = *state;

	wrap(f, "services:\n  - name: a\n    action: opne\n");

	struct diag *diag = diag_report(&f->list, DIAG_Y022, at(f, 34, 38),
					"'%s' is no action", "opne");

	diag_hint(&f->list, diag, "did you mean '%s'?", "open");
	diag_relate(&f->list, diag, at(f, 14, 18), "in this service");
	diag_report(&f->list, DIAG_Y001, (struct span){.source = NULL},
		    "no place");
	expect_print(f, false,
		     "error: no place [Y001]\n"
		     "acl.yaml:3:13: error: 'opne' is no action [Y022]\n"
		     "    3 |     action: opne\n"
		     "      |             ^~~~ did you mean 'open'?\n"
		     "acl.yaml:2:5: note: in this service\n"
		     "    2 |   - name: a\n"
		     "      |     ^~~~\n");
}

static void test_print_colour(void **state)
{
	struct fixture *f = *state;

	wrap(f, "a\n");
	f->list.severity[DIAG_Y001] = DIAG_WARNING;
	diag_report(&f->list, DIAG_Y001, at(f, 0, 1), "m");
	expect_print(f, true,
		     "\033[1macl.yaml:1:1:\033[0m "
		     "\033[1;35mwarning:\033[0m m [Y001]\n"
		     "    1 | a\n"
		     "      | \033[1;32m^\033[0m\n");
}

/* Nothing from a file may reach the terminal as a command. */
static void test_print_hostile(void **state)
{
	struct fixture *f = *state;

	wrap(f, "a\033[2J\xff\xe2\x80\xae\xc2\x9b: b\n");
	diag_report(&f->list, DIAG_Y002, at(f, 1, 2), "bad \033]0;x\007 text");
	expect_print(f, false,
		     "acl.yaml:1:2: error: bad \\x1b]0;x\\x07 text [Y002]\n"
		     "    1 | a\\x1b[2J\\xff<U+202E><U+009B>: b\n"
		     "      |  ^~~~\n");

	f->list.count = 0;
	f->source.name = "\033[31mname\n";
	diag_report(&f->list, DIAG_Y002, at(f, 0, 1), "m");

	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	diag_print(&f->list, out, false);
	fclose(out);
	assert_null(strchr(text, '\033'));
	free(text);
}

static void test_print_tabs_and_width(void **state)
{
	struct fixture *f = *state;

	wrap(f, "\ta\t\xe4\xb8\xad\xe6\x96\x87 e\xcc\x81x y\n");
	diag_report(&f->list, DIAG_Y001, at(f, 3, 9), "wide");
	diag_report(&f->list, DIAG_Y001, at(f, 13, 14), "behind an accent");
	expect_print(f, false,
		     "acl.yaml:1:4: error: wide [Y001]\n"
		     "    1 |         a       \xe4\xb8\xad\xe6\x96\x87 "
		     "e\xcc\x81x y\n"
		     "      |                 ^~~~\n"
		     "acl.yaml:1:9: error: behind an accent [Y001]\n"
		     "    1 |         a       \xe4\xb8\xad\xe6\x96\x87 "
		     "e\xcc\x81x y\n"
		     "      |                       ^\n");
}

static void test_print_ends(void **state)
{
	struct fixture *f = *state;

	wrap(f, "ab\ncd");
	diag_report(&f->list, DIAG_Y001, at(f, 2, 2), "end of line");
	diag_report(&f->list, DIAG_Y001, at(f, 1, 5), "two lines");
	diag_report(&f->list, DIAG_Y001, at(f, 5, 5), "end of file");
	expect_print(f, false,
		     "acl.yaml:1:2: error: two lines [Y001]\n"
		     "    1 | ab\n"
		     "      |  ^\n"
		     "acl.yaml:1:3: error: end of line [Y001]\n"
		     "    1 | ab\n"
		     "      |   ^\n"
		     "acl.yaml:2:3: error: end of file [Y001]\n"
		     "    2 | cd\n"
		     "      |   ^\n");
}

/* The excerpt of a long line is a window around the caret. */
static void test_print_long_line(void **state)
{
	struct fixture *f = *state;
	uint32_t length = 1u << 20;
	char *line = malloc(length);

	assert_non_null(line);
	for (uint32_t offset = 0; offset < length; offset += 99991) {
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		memset(line, offset % 2 == 0 ? 'x' : '\001', length);
		line[offset] = '!';
		source_from_bytes(&f->source, f->arena, "long", line, length);
		f->list.count = 0;
		diag_report(&f->list, DIAG_Y001, at(f, offset, offset + 1),
			    "m");
		diag_print(&f->list, out, false);
		fclose(out);

		char *excerpt = strchr(text, '\n') + 1;
		char *caret = strchr(excerpt, '\n') + 1;

		assert_true(strlen(excerpt) < 400);
		assert_int_equal(strchr(excerpt, '!') - excerpt,
				 strchr(caret, '^') - caret);
		free(text);
	}
	free(line);
}

static void test_sort(void **state)
{
	struct fixture *f = *state;
	struct source other;

	wrap(f, "abcdef\n");
	source_from_bytes(&other, f->arena, "other.yaml", "abc\n", 4);
	diag_report(&f->list, DIAG_Y005, at(f, 4, 5), "4");
	diag_report(&f->list, DIAG_Y001,
		    (struct span){.source = &other, .start = 0, .end = 1}, "5");
	diag_report(&f->list, DIAG_Y003, at(f, 2, 3), "3");
	diag_report(&f->list, DIAG_Y002, at(f, 2, 3), "1");
	diag_report(&f->list, DIAG_Y002, at(f, 2, 3), "2");
	diag_sort(&f->list);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(f->list.items[i]->message[0], '1' + (int)i);
}

static void test_many(void **state)
{
	struct fixture *f = *state;
	uint32_t count = 100000;
	char *text = malloc(count);
	FILE *out = fopen("/dev/null", "w");

	assert_non_null(text);
	assert_non_null(out);
	memset(text, 'x', count);
	source_from_bytes(&f->source, f->arena, "many", text, count);
	for (uint32_t i = count; i > 0; i--)
		diag_relate(&f->list,
			    diag_report(&f->list, DIAG_Y001, at(f, i - 1, i),
					"number %u", i),
			    at(f, count - i, count - i + 1), "elsewhere");
	diag_print(&f->list, out, false);
	assert_int_equal(f->list.items[0]->at.start, 0);
	assert_int_equal(f->list.count, count);
	fclose(out);
	free(text);
}

static void test_fix(void **state)
{
	struct fixture *f = *state;
	char replacement[] = "open";

	wrap(f, "opne\n");

	struct diag *diag =
		diag_report(&f->list, DIAG_Y001, at(f, 0, 4), "typo");

	diag_set_fix(&f->list, diag, at(f, 0, 4), replacement, true);
	replacement[0] = 'x';
	assert_string_equal(diag->fix->replacement, "open");
	assert_true(diag->fix->safe);
	assert_int_equal(diag->fix->at.end, 4);
}

static void test_nearest(void **state)
{
	static const char *const keys[] = {
		"name",         "project",
		"action",       "allowed_domains",
		"mitm_domains", "allowed_external_proxies",
	};
	static const struct {
		const char *word;
		const char *nearest;
	} table[] = {
		{"nmae", "name"},
		{"Name", "name"},
		{"names", "name"},
		{"allowed_domain", "allowed_domains"},
		{"allowed-domains", "allowed_domains"},
		{"allowed_domians", "allowed_domains"},
		{"prject", "project"},
		{"acton", "action"},
		{"mitm_domain", "mitm_domains"},
		{"xyzzy", NULL},
		{"n", NULL},
		{"", NULL},
		{"colour", NULL},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *found = diag_nearest(table[i].word, keys, 6);

		if (table[i].nearest == NULL)
			assert_null(found);
		else
			assert_string_equal(found, table[i].nearest);
	}
	assert_null(diag_nearest("name", NULL, 0));
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_find),
		TEST(test_counts_and_severity),
		TEST(test_print),
		TEST(test_print_colour),
		TEST(test_print_hostile),
		TEST(test_print_tabs_and_width),
		TEST(test_print_ends),
		TEST(test_print_long_line),
		TEST(test_sort),
		TEST(test_many),
		TEST(test_fix),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
