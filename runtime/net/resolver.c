/* resolver.c - who asked for which name, and what they are told: see
 * resolver.h.
 *
 *   lookup --> hosts file --> cache --> flight --> A and AAAA queries
 *
 * A flight is one name being asked for, shared by all lookups that want it.
 * Whatever the source, a lookup gets its result by an event of its own, so that
 * DONE never runs inside resolve_start() and may cancel any other lookup. */
#include "resolver.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "dns_cache.h"
#include "dns_message.h"
#include "dns_query.h"
#include "dns_servers.h"
#include "endpoint.h"
#include "hosts_file.h"

#define LOOKUP_MAGIC 0x6c6f6f6bU /* "look" */
#define FLIGHT_MAGIC 0x666c6967U /* "flig" */
/* Seconds to keep an answer of one family when the other gave none in time. */
#define PARTIAL_TTL 5

static_assert(RESOLVER_MAX_ADDRESSES == DNS_MAX_ADDRESSES,
	      "one answer fits a result");

enum { QUERY_A = 0, QUERY_AAAA, QUERIES };

struct resolver {
	struct event_base *base; /* borrowed */
	struct dns_source source;
	struct hosts_file *hosts; /* owned */
	struct dns_cache *cache;  /* owned; NULL: none */
	enum resolver_network network;
	unsigned timeout_ms;
	void *flights;  /* tsearch(3) of struct flight, by name */
	size_t pending; /* lookups that have not ended */
};

struct lookup {
	uint32_t magic;
	struct resolver *resolver; /* borrowed */
	struct flight *flight;     /* joined; NULL: result is known */
	struct dns_result *result; /* counted; NULL with no flight: no memory */
	struct event event;        /* deliver the result */
	lookup_done *done;
	void *context; /* borrowed, for done */
	TAILQ_ENTRY(lookup) waiting;
};

struct flight {
	const char *name; /* first: the tree's key; in the same block */
	uint32_t magic;
	struct resolver *resolver;   /* borrowed */
	struct dns_servers *servers; /* counted */
	struct dns_name wire;
	bool asked[QUERIES];
	struct dns_query queries[QUERIES];
	struct event timer;
	uint64_t deadline_ms;
	TAILQ_HEAD(lookup_list, lookup) waiting; /* never empty */
	char text[];
};

/* Both are structs, or a variable, that begin with the pointer to the name. */
static int compare_names(const void *left, const void *right)
{
	const char *const *a = left;
	const char *const *b = right;

	return strcmp(*a, *b);
}

static bool wanted(enum resolver_network network, const struct addr *addr)
{
	switch (network) {
	case NETWORK_IP:
		return true;
	case NETWORK_IP4:
		return addr_is_v4(addr);
	case NETWORK_IP6:
		return !addr_is_v4(addr);
	}
	return false;
}

/* --- lookups --- */

static void lookup_free(struct lookup *lookup)
{
	event_del(&lookup->event);
	dns_result_unref(lookup->result);
	lookup->resolver->pending--;
	lookup->magic = 0;
	free(lookup);
}

/* The lookup is gone before DONE runs; DONE may free the resolver. */
static void on_deliver(evutil_socket_t fd, short what, void *context)
{
	struct lookup *lookup = context;

	(void)fd;
	(void)what;
	assert(lookup->magic == LOOKUP_MAGIC && lookup->flight == NULL);

	struct dns_result *result = lookup->result;
	lookup_done *done = lookup->done;
	void *done_context = lookup->context;
	struct lookup_result told = {.status = LOOKUP_FAILED};
	const char *error = "lookup: out of memory";

	lookup->result = NULL;
	lookup_free(lookup);
	if (result != NULL) {
		told.status = result->status;
		told.addrs = result->addrs;
		told.count = result->count;
		error = result->error;
	}
	snprintf(told.error, sizeof(told.error), "%s", error);
	done(done_context, &told);
	dns_result_unref(result);
}

/* RESULT may be NULL; it is borrowed. */
static void lookup_settle(struct lookup *lookup, struct dns_result *result)
{
	lookup->flight = NULL;
	lookup->result = result != NULL ? dns_result_ref(result) : NULL;
	event_active(&lookup->event, EV_TIMEOUT, 0);
}

/* --- flights --- */

static struct flight *flight_cast(void *context)
{
	struct flight *flight = context;

	assert(flight != NULL && flight->magic == FLIGHT_MAGIC);
	return flight;
}

