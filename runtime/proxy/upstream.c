/* upstream.c - see upstream.h. */
#include "upstream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/store.h"

#define IDLE_MAGIC 0x69646c65u

/* A connection that waits, or is lent. */
struct idle {
	uint32_t magic;          /* IDLE_MAGIC */
	uint32_t bucket;         /* of KEY */
	event_callback_fn ready; /* NULL: it waits, and is in the pool */
	void *context;           /* borrowed, for READY */
	LIST_ENTRY(idle) link;   /* in its bucket, the latest first */
	TAILQ_ENTRY(idle) turn;  /* in the pool's queue */
	struct upstreams *pool;  /* borrowed */
	struct event event;      /* added all the time */
	struct timeout timeout;
	struct upstream upstream;
	struct upstream_key key; /* its strings are in TEXT */
	char text[];
};

static struct idle *from_context(void *context)
{
	struct idle *idle = context;

	if (idle->magic != IDLE_MAGIC)
		abort();
	return idle;
}

static struct idle *from_upstream(struct upstream *upstream)
{
	return from_context((char *)upstream - offsetof(struct idle, upstream));
}

static struct idle *from_timeout(struct timeout *timeout)
{
	return from_context((char *)timeout - offsetof(struct idle, timeout));
}

/* FNV-1a: the keys are hosts that the policy allowed, and buckets are only
 * looked through. */
static uint32_t bucket_of(const struct upstream_key *key)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < key->host.n; i++)
		hash = (hash ^ (unsigned char)key->host.p[i]) * 16777619u;
	hash = (hash ^ key->port) * 16777619u;
	return (hash ^ hash >> 16) % UPSTREAM_BUCKETS;
}

static bool same_key(const struct upstream_key *a, const struct upstream_key *b)
{
	return a->port == b->port && a->proxy == b->proxy &&
	       str_equal(a->host, b->host) && str_equal(a->scheme, b->scheme) &&
	       str_equal(a->role, b->role);
}

static void leave(struct idle *idle)
{
	timeout_disarm(&idle->timeout);
	LIST_REMOVE(idle, link);
	TAILQ_REMOVE(&idle->pool->queue, idle, turn);
	idle->pool->count--;
}

/* Its stream is left to the caller. */
static void idle_free(struct idle *idle)
{
	if (idle->ready == NULL)
		leave(idle);
	event_del(&idle->event);
	idle->magic = 0;
	free(idle);
}

static void idle_close(struct idle *idle)
{
	struct stream stream = idle->upstream.stream;

	idle_free(idle);
	stream_close(&stream);
}

static void on_event(evutil_socket_t fd, short what, void *context)
{
	struct idle *idle = from_context(context);

	if (idle->ready != NULL)
		idle->ready(fd, what, idle->context);
	else
		idle_close(idle);
}

static void on_timeout(struct timeout *timeout)
{
	idle_close(from_timeout(timeout));
}

void upstreams_init(struct upstreams *pool, struct event_base *base,
		    unsigned max, unsigned max_per_host, unsigned idle_ms)
{
	pool->base = base;
	pool->policy = NULL;
	pool->count = 0;
	pool->max = max != 0 ? max : UPSTREAM_MAX_IDLE;
	pool->max_per_host =
		max_per_host != 0 ? max_per_host : UPSTREAM_MAX_IDLE_PER_HOST;
	TAILQ_INIT(&pool->queue);
	for (uint32_t i = 0; i < UPSTREAM_BUCKETS; i++)
		LIST_INIT(&pool->buckets[i]);
	timeouts_init(&pool->timeouts, base,
		      idle_ms != 0 ? idle_ms : UPSTREAM_IDLE_MS, on_timeout);
}

static void empty(struct upstreams *pool)
{
	struct idle *idle, *next;

	for (idle = TAILQ_FIRST(&pool->queue); idle != NULL; idle = next) {
		next = TAILQ_NEXT(idle, turn);
		idle_close(idle);
	}
	policy_unref(&pool->policy);
}

void upstreams_fini(struct upstreams *pool)
{
	if (pool->base == NULL)
		return;
	empty(pool);
	timeouts_fini(&pool->timeouts);
	pool->base = NULL;
}

void upstreams_follow(struct upstreams *pool, struct policy *policy)
{
	if (pool->policy == policy)
		return;
	empty(pool);
	pool->policy = policy_ref(policy);
}

/* Nothing to be read means that it is still there.  Its event may not have been
 * looked at yet: then it is at least active, unless something came since the
 * loop has last asked, which is no more likely than that it is on its way. */
