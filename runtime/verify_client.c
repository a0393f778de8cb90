/* verify_client.c - see verify_client.h.  Not here: any judgement; that is
 * runtime/tls/. */
#include "verify_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/tls/chain.h"
#include "runtime/tls/pki_file.h"
#include "runtime/tls/role.h"

#define MAX_FILES 64 /* --ca and --crl, of each */
#define MAX_CHAIN_FILE (1u << 20)
#define WHY_MAX 1024

_Static_assert(WHY_MAX >= ANCHORS_WHY_MAX && WHY_MAX >= CRL_WHY_MAX &&
		       WHY_MAX >= ROLE_WHY_MAX,
	       "who is called may fill it");

struct arguments {
	const char *cas[MAX_FILES];
	size_t ca_count;
	const char *crls[MAX_FILES];
	size_t crl_count;
	const char *role_from;
	const char *chain;
	int64_t at;
	int64_t grace;
};

/* What a run works with. */
struct world {
	struct arguments arguments;
	struct anchors anchors;
	struct crl_set crls;
	struct role_spec spec;
	struct pki_file file;
	struct bytes der[CHAIN_MAX_CERTIFICATES + 1]; /* one more to complain */
	size_t count;
	char why[WHY_MAX];
};

static int complain(const char *why)
{
	fprintf(stderr, "smokescreen: %s\n", why);
	return 1;
}

/* --- arguments --- */

static bool is_flag(const char *word, const char *name)
{
	if (*word++ != '-')
		return false;
	if (*word == '-')
		word++;
	return strcmp(word, name) == 0;
}

bool verify_client_wanted(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return false;
		if (is_flag(argv[i], "verify-client"))
			return true;
	}
	return false;
}

/* What follows the seconds: a fraction, which is dropped, and UTC. */
static bool is_utc(const char *text)
{
	if (*text == '.') {
		text++;
		if (*text < '0' || *text > '9')
			return false;
		while (*text >= '0' && *text <= '9')
			text++;
	}
	return strcmp(text, "Z") == 0 || strcmp(text, "+00:00") == 0;
}

/* Seconds since 1970, or "2026-11-26T05:00:00Z" (RFC 3339). */
static bool read_time(const char *text, int64_t *out)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	uint8_t digits[14];
	size_t count = 0;
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	if (end != text && *end == '\0' && errno == 0)
		return true;
	if (strlen(text) < sizeof(shape) || !is_utc(text + sizeof(shape) - 1))
		return false;
	for (size_t i = 0; shape[i] != '\0'; i++) {
		if (shape[i] == 'd')
			digits[count++] = (uint8_t)text[i];
		else if (shape[i] != text[i])
			return false;
	}
	return der_time_from_digits(digits, out);
}

static bool add_file(const char **list, size_t *count, const char *value,
		     struct world *world)
{
	if (*count == MAX_FILES) {
		snprintf(world->why, WHY_MAX, "more than %d files of a kind",
			 MAX_FILES);
		return false;
	}
	list[(*count)++] = value;
	return true;
}

static bool take_option(struct world *world, const char *name,
			const char *value)
{
	struct arguments *arguments = &world->arguments;

	if (is_flag(name, "ca"))
		return add_file(arguments->cas, &arguments->ca_count, value,
				world);
	if (is_flag(name, "crl"))
		return add_file(arguments->crls, &arguments->crl_count, value,
				world);
	if (is_flag(name, "role-from")) {
		arguments->role_from = value;
		return true;
	}
	if (is_flag(name, "at")) {
		if (read_time(value, &arguments->at))
			return true;
		snprintf(world->why, WHY_MAX,
			 "--at: '%.64s' is neither seconds since 1970 nor a "
			 "time like 2026-11-26T05:00:00Z",
			 value);
		return false;
	}
	snprintf(world->why, WHY_MAX,
		 "--verify-client does not know %.64s: it takes --ca FILE, "
		 "--crl FILE, --role-from SPEC and --at TIME",
		 name);
	return false;
}

/* One option at ARGV[*AT], its value in the same word or the next. */
static bool take_word(struct world *world, int argc, char **argv, int *at)
{
	char name[32];
	const char *word = argv[*at];
	const char *equals = strchr(word, '=');
	size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);

	if (is_flag(word, "verify-client"))
		return true;
	snprintf(name, sizeof(name), "%.*s",
		 (int)(n < sizeof(name) ? n : sizeof(name)), word);
	if (equals != NULL)
		return take_option(world, name, equals + 1);
	if (*at + 1 == argc) {
		snprintf(world->why, WHY_MAX, "%s needs an argument", name);
		return false;
	}
	return take_option(world, name, argv[++*at]);
}

static bool read_arguments(struct world *world, int argc, char **argv)
{
	struct arguments *arguments = &world->arguments;

	arguments->role_from = ROLE_DEFAULT_SPEC;
	arguments->at = (int64_t)time(NULL);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			if (!take_word(world, argc, argv, &i))
				return false;
		} else if (arguments->chain == NULL) {
			arguments->chain = argv[i];
		} else {
			snprintf(world->why, WHY_MAX,
				 "--verify-client takes one file with the "
				 "client's certificates");
			return false;
		}
	}
	if (arguments->ca_count > 0 && arguments->chain != NULL)
		return true;
	snprintf(world->why, WHY_MAX,
		 "usage: smokescreen --verify-client --ca FILE [--crl FILE]... "
		 "[--role-from SPEC] [--at TIME] CHAIN.pem");
	return false;
}

