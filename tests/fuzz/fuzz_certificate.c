/* fuzz_certificate.c - one certificate in DER, and whatever is asked of one:
 * its role by every source, all that a role function is told of it, its own
 * names under its own constraints, and which hosts it is for. */
#include <stdlib.h>

#include "runtime/role_callback.h"
#include "runtime/tls/constraints.h"
#include "runtime/tls/name.h"
#include "runtime/tls/policies.h"
#include "runtime/tls/role.h"
#include "runtime/tls/server_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool within(struct bytes part, const uint8_t *data, size_t size)
{
	return part.n == 0 ||
	       (part.p >= data && part.n <= size - (size_t)(part.p - data));
}

static void try_roles(const struct certificate *certificate)
{
	static const char *const specs[] = {
		"cn",           "ou",
		"ou.0:split=.", "san-dns",
		"san-uri",      "spiffe:prefix=/",
		"san-email",    "serial",
		"spki-sha256",  "cn:split=.,ou:prefix=a",
	};
	char why[ROLE_WHY_MAX];

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct role_spec spec;
		struct role role;
		enum trust trust;

		check(role_spec_parse(specs[i], &spec, why));
		trust = role_find(&spec, certificate, &role);
		check(trust == TRUST_OK || trust == TRUST_ROLE_TEXT);
		check(trust == TRUST_OK || role.source == NULL);
		check((role.source != NULL) == (role.size > 0));
		check(role.size <= ROLE_MAX && role.text[role.size] == '\0');
		for (size_t j = 0; j < role.size; j++)
			check((unsigned char)role.text[j] >= ' ');
		role_spec_fini(&spec);
	}
}

static enum smokescreen_answer role_of(void *context,
				       struct smokescreen_client *client)
{
	const struct certificate *certificate = context;
	const unsigned char *der;
	const char *text;
	size_t n;

	der = smokescreen_client_certificate(client, &n);
	check(bytes_equal(bytes_make(der, n), certificate->der));
	for (int field = SMOKESCREEN_CN; field <= SMOKESCREEN_SERIAL; field++)
		for (size_t i = 0;
		     (text = smokescreen_client_text(
			      client, (enum smokescreen_field)field, i, &n)) !=
		     NULL;
		     i++)
			check(strlen(text) == n);
	text = smokescreen_client_text(client, SMOKESCREEN_OU, 0, &n);
	return smokescreen_answer_role(client, text, n);
}

static void try_role_function(struct certificate *certificate)
{
	const struct role_spec spec = {.by_program = true};
	const struct hooks hooks = {.role = role_of,
				    .role_context = certificate};
	const struct addr peer = {{0}};
	struct identity *shown, *word;

	check(identity_new(&spec, certificate, &shown) == TRUST_OK);
	word = role_callback_ask(&hooks, shown, &peer, 1);
	check(word != NULL && word->has_role != word->refused);
	check(str_equal(word->cn, shown->cn) && word->has_certificate);
	free(shown);
	free(word);
}

/* Whatever host there is, a certificate without names is not for it. */
static void try_hosts(const struct certificate *certificate)
{
	static const char *const hosts[] = {"a.test", "b.a.test", "127.0.0.1",
					    "2001:db8::1", "test"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct hostname host;

		check(hostname_normalize(str_from(hosts[i]), &host) == HOST_OK);
		check(!server_name_matches(certificate, &host) ||
		      certificate->alt_names.n > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate certificate;
	struct policies policies;
	size_t work = CONSTRAINTS_MAX_WORK;
	enum trust trust =
		certificate_read(bytes_make(data, size), &certificate);

	check(trust != TRUST_UNDECIDED);
	if (trust != TRUST_OK)
		return 0;
	check(within(certificate.tbs, data, size));
	check(within(certificate.serial, data, size));
	check(within(certificate.subject, data, size));
	check(within(certificate.alt_names, data, size));
	check((certificate.key.kind != KEY_NONE) ==
	      (certificate.key_trust == TRUST_OK));
	check(name_equal(certificate.subject, certificate.subject));
	check(name_within(certificate.subject, certificate.subject, true));
	certificate_self_issued(&certificate);
	constraints_check(&certificate, &certificate, &work);
	policies_init(&policies, &certificate);
	policies_step(&policies, &certificate, false);
	policies_step(&policies, &certificate, true);
	try_roles(&certificate);
	try_role_function(&certificate);
	try_hosts(&certificate);
	return 0;
}