static bool is_alive(struct idle *idle, bool sure)
{
	struct stream *stream = &idle->upstream.stream;
	char byte;

	if ((idle->event.ev_evcallback.evcb_flags & EVLIST_ACTIVE) != 0)
		return false;
	if (!sure && stream->ops == &stream_plain)
		return true;
	return stream_read(stream, &byte, 1) < 0 && errno == EAGAIN;
}

static bool is_among(const struct addr *addr, const struct addr *addrs,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(addr->bytes, addrs[i].bytes, sizeof(addr->bytes)) ==
		    0)
			return true;
	return false;
}

struct upstream *upstreams_find(struct upstreams *pool, struct policy *policy,
				const struct upstream_key *key,
				const struct addr *addrs, size_t count,
				bool sure)
{
	struct idle *idle, *next;

	upstreams_follow(pool, policy);
	idle = LIST_FIRST(&pool->buckets[bucket_of(key)]);
	for (; idle != NULL; idle = next) {
		next = LIST_NEXT(idle, link);
		if (!same_key(&idle->key, key) ||
		    !is_among(&idle->upstream.remote, addrs, count))
			continue;
		if (is_alive(idle, sure))
			return &idle->upstream;
		idle_close(idle);
	}
	return NULL;
}

void upstreams_take(struct upstream *found)
{
	idle_free(from_upstream(found));
}

void upstreams_lend(struct upstream *found, event_callback_fn ready,
		    void *context)
{
	struct idle *idle = from_upstream(found);

	leave(idle);
	idle->ready = ready;
	idle->context = context;
}

static bool has_room(const struct upstreams *pool,
		     const struct upstream_key *key, uint32_t bucket)
{
	const struct idle *idle;
	unsigned count = 0;

	LIST_FOREACH(idle, &pool->buckets[bucket], link)
	count += same_key(&idle->key, key);
	return count < pool->max_per_host;
}

static struct str keep(char **p, struct str text)
{
	struct str copy = {*p, text.n};

	if (text.n != 0)
		memcpy(*p, text.p, text.n);
	*p += text.n;
	return copy;
}

static struct idle *idle_new(struct upstreams *pool,
			     const struct upstream_key *key,
			     const struct upstream *upstream)
{
	struct idle *idle = malloc(sizeof(*idle) + key->role.n + key->scheme.n +
				   key->host.n);
	char *p;

	if (idle == NULL)
		return NULL;
	p = idle->text;
	idle->magic = IDLE_MAGIC;
	idle->ready = NULL;
	idle->pool = pool;
	idle->upstream = *upstream;
	idle->timeout = (struct timeout){.queue = NULL};
	idle->key.port = key->port;
	idle->key.proxy = key->proxy;
	idle->key.role = keep(&p, key->role);
	idle->key.scheme = keep(&p, key->scheme);
	idle->key.host = keep(&p, key->host);
	return idle;
}

/* IDLE, which is in no pool and has its event, waits from here on. */
static void enter(struct upstreams *pool, struct idle *idle)
{
	if (pool->count >= pool->max)
		idle_close(TAILQ_FIRST(&pool->queue));
	idle->ready = NULL;
	LIST_INSERT_HEAD(&pool->buckets[idle->bucket], idle, link);
	TAILQ_INSERT_TAIL(&pool->queue, idle, turn);
	pool->count++;
	timeout_arm(&idle->timeout, &pool->timeouts);
}

bool upstreams_put(struct upstreams *pool, struct policy *policy,
		   const struct upstream_key *key,
		   const struct upstream *upstream)
{
	uint32_t bucket = bucket_of(key);
	struct idle *idle;

	upstreams_follow(pool, policy);
	/* what nobody has read yet, its end perhaps, no event would tell of */
	idle = !stream_pending(&upstream->stream) && has_room(pool, key, bucket)
		       ? idle_new(pool, key, upstream)
		       : NULL;
	if (idle == NULL)
		return false;
	idle->bucket = bucket;
	event_assign(&idle->event, pool->base, upstream->stream.fd,
		     EV_READ | EV_PERSIST, on_event, idle);
	if (event_add(&idle->event, NULL) != 0) {
		/* one that cannot be listened to is not kept */
		free(idle);
		return false;
	}
	enter(pool, idle);
	return true;
}

bool upstreams_return(struct upstreams *pool, struct policy *policy,
		      struct upstream *lent)
{
	struct idle *idle = from_upstream(lent);

	upstreams_follow(pool, policy);
	if (!has_room(pool, &idle->key, idle->bucket)) {
		idle_free(idle);
		return false;
	}
	enter(pool, idle);
	return true;
}
