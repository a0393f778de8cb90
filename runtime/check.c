/* check.c - see check.h. */
#include "check.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "runtime/observe/statsd.h"
#include "runtime/proxy/listener.h"
#include "runtime/proxy/upstream.h"
#include "runtime/tls/expiry.h"
#include "store.h"

static const char *const actions[] = {
	[RULE_ENFORCE] = "enforce",
	[RULE_REPORT] = "report",
	[RULE_OPEN] = "open",
};

static void print_duration(FILE *out, const char *key, unsigned ms)
{
	if (ms == 0)
		fprintf(out, "%s: none\n", key);
	else if (ms % 60000 == 0)
		fprintf(out, "%s: %um\n", key, ms / 60000);
	else if (ms % 1000 == 0)
		fprintf(out, "%s: %us\n", key, ms / 1000);
	else
		fprintf(out, "%s: %ums\n", key, ms);
}

static void print_limit(FILE *out, const char *key, unsigned limit)
{
	if (limit == 0)
		fprintf(out, "%s: none\n", key);
	else
		fprintf(out, "%s: %u\n", key, limit);
}

static void print_limits(FILE *out, const struct settings *settings)
{
	print_limit(out, "max_concurrent_requests", settings->max_requests);
	if (settings->max_rate > 0)
		fprintf(out,
			"max_request_rate: %g\n"
			"max_request_burst: %u\n",
			settings->max_rate, settings_burst(settings));
	else
		fprintf(out, "max_request_rate: none\n");
	print_limit(out, "max_concurrent_connect_tunnels",
		    settings->max_tunnels);
	print_duration(out, "max_tunnel_duration",
		       settings->max_tunnel_duration_ms);
}

static void print_pool(FILE *out, const char *key, unsigned limit,
		       unsigned by_default)
{
	if (limit == 0)
		fprintf(out, "%s: %u for each worker\n", key, by_default);
	else
		fprintf(out, "%s: %u\n", key, limit);
}

/* Event loops, and what each keeps. */
static void print_pools(FILE *out, const struct settings *settings)
{
	if (settings->workers == 0)
		fprintf(out, "workers: one per processor\n");
	else
		fprintf(out, "workers: %u\n", settings->workers);
	print_pool(out, "transport_max_idle_conns", settings->max_idle_conns,
		   UPSTREAM_MAX_IDLE);
	print_pool(out, "transport_max_idle_conns_per_host",
		   settings->max_idle_conns_per_host,
		   UPSTREAM_MAX_IDLE_PER_HOST);
}

static void print_proxy(FILE *out, const char *key,
			const struct proxy_address *proxy)
{
	char text[PROXY_ADDRESS_TEXT_MAX];

	if (proxy == NULL)
		fprintf(out, "%s: none\n", key);
	else
		fprintf(out, "%s: %s%s\n", key,
			proxy_address_format(proxy, text),
			proxy->basic != NULL ? " # with credentials" : "");
}

static void print_rules(FILE *out, const char *key, enum range_action action,
			const struct range_rule *rules, size_t count)
{
	char text[ADDR_TEXT_MAX + 4];
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (rules[i].action != (uint8_t)action)
			continue;
		if (!any)
			fprintf(out, "%s:\n", key);
		any = true;
		addr_format_prefix(&rules[i].prefix, text);
		if (rules[i].port != 0)
			fprintf(out, "- %s port %u\n", text, rules[i].port);
		else
			fprintf(out, "- %s\n", text);
	}
	if (!any)
		fprintf(out, "%s: []\n", key);
}

static void print_resolvers(FILE *out, const struct resolver_options *resolver)
{
	char text[ADDR_TEXT_MAX];

	if (resolver->server_count == 0)
		fprintf(out, "resolver_addresses: those of the system\n");
	else
		fprintf(out, "resolver_addresses:\n");
	for (unsigned i = 0; i < resolver->server_count; i++) {
		const struct resolver_server *server = &resolver->servers[i];

		addr_format(&server->addr, text);
		fprintf(out,
			addr_is_v4(&server->addr) ? "- %s:%u\n"
						  : "- \"[%s]:%u\"\n",
			text, server->port);
	}
}

