/* listener.c - see listener.h. */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/policy/addr.h"
#include "self.h"

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */
#define DRAIN_MAX 65536
#define KEEPALIVE_SECONDS 60

static void fill_v4(const struct addr *addr, uint16_t port,
		    struct listen_address *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(port)};

	memcpy(&v4.sin_addr, addr->bytes + 12, 4);
	memcpy(&out->storage, &v4, sizeof(v4));
	out->length = sizeof(v4);
}

static void fill_v6(const struct addr *addr, uint16_t port,
		    struct listen_address *out)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port)};

	memcpy(&v6.sin6_addr, addr->bytes, 16);
	memcpy(&out->storage, &v6, sizeof(v6));
	out->length = sizeof(v6);
}

static bool have_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool listen_address_parse(const char *ip, uint16_t port,
			  struct listen_address *out, char *why)
{
	struct str text = str_from(ip != NULL ? ip : "::");
	struct addr addr;

	*out = (struct listen_address){0};
	if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = str_make(text.p + 1, text.n - 2);
	if (!addr_parse(text, &addr)) {
		snprintf(why, LISTENER_WHY_MAX,
			 "listen address '%s' is not an IP address", ip);
		return false;
	}
	if (ip == NULL && !have_ipv6())
		addr = addr_from_v4((const uint8_t[4]){0});
	if (addr_is_v4(&addr))
		fill_v4(&addr, port, out);
	else
		fill_v6(&addr, port, out);
	return true;
}

static bool bind_to(int fd, const struct listen_address *address, bool share)
{
	const int on = 1, off = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return false;
	if (share &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		return false;
	/* "::" means IPv4 too */
	if (address->storage.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		return false;
	return bind(fd, (const struct sockaddr *)&address->storage,
		    address->length) == 0;
}

static int open_socket(const struct listen_address *address, bool share)
{
	int fd = socket(address->storage.ss_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -1;
	if (bind_to(fd, address, share))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Accepted sockets inherit these. */
bool listener_set_inherited(int fd)
{
	const int on = 1, idle = KEEPALIVE_SECONDS;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) ==
		       0 &&
	       setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle,
			  sizeof(idle)) == 0;
}

/* "listen on [::1]:4750: Address already in use" */
static void explain(const struct listen_address *address, char *why)
{
	const char *error = strerror(errno);
	char text[ADDR_TEXT_MAX];
	struct addr addr;
	uint16_t port;

	if (!self_from_sockaddr((const struct sockaddr *)&address->storage,
				&addr, &port)) {
		snprintf(why, LISTENER_WHY_MAX, "listen: %s", error);
		return;
	}
	addr_format(&addr, text);
	snprintf(why, LISTENER_WHY_MAX,
		 addr_is_v4(&addr) ? "listen on %s:%u: %s"
				   : "listen on [%s]:%u: %s",
		 text, port, error);
}

int listener_open(struct listen_address *address, bool first, char *why)
{
	int fd = -1;

	if (first) {
		/* one who shares the port would be joined silently */
		fd = open_socket(address, false);
		if (fd < 0)
			goto fail;
		close(fd);
	}
	fd = open_socket(address, true);
	if (fd < 0 || !listener_set_inherited(fd) || listen(fd, BACKLOG) != 0)
		goto fail;
	address->length = sizeof(address->storage);
	if (getsockname(fd, (struct sockaddr *)&address->storage,
			&address->length) != 0)
		goto fail;
	return fd;
fail:
	explain(address, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

bool listener_is_at(int fd, struct listen_address *address)
{
	struct listen_address bound = {.length = sizeof(bound.storage)};
	struct addr have, want;
	uint16_t port, wanted;

	if (getsockname(fd, (struct sockaddr *)&bound.storage, &bound.length) !=
		    0 ||
	    !self_from_sockaddr((struct sockaddr *)&bound.storage, &have,
				&port) ||
	    !self_from_sockaddr((struct sockaddr *)&address->storage, &want,
				&wanted) ||
	    memcmp(&have, &want, sizeof(have)) != 0 ||
	    (wanted != 0 && wanted != port))
		return false;
	*address = bound;
	return true;
}

static void stop(struct listener *listener)
{
	struct timeval tv = {.tv_usec = LISTENER_PAUSE_MS * 1000};

	event_del(&listener->event);
	event_add(&listener->pause, &tv);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
	struct listener *listener = context;

	(void)fd;
	(void)what;
	if (listener->fd < 0)
		return;
	if (listener->reserve < 0)
		listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	event_add(&listener->event, NULL);
}

/* No descriptor is left.  Whoever waits longest is accepted with the reserve
 * and dropped, which tells them more than silence; then we wait. */
static void shed(struct listener *listener)
{
	int fd;

	if (listener->reserve >= 0) {
		close(listener->reserve);
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	stop(listener);
}

/* False: nobody is waiting, or nobody can be taken. */
static bool accept_one(struct listener *listener)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		listener->accepted(listener->context, fd,
				   (struct sockaddr *)&peer);
		return true;
	}
	switch (errno) {
	case EMFILE:
	case ENFILE:
		shed(listener);
		return false;
	case ENOBUFS:
	case ENOMEM:
		stop(listener);
		return false;
	case EAGAIN:
		return false;
	default:
		/* that connection failed before it was taken (accept(2)) */
		return true;
	}
}

/* To find that nobody is left costs more than an accept: the kernel makes a
 * socket first, and then looks.  So who has come alone some times is not asked
 * after; if there is another one, the loop calls again in its next turn, and
 * then all are taken. */
static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct listener *listener = context;
	bool again = *listener->turns - listener->turn == 1;
	unsigned most = listener->alone >= LISTENER_ALONE && !again
				? 1
				: LISTENER_BATCH;
	unsigned count = 0;

	(void)fd;
	(void)what;
	while (count < most && accept_one(listener))
		count++;
	if (count > 1)
		listener->alone = 0;
	else if (listener->alone < LISTENER_ALONE)
		listener->alone++;
	listener->turn = *listener->turns;
}

bool listener_init(struct listener *listener, struct event_base *base, int fd,
		   bool is_shared, const uint64_t *turns,
		   listener_accepted *accepted, void *context)
{
	*listener = (struct listener){
		.fd = fd,
		.is_shared = is_shared,
		.reserve = open("/dev/null", O_RDONLY | O_CLOEXEC),
		.turns = turns,
		.accepted = accepted,
		.context = context,
	};
	event_assign(&listener->event, base, fd, EV_READ | EV_PERSIST,
		     on_readable, listener);
	evtimer_assign(&listener->pause, base, on_pause_over, listener);
	if (event_add(&listener->event, NULL) == 0)
		return true;
	listener_close(listener);
	return false;
}

void listener_drain(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	/* closing would reset those who are connected and not yet accepted,
	 * unless the socket stays open elsewhere */
	for (int i = 0;
	     !listener->is_shared && i < DRAIN_MAX && accept_one(listener); i++)
		;
	listener_close(listener);
}

void listener_close(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	event_del(&listener->event);
	event_del(&listener->pause);
	close(listener->fd);
	listener->fd = -1;
	if (listener->reserve >= 0)
		close(listener->reserve);
	listener->reserve = -1;
}
