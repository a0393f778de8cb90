/* prometheus.h - the metrics as text that Prometheus reads: upstream's names
 * as upstream has them, with a word of help, and our own.  Pure but for what it
 * asks /proc of this process.
 * Not here: the listener, small_server.h. */
#ifndef OBSERVE_PROMETHEUS_H
#define OBSERVE_PROMETHEUS_H

#include <stdint.h>

#include "metrics.h"
#include "text.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What is known when it is asked for. */
struct prometheus_now {
	uint64_t clients;
	uint64_t log_dropped;
	const char *policy; /* its hash, or "" */
	const char *version;
	uint64_t loaded;  /* when the policy was, in seconds since 1970 */
	uint64_t started; /* the same of the process */
	bool draining;
};

void prometheus_write(struct text *out, struct metrics_registry *registry,
		      const struct prometheus_now *now);

/* When a certificate, or the CRL of CRL_ISSUER, stops being good, AT in seconds
 * since 1970.  CRL_ISSUER NULL: our certificate.  FIRST: no CRL was before. */
void prometheus_put_expiry(struct text *out, const char *crl_issuer,
			   uint64_t at, bool first);

/* VALUE between the quotes of a label (escaped). */
void prometheus_put_value(struct text *out, const char *value);

#endif
