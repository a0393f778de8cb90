/* limits.c - see limits.h.
 * The bucket is the generic cell rate algorithm (ITU-T I.371, "virtual
 * scheduling"): one number instead of a level and a time, hence one compare and
 * swap.  It admits what a token bucket admits. */
#include "limits.h"

#include <time.h>

#include "runtime/settings.h"

/* Far enough that nobody waits for it, near enough that sums don't overflow. */
#define TICKS_MAX (UINT64_C(1) << 61)

bool slots_take(struct slots *slots)
{
	unsigned used;

	if (slots->max == 0)
		return true;
	used = atomic_load_explicit(&slots->used, memory_order_relaxed);
	/* adding first and taking back would refuse others meanwhile */
	do {
		if (used >= slots->max)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&slots->used, &used, used + 1, memory_order_relaxed,
		memory_order_relaxed));
	return true;
}

void slots_release(struct slots *slots)
{
	if (slots->max != 0)
		atomic_fetch_sub_explicit(&slots->used, 1,
					  memory_order_relaxed);
}

void bucket_init(struct bucket *bucket, double rate, unsigned burst)
{
	double ticks;

	*bucket = (struct bucket){.interval = 0};
	if (!(rate > 0))
		return;
	ticks = BUCKET_TICKS_PER_NS * 1e9 / rate;
	bucket->interval = ticks < 1                   ? 1
			   : ticks < (double)TICKS_MAX ? (uint64_t)(ticks + 0.5)
						       : TICKS_MAX;
	if (__builtin_mul_overflow(bucket->interval, (uint64_t)burst - 1,
				   &bucket->tolerance) ||
	    bucket->tolerance > TICKS_MAX)
		bucket->tolerance = TICKS_MAX;
}

bool bucket_take(struct bucket *bucket, uint64_t now_ns)
{
	uint64_t now = now_ns * BUCKET_TICKS_PER_NS, from;
	uint_fast64_t full;

	if (bucket->interval == 0)
		return true;
	full = atomic_load_explicit(&bucket->full, memory_order_relaxed);
	do {
		from = full > now ? full : now;
		if (from - now > bucket->tolerance)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&bucket->full, &full, from + bucket->interval,
		memory_order_relaxed, memory_order_relaxed));
	return true;
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void limits_init(struct limits *limits, const struct settings *settings)
{
	*limits = (struct limits){
		.requests.max = settings->max_requests,
		.tunnels.max = settings->max_tunnels,
		.began_ns = clock_ns(),
	};
	bucket_init(&limits->rate, settings->max_rate,
		    settings_burst(settings));
}

enum limits_answer limits_admit(struct limits *limits)
{
	if (limits->rate.interval != 0 &&
	    !bucket_take(&limits->rate, clock_ns() - limits->began_ns))
		return LIMITS_OVER_RATE;
	if (!slots_take(&limits->requests))
		return LIMITS_OVER_REQUESTS;
	return LIMITS_ADMITTED;
}
