/* test_json.c - JSON that is written: valid whatever the bytes, the same as the
 * plainest writer's, and never beyond its room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "page_end.h"
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
	object = json_loadb(buffer, json_length(&line), 0, &error);
	if (object == NULL)
		fail_msg("%s: %.*s", error.text, (int)json_length(&line),
			 buffer);
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
		str_equal(str_make(buffer, json_length(&line)),
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

/* What a byte among ASCII looks like in a string. */
static size_t show(char *out, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (size_t)sprintf(out, "\\%c", c);
	case '\n':
		return (size_t)sprintf(out, "\\n");
	case '\r':
		return (size_t)sprintf(out, "\\r");
	case '\t':
		return (size_t)sprintf(out, "\\t");
	default:
		break;
	}
	if (c >= 0x80)
		return (size_t)sprintf(out, "\\ufffd");
	return (size_t)sprintf(out, c < 0x20 || c == 0x7f ? "\\u%04x" : "%c",
			       c);
}

static void check_shown(const char *bytes, size_t n)
{
	struct page_end at_end = page_end_copy(bytes, n);
	struct str value = str_make((const char *)at_end.bytes, n);
	char want[512], got[512], parts[512];
	size_t length = (size_t)sprintf(want, "{\"key\":\"");
	struct json json;

	for (size_t i = 0; i < n; i++)
		length += show(want + length, (unsigned char)bytes[i]);
	length += (size_t)sprintf(want + length, "\"}");
	/* with just the room that it needs, and behind it nothing is written */
	memset(got, '#', sizeof(got));
	json_begin(&json, got, length);
	json_put_string(&json, "key", value);
	json_end(&json);
	assert_false(json.overflow);
	assert_int_equal(json_length(&json), length);
	assert_memory_equal(got, want, length);
	for (size_t i = length; i < sizeof(got); i++)
		assert_int_equal(got[i], '#');
	json_begin(&json, got, length - 1);
	json_put_string(&json, "key", value);
	json_end(&json);
	assert_true(json.overflow);
	assert_int_equal(got[length - 1], '}');
	/* the same as one of several parts */
	json_begin(&json, parts, sizeof(parts));
	json_open_string(&json, "key");
	json_add_part(&json, STR(""));
	json_add_part(&json, value);
	json_close_string(&json);
	json_end(&json);
	assert_int_equal(json_length(&json), length);
	assert_memory_equal(parts, want, length);
	page_end_free(&at_end);
}

/* Values are copied and judged sixteen, eight and four bytes at a time. */
static void test_every_byte_at_every_length(void **state)
{
	static const char special[] = "\"\\\n\x01\x1f\x7f\x80\xff !#[]~";
	char text[40] = "";

	(void)state;
	for (size_t n = 0; n <= sizeof(text); n++) {
		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + i % 26);
		check_shown(text, n);
		for (size_t at = 0; at < n; at++) {
			for (size_t i = 0; i < sizeof(special) - 1; i++) {
				char was = text[at];

				text[at] = special[i];
				check_shown(text, n);
				text[at] = was;
			}
		}
	}
	for (unsigned c = 0; c < 0x100; c++) {
		memset(text, (int)c, sizeof(text));
		for (size_t n = 1; n <= sizeof(text); n++)
			check_shown(text, n);
	}
}

static void test_two_special_bytes(void **state)
{
	static const char special[] = "\"\\\x1f\x7f\x80";
	char text[20];

	(void)state;
	for (size_t one = 0; one < sizeof(text); one++) {
		for (size_t two = 0; two < one; two++) {
			for (size_t i = 0; i < 25; i++) {
				memset(text, 'x', sizeof(text));
				text[one] = special[i / 5];
				text[two] = special[i % 5];
				check_shown(text, sizeof(text));
			}
		}
	}
}

/* --- numbers --- */

/* VALUE with DIGITS behind the point, by printf() and the eye. */
static void put_slowly(char *out, uint64_t value, int digits)
{
	uint64_t scale = digits == 3 ? 1000 : 1000000;
	int n = sprintf(out, "%llu.%0*llu", (unsigned long long)(value / scale),
			digits, (unsigned long long)(value % scale));

	while (out[n - 1] == '0')
		n--;
	if (out[n - 1] == '.')
		n--;
	out[n] = '\0';
}

static void check_number(uint64_t value)
{
	char milli[32], micro[32], want[256], got[256];
	struct json json;
	int length;

	put_slowly(milli, value, 3);
	put_slowly(micro, value, 6);
	length = sprintf(want, "{\"u\":%llu,\"s\":%lld,\"m\":%s,\"n\":%s}",
			 (unsigned long long)value, (long long)value, milli,
			 micro);
	json_begin(&json, got, sizeof(got));
	json_put_unsigned(&json, "u", value);
	json_put_signed(&json, "s", (int64_t)value);
	json_put_milli(&json, "m", value);
	json_put_micro(&json, "n", value);
	json_end(&json);
	got[json_length(&json)] = '\0';
	assert_string_equal(got, want);
	assert_int_equal(json_length(&json), length);
}

