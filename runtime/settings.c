/* settings.c - see settings.h.  The value of each kind of setting is read here,
 * strictly, with upstream's words where upstream has an error for it. */
#include "settings.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings-internal.h"

/* short, since every setter has some */
#define refuse setting_refuse

#define DEFAULT_PORT 4750
#define DEFAULT_CONNECT_MS 10000
#define DEFAULT_HEAD_MS 10000
#define DEFAULT_BODY_MS 300000
#define DEFAULT_DNS_MS 5000
#define DEFAULT_EXIT_MS (500u * 60 * 1000)
#define DEFAULT_DENY_STATUS 407
#define DEFAULT_PROMETHEUS_PORT 9810
#define DEFAULT_STATS_MODE 0700

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.listen_port = DEFAULT_PORT,
		.deny_status = DEFAULT_DENY_STATUS,
		.connect_timeout_ms = DEFAULT_CONNECT_MS,
		.head_timeout_ms = DEFAULT_HEAD_MS,
		.read_timeout_ms = DEFAULT_BODY_MS,
		.write_timeout_ms = DEFAULT_BODY_MS,
		.exit_timeout_ms = DEFAULT_EXIT_MS,
		.resolver = {.timeout_ms = DEFAULT_DNS_MS},
		.prometheus_port = DEFAULT_PROMETHEUS_PORT,
		.stats_socket_mode = DEFAULT_STATS_MODE,
	};
}

void settings_fini(struct settings *settings)
{
	free(settings->config_file);
	free(settings->listen_ip);
	free(settings->acl_file);
	free(settings->handover_socket);
	settings_free_proxies(settings);
	free(settings->deny_extra);
	free(settings->rules);
	free(settings->statsd_address);
	free(settings->prometheus_endpoint);
	free(settings->prometheus_ip);
	free(settings->stats_socket_dir);
	free(settings->proxy_trust);
	settings_free_tls(settings);
	*settings = (struct settings){0};
}

bool setting_refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SETTINGS_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

/* --- kinds of values --- */

static bool set_string(char **slot, const char *text, char *why)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return refuse(why, "out of memory");
	free(*slot);
	*slot = copy;
	return true;
}

bool setting_optional(char **slot, const char *text, char *why)
{
	if (*text != '\0')
		return set_string(slot, text, why);
	free(*slot);
	*slot = NULL;
	return true;
}

bool setting_bool(bool *slot, const char *text, char *why)
{
	if (strcmp(text, "true") == 0)
		*slot = true;
	else if (strcmp(text, "false") == 0)
		*slot = false;
	else
		return refuse(why, "'%s' is neither true nor false", text);
	return true;
}

bool setting_unsigned(const char *text, unsigned limit, unsigned *out)
{
	unsigned value = 0;

	if (*text == '\0')
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' ||
		    __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)(*p - '0'), &value))
			return false;
	}
	if (value > limit)
		return false;
	*out = value;
	return true;
}

static bool add_rule(struct settings *settings, const struct range_rule *rule,
		     char *why)
{
	/* start-up only, and lists are short: growing by one is enough */
	struct range_rule *rules = reallocarray(
		settings->rules, settings->rule_count + 1, sizeof(*rules));

	if (rules == NULL)
		return refuse(why, "out of memory");
	rules[settings->rule_count++] = *rule;
	settings->rules = rules;
	return true;
}

static bool add_range(struct settings *settings, const char *text,
		      enum range_action action, char *why)
{
	struct range_rule rule = {.action = (uint8_t)action};

	if (!addr_parse_cidr(str_from(text), &rule.prefix))
		return refuse(why, "invalid CIDR address: %s", text);
	return add_rule(settings, &rule, why);
}

static bool add_address(struct settings *settings, const char *text,
			enum range_action action, char *why)
{
	struct range_rule rule = {.action = (uint8_t)action,
				  .prefix.length = 128};
	const char *colon = strrchr(text, ':');
	const char *port = colon != NULL ? colon + 1 : "";

