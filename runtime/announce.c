/* announce.c - see announce.h. */
#include "announce.h"

#include <stdio.h>

#include "runtime/net/endpoint.h"

static bool default_rule_is_open(const struct blob *blob)
{
	uint32_t count = blob_rule_count(blob);

	for (uint32_t i = 0; i < count; i++) {
		struct rule_info rule;

		if (blob_rule(blob, i, &rule) && rule.is_default)
			return rule.action == RULE_OPEN;
	}
	return false;
}

/* see announce.h */
void announce_open_doors(struct log *log, const struct announcement *about)
{
	const struct policy *policy = about->policy;
	const struct tls_options *tls = &about->settings->tls;
	bool by_role = policy->has_acl && !about->settings->allow_missing_role;
	struct json *line;
	char doors[512];

	if (tls->require_client_cert ||
	    (by_role && (tls->ca_count != 0 || tls->role_by_program)))
		return;
	if (by_role) {
		log_message(log, LOG_WARNING,
			    "every request will be denied: the ACL is by role, "
			    "no client can have one without TLS and "
			    "--tls-client-ca-file, and allow_missing_role is "
			    "not set");
		return;
	}
	snprintf(doors, sizeof(doors), "%s%s%s%s",
		 tls->cert_file == NULL
			 ? "no TLS: clients are not authenticated"
		 : tls->ca_count == 0
			 ? "no client CA: clients are not authenticated"
			 : "no require_client_cert: clients need no "
			   "certificate",
		 policy->has_acl ? "; allow_missing_role: clients without a "
				   "role are served"
				 : "; no ACL: every host is allowed",
		 policy->has_acl && default_rule_is_open(&policy->blob)
			 ? "; the default rule is open"
			 : "",
		 about->settings->proxy_protocol &&
				 about->settings->proxy_trust_count == 0
			 ? "; proxy_protocol_trust: PROXY headers are believed "
			   "from anyone"
			 : "");
	line = log_begin(log, LOG_WARNING,
			 "anyone who can reach the port can use this proxy");
	json_put_text(line, "open_doors", doors);
	log_end(log);
}

/* Where we listen: the proxy's own listeners first, then the others. */
static void log_listeners(struct log *log,
			  const struct self_listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct json *line = log_begin(
			log, LOG_INFO, "Self-connection detection initialized");
		char text[ADDR_TEXT_MAX];

		addr_format(&listeners->at[i].addr, text);
		json_put_text(line, "listening_ip", text);
		json_put_unsigned(line, "listening_port",
				  listeners->at[i].port);
		log_end(log);
	}
}

/* see announce.h */
void announce_ready(struct log *log, const struct announcement *about)
{
	const struct self_listeners *listeners = about->listeners;
	char where[ENDPOINT_TEXT_MAX];
	struct json *line;

	log_listeners(log, listeners);
	observers_log(about->observers);
	if (about->settings->listen_ip == NULL &&
	    about->settings->acl_file == NULL && about->inherited == 0)
		log_message(log, LOG_WARNING,
			    "without an ACL only this machine is served: "
			    "listening on 127.0.0.1");
	endpoint_format(&listeners->at[0].addr, listeners->at[0].port, where);
	line = log_begin(log, LOG_INFO, "ready");
	json_put_text(line, "address", where);
	json_put_unsigned(line, "port", listeners->at[0].port);
	if (about->inherited != 0)
		json_put_unsigned(line, "inherited_sockets",
				  (uint64_t)about->inherited);
	json_put_unsigned(line, "workers", about->workers);
	json_put_text(line, "policy", about->policy->hash);
	json_put_text(line, "version", SMOKESCREEN_VERSION);
	log_end(log);
}
