/* settings_proxies.c - upstream proxies.  Their URLs may hold passwords, so
 * that no message repeats one. */
#include "settings-internal.h"

#include <stdlib.h>

static void free_proxy(struct proxy_address **slot)
{
	if (*slot != NULL)
		proxy_address_fini(*slot);
	free(*slot);
	*slot = NULL;
}

/* An empty TEXT is none. */
static bool set_proxy(struct proxy_address **slot, const char *text, char *why)
{
	enum proxy_address_error error;

	free_proxy(slot);
	if (*text == '\0')
		return true;
	*slot = calloc(1, sizeof(**slot));
	if (*slot == NULL)
		return setting_refuse(why, "out of memory");
	error = proxy_address_parse(str_from(text), *slot);
	if (error != PROXY_ADDRESS_OK)
		return setting_refuse(why, "the upstream proxy's address: %s",
				      proxy_address_error_text(error));
	return true;
}

bool set_http_proxy(struct settings *settings, const char *text, char *why)
{
	return set_proxy(&settings->http_proxy, text, why);
}

bool set_https_proxy(struct settings *settings, const char *text, char *why)
{
	return set_proxy(&settings->https_proxy, text, why);
}

void settings_free_proxies(struct settings *settings)
{
	free_proxy(&settings->http_proxy);
	free_proxy(&settings->https_proxy);
}