static void print_policy(FILE *out, const struct settings *settings,
			 const struct policy *policy)
{
	struct blob_info info;

	if (!policy->has_acl) {
		fprintf(out, "acl_file: none: every host is allowed\n");
		return;
	}
	blob_info(&policy->blob, &info);
	fprintf(out, "acl_file: %s\n", settings->acl_file);
	fprintf(out, "policy: %s\n", policy->hash);
	fprintf(out, "services: %u\nglobs: %" PRIu64 "\ncompiled_ranges: %u\n",
		info.services, info.globs, info.range_rules);
	for (uint32_t i = 0; i < blob_rule_count(&policy->blob); i++) {
		struct rule_info rule;

		if (blob_rule(&policy->blob, i, &rule) && rule.is_default)
			fprintf(out, "default: %s\n", actions[rule.action]);
	}
	if (!info.has_default)
		fprintf(out, "default: none: services without a rule are "
			     "denied\n");
}

static void print_observers(FILE *out, const struct settings *settings)
{
	const char *ip = settings->prometheus_ip;
	const char *path = settings->prometheus_endpoint;

	fprintf(out, "time_connect: %s\n",
		settings->time_connect ? "true" : "false");
	fprintf(out, "statsd_address: %s\n",
		settings->statsd_address != NULL ? settings->statsd_address
						 : "none");
	if (settings->prometheus)
		fprintf(out, "prometheus: http://%s:%u%s\n",
			ip != NULL ? ip : "0.0.0.0", settings->prometheus_port,
			path != NULL ? path : "/metrics");
	else
		fprintf(out, "prometheus: none\n");
	if (settings->stats_socket_dir != NULL)
		fprintf(out,
			"stats_socket_dir: %s\nstats_socket_file_mode: %03o\n",
			settings->stats_socket_dir,
			settings->stats_socket_mode);
	else
		fprintf(out, "stats_socket_dir: none\n");
}

static void print_proxy_protocol(FILE *out, const struct settings *settings)
{
	char text[ADDR_TEXT_MAX + 4];

	fprintf(out, "support_proxy_protocol: %s\n",
		settings->proxy_protocol ? "true" : "false");
	if (!settings->proxy_protocol)
		return;
	if (settings->proxy_trust_count == 0)
		fprintf(out, "proxy_protocol_trust: anyone\n");
	else
		fprintf(out, "proxy_protocol_trust:\n");
	for (size_t i = 0; i < settings->proxy_trust_count; i++) {
		addr_format_prefix(&settings->proxy_trust[i], text);
		fprintf(out, "- %s\n", text);
	}
}

static void print_files(FILE *out, const char *key, char *const *files,
			size_t count)
{
	fprintf(out, count != 0 ? "  %s:\n" : "  %s: []\n", key);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "  - %s\n", files[i]);
}

static void print_tls(FILE *out, const struct tls_options *tls)
{
	if (tls->role_by_program)
		fprintf(out, "role_from: this program\n");
	if (tls->cert_file == NULL) {
		fprintf(out, "tls: none: clients speak plain HTTP\n");
		return;
	}
	if (tls->more_count == 0)
		fprintf(out, "tls:\n  cert_file: %s\n  key_file: %s\n",
			tls->cert_file,
			tls->key_file != NULL ? tls->key_file : tls->cert_file);
	else
		fprintf(out, "tls:\n  bundle_files:\n  - %s\n", tls->cert_file);
	for (size_t i = 0; i < tls->more_count; i++)
		fprintf(out, "  - %s\n", tls->more_bundles[i]);
	print_files(out, "client_ca_files", tls->ca_files, tls->ca_count);
	print_files(out, "crl_files", tls->crl_files, tls->crl_count);
	print_duration(out, "tls_crl_grace", tls->crl_grace_ms);
	fprintf(out, "require_client_cert: %s\n",
		tls->require_client_cert ? "true" : "false");
	if (!tls->role_by_program)
		fprintf(out, "role_from: %s\n",
			tls->role_from != NULL ? tls->role_from : "cn");
}

static void print_roots(FILE *out, const struct tls_roots *roots)
{
	static const char *const sources[] = {
		[ROOTS_NONE] = "none",
		[ROOTS_GIVEN] = "given",
		[ROOTS_ENVIRONMENT] = "SSL_CERT_FILE",
		[ROOTS_SYSTEM] = "the system's",
	};
	struct roots_info info = tls_roots_info(roots);

	if (info.source == ROOTS_NONE) {
		fprintf(out, "origin_ca_file: none: no server is trusted: %s\n",
			info.why);
		return;
	}
	fprintf(out, "origin_ca_file: %s # %s, %zu certificates", info.path,
		sources[info.source], info.count);
	if (info.skipped != 0)
		fprintf(out, ", %zu skipped", info.skipped);
	fprintf(out, "\n");
}

static void print_warning(void *out, const char *text)
{
	fprintf(out, "# warning: %s\n", text);
}

