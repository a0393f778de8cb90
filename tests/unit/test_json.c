/* test_json.c - JSON that is written: valid whatever the bytes, and never
 * beyond its room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "runtime/observe/json.h"

/* The value that a JSON reader gets for BYTES; the caller's reference. */
static json_t *through_json(const char *bytes, size_t n)
{
	static char buffer[16 << 10];
	struct json line;
	json_error_t error;
	json_t *object;

	json_begin(&line, buffer, sizeof(buffer));
	json_put_string(&line, "a", str_make(bytes, n));
	json_end(&line);
	assert_false(line.overflow);
	object = json_loadb(buffer, line.length, 0, &error);
	if (object == NULL)
		fail_msg("%s: %.*s", error.text, (int)line.length, buffer);
	return object;
}

static void check(const char *bytes, size_t n, const char *want)
{
	json_t *object = through_json(bytes, n);

	assert_string_equal(json_string_value(json_object_get(object, "a")),
			    want);
	json_decref(object);
}

static void test_text(void **state)
{
	static const char controls[] = "\x01\x1f\x7f\b\t\n\r\"\\/";

	(void)state;
	check("", 0, "");
	check("plain", 5, "plain");
	check("\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x90", 9, "ä€🔐");
	check(controls, sizeof(controls) - 1, controls);
}

#define REPLACED "\xef\xbf\xbd"

static void test_bytes_that_are_no_text(void **state)
{
	(void)state;
	check("a\xff\xfe", 3, "a" REPLACED REPLACED);
	check("\x80", 1, REPLACED);
	check("\xc0\xaf", 2, REPLACED REPLACED); /* overlong */
	check("\xe0\x80\xaf", 3, REPLACED REPLACED REPLACED);
	check("\xed\xa0\x80", 3, REPLACED REPLACED REPLACED); /* surrogate */
	check("\xf4\x90\x80\x80", 4, REPLACED REPLACED REPLACED REPLACED);
	check("\xe2\x82", 2, REPLACED REPLACED); /* cut */
	check("\xc3(", 2, REPLACED "(");
}

static void test_every_pair_of_bytes_is_valid_json(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 0x10000; i++) {
		const char pair[2] = {(char)(i >> 8), (char)(i & 0xff)};

		/* jansson does not take \u0000 unless asked */
		if (pair[0] != 0 && pair[1] != 0)
			json_decref(through_json(pair, 2));
	}
}

/* Long texts are looked at eight bytes at a time. */
static void test_every_byte_in_every_place(void **state)
{
	char text[20], want[24];

	(void)state;
	for (unsigned c = 1; c < 0x100; c++) {
		for (size_t at = 0; at < sizeof(text); at++) {
			const char *shown = c < 0x80 ? "" : REPLACED;
			size_t n = strlen(shown);

			memset(text, ' ', sizeof(text));
			text[at] = (char)c;
			memset(want, ' ', sizeof(want));
			want[at] = (char)c;
			memcpy(want + at, shown, n);
			want[sizeof(text) + (n > 0 ? n - 1 : 0)] = '\0';
			check(text, sizeof(text), want);
		}
	}
}

static void test_a_long_value_is_cut_between_characters(void **state)
{
	char text[JSON_VALUE_MAX + 10], want[JSON_VALUE_MAX + 10];
	json_t *object;
	size_t n;

	(void)state;
	memset(text, 'a', sizeof(text));
	object = through_json(text, JSON_VALUE_MAX);
	n = json_string_length(json_object_get(object, "a"));
	assert_int_equal(n, JSON_VALUE_MAX);
	json_decref(object);
	memset(want, 'a', JSON_VALUE_MAX);
	memcpy(want + JSON_VALUE_MAX, "...", 4);
	check(text, JSON_VALUE_MAX + 1, want);
	/* the last character straddles the limit: it is whole or not there */
	memcpy(text + JSON_VALUE_MAX - 1, "\xe2\x82\xac", 3);
	memcpy(want + JSON_VALUE_MAX - 1, "\xe2\x82\xac...", 7);
	check(text, JSON_VALUE_MAX + 4, want);
}

static void test_numbers(void **state)
{
	char buffer[256];
	struct json line;

	(void)state;
	json_begin(&line, buffer, sizeof(buffer));
	json_put_milli(&line, "a", 0);
	json_put_milli(&line, "b", 1);
	json_put_milli(&line, "c", 1500);
	json_put_milli(&line, "d", 12340);
	json_put_micro(&line, "g", 0);
	json_put_micro(&line, "h", 1000001);
	json_put_micro(&line, "i", 1500);
	json_put_unsigned(&line, "e", UINT64_MAX);
	json_put_bool(&line, "f", true);
	json_end(&line);
	assert_true(
		str_equal(str_make(buffer, line.length),
			  str_from("{\"a\":0,\"b\":0.001,\"c\":1.5,\"d\":12.34,"
				   "\"g\":0,\"h\":1.000001,\"i\":0.0015,"
				   "\"e\":18446744073709551615,\"f\":true}")));
}

static void test_what_does_not_fit_says_so(void **state)
{
	char buffer[64];

	(void)state;
	for (size_t capacity = 0; capacity < sizeof(buffer); capacity++) {
		struct json line;

		memset(buffer, '#', sizeof(buffer));
		json_begin(&line, buffer, capacity);
		json_put_text(&line, "key", "0123456789\"\xff");
		json_end(&line);
		/* {"key":"0123456789\"\ufffd"} */
		assert_int_equal(line.overflow, capacity < 28);
		for (size_t i = capacity; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_every_pair_of_bytes_is_valid_json),
		cmocka_unit_test(test_every_byte_in_every_place),
		cmocka_unit_test(test_a_long_value_is_cut_between_characters),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_what_does_not_fit_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