	switch (addr_parse_endpoint(str_from(text), &rule.prefix.addr,
				    &rule.port)) {
	case ENDPOINT_OK:
		return add_rule(settings, &rule, why);
	case ENDPOINT_PORT:
		return refuse(why, "invalid port number '%s'", port);
	case ENDPOINT_IP:
		return refuse(why, "invalid IP address '%s'", text);
	case ENDPOINT_FORM:
		break;
	}
	return refuse(why, "address must be in the form ip[:port], got %s",
		      text);
}

static bool add_server(struct settings *settings, const char *text, char *why)
{
	struct resolver_options *resolver = &settings->resolver;
	struct resolver_server server = {.port = 0};

	if (addr_parse_endpoint(str_from(text), &server.addr, &server.port) !=
	    ENDPOINT_OK)
		return refuse(why,
			      "'%s' is not the address of a resolver; write "
			      "IP:PORT",
			      text);
	if (server.port == 0)
		return refuse(why, "address %s: missing port in address", text);
	if (resolver->server_count == RESOLVER_MAX_SERVERS)
		return refuse(why, "more than %d resolver addresses",
			      RESOLVER_MAX_SERVERS);
	resolver->servers[resolver->server_count++] = server;
	return true;
}

/* --- one function a setting --- */

/* NAME's text or flag goes to FIELD through SETTER. */
#define SETTER(name, call)                                                     \
	static bool set_##name(struct settings *settings, const char *text,    \
			       char *why)                                      \
	{                                                                      \
		return call;                                                   \
	}

SETTER(config_file, set_string(&settings->config_file, text, why))
SETTER(listen_ip, setting_optional(&settings->listen_ip, text, why))
SETTER(watch, setting_bool(&settings->watch, text, why))
SETTER(handover_socket, setting_optional(&settings->handover_socket, text, why))
SETTER(acl_file, setting_optional(&settings->acl_file, text, why))
SETTER(allow_missing_role,
       setting_bool(&settings->allow_missing_role, text, why))
SETTER(unsafe_private, setting_bool(&settings->ranges.allow_private, text, why))
SETTER(check_config, setting_bool(&settings->check_config, text, why))
SETTER(help, setting_bool(&settings->help, text, why))
SETTER(version, setting_bool(&settings->version, text, why))
SETTER(deny_range, add_range(settings, text, RANGE_DENY, why))
SETTER(allow_range, add_range(settings, text, RANGE_ALLOW, why))
SETTER(deny_address, add_address(settings, text, RANGE_DENY, why))
SETTER(allow_address, add_address(settings, text, RANGE_ALLOW, why))
SETTER(resolver_address, add_server(settings, text, why))
SETTER(connect_timeout,
       settings_duration(text, &settings->connect_timeout_ms, why))
SETTER(idle_timeout, settings_duration(text, &settings->idle_timeout_ms, why))
SETTER(exit_timeout, settings_duration(text, &settings->exit_timeout_ms, why))
SETTER(max_duration,
       settings_duration(text, &settings->max_tunnel_duration_ms, why))

SETTER(statsd_address, setting_optional(&settings->statsd_address, text, why))
SETTER(prometheus, setting_bool(&settings->prometheus, text, why))
SETTER(prometheus_ip, setting_optional(&settings->prometheus_ip, text, why))
SETTER(stats_socket_dir,
       setting_optional(&settings->stats_socket_dir, text, why))
SETTER(proxy_protocol, setting_bool(&settings->proxy_protocol, text, why))
SETTER(time_connect, setting_bool(&settings->time_connect, text, why))

static bool set_prometheus_endpoint(struct settings *settings, const char *text,
				    char *why)
{
	/* an empty one is the default's, as it is upstream */
	if (*text != '\0' && *text != '/')
		return refuse(why, "'%s' is no path: it begins with no '/'",
			      text);
	return setting_optional(&settings->prometheus_endpoint, text, why);
}

static bool set_prometheus_port(struct settings *settings, const char *text,
				char *why)
{
	unsigned port;

	if (!setting_unsigned(text, UINT16_MAX, &port))
		return refuse(why, "'%s' is not a port", text);
	settings->prometheus_port = (uint16_t)port;
	return true;
}

