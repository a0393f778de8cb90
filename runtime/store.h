/* store.h - the policy in force: loaded, checked, swapped under live traffic.
 * Policies are counted: whoever decided by one holds it until it no longer
 * speaks of that decision, however many reloads later.
 * Not here: what a policy says, runtime/policy. */
#ifndef RUNTIME_STORE_H
#define RUNTIME_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/observe/metrics.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/ranges.h"
#include "runtime/tls/mint.h"
#include "runtime/tls/roots.h"
#include "settings.h"

#define STORE_WHY_MAX 16384 /* a command with two quoted paths */

struct policy {
	atomic_uint references;
	bool has_acl;     /* without one every client may go anywhere that the
			   * address table allows */
	struct blob blob; /* zeroed without an ACL */
	struct ranges ranges; /* of the blob, or built with the proxy's lists */
	void *image;          /* owned: what RANGES views, if built */
	char hash[17];        /* "policy" in logs; "" without an ACL */
	struct tls_context *tls;      /* counted; NULL: clients speak plainly */
	struct tls_roots *roots;      /* counted: whom we trust as a client */
	struct mint *mint;            /* counted; NULL: no MITM CA */
	uint64_t loaded;              /* when, in seconds since 1970 */
	struct metrics_rules counted; /* the rules' places among the metrics */
};

struct store {
	const struct settings *settings; /* borrowed */
	pthread_mutex_t lock;            /* for CURRENT */
	struct policy *current;          /* counted */
	atomic_uint generation;          /* grows with every swap, */
	unsigned judges; /* and this one when clients may be judged otherwise;
			  * under LOCK */
};

/* One thread's view of the store. */
struct store_view {
	struct policy *policy; /* counted */
	unsigned generation;
	unsigned judges;
};

/* Load the first policy.  False: WHY, of STORE_WHY_MAX bytes, says why not. */
bool store_init(struct store *store, const struct settings *settings,
		char *why);
void store_fini(struct store *store);

struct store_reload {
	char old_hash[17];
	char new_hash[17]; /* "" when the new one could not be read so far */
	char why[STORE_WHY_MAX];
};

/* Load again and swap.  False: the old policy stays, RESULT says why. */
bool store_reload(struct store *store, struct store_reload *result);

/* The policy in force, for as long as the caller's VIEW is not asked again:
 * take a reference to keep it longer.  VIEW starts zeroed and belongs to one
 * thread; a swap in another is seen at the next call. */
struct policy *store_current(struct store *store, struct store_view *view);
void store_view_fini(struct store_view *view);

/* Say what of mitm_domains is no mistake, and yet will keep somebody from
 * something. */
void policy_warn(const struct policy *policy, int64_t now, expiry_say *say,
		 void *closure);

struct policy *policy_ref(struct policy *policy);
/* Drops *POLICY's reference and sets it NULL.  NULL is allowed. */
void policy_unref(struct policy **policy);

#endif
