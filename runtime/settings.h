/* settings.h - everything that can be set, and the one table that says how:
 * command line flags (options.c) and keys of the configuration file (config.c)
 * are two spellings of the same rows.
 * Not here: reading either; what a setting does. */
#ifndef RUNTIME_SETTINGS_H
#define RUNTIME_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/net/proxy_address.h"
#include "runtime/net/resolver.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/ranges_build.h"
#include "runtime/tls/context.h"
#include "runtime/tls/crypto.h"

#define SETTINGS_MAX_WORKERS 256
#define SETTINGS_WHY_MAX 256
#define SETTINGS_EXTRA_MAX 4096 /* of the additional error message */

enum deny_detail { DETAIL_CLASS = 0, DETAIL_NONE, DETAIL_FULL };
enum bundles_from {
	BUNDLES_NONE = 0,
	BUNDLES_SINGLE, /* cert_file and key_file */
	BUNDLES_LISTED, /* bundle_files */
	BUNDLES_GIVEN,  /* on the command line */
};
enum mixed_answers { MIXED_SKIP = 0, MIXED_REFUSE };

struct settings {
	char *config_file; /* owned, as every pointer here; NULL: none */
	char *listen_ip;   /* NULL: see listener.h */
	uint16_t listen_port;
	char *acl_file;        /* NULL: no ACL */
	bool watch;            /* it */
	char *handover_socket; /* NULL: none */
	/* Upstream proxies for plain HTTP and for CONNECT; NULL: none. */
	struct proxy_address *http_proxy;
	struct proxy_address *https_proxy;
	bool allow_missing_role;
	bool disabled_action[RULE_OPEN + 1]; /* by enum rule_action */
	char *deny_extra;                    /* appended to every message */
	unsigned deny_status;                /* 407 or 403 */
	enum deny_detail deny_detail;
	enum mixed_answers mixed_answers;
	struct range_rule *rules; /* address lists, in the order given */
	size_t rule_count;
	struct ranges_options ranges;
	struct resolver_options resolver; /* its timeout: --dns-timeout */
	unsigned connect_timeout_ms;      /* 0: the system's patience */
	unsigned head_timeout_ms;
	unsigned read_timeout_ms;  /* of a body that does not come, */
	unsigned write_timeout_ms; /* or is not taken */
	unsigned idle_timeout_ms;  /* 0: none */
	unsigned exit_timeout_ms;
	unsigned max_idle_conns;          /* to origins; 0: ours */
	unsigned max_idle_conns_per_host; /* 0: ours */
	unsigned workers;                 /* 0: processors online */
	unsigned max_requests;            /* at once; 0: any number */
	double max_rate;                  /* requests a second; 0: any number */
	unsigned max_burst;               /* see settings_burst() */
	bool has_burst;                   /* it was given */
	unsigned max_tunnels;             /* at once; 0: any number */
	unsigned max_tunnel_duration_ms;  /* 0: none */
	char *statsd_address;             /* NULL: no statsd */
	bool prometheus;                  /* serve metrics, */
	char *prometheus_endpoint;        /* there; NULL: /metrics */
	char *prometheus_ip;              /* NULL: 0.0.0.0 */
	uint16_t prometheus_port;
	bool time_connect;      /* tell cn.atpt.connect.time */
	char *stats_socket_dir; /* NULL: no such socket */
	unsigned stats_socket_mode;
	bool proxy_protocol; /* every client begins with a PROXY header */
	struct addr_prefix *proxy_trust; /* that one of these sends, */
	size_t proxy_trust_count;        /* or anyone, if there are none */
	struct tls_options tls;          /* its strings are owned, too */
	enum bundles_from bundles_from;  /* where those in it were said */
	enum crypto crypto;              /* of the whole process */
	char *origin_ca_file; /* by what servers are judged; NULL: roots.h */
	char *mitm_cert_file; /* the CA that certificates are minted by; NULL:
			       * mitm_domains are denied */
	char *mitm_key_file;
	bool check_config;
	bool help;
	bool version;
};

void settings_init(struct settings *settings);
void settings_fini(struct settings *settings);

/* What no setting can say alone.  False: WHY says what does not go together. */
bool settings_check(const struct settings *settings, char *why);

/* How many requests may come at once when none came for long: what was given,
 * else twice the rate, at least one. */
unsigned settings_burst(const struct settings *settings);

enum setting_kind {
	SETTING_BOOL = 0,
	SETTING_STRING,
	SETTING_NUMBER,
	SETTING_INTEGER, /* may have a sign */
	SETTING_FLOAT,
	SETTING_DURATION,
	SETTING_LIST, /* each use of the flag, each item of the key, adds one */
};

struct setting {
	const char *flag; /* without dashes; NULL: a key only */
	const char *key;  /* NULL: a flag only */
	enum setting_kind kind;
	const char *argument; /* for --help: "IP:PORT"; NULL for a bool */
	const char *help;
	/* Take TEXT.  False: WHY, of SETTINGS_WHY_MAX bytes, is a message; in
	 * upstream's words where it has one. */
	bool (*set)(struct settings *settings, const char *text, char *why);
};

extern const struct setting settings_table[];
extern const size_t settings_count;

/* "1h2m3.5s", "1500ms" -> milliseconds, rounded up.  A number without a unit, a
 * negative one, or one beyond 2^31 ms is refused. */
bool settings_duration(const char *text, unsigned *ms, char *why);

#endif
