/* metrics-internal.h - what metrics.c and metrics_walk.c share. */
#ifndef OBSERVE_METRICS_INTERNAL_H
#define OBSERVE_METRICS_INTERNAL_H

#include "metrics.h"

/* The METRICS_BUCKETS - 1 upper bounds of a histogram's buckets, rising. */
const uint64_t *metrics_bounds(enum metrics_scale scale);

/* Whether the labels of COUNTER say that the default rule decided. */
bool metrics_set_counter_has_rule(enum metric_set_counter counter);

#endif