/* --- files --- */

static bool load_anchors(struct world *world)
{
	for (size_t i = 0; i < world->arguments.ca_count; i++)
		if (!anchors_load(&world->anchors, world->arguments.cas[i],
				  world->why))
			return false;
	anchors_link(&world->anchors);
	return true;
}

static bool load_chain(struct world *world)
{
	const char *path = world->arguments.chain;
	struct pem_object object;
	enum pem_result result;

	if (!pki_file_open(&world->file, path, MAX_CHAIN_FILE, world->why,
			   WHY_MAX))
		return false;
	while ((result = pki_file_next(&world->file, &object)) == PEM_OBJECT)
		if (pki_file_is_certificate(&object) &&
		    world->count <= CHAIN_MAX_CERTIFICATES)
			world->der[world->count++] = object.body;
	if (result == PEM_ERROR)
		snprintf(world->why, WHY_MAX, "%s:%zu: %s", path,
			 world->file.pem.line, world->file.pem.why);
	else if (world->count == 0)
		snprintf(world->why, WHY_MAX, "%s: no certificate in it", path);
	return result == PEM_END && world->count > 0;
}

/* Who may have signed a CRL: the CAs.  The chain's own intermediates too, since
 * the command line has no other place for them; a list that one of those has
 * signed speaks for that one alone. */
static size_t list_issuers(const struct world *world,
			   struct certificate *presented,
			   const struct certificate **issuers)
{
	size_t count = 0;

	for (size_t i = 0; i < world->anchors.count; i++)
		issuers[count++] = &world->anchors.list[i].certificate;
	for (size_t i = 1; i < world->count; i++)
		if (certificate_read(world->der[i], &presented[i]) == TRUST_OK)
			issuers[count++] = &presented[i];
	return count;
}

static bool load_crls(struct world *world)
{
	struct certificate presented[CHAIN_MAX_CERTIFICATES + 1];
	const struct certificate **issuers =
		calloc(world->anchors.count + world->count, sizeof(*issuers));
	size_t count;
	bool ok = true;

	if (issuers == NULL) {
		snprintf(world->why, WHY_MAX, "out of memory");
		return false;
	}
	count = list_issuers(world, presented, issuers);
	for (size_t i = 0; ok && i < world->arguments.crl_count; i++)
		ok = crl_set_load(&world->crls, world->arguments.crls[i],
				  issuers, count, world->arguments.at,
				  world->why);
	free(issuers);
	return ok;
}

/* --- the verdict --- */

static int refuse(const struct world *world, const struct chain_result *result)
{
	if (result->trust == TRUST_TOO_MANY || result->trust == TRUST_TOO_BIG ||
	    result->trust == TRUST_TOO_COMPLEX)
		fprintf(stderr, "refused: %s (%s)\n", trust_text(result->trust),
			trust_name(result->trust));
	else if (result->at < world->count)
		fprintf(stderr, "refused: certificate %zu: %s (%s)\n",
			result->at + 1, trust_text(result->trust),
			trust_name(result->trust));
	else
		fprintf(stderr, "refused: the CA: %s (%s)\n",
			trust_text(result->trust), trust_name(result->trust));
	return 1;
}

static int judge(struct world *world)
{
	struct chain_request request = {.anchors = &world->anchors,
					.crls = &world->crls,
					.now = world->arguments.at};
	struct chain_result result =
		chain_check(world->der, world->count, &request);
	struct role role;

	if (result.trust == TRUST_OK)
		result.trust = role_find(&world->spec, &result.leaf, &role);
	if (result.trust != TRUST_OK)
		return refuse(world, &result);
	if (role.source == NULL) {
		fprintf(stderr,
			"no role: the certificate is good, but nothing in it "
			"is what --role-from %s asks for\n",
			world->arguments.role_from);
		return 1;
	}
	printf("%s\n", role.text);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int run(struct world *world, int argc, char **argv)
{
	if (!read_arguments(world, argc, argv))
		return complain(world->why);
	if (!role_spec_parse(world->arguments.role_from, &world->spec,
			     world->why))
		return complain(world->why);
	if (!load_anchors(world) || !load_chain(world) || !load_crls(world))
		return complain(world->why);
	return judge(world);
}

int verify_client_main(int argc, char **argv)
{
	struct world *world = calloc(1, sizeof(*world));
	int status;

	if (world == NULL)
		return complain("out of memory");
	anchors_init(&world->anchors);
	crl_set_init(&world->crls, world->arguments.grace);
	status = run(world, argc, argv);
	crl_set_fini(&world->crls);
	anchors_fini(&world->anchors);
	role_spec_fini(&world->spec);
	pki_file_close(&world->file);
	free(world);
	return status;
}
