/* test_pem.c - PEM: objects found and decoded, and the place of what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "runtime/tls/pem.h"

#define HEAD "-----BEGIN X-----\n"
#define TAIL "-----END X-----\n"

/* "LABEL:LINE:BODY " for each object, then how it ends. */
static const char *read_text(const char *text)
{
	static char out[512];
	uint8_t *copy = malloc(strlen(text) + 1);
	struct pem pem;
	struct pem_object object;
	enum pem_result result;
	size_t n = 0;

	memcpy(copy, text, strlen(text));
	pem_init(&pem, copy, strlen(text));
	while ((result = pem_next(&pem, &object)) == PEM_OBJECT)
		n += (size_t)snprintf(
			out + n, sizeof(out) - n, "%.*s:%zu:%.*s ",
			STR_ARG(object.label), object.line,
			object.encrypted ? 9 : (int)object.body.n,
			object.encrypted ? "encrypted"
					 : (const char *)object.body.p);
	if (result == PEM_END)
		snprintf(out + n, sizeof(out) - n, "end");
	else
		snprintf(out + n, sizeof(out) - n, "%zu: %s", pem.line,
			 pem.why);
	free(copy);
	return out;
}

static void test_objects(void **state)
{
	(void)state;
	assert_string_equal(read_text(""), "end");
	assert_string_equal(read_text("nothing\nhere"), "end");
	assert_string_equal(read_text(HEAD "aGVsbG8=\n" TAIL), "X:1:hello end");
	assert_string_equal(read_text(HEAD TAIL), "X:1: end");
	assert_string_equal(read_text("text\n\n" HEAD "aGVs\nbG8h\n" TAIL
				      "more\n" HEAD "aGk=\n" TAIL),
			    "X:3:hello! X:8:hi end");
	/* Line ends, blanks, no final line end. */
	assert_string_equal(read_text("-----BEGIN X-----\r\n aGVs\t\r\nbG8= "
				      "\r\n\r\n-----END X-----"),
			    "X:1:hello end");
	assert_string_equal(read_text(HEAD "aGk=\n-----END X-----  \n"),
			    "X:1:hi end");
	assert_string_equal(
		read_text("-----BEGIN A B-----\naGk=\n-----END A B-----\n"),
		"A B:1:hi end");
}

static void test_headers(void **state)
{
	(void)state;
	assert_string_equal(read_text(HEAD "Proc-Type: 4,ENCRYPTED\n"
					   "DEK-Info: AES,00\n\naGk=\n" TAIL),
			    "X:1:encrypted end");
	assert_string_equal(
		read_text(HEAD "Comment: a\n\naGk=\n" TAIL HEAD "aGk=\n" TAIL),
		"X:1:hi X:6:hi end");
}

static void test_errors(void **state)
{
	(void)state;
	assert_string_equal(read_text(HEAD "aGk=\n"),
			    "3: the file ends inside of an object");
	assert_string_equal(read_text(HEAD "aGk="),
			    "2: the file ends inside of an object");
	assert_string_equal(read_text("-----BEGIN X-----"),
			    "2: the file ends inside of an object");
	assert_string_equal(read_text(HEAD "aGk=\n-----END Y-----\n"),
			    "3: -----END ...----- of another object");
	assert_string_equal(read_text(HEAD "aGk=\n" HEAD),
			    "3: not a line of base64, nor -----END ...-----");
	assert_string_equal(read_text("a\n" TAIL),
			    "2: -----END ...----- without its begin");
	assert_string_equal(read_text("-----BEGIN X----\n"),
			    "1: not a good -----BEGIN ...----- line");
	assert_string_equal(read_text(HEAD "aGVs\nb*8=\n" TAIL),
			    "3: a character that is not base64");
	assert_string_equal(read_text(HEAD "aGk=\naGk=\n" TAIL),
			    "3: base64 goes on after its padding");
	for (size_t i = 0; i < 6; i++) {
		static const char *const bodies[] = {
			HEAD "aGk\n" TAIL,   HEAD "a\n" TAIL,
			HEAD "aGl=\n" TAIL,  HEAD "aGVsbB==\n" TAIL,
			HEAD "aGVs=\n" TAIL, HEAD "aGk==\n" TAIL};

		assert_string_equal(read_text(bodies[i]),
				    "3: base64 does not end as it must");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("pem", tests, NULL, NULL);
}
