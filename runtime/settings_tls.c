/* settings_tls.c - the setters of TLS, with clients and with servers.  Not
 * here: reading those files, and which of them go together;
 * runtime/tls/context.c. */
#include "settings-internal.h"

#include <stdlib.h>
#include <string.h>

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

bool set_cert_file(struct settings *settings, const char *text, char *why)
{
	return setting_optional(&settings->tls.cert_file, text, why);
}

bool set_key_file(struct settings *settings, const char *text, char *why)
{
	return setting_optional(&settings->tls.key_file, text, why);
}

/* A bundle has the key in it, too: whatever the configuration file says. */
bool set_bundle(struct settings *settings, const char *text, char *why)
{
	return set_cert_file(settings, text, why) &&
	       set_key_file(settings, "", why);
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

static void free_list(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

void settings_free_tls(struct settings *settings)
{
	free(settings->tls.cert_file);
	free(settings->tls.key_file);
	free(settings->tls.role_from);
	free_list(settings->tls.ca_files, settings->tls.ca_count);
	free_list(settings->tls.crl_files, settings->tls.crl_count);
	settings->tls = (struct tls_options){0};
	free(settings->origin_ca_file);
	settings->origin_ca_file = NULL;
}