static void print_settings(FILE *out, const struct settings *settings)
{
	static const char *const details[] = {
		[DETAIL_CLASS] = "class",
		[DETAIL_NONE] = "none",
		[DETAIL_FULL] = "full",
	};
	static const char *const networks[] = {
		[NETWORK_IP] = "ip",
		[NETWORK_IP4] = "ip4",
		[NETWORK_IP6] = "ip6",
	};
	const char *ip = settings->listen_ip;

	if (ip == NULL)
		ip = settings->acl_file != NULL ? "any" : "127.0.0.1";
	fprintf(out, "ip: \"%s\"\nport: %u\n", ip, settings->listen_port);
	print_duration(out, "connect_timeout", settings->connect_timeout_ms);
	print_duration(out, "dns_timeout", settings->resolver.timeout_ms);
	print_duration(out, "read_header_timeout", settings->head_timeout_ms);
	print_duration(out, "read_timeout", settings->read_timeout_ms);
	print_duration(out, "write_timeout", settings->write_timeout_ms);
	print_duration(out, "idle_timeout", settings->idle_timeout_ms);
	print_duration(out, "exit_timeout", settings->exit_timeout_ms);
	print_limits(out, settings);
	print_pools(out, settings);
	print_proxy(out, "upstream_http_proxy_addr", settings->http_proxy);
	print_proxy(out, "upstream_https_proxy_addr", settings->https_proxy);
	fprintf(out, "watch: %s\n", settings->watch ? "true" : "false");
	fprintf(out, "handover_socket: %s\n",
		settings->handover_socket != NULL ? settings->handover_socket
						  : "none");
	fprintf(out, "network: %s\n", networks[settings->resolver.network]);
	print_resolvers(out, &settings->resolver);
	fprintf(out, "allow_missing_role: %s\n",
		settings->allow_missing_role ? "true" : "false");
	fprintf(out, "unsafe_allow_private_ranges: %s\n",
		settings->ranges.allow_private ? "true" : "false");
	fprintf(out, "deny_status: %u\ndeny_detail: %s\nmixed_answers: %s\n",
		settings->deny_status, details[settings->deny_detail],
		settings->mixed_answers == MIXED_REFUSE ? "refuse" : "skip");
	if (settings->deny_extra != NULL)
		fprintf(out, "deny_message_extra: %s\n", settings->deny_extra);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (settings->disabled_action[i])
			fprintf(out, "disable_acl_policy_action: %s\n",
				actions[i]);
	fprintf(out, "crypto: %s\n", crypto_name(settings->crypto));
	print_tls(out, &settings->tls);
	fprintf(out, "mitm_ca_cert_file: %s\nmitm_ca_key_file: %s\n",
		settings->mitm_cert_file != NULL ? settings->mitm_cert_file
						 : "none",
		settings->mitm_key_file != NULL ? settings->mitm_key_file
						: "none");
	print_observers(out, settings);
	print_proxy_protocol(out, settings);
	print_rules(out, "deny", RANGE_DENY, settings->rules,
		    settings->rule_count);
	print_rules(out, "allow", RANGE_ALLOW, settings->rules,
		    settings->rule_count);
}

/* What would keep us from telling how we are. */
static bool check_observers(const struct settings *settings, char *why)
{
	const char *ip = settings->prometheus_ip;
	struct listen_address address;
	int fd;

	if (settings->prometheus && ip != NULL &&
	    !listen_address_parse(ip, settings->prometheus_port, &address, why))
		return false;
	if (settings->statsd_address == NULL)
		return true;
	fd = statsd_open(settings->statsd_address, why);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool check_config(const struct settings *settings, FILE *out, char *why)
{
	struct listen_address address;
	struct resolver *resolver;
	struct event_base *base;
	struct store store;
	const char *reason;

	if (!listen_address_parse(settings->listen_ip, settings->listen_port,
				  &address, why) ||
	    !check_observers(settings, why) ||
	    !store_init(&store, settings, why))
		return false;
	base = event_base_new();
	reason = "out of memory or descriptors";
	resolver = base != NULL
			   ? resolver_new(base, &settings->resolver, &reason)
			   : NULL;
	if (resolver == NULL) {
		snprintf(why, STORE_WHY_MAX, "%s", reason);
	} else {
		print_settings(out, settings);
		print_roots(out, store.current->roots);
		print_policy(out, settings, store.current);
		if (store.current->tls != NULL)
			expiry_warn(store.current->tls, (int64_t)time(NULL),
				    print_warning, out);
		policy_warn(store.current, (int64_t)time(NULL), print_warning,
			    out);
		resolver_free(resolver);
	}
	if (base != NULL)
		event_base_free(base);
	store_fini(&store);
	return resolver != NULL;
}
