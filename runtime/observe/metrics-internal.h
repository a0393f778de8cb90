/* metrics-internal.h - what metrics.c and metrics_walk.c share. */
#ifndef OBSERVE_METRICS_INTERNAL_H
#define OBSERVE_METRICS_INTERNAL_H

#include "metrics.h"

extern const struct metrics_family metrics_histograms[HISTOGRAM_COUNT];
extern const struct metrics_family metrics_set_histograms[SET_HISTOGRAM_COUNT];

/* The upper bounds of a histogram's buckets, rising; the last has none. */
extern const uint64_t metrics_bounds[METRICS_SCALES][METRICS_BUCKETS - 1];

#endif