static void flight_free(struct flight *flight)
{
	for (int i = 0; i < QUERIES; i++)
		dns_query_cancel(&flight->queries[i]);
	event_del(&flight->timer);
	tdelete(flight, &flight->resolver->flights, compare_names);
	dns_servers_unref(flight->servers);
	flight->magic = 0;
	free(flight);
}

/* How one query ended, or how it stands when time is up. */
static enum lookup_status query_status(const struct dns_query *query)
{
	if (query->running)
		return LOOKUP_TIMEOUT;
	switch (query->outcome) {
	case DNS_FAILED:
		return LOOKUP_FAILED;
	case DNS_ANSWERED:
		return query->answer.verdict == DNS_ADDRESSES
			       ? LOOKUP_OK
			       : LOOKUP_NOT_FOUND;
	}
	return LOOKUP_FAILED;
}

/* Of two endings the one that says more: addresses; that the name does not
 * exist at all; that something went wrong; that there are no addresses. */
static int weight(const struct dns_query *query)
{
	switch (query_status(query)) {
	case LOOKUP_OK:
		return 4;
	case LOOKUP_NOT_FOUND:
		return query->answer.verdict == DNS_NO_NAME ? 3 : 0;
	case LOOKUP_TIMEOUT:
		return 2;
	case LOOKUP_FAILED:
		return 1;
	}
	return 0;
}

static const struct dns_query *telling_query(const struct flight *flight)
{
	const struct dns_query *best = NULL;

	for (int i = 0; i < QUERIES; i++) {
		const struct dns_query *query = &flight->queries[i];

		if (flight->asked[i] &&
		    (best == NULL || weight(query) > weight(best)))
			best = query;
	}
	return best;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The addresses of both families, and for how long they are good. */
static struct dns_result *positive_result(const struct flight *flight)
{
	struct addr addrs[RESOLVER_MAX_ADDRESSES];
	uint32_t ttl = DNS_TTL_NONE;
	size_t count = 0;

	for (int i = 0; i < QUERIES; i++) {
		const struct dns_query *query = &flight->queries[i];

		if (!flight->asked[i])
			continue;
		if (query_status(query) != LOOKUP_OK) {
			if (query_status(query) != LOOKUP_NOT_FOUND)
				ttl = lesser(ttl, PARTIAL_TTL);
			continue;
		}
		ttl = lesser(ttl, query->answer.ttl);
		for (size_t j = 0; j < query->answer.count; j++) {
			const struct addr *addr = &query->answer.addrs[j];

			if (count < RESOLVER_MAX_ADDRESSES &&
			    wanted(flight->resolver->network, addr))
				addrs[count++] = *addr;
		}
	}
	if (count == 0) /* nothing but mapped addresses, and IPv6 wanted */
		return NULL;
	return dns_result_new(LOOKUP_OK, addrs, count, ttl, "");
}

static struct dns_result *negative_result(const struct flight *flight,
					  const struct dns_query *telling)
{
	const struct dns_server *server = &flight->servers->of[telling->server];
	enum lookup_status status = query_status(telling);
	uint32_t ttl = DNS_TTL_NONE;
	char where[ENDPOINT_TEXT_MAX];
	char text[LOOKUP_ERROR_MAX];
	const char *what = "no such host";

	if (status == LOOKUP_OK)
		status = LOOKUP_NOT_FOUND;
	if (status == LOOKUP_TIMEOUT)
		what = "i/o timeout";
	else if (status == LOOKUP_FAILED)
		what = telling->failure;
	for (int i = 0; i < QUERIES; i++) {
		if (flight->asked[i] &&
		    query_status(&flight->queries[i]) == LOOKUP_NOT_FOUND)
			ttl = lesser(ttl, flight->queries[i].answer.ttl);
	}
	if (ttl == DNS_TTL_NONE) /* RFC 2308 section 5: no SOA, no keeping */
		ttl = 0;
	endpoint_format(&server->addr, server->port, where);
	snprintf(text, sizeof(text), "lookup %s on %s: %s", flight->name, where,
		 what);
	return dns_result_new(status, NULL, 0, ttl, text);
}

/* Tell everybody who waits; the flight is over. */
static void flight_land(struct flight *flight)
{
	struct resolver *resolver = flight->resolver;
	const struct dns_query *telling = telling_query(flight);
	struct dns_result *result = NULL;
	struct lookup *lookup;

	if (query_status(telling) == LOOKUP_OK)
		result = positive_result(flight);
	if (result == NULL)
		result = negative_result(flight, telling);
	if (result != NULL && resolver->cache != NULL)
		dns_cache_put(resolver->cache, flight->name, result,
			      clock_ms());
	while ((lookup = TAILQ_FIRST(&flight->waiting)) != NULL) {
		TAILQ_REMOVE(&flight->waiting, lookup, waiting);
		lookup_settle(lookup, result);
	}
	dns_result_unref(result);
	flight_free(flight);
}

static bool arm_timer(struct flight *flight, uint64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	return event_add(&flight->timer, &tv) == 0;
}

static void on_query_done(struct dns_query *query)
{
	struct flight *flight = flight_cast(query->context);
	uint64_t now = clock_ms();

	for (int i = 0; i < QUERIES; i++) {
		if (!flight->queries[i].running)
			continue;
		/* The other one is still out. */
		if (query_status(query) == LOOKUP_OK &&
		    flight->deadline_ms > now + RESOLVER_SECOND_FAMILY_MS)
			arm_timer(flight, RESOLVER_SECOND_FAMILY_MS);
		return;
	}
	flight_land(flight);
}

static void on_flight_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	flight_land(flight_cast(context));
}

