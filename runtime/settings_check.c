/* settings_check.c - settings that are fine alone and make no sense together.
 */
#include "settings-internal.h"

#include <string.h>

#include "handover.h"
#include "watched.h"

/* see settings.h */
bool settings_check(const struct settings *settings, char *why)
{
	if (settings->max_rate > 0 && settings->has_burst &&
	    settings->max_burst <= settings->max_rate)
		return setting_refuse(why,
				      "maxRequestBurst (%u) must be greater "
				      "than maxRequestRate (%.2f); omit to use "
				      "default (2x rate)",
				      settings->max_burst, settings->max_rate);
	if (settings->watch && !watched_any(settings))
		return setting_refuse(why, "there is nothing to watch; give "
					   "--egress-acl-file or "
					   "--tls-server-bundle-file, too");
	if (settings->mitm_cert_file != NULL && settings->mitm_key_file == NULL)
		return setting_refuse(why, "mitm_ca_key_file required when "
					   "mitm_ca_cert_file is set");
	if (settings->mitm_key_file != NULL && settings->mitm_cert_file == NULL)
		return setting_refuse(why, "mitm_ca_cert_file required when "
					   "mitm_ca_key_file is set");
	if (settings->handover_socket != NULL &&
	    strlen(settings->handover_socket) > HANDOVER_PATH_MAX)
		return setting_refuse(why,
				      "the path of --handover-socket is longer "
				      "than %d bytes",
				      HANDOVER_PATH_MAX);
	return true;
}
