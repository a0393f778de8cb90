/* dns_query.c - one question put to the servers in turn: see dns_query.h.
 *
 *   start -> attempt -> (c-ares: UDP, TCP when truncated) -> on_answer
 *               ^                                               |
 *               +---- next server: timeout, refusal, mistrust <-+-> done
 *
 * A channel must not be destroyed inside c-ares's own callbacks; they only
 * write down what arrived, and settle() acts once c-ares has returned. */
#include "dns_query.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"

#define QUERY_MAGIC 0x71756572U /* "quer" */
/* c-ares's own clock is never the one that decides. */
#define ARES_PATIENCE_MS 600000

static struct dns_query *query_cast(void *context)
{
	struct dns_query *query = context;

	assert(query != NULL && query->magic == QUERY_MAGIC);
	return query;
}

/* --- sockets of c-ares on the event loop --- */

static void settle(struct dns_query *query);

static void on_socket(evutil_socket_t fd, short what, void *context)
{
	struct dns_query_socket *slot = context;
	struct dns_query *query = query_cast(slot->query);

	ares_process_fd(query->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	if (query->arrived)
		settle(query);
}

static struct dns_query_socket *find_slot(struct dns_query *query, int fd)
{
	for (size_t i = 0; i < DNS_QUERY_SOCKETS; i++) {
		if (query->sockets[i].fd == fd)
			return &query->sockets[i];
	}
	return NULL;
}

/* c-ares tells which events it wants; neither: FD is about to be closed. */
static void on_socket_state(void *context, ares_socket_t fd, int readable,
			    int writable)
{
	struct dns_query *query = query_cast(context);
	struct dns_query_socket *slot = find_slot(query, fd);
	short what =
		(short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (slot != NULL) {
		event_del(&slot->event);
		slot->fd = -1;
	} else {
		slot = find_slot(query, -1);
	}
	/* No slot: the attempt's timer ends what nobody watches. */
	if (what == 0 || slot == NULL)
		return;
	if (event_assign(&slot->event, query->base, fd,
			 (short)(what | EV_PERSIST), on_socket, slot) != 0 ||
	    event_add(&slot->event, NULL) != 0)
		return;
	slot->query = query;
	slot->fd = fd;
}

static void close_channel(struct dns_query *query)
{
	if (query->channel == NULL)
		return;
	query->closing = true;
	ares_destroy(query->channel);
	query->channel = NULL;
	query->closing = false;
}

/* Everything said, so that c-ares reads no configuration for it.  What it takes
 * from /dev/urandom is for ids that we do not use; without that file it goes
 * on. Its verdicts on response codes are switched off: they are ours. */
static int open_channel(struct dns_query *query,
			const struct dns_server *server)
{
	char none[1] = "";
	char lookups[] = "b";
	char *domains[1] = {none};
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			 ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS,
		.timeout = ARES_PATIENCE_MS,
		.tries = 1,
		.ndots = 1,
		.domains = domains,
		.ndomains = 0,
		.lookups = lookups,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = query,
		.ednspsz = DNS_UDP_SIZE,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_NDOTS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS |
		   ARES_OPT_SERVERS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE |
		   ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ;
	struct ares_addr_port_node node = {
		.family = addr_is_v4(&server->addr) ? AF_INET : AF_INET6,
		.udp_port = server->port,
		.tcp_port = server->port,
	};

	if (node.family == AF_INET)
		memcpy(&node.addr.addr4, server->addr.bytes + 12,
		       sizeof(node.addr.addr4));
	else
		memcpy(&node.addr.addr6, server->addr.bytes,
		       sizeof(node.addr.addr6));

	int status = ares_init_options(&query->channel, &options, mask);

	if (status != ARES_SUCCESS) {
		query->channel = NULL;
		return status;
	}
	status = ares_set_servers_ports(query->channel, &node);
	if (status != ARES_SUCCESS)
		close_channel(query);
	return status;
}

/* --- attempts --- */

static void on_answer(void *context, int status, int timeouts,
		      unsigned char *bytes, int size)
{
	struct dns_query *query = query_cast(context);

	(void)timeouts;
	if (query->closing)
		return;
	query->arrived = true;
	query->outcome = DNS_FAILED;
	if (status != ARES_SUCCESS || bytes == NULL || size < 0) {
		query->nobody = status == ARES_ECONNREFUSED;
		query->failure = query->nobody ? "connection refused"
					       : ares_strerror(status);
		return;
	}

	struct dns_question question = {.name = *query->name,
					.type = query->type};

	dns_answer_read(bytes, (size_t)size, query->id, &question,
			&query->answer);
	switch (query->answer.verdict) {
	case DNS_ADDRESSES:
	case DNS_NO_DATA:
	case DNS_NO_NAME:
		query->outcome = DNS_ANSWERED;
		return;
	case DNS_MALFORMED:
	case DNS_MISMATCH:
	case DNS_TRUNCATED:
	case DNS_REFUSAL:
		query->failure = "server misbehaving";
		return;
	}
}

/* Send the question to one server.  What fails here is written down as
 * arrived. */
static void send_question(struct dns_query *query,
			  const struct dns_server *server)
{
	uint8_t bytes[DNS_QUERY_MAX];
	struct dns_question question = {.name = *query->name,
					.type = query->type};

	if (getrandom(&query->id, sizeof(query->id), 0) !=
	    (ssize_t)sizeof(query->id)) {
		query->arrived = true;
		query->failure = "no random numbers";
		return;
	}

	int status = open_channel(query, server);

	if (status != ARES_SUCCESS) {
		query->arrived = true;
		query->failure = ares_strerror(status);
		return;
	}

	size_t size = dns_query_write(&question, query->id, bytes);

	errno = 0;
	ares_send(query->channel, bytes, (int)size, on_answer, query);
	/* Ended within the call: no socket, or no way to the server.  c-ares
	 * has one word for all of it, errno knows better. */
	if (query->arrived && query->outcome == DNS_FAILED && errno != 0) {
		const char *text = strerrordesc_np(errno);

		query->nobody = false; /* the fault is on our side */
		if (text != NULL)
			query->failure = text;
	}
}

static void attempt_start(struct dns_query *query)
{
	struct dns_servers *servers = query->servers;
	unsigned round = query->attempts / servers->count;
	unsigned ms =
		query->attempt_ms
		<< (round < DNS_MAX_DOUBLINGS ? round : DNS_MAX_DOUBLINGS);
	struct timeval patience = clock_timeval(ms);

	query->server = query->order[query->attempts % servers->count];
	query->attempts++;
	query->arrived = false;
	query->nobody = false;
	query->outcome = DNS_FAILED;
	send_question(query, &servers->of[query->server]);
	if (query->arrived)
		patience = (struct timeval){0}; /* act on it, but not here */
	event_add(&query->timer, &patience);
}

/* The attempt is over, one way or the other; c-ares is not on the stack. */
static void settle(struct dns_query *query)
{
	struct dns_server *server = &query->servers->of[query->server];

	event_del(&query->timer);
	close_channel(query);
	if (query->outcome == DNS_ANSWERED)
		server->rests_until_ms = 0;
	else if (!query->arrived || query->nobody)
		server->rests_until_ms = clock_ms() + DNS_SERVER_REST_MS;
	if (query->arrived && query->outcome == DNS_FAILED)
		query->refusals++;

	if (query->outcome == DNS_ANSWERED ||
	    query->refusals >= query->servers->count * DNS_MAX_REFUSALS) {
		query->running = false;
		query->done(query);
		return;
	}
	attempt_start(query);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	settle(query_cast(context));
}

/* Those that answered lately first, each group as configured. */
static void order_servers(struct dns_query *query)
{
	const struct dns_servers *servers = query->servers;
	uint64_t now = clock_ms();
	size_t n = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < servers->count; i++) {
			bool rests = servers->of[i].rests_until_ms > now;

			if (rests == (pass == 1))
				query->order[n++] = (uint8_t)i;
		}
	}
}

