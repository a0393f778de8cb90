/* test_role_callback.c - what the program around the proxy is told of a client,
 * and what its answers come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/pki.inc"
#include "runtime/role_callback.h"

#define BYTES(array) bytes_make(array, sizeof(array))

static const struct addr peer = {
	{0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

static struct identity *shown_by(struct bytes der, bool by_program)
{
	struct role_spec spec = {.text = NULL};
	struct certificate leaf;
	struct identity *identity = NULL;
	char why[ROLE_WHY_MAX];

	assert_true(role_spec_parse("cn", &spec, why));
	spec.by_program = by_program;
	assert_int_equal(certificate_read(der, &leaf), TRUST_OK);
	assert_int_equal(identity_new(&spec, &leaf, &identity), TRUST_OK);
	role_spec_fini(&spec);
	return identity;
}

static void test_the_leaf_is_kept_only_if_wanted(void **state)
{
	struct identity *plain = shown_by(BYTES(pki_web), false);
	struct identity *kept = shown_by(BYTES(pki_web), true);

	(void)state;
	assert_true(plain->has_role && plain->has_certificate);
	assert_true(str_equal(plain->role, STR("web")));
	assert_int_equal(plain->leaf.n, 0);
	assert_true(!kept->has_role && kept->has_certificate);
	assert_true(str_equal(kept->cn, STR("web")));
	assert_true(bytes_equal(kept->leaf, BYTES(pki_web)));
	free(plain);
	free(kept);
}

/* --- what is told --- */

static enum smokescreen_answer check_web(void *context,
					 struct smokescreen_client *client)
{
	size_t n;
	const unsigned char *der = smokescreen_client_certificate(client, &n);

	assert_ptr_equal(context, &peer);
	assert_true(bytes_equal(bytes_make(der, n), BYTES(pki_web)));
	assert_string_equal(smokescreen_client_address(client), "2001:db8::1");
	assert_int_equal(smokescreen_client_port(client), 4711);
	assert_string_equal(
		smokescreen_client_text(client, SMOKESCREEN_SERIAL, 0, &n),
		"abcd");
	assert_int_equal(n, 4);
	assert_string_equal(
		smokescreen_client_text(client, SMOKESCREEN_CN, 0, NULL),
		"web");
	assert_null(smokescreen_client_text(client, SMOKESCREEN_CN, 1, &n));
	assert_int_equal(n, 0);
	assert_null(smokescreen_client_text(client, SMOKESCREEN_O, 0, NULL));
	/* a field of a later version */
	assert_null(smokescreen_client_text(client, (enum smokescreen_field)99,
					    0, NULL));
	return smokescreen_answer_role(client, "role", 4);
}

static enum smokescreen_answer check_nothing(void *context,
					     struct smokescreen_client *client)
{
	size_t n = 1;

	(void)context;
	assert_null(smokescreen_client_certificate(client, &n));
	assert_int_equal(n, 0);
	for (int field = 0; field <= SMOKESCREEN_SERIAL; field++)
		assert_null(smokescreen_client_text(
			client, (enum smokescreen_field)field, 0, NULL));
	return SMOKESCREEN_NO_ROLE;
}

static void test_a_certificate(void **state)
{
	struct hooks hooks = {.role = check_web,
			      .role_context = (void *)(uintptr_t)&peer};
	struct identity *shown = shown_by(BYTES(pki_web), true);
	struct identity *word = role_callback_ask(&hooks, shown, &peer, 4711);

	(void)state;
	free(shown);
	assert_non_null(word);
	assert_true(word->has_role && !word->refused && word->has_certificate);
	assert_true(str_equal(word->role, STR("role")));
	assert_true(str_equal(word->source, STR("callback")));
	assert_true(str_equal(word->cn, STR("web")));
	assert_int_equal(word->leaf.n, 0);
	free(word);
}

static void test_none(void **state)
{
	struct hooks hooks = {.role = check_nothing};
	struct identity *word = role_callback_ask(&hooks, NULL, &peer, 1);

	(void)state;
	assert_non_null(word);
	assert_true(!word->has_role && !word->refused &&
		    !word->has_certificate);
	assert_true(identity_suffices(word, false));
	assert_false(identity_suffices(word, true));
	free(word);
}

/* --- what it answers --- */

struct script {
	const char *role; /* NULL: none is given */
	size_t length;
	const char *why;    /* NULL: none is given */
	int answer;         /* -1: what the last of those has returned */
	const char *expect; /* the role; NULL: refused */
	const char *error;
};

static enum smokescreen_answer play(void *context,
				    struct smokescreen_client *client)
{
	const struct script *script = context;
	enum smokescreen_answer answer = SMOKESCREEN_REFUSE;

	if (script->role != NULL)
		answer = smokescreen_answer_role(client, script->role,
						 script->length);
	if (script->why != NULL)
		answer = smokescreen_answer_refuse(client, script->why);
	return script->answer < 0 ? answer
				  : (enum smokescreen_answer)script->answer;
}

#define FIFTY "12345678901234567890123456789012345678901234567890"
#define LONG FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct script scripts[] = {
	{"a", 1, NULL, -1, "a", NULL},
	{"abc", 2, NULL, -1, "ab", NULL},
	{"gr\xc3\xbc\xc3\x9f", 6, NULL, SMOKESCREEN_ROLE, "gr\xc3\xbc\xc3\x9f",
	 NULL},
	{LONG "12345", 255, NULL, -1, LONG "12345", NULL},
	{LONG "123456", 256, NULL, -1, NULL, "a role of more than 255 bytes"},
	{"", 0, NULL, -1, NULL, "an empty role"},
	{"a\0b", 3, NULL, -1, NULL,
	 "a role that is no text, or has control characters in it"},
	{"a\xe2\x80\xae-", 5, NULL, -1, NULL, /* would turn a log around */
	 "a role that is no text, or has control characters in it"},
	{"\xff", 1, NULL, -1, NULL,
	 "a role that is no text, or has control characters in it"},
	/* what is said last counts, and refusing more than a role */
	{"a", 1, "no", -1, NULL, "no"},
	{"a", 1, "no", SMOKESCREEN_ROLE, NULL,
	 "the role function gave no role"},
	{"a", 1, NULL, SMOKESCREEN_REFUSE, NULL, ""},
	{"a", 1, NULL, 3, NULL, ""},
	{"a", 1, NULL, 77, NULL, ""},
	{NULL, 0, "no", SMOKESCREEN_ROLE, NULL,
	 "the role function gave no role"},
	{"", 0, NULL, SMOKESCREEN_ROLE, NULL, "the role function gave no role"},
	{NULL, 0, LONG "1234567", -1, NULL, LONG "12345"},
	{NULL, 0, "", -1, NULL, ""},
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		const struct script *script = &scripts[i];
		struct hooks hooks = {.role = play,
				      .role_context =
					      (void *)(uintptr_t)script};
		struct identity *word =
			role_callback_ask(&hooks, NULL, &peer, 1);

		assert_non_null(word);
		if (word->refused != (script->expect == NULL))
			fail_msg("script %zu", i);
		if (word->refused) {
			assert_false(word->has_role);
			assert_true(
				str_equal(word->why, str_from(script->error)));
		} else {
			assert_true(str_equal(word->role,
					      str_from(script->expect)));
		}
		assert_int_equal(identity_suffices(word, true),
				 script->expect != NULL);
		assert_int_equal(identity_suffices(word, false),
				 script->expect != NULL);
		free(word);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_leaf_is_kept_only_if_wanted),
		cmocka_unit_test(test_a_certificate),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
