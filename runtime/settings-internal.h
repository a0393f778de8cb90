/* settings-internal.h - setters of settings_table that live outside settings.c.
 */
#ifndef RUNTIME_SETTINGS_INTERNAL_H
#define RUNTIME_SETTINGS_INTERNAL_H

#include "settings.h"

/* WHY, of SETTINGS_WHY_MAX bytes, gets the message; false. */
__attribute__((format(printf, 2, 3))) bool
setting_refuse(char *why, const char *format, ...);

/* Digits alone, at most LIMIT. */
bool setting_unsigned(const char *text, unsigned limit, unsigned *out);

bool setting_bool(bool *slot, const char *text, char *why);
/* An empty text is upstream's way to say "none". */
bool setting_optional(char **slot, const char *text, char *why);

/* settings_limits.c */
bool set_max_requests(struct settings *settings, const char *text, char *why);
bool set_max_rate(struct settings *settings, const char *text, char *why);
bool set_max_burst(struct settings *settings, const char *text, char *why);
bool set_max_tunnels(struct settings *settings, const char *text, char *why);

/* settings_proxies.c */
bool set_http_proxy(struct settings *settings, const char *text, char *why);
bool set_https_proxy(struct settings *settings, const char *text, char *why);
void settings_free_proxies(struct settings *settings);

/* settings_tls.c */
bool set_bundle(struct settings *settings, const char *text, char *why);
bool set_bundle_files(struct settings *settings, const char *text, char *why);
bool set_cert_file(struct settings *settings, const char *text, char *why);
bool set_key_file(struct settings *settings, const char *text, char *why);
bool set_ca_file(struct settings *settings, const char *text, char *why);
bool set_crl_file(struct settings *settings, const char *text, char *why);
bool set_crl_grace(struct settings *settings, const char *text, char *why);
bool set_require_client_cert(struct settings *settings, const char *text,
			     char *why);
bool set_crypto(struct settings *settings, const char *text, char *why);
bool set_role_from(struct settings *settings, const char *text, char *why);
bool set_origin_ca(struct settings *settings, const char *text, char *why);
bool set_mitm_cert_file(struct settings *settings, const char *text, char *why);
bool set_mitm_key_file(struct settings *settings, const char *text, char *why);
void settings_free_tls(struct settings *settings);

#endif