static struct flight *flight_new(struct resolver *resolver, const char *name,
				 const struct dns_name *wire)
{
	size_t size = strlen(name) + 1;
	struct flight *flight = calloc(1, sizeof(*flight) + size);
	uint64_t now = clock_ms();

	if (flight == NULL)
		return NULL;
	memcpy(flight->text, name, size);
	flight->name = flight->text;
	if (tsearch(flight, &resolver->flights, compare_names) == NULL) {
		free(flight);
		return NULL;
	}
	flight->magic = FLIGHT_MAGIC;
	flight->resolver = resolver;
	flight->wire = *wire;
	flight->servers = dns_source_servers(&resolver->source, now);
	flight->deadline_ms = now + resolver->timeout_ms;
	TAILQ_INIT(&flight->waiting);
	evtimer_assign(&flight->timer, resolver->base, on_flight_timer, flight);
	if (!arm_timer(flight, resolver->timeout_ms)) {
		flight_free(flight);
		return NULL;
	}
	flight->asked[QUERY_A] = resolver->network != NETWORK_IP6;
	flight->asked[QUERY_AAAA] = resolver->network != NETWORK_IP4;
	for (int i = 0; i < QUERIES; i++) {
		if (!flight->asked[i])
			continue;
		dns_query_start(&flight->queries[i], resolver->base,
				flight->servers, &flight->wire,
				i == QUERY_A ? DNS_TYPE_A : DNS_TYPE_AAAA,
				resolver->timeout_ms, on_query_done, flight);
	}
	return flight;
}

static struct flight *flight_find(struct resolver *resolver, const char *name)
{
	struct flight *const *node =
		tfind(&name, &resolver->flights, compare_names);

	return node != NULL ? *node : NULL;
}

/* --- asking --- */

static struct dns_result *not_found(const char *name, const char *what)
{
	char text[LOOKUP_ERROR_MAX];

	snprintf(text, sizeof(text), "lookup %s: %s", name, what);
	return dns_result_new(LOOKUP_NOT_FOUND, NULL, 0, 0, text);
}

/* RFC 6761 section 6.3: such names are the loopback's, hosts file or not, and
 * no name server is asked for them. */
static bool is_localhost(const char *name)
{
	static const char word[] = "localhost";
	size_t n = strlen(name), size = sizeof(word) - 1;

	return n >= size && strcmp(name + n - size, word) == 0 &&
	       (n == size || name[n - size - 1] == '.');
}

static size_t loopback(struct hosts_entry entries[2])
{
	static const uint8_t v4[4] = {127, 0, 0, 1};
	static const uint8_t v6[16] = {[15] = 1};

	entries[0].addr = addr_from_v4(v4);
	entries[1].addr = addr_from_v6(v6);
	return 2;
}

/* *FOUND: the name is not DNS's business, for the file has it, be it with
 * addresses of the other family only.  With it, NULL means out of memory. */
