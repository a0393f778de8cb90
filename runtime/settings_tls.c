/* settings_tls.c - the setters of TLS, with clients and with servers.  Not
 * here: reading those files, and which of them go together;
 * runtime/tls/context.c. */
#include "settings-internal.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/tls/crypto.h"
#include "runtime/tls/role.h"

_Static_assert(ROLE_WHY_MAX <= SETTINGS_WHY_MAX, "who is called may fill it");

static bool add_file(char ***list, size_t *count, const char *text, char *why)
{
	char **all, *copy;

	if (*text == '\0')
		return setting_refuse(why, "an empty file name");
	all = reallocarray(*list, *count + 1, sizeof(*all));
	if (all == NULL)
		return setting_refuse(why, "out of memory");
	*list = all;
	copy = strdup(text);
	if (copy == NULL)
		return setting_refuse(why, "out of memory");
	all[(*count)++] = copy;
	return true;
}

static void free_list(char ***list, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		free((*list)[i]);
	free(*list);
	*list = NULL;
	*count = 0;
}

/* The first is CERT_FILE, which is there if and only if we speak TLS. */
static bool add_bundle(struct settings *settings, const char *text, char *why)
{
	struct tls_options *tls = &settings->tls;

	if (tls->cert_file != NULL)
		return add_file(&tls->more_bundles, &tls->more_count, text,
				why);
	if (*text == '\0')
		return setting_refuse(why, "an empty file name");
	return setting_optional(&tls->cert_file, text, why);
}

bool set_cert_file(struct settings *settings, const char *text, char *why)
{
	if (settings->bundles_from == BUNDLES_LISTED)
		return setting_refuse(why, "give cert_file or bundle_files, "
					   "not both");
	settings->bundles_from = BUNDLES_SINGLE;
	return setting_optional(&settings->tls.cert_file, text, why);
}

bool set_key_file(struct settings *settings, const char *text, char *why)
{
	if (settings->bundles_from == BUNDLES_LISTED)
		return setting_refuse(why, "key_file goes with cert_file; a "
					   "bundle has its key in it");
	settings->bundles_from = BUNDLES_SINGLE;
	return setting_optional(&settings->tls.key_file, text, why);
}

bool set_bundle_files(struct settings *settings, const char *text, char *why)
{
	if (settings->bundles_from == BUNDLES_SINGLE)
		return setting_refuse(why, "give cert_file or bundle_files, "
					   "not both");
	settings->bundles_from = BUNDLES_LISTED;
	return add_bundle(settings, text, why);
}

/* Whatever the configuration file says. */
bool set_bundle(struct settings *settings, const char *text, char *why)
{
	struct tls_options *tls = &settings->tls;

	if (settings->bundles_from != BUNDLES_GIVEN) {
		free_list(&tls->more_bundles, &tls->more_count);
		setting_optional(&tls->cert_file, "", why);
		setting_optional(&tls->key_file, "", why);
		settings->bundles_from = BUNDLES_GIVEN;
	}
	/* an empty text is upstream's way to say "none" */
	return *text == '\0' || add_bundle(settings, text, why);
}

bool set_ca_file(struct settings *settings, const char *text, char *why)
{
	return add_file(&settings->tls.ca_files, &settings->tls.ca_count, text,
			why);
}

bool set_crl_file(struct settings *settings, const char *text, char *why)
{
	return add_file(&settings->tls.crl_files, &settings->tls.crl_count,
			text, why);
}

bool set_crl_grace(struct settings *settings, const char *text, char *why)
{
	return settings_duration(text, &settings->tls.crl_grace_ms, why);
}

bool set_require_client_cert(struct settings *settings, const char *text,
			     char *why)
{
	return setting_bool(&settings->tls.require_client_cert, text, why);
}

bool set_crypto(struct settings *settings, const char *text, char *why)
{
	for (unsigned i = 0; i < CRYPTO_COUNT; i++)
		if (strcmp(text, crypto_name((enum crypto)i)) == 0) {
			settings->crypto = (enum crypto)i;
			return true;
		}
	return setting_refuse(why, "'%s' is neither nettle nor stock", text);
}

bool set_role_from(struct settings *settings, const char *text, char *why)
{
	struct role_spec spec;

	if (!role_spec_parse(text, &spec, why))
		return false;
	role_spec_fini(&spec);
	return setting_optional(&settings->tls.role_from, text, why);
}

bool set_origin_ca(struct settings *settings, const char *text, char *why)
{
	return setting_optional(&settings->origin_ca_file, text, why);
}

bool set_mitm_cert_file(struct settings *settings, const char *text, char *why)
{
	return setting_optional(&settings->mitm_cert_file, text, why);
}

bool set_mitm_key_file(struct settings *settings, const char *text, char *why)
{
	return setting_optional(&settings->mitm_key_file, text, why);
}

void settings_free_tls(struct settings *settings)
{
	free(settings->tls.cert_file);
	free(settings->tls.key_file);
	free(settings->tls.role_from);
	free_list(&settings->tls.more_bundles, &settings->tls.more_count);
	free_list(&settings->tls.ca_files, &settings->tls.ca_count);
	free_list(&settings->tls.crl_files, &settings->tls.crl_count);
	settings->tls = (struct tls_options){0};
	free(settings->origin_ca_file);
	settings->origin_ca_file = NULL;
	free(settings->mitm_cert_file);
	free(settings->mitm_key_file);
	settings->mitm_cert_file = NULL;
	settings->mitm_key_file = NULL;
}