/* Octal, as chmod(1) takes it: "700", "0700". */
static bool set_stats_socket_mode(struct settings *settings, const char *text,
				  char *why)
{
	unsigned mode = 0;

	if (*text == '\0')
		return true;
	if (strlen(text) > 4 || strspn(text, "01234567") != strlen(text))
		return refuse(why, "'%s' is no octal file mode from 0 to 777",
			      text);
	for (const char *p = text; *p != '\0'; p++)
		mode = mode * 8 + (unsigned)(*p - '0');
	if (mode > 0777)
		return refuse(why, "'%s' is no octal file mode from 0 to 777",
			      text);
	settings->stats_socket_mode = mode;
	return true;
}

static bool set_proxy_trust(struct settings *settings, const char *text,
			    char *why)
{
	struct addr_prefix prefix, *all;

	if (!addr_parse_cidr(str_from(text), &prefix))
		return refuse(why, "invalid CIDR address: %s", text);
	all = reallocarray(settings->proxy_trust,
			   settings->proxy_trust_count + 1, sizeof(*all));
	if (all == NULL)
		return refuse(why, "out of memory");
	all[settings->proxy_trust_count++] = prefix;
	settings->proxy_trust = all;
	return true;
}

static bool set_deny_extra(struct settings *settings, const char *text,
			   char *why)
{
	if (strlen(text) > SETTINGS_EXTRA_MAX)
		return refuse(why, "longer than %d bytes", SETTINGS_EXTRA_MAX);
	return setting_optional(&settings->deny_extra, text, why);
}

static bool set_count(unsigned *slot, const char *text, char *why)
{
	if (!setting_unsigned(text, INT_MAX, slot))
		return refuse(why, "'%s' is not a number from 0 to %d", text,
			      INT_MAX);
	return true;
}

SETTER(max_idle_conns, set_count(&settings->max_idle_conns, text, why))
SETTER(max_idle_conns_per_host,
       set_count(&settings->max_idle_conns_per_host, text, why))

/* 0 keeps the default, as upstream does. */
static bool set_timeout(unsigned *slot, unsigned otherwise, const char *text,
			char *why)
{
	unsigned ms = 0;

	if (!settings_duration(text, &ms, why))
		return false;
	*slot = ms != 0 ? ms : otherwise;
	return true;
}

SETTER(head_timeout,
       set_timeout(&settings->head_timeout_ms, DEFAULT_HEAD_MS, text, why))
SETTER(read_timeout,
       set_timeout(&settings->read_timeout_ms, DEFAULT_BODY_MS, text, why))
SETTER(write_timeout,
       set_timeout(&settings->write_timeout_ms, DEFAULT_BODY_MS, text, why))
SETTER(dns_timeout,
       set_timeout(&settings->resolver.timeout_ms, DEFAULT_DNS_MS, text, why))

static bool set_port(struct settings *settings, const char *text, char *why)
{
	unsigned port = 0;

	if (!setting_unsigned(text, UINT16_MAX, &port))
		return refuse(why, "Invalid listen-port: %s", text);
	settings->listen_port = (uint16_t)port;
	return true;
}

static bool set_workers(struct settings *settings, const char *text, char *why)
{
	if (!setting_unsigned(text, SETTINGS_MAX_WORKERS, &settings->workers))
		return refuse(why, "'%s' is not a number from 0 to %d", text,
			      SETTINGS_MAX_WORKERS);
	return true;
}

static bool set_network(struct settings *settings, const char *text, char *why)
{
	if (strcmp(text, "ip") == 0)
		settings->resolver.network = NETWORK_IP;
	else if (strcmp(text, "ip4") == 0)
		settings->resolver.network = NETWORK_IP4;
	else if (strcmp(text, "ip6") == 0)
		settings->resolver.network = NETWORK_IP6;
	else
		return refuse(why, "invalid network type: %s", text);
	return true;
}