void dns_query_start(struct dns_query *query, struct event_base *base,
		     struct dns_servers *servers, const struct dns_name *name,
		     enum dns_type type, unsigned total_ms,
		     dns_query_done *done, void *context)
{
	unsigned patience = total_ms / (2 * servers->count);

	assert(servers->count >= 1 && servers->count <= RESOLVER_MAX_SERVERS);
	*query = (struct dns_query){
		.magic = QUERY_MAGIC,
		.running = true,
		.base = base,
		.servers = servers,
		.name = name,
		.type = type,
		.done = done,
		.context = context,
		.failure = "",
	};
	if (patience > DNS_ATTEMPT_MS)
		patience = DNS_ATTEMPT_MS;
	if (patience < DNS_ATTEMPT_MIN_MS)
		patience = DNS_ATTEMPT_MIN_MS;
	query->attempt_ms = patience;
	for (size_t i = 0; i < DNS_QUERY_SOCKETS; i++)
		query->sockets[i].fd = -1;
	evtimer_assign(&query->timer, base, on_timer, query);
	order_servers(query);
	attempt_start(query);
}

void dns_query_cancel(struct dns_query *query)
{
	if (!query->running)
		return;
	query_cast(query);
	query->running = false;
	event_del(&query->timer);
	close_channel(query);
}
