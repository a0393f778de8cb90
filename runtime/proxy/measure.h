/* measure.h - what a request on its way to a connection adds to the metrics:
 * one call a step, so that the way itself stays readable. */
#ifndef PROXY_MEASURE_H
#define PROXY_MEASURE_H

#include <stdbool.h>

#include "runtime/net/dial.h"
#include "runtime/net/resolver.h"

struct client;

/* The policy was not asked: no role, or one of these two. */
void measure_undecided(struct client *client, bool ipv6, bool bad_proxy);
/* The exchange's decision is there. */
void measure_decision(struct client *client);
/* The exchange's class says why an address, or all of a name's, are denied. */
void measure_denied(struct client *client);
void measure_lookup(struct client *client, enum lookup_status status);
void measure_dial(struct client *client, const struct dial_result *result);

#endif