static bool set_disabled(struct settings *settings, const char *text, char *why)
{
	if (strcmp(text, "open") == 0)
		settings->disabled_action[RULE_OPEN] = true;
	else if (strcmp(text, "report") == 0)
		settings->disabled_action[RULE_REPORT] = true;
	else if (strcmp(text, "enforce") == 0)
		settings->disabled_action[RULE_ENFORCE] = true;
	else
		return refuse(why, "unknown action %s", text);
	return true;
}

static bool set_deny_status(struct settings *settings, const char *text,
			    char *why)
{
	if (strcmp(text, "407") == 0)
		settings->deny_status = 407;
	else if (strcmp(text, "403") == 0)
		settings->deny_status = 403;
	else
		return refuse(why, "'%s' is neither 407 nor 403", text);
	return true;
}

static bool set_deny_detail(struct settings *settings, const char *text,
			    char *why)
{
	if (strcmp(text, "none") == 0)
		settings->deny_detail = DETAIL_NONE;
	else if (strcmp(text, "class") == 0)
		settings->deny_detail = DETAIL_CLASS;
	else if (strcmp(text, "full") == 0)
		settings->deny_detail = DETAIL_FULL;
	else
		return refuse(why, "'%s' is none of none, class, full", text);
	return true;
}

static bool set_mixed(struct settings *settings, const char *text, char *why)
{
	if (strcmp(text, "skip") == 0)
		settings->mixed_answers = MIXED_SKIP;
	else if (strcmp(text, "refuse") == 0)
		settings->mixed_answers = MIXED_REFUSE;
	else
		return refuse(why, "'%s' is neither skip nor refuse", text);
	return true;
}

static bool set_nat64(struct settings *settings, const char *text, char *why)
{
	struct addr_prefix prefix;
	const char *wrong;

	if (!addr_parse_cidr(str_from(text), &prefix))
		return refuse(why, "invalid CIDR address: %s", text);
	wrong = ranges_add_nat64(&settings->ranges, &prefix);
	return wrong == NULL || refuse(why, "%s: %s", wrong, text);
}

/* --- the table --- */