static struct dns_result *hosts_result(struct resolver *resolver,
				       const char *name, bool *found)
{
	const struct hosts_entry *entries;
	struct hosts_entry local[2] = {{.order = 0}, {.order = 1}};
	struct addr addrs[RESOLVER_MAX_ADDRESSES];
	size_t count = 0;
	size_t n = hosts_file_find(resolver->hosts, clock_ms(), str_from(name),
				   &entries);

	if (n == 0 && is_localhost(name)) {
		entries = local;
		n = loopback(local);
	}
	*found = n > 0;
	if (n == 0)
		return NULL;
	for (int v4 = 1; v4 >= 0; v4--) {
		for (size_t i = 0; i < n && count < RESOLVER_MAX_ADDRESSES;
		     i++) {
			const struct addr *addr = &entries[i].addr;

			if (addr_is_v4(addr) == (v4 == 1) &&
			    wanted(resolver->network, addr))
				addrs[count++] = *addr;
		}
	}
	if (count == 0)
		return not_found(name, "no suitable address found");
	return dns_result_new(LOOKUP_OK, addrs, count, 0, "");
}

/* Give LOOKUP its result, or the flight that will.  False: out of memory. */
static bool answer_or_join(struct resolver *resolver, const char *name,
			   struct lookup *lookup)
{
	bool in_file;
	struct dns_result *result = hosts_result(resolver, name, &in_file);
	struct dns_name wire;

	if (!in_file && resolver->cache != NULL) {
		result = dns_cache_find(resolver->cache, name, clock_ms());
		if (result != NULL)
			dns_result_ref(result);
	}
	if (!in_file && result == NULL) {
		struct flight *flight = flight_find(resolver, name);

		if (flight == NULL &&
		    dns_name_from_text(str_from(name), &wire)) {
			flight = flight_new(resolver, name, &wire);
			if (flight == NULL)
				return false;
		}
		if (flight != NULL) {
			lookup->flight = flight;
			TAILQ_INSERT_TAIL(&flight->waiting, lookup, waiting);
			return true;
		}
		result = not_found(name, "no such host"); /* never a name */
	}
	if (result == NULL)
		return false;
	lookup_settle(lookup, result);
	dns_result_unref(result);
	return true;
}

struct lookup *resolve_start(struct resolver *resolver, const char *name,
			     lookup_done *done, void *context)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	lookup->magic = LOOKUP_MAGIC;
	lookup->resolver = resolver;
	lookup->done = done;
	lookup->context = context;
	evtimer_assign(&lookup->event, resolver->base, on_deliver, lookup);
	resolver->pending++;
	if (!answer_or_join(resolver, name, lookup)) {
		lookup_free(lookup);
		errno = ENOMEM;
		return NULL;
	}
	return lookup;
}

void resolve_cancel(struct lookup *lookup)
{
	if (lookup == NULL)
		return;
	assert(lookup->magic == LOOKUP_MAGIC);

	struct flight *flight = lookup->flight;

	if (flight != NULL) {
		TAILQ_REMOVE(&flight->waiting, lookup, waiting);
		if (TAILQ_EMPTY(&flight->waiting))
			flight_free(flight);
	}
	lookup_free(lookup);
}

/* --- the resolver --- */

struct resolver *resolver_new(struct event_base *base,
			      const struct resolver_options *options,
			      const char **why)
{
	struct resolver *resolver;

	if (options->server_count > RESOLVER_MAX_SERVERS) {
		*why = "too many resolver addresses";
		return NULL;
	}
	*why = "out of memory";
	resolver = calloc(1, sizeof(*resolver));
	if (resolver == NULL)
		return NULL;
	resolver->base = base;
	resolver->network = options->network;
	resolver->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms
							: RESOLVER_TIMEOUT_MS;
	resolver->hosts =
		hosts_file_new(options->hosts_file != NULL ? options->hosts_file
							   : "/etc/hosts");
	if (resolver->hosts == NULL)
		goto fail;
	if (!options->no_cache) {
		resolver->cache = dns_cache_new(DNS_CACHE_ENTRIES);
		if (resolver->cache == NULL)
			goto fail;
	}
	if (!dns_source_init(&resolver->source, options, clock_ms())) {
		*why = "cannot read the system's DNS servers";
		goto fail;
	}
	*why = "";
	return resolver;
fail:
	resolver_free(resolver);
	return NULL;
}

void resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	assert(resolver->pending == 0 && resolver->flights == NULL);
	dns_cache_free(resolver->cache);
	dns_source_fini(&resolver->source);
	hosts_file_free(resolver->hosts);
	free(resolver);
}