static void test_numbers_as_printf_writes_them(void **state)
{
	uint64_t random = 88172645463325252, power = 1;

	(void)state;
	for (uint64_t i = 0; i <= 20000; i++)
		check_number(i);
	for (int digits = 1; digits <= STR_DECIMAL_MAX; digits++) {
		for (uint64_t i = 1; i <= 9; i++) {
			check_number(power * i - 1);
			check_number(power * i);
			check_number(power * i + 1);
		}
		power *= 10;
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		check_number((UINT64_C(1) << bit) - 1);
		check_number(UINT64_C(1) << bit);
		check_number(-(UINT64_C(1) << bit));
	}
	for (int i = 0; i < 100000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		check_number(random >> (random & 63));
	}
}

/* --- room --- */

/* One of everything. */
static void put_all(struct json *json)
{
	json_put_fixed(json, "fixed", "\"word\",");
	json_put_bool(json, "yes", true);
	json_put_bool(json, "no", false);
	json_put_unsigned(json, "u", UINT64_MAX);
	json_put_signed(json, "s", INT64_MIN);
	json_put_milli(json, "m", UINT64_MAX);
	json_put_micro(json, "n", UINT64_MAX);
	json_open_object(json, "none");
	json_close_object(json);
	json_open_array(json, "few");
	json_close_array(json);
	json_open_object(json, "object");
	json_put_text(json, "inner", "a\"b");
	json_open_array(json, "array");
	json_add_string(json, STR(""));
	json_add_string(json, STR(","));
	json_close_array(json);
	json_close_object(json);
	json_put_members(json, STR("\"x\":1,\"y\":2"));
	json_open_string(json, "parts");
	json_add_part(json, STR("a\n"));
	json_put_literal(json, "-");
	json_add_part(json, STR("b"));
	json_close_string(json);
}

static void test_everything_in_every_room(void **state)
{
	static const char want[] =
		"{\"fixed\":\"word\",\"yes\":true,\"no\":false,"
		"\"u\":18446744073709551615,\"s\":-9223372036854775808,"
		"\"m\":18446744073709551.615,\"n\":18446744073709.551615,"
		"\"none\":{},\"few\":[],"
		"\"object\":{\"inner\":\"a\\\"b\",\"array\":[\"\",\",\"]},"
		"\"x\":1,\"y\":2,\"parts\":\"a\\n-b\"}";
	char buffer[sizeof(want) + 64];

	(void)state;
	for (size_t capacity = 0; capacity <= sizeof(buffer); capacity++) {
		struct json json;

		memset(buffer, '#', sizeof(buffer));
		json_begin(&json, buffer, capacity);
		put_all(&json);
		json_end(&json);
		for (size_t i = capacity; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
		assert_int_equal(json.overflow, capacity < sizeof(want) - 1);
		if (json.overflow)
			continue;
		assert_int_equal(json_length(&json), sizeof(want) - 1);
		assert_memory_equal(buffer, want, sizeof(want) - 1);
	}
}

static void test_an_empty_object(void **state)
{
	char buffer[8];
	struct json json;

	(void)state;
	json_begin(&json, buffer, 2);
	json_end(&json);
	assert_false(json.overflow);
	assert_true(str_equal(str_make(buffer, json_length(&json)), STR("{}")));
	json_begin(&json, buffer, 1);
	json_end(&json);
	assert_true(json.overflow);
	json_begin(&json, buffer, 0);
	json_end(&json);
	assert_true(json.overflow);
}

/* What is written elsewhere ends without a comma. */
static void test_members_alone(void **state)
{
	char buffer[64];
	struct json json;

	(void)state;
	json_begin_members(&json, buffer, sizeof(buffer));
	json_end_members(&json);
	assert_int_equal(json_length(&json), 0);
	json_begin_members(&json, buffer, sizeof(buffer));
	json_put_text(&json, "a", "b");
	json_put_bool(&json, "c", true);
	json_end_members(&json);
	assert_true(str_equal(str_make(buffer, json_length(&json)),
			      STR("\"a\":\"b\",\"c\":true")));
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
		cmocka_unit_test(test_every_byte_at_every_length),
		cmocka_unit_test(test_two_special_bytes),
		cmocka_unit_test(test_numbers_as_printf_writes_them),
		cmocka_unit_test(test_everything_in_every_room),
		cmocka_unit_test(test_an_empty_object),
		cmocka_unit_test(test_members_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