const struct setting settings_table[] = {
	{"help", NULL, SETTING_BOOL, NULL, "Show this help and exit", set_help},
	{"version", NULL, SETTING_BOOL, NULL, "Show the version and exit",
	 set_version},
	{"check-config", NULL, SETTING_BOOL, NULL,
	 "Load everything, print what is in force and exit", set_check_config},
	{"config-file", NULL, SETTING_STRING, "FILE",
	 "Load configuration from FILE; flags override or extend it",
	 set_config_file},
	{"listen-ip", "ip", SETTING_STRING, "IP",
	 "Listen on IP (default: any with an ACL, 127.0.0.1 without)",
	 set_listen_ip},
	{"listen-port", "port", SETTING_NUMBER, "PORT",
	 "Listen on PORT (default: 4750; 0: any free one)", set_port},
	{"timeout", "connect_timeout", SETTING_DURATION, "DURATION",
	 "Give up connecting after DURATION (default: 10s; 0: never)",
	 set_connect_timeout},
	{"deny-range", "deny_ranges", SETTING_LIST, "RANGE",
	 "Deny destinations in RANGE, in CIDR notation", set_deny_range},
	{"allow-range", "allow_ranges", SETTING_LIST, "RANGE",
	 "Allow destinations in RANGE, in CIDR notation", set_allow_range},
	{"deny-address", "deny_addresses", SETTING_LIST, "ADDRESS",
	 "Deny the destination IP[:PORT]", set_deny_address},
	{"allow-address", "allow_addresses", SETTING_LIST, "ADDRESS",
	 "Allow the destination IP[:PORT]", set_allow_address},
	{"egress-acl-file", "acl_file", SETTING_STRING, "FILE",
	 "Decide by the policy in FILE, compiled by smokescreenc",
	 set_acl_file},
	{"watch", "watch", SETTING_BOOL, NULL,
	 "Load policy and TLS files again whenever one is another", set_watch},
	{"handover-socket", "handover_socket", SETTING_STRING, "PATH",
	 "Take listening sockets over from a predecessor at PATH",
	 set_handover_socket},
	{"resolver-address", "resolver_addresses", SETTING_LIST, "ADDRESS",
	 "Resolve with the DNS server IP:PORT, not the system's",
	 set_resolver_address},
	{"additional-error-message-on-deny", "deny_message_extra",
	 SETTING_STRING, "MESSAGE", "Append MESSAGE to every error",
	 set_deny_extra},
	{"disable-acl-policy-action", NULL, SETTING_LIST, "ACTION",
	 "Refuse policies with a rule of ACTION open, report or enforce",
	 set_disabled},
	{"unsafe-allow-private-ranges", "unsafe_allow_private_ranges",
	 SETTING_BOOL, NULL, "Allow private ranges (RFC 1918, fc00::/7)",
	 set_unsafe_private},
	{"upstream-http-proxy-addr", "upstream_http_proxy_addr", SETTING_STRING,
	 "URL", "Ask for http:// URLs by way of the HTTP proxy at URL",
	 set_http_proxy},
	{"upstream-https-proxy-addr", "upstream_https_proxy_addr",
	 SETTING_STRING, "URL", "Open tunnels by way of the HTTP proxy at URL",
	 set_https_proxy},
	{"dns-timeout", "dns_timeout", SETTING_DURATION, "DURATION",
	 "Give up a lookup after DURATION (default: 5s)", set_dns_timeout},
	{"workers", "workers", SETTING_NUMBER, "N",
	 "Run N event loops (default: 0, one per processor)", set_workers},
	{"deny-status", "deny_status", SETTING_NUMBER, "STATUS",
	 "Answer denials with STATUS 407 (the default) or 403",
	 set_deny_status},
	{"deny-detail", "deny_detail", SETTING_STRING, "DETAIL",
	 "Tell clients none, class (the default) or full", set_deny_detail},
	{"mixed-answers", "mixed_answers", SETTING_STRING, "HOW",
	 "Of a name with denied addresses: skip (default) or refuse",
	 set_mixed},
	{"nat64-prefix", "nat64_prefix", SETTING_LIST, "PREFIX",
	 "Judge addresses in the IPv6 PREFIX by the IPv4 address inside",
	 set_nat64},
	{"max-concurrent-requests", "max_concurrent_requests", SETTING_INTEGER,
	 "N", "Answer 503 beyond N requests at once (default: 0, any number)",
	 set_max_requests},
	{"max-request-rate", "max_request_rate", SETTING_FLOAT, "R",
	 "Answer 429 beyond R requests a second (default: 0, any number)",
	 set_max_rate},
	{"max-request-burst", "max_request_burst", SETTING_INTEGER, "N",
	 "Let N requests through at once (default: twice the rate)",
	 set_max_burst},
	{"max-concurrent-connect-tunnels", "max_concurrent_connect_tunnels",
	 SETTING_INTEGER, "N",
	 "Answer 429 beyond N tunnels (default: 0, any number)",
	 set_max_tunnels},
	{"max-tunnel-duration", "max_tunnel_duration", SETTING_DURATION,
	 "DURATION", "Close tunnels after DURATION (default: 0, never)",
	 set_max_duration},
	{"statsd-address", "statsd_address", SETTING_STRING, "ADDRESS",
	 "Send metrics to the DogStatsD server HOST:PORT", set_statsd_address},
	{"expose-prometheus-metrics", "expose_prometheus_metrics", SETTING_BOOL,
	 NULL, "Serve metrics to Prometheus", set_prometheus},
	{"prometheus-endpoint", "prometheus_endpoint", SETTING_STRING, "PATH",
	 "Serve them under PATH (default: /metrics)", set_prometheus_endpoint},
	{"prometheus-listen-ip", "prometheus_listen_ip", SETTING_STRING, "IP",
	 "Serve them on IP (default: 0.0.0.0)", set_prometheus_ip},
	{"prometheus-port", "prometheus_port", SETTING_STRING, "PORT",
	 "Serve them on PORT (default: 9810; 0: any free one)",
	 set_prometheus_port},
	{"stats-socket-dir", "stats_socket_dir", SETTING_STRING, "DIR",
	 "Tell of open tunnels on the socket DIR/track-PID.sock",
	 set_stats_socket_dir},
	{"stats-socket-file-mode", "stats_socket_file_mode", SETTING_STRING,
	 "MODE", "Give that socket the octal MODE (default: 700)",
	 set_stats_socket_mode},
	{"proxy-protocol", "support_proxy_protocol", SETTING_BOOL, NULL,
	 "Require a PROXY protocol header, version 1 or 2", set_proxy_protocol},
	{"proxy-protocol-trust", "proxy_protocol_trust", SETTING_LIST, "RANGE",
	 "Believe such headers from RANGE only, in CIDR notation",
	 set_proxy_trust},
	{"tls-server-bundle-file", NULL, SETTING_LIST, "FILE",
	 "Speak TLS with the certificates and the key in FILE (PEM)",
	 set_bundle},
	{"tls-client-ca-file", "tls.client_ca_files", SETTING_LIST, "FILE",
	 "Give roles to clients with a certificate of a CA in FILE",
	 set_ca_file},
	{"tls-crl-file", "tls.crl_files", SETTING_LIST, "FILE",
	 "Refuse client certificates that are revoked by a CRL in FILE",
	 set_crl_file},
	{"tls-crl-grace", "tls_crl_grace", SETTING_DURATION, "DURATION",
	 "Heed a CRL for DURATION past its next update (default: 0)",
	 set_crl_grace},
	{"crypto", "crypto", SETTING_STRING, "BY",
	 "Compute curves and RSA by nettle (the default) or stock, BearSSL",
	 set_crypto},
	{"require-client-cert", "require_client_cert", SETTING_BOOL, NULL,
	 "Refuse clients that show no certificate", set_require_client_cert},
	{"role-from", "role_from", SETTING_STRING, "SPEC",
	 "Take a client's role from SPEC of its certificate (default: cn)",
	 set_role_from},
	{NULL, "tls.bundle_files", SETTING_LIST, NULL, NULL, set_bundle_files},
	{"origin-ca-file", "origin_ca_file", SETTING_STRING, "FILE",
	 "Trust servers by the CAs in FILE (default: by the system's)",
	 set_origin_ca},
	{NULL, "tls.cert_file", SETTING_STRING, NULL, NULL, set_cert_file},
	{NULL, "tls.key_file", SETTING_STRING, NULL, NULL, set_key_file},
	{NULL, "mitm_ca_cert_file", SETTING_STRING, NULL, NULL,
	 set_mitm_cert_file},
	{NULL, "mitm_ca_key_file", SETTING_STRING, NULL, NULL,
	 set_mitm_key_file},
	{NULL, "time_connect", SETTING_BOOL, NULL, NULL, set_time_connect},
	{NULL, "allow_missing_role", SETTING_BOOL, NULL, NULL,
	 set_allow_missing_role},
	{NULL, "network", SETTING_STRING, NULL, NULL, set_network},
	{NULL, "idle_timeout", SETTING_DURATION, NULL, NULL, set_idle_timeout},
	{NULL, "exit_timeout", SETTING_DURATION, NULL, NULL, set_exit_timeout},
	{NULL, "read_header_timeout", SETTING_DURATION, NULL, NULL,
	 set_head_timeout},
	{NULL, "read_timeout", SETTING_DURATION, NULL, NULL, set_read_timeout},
	{NULL, "write_timeout", SETTING_DURATION, NULL, NULL,
	 set_write_timeout},
	{NULL, "transport_max_idle_conns", SETTING_NUMBER, NULL, NULL,
	 set_max_idle_conns},
	{NULL, "transport_max_idle_conns_per_host", SETTING_NUMBER, NULL, NULL,
	 set_max_idle_conns_per_host},
};
const size_t settings_count =
	sizeof(settings_table) / sizeof(settings_table[0]);
