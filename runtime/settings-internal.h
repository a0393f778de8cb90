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

/* settings_limits.c */
bool set_max_requests(struct settings *settings, const char *text, char *why);
bool set_max_rate(struct settings *settings, const char *text, char *why);
bool set_max_burst(struct settings *settings, const char *text, char *why);
bool set_max_tunnels(struct settings *settings, const char *text, char *why);

/* settings_proxies.c */
bool set_http_proxy(struct settings *settings, const char *text, char *why);
bool set_https_proxy(struct settings *settings, const char *text, char *why);
void settings_free_proxies(struct settings *settings);

#endif
