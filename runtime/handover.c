/* handover.c - see handover.h. */
#include "handover.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PER_MESSAGE 128 /* the kernel takes 253 */
#define TAKEN 'T'

/* What every message with sockets says: how many there are in all. */
struct greeting {
	char magic[8];
	uint32_t total;
};

static const char magic[8] = "smoke/1";

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, HANDOVER_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

static bool address_of(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	return (size_t)snprintf(out->sun_path, sizeof(out->sun_path), "%s",
				path) < sizeof(out->sun_path);
}

/* Room for the sockets of one message, aligned for its header. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * PER_MESSAGE)];
};

/* --- the successor --- */

static int connect_to(const char *path)
{
	const struct timeval wait = {.tv_sec = HANDOVER_WAIT_MS / 1000};
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	if (address_of(path, &address) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Keep the descriptors in MESSAGE.  False: more than there is room for. */
static bool keep(struct msghdr *message, struct handover_offer *offer)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t n, room = HANDOVER_MAX - offer->count;

	if (header == NULL || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_RIGHTS)
		return false;
	n = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
		if (i < room)
			offer->fds[offer->count++] = fd;
		else
			close(fd);
	}
	return n != 0 && n <= room;
}

/* One message.  *TOTAL is how many sockets are to come in all. */
static bool receive(struct handover_offer *offer, uint32_t *total)
{
	union control control;
	struct greeting greeting;
	struct iovec bytes = {&greeting, sizeof(greeting)};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(offer->connection, &message, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return false;
	if (!keep(&message, offer) || n != sizeof(greeting) ||
	    (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0 ||
	    memcmp(greeting.magic, magic, sizeof(magic)) != 0) {
		errno = EPROTO;
		return false;
	}
	*total = greeting.total;
	return true;
}

static bool are_listeners(const struct handover_offer *offer)
{
	for (size_t i = 0; i < offer->count; i++) {
		int listens = 0;
		socklen_t size = sizeof(listens);

		if (getsockopt(offer->fds[i], SOL_SOCKET, SO_ACCEPTCONN,
			       &listens, &size) != 0 ||
		    listens == 0)
			return false;
	}
	return true;
}

/* A socket that several workers accept from came several times. */
static void drop_repeated(struct handover_offer *offer)
{
	ino_t seen[HANDOVER_MAX];
	size_t kept = 0;

	for (size_t i = 0; i < offer->count; i++) {
		struct stat st = {.st_ino = 0};
		size_t k = 0;

		fstat(offer->fds[i], &st);
		while (k < kept && seen[k] != st.st_ino)
			k++;
		if (k < kept) {
			close(offer->fds[i]);
			continue;
		}
		seen[kept] = st.st_ino;
		offer->fds[kept++] = offer->fds[i];
	}
	offer->count = kept;
}

bool handover_ask(const char *path, struct handover_offer *offer, char *why)
{
	uint32_t total = 1;

	*offer = (struct handover_offer){.connection = connect_to(path)};
	if (offer->connection < 0) {
		/* nothing, or what a process that died left there */
		if (errno == ENOENT || errno == ECONNREFUSED)
			return true;
		return refuse(why, "handover from %s: %s", path,
			      strerror(errno));
	}
	while (offer->count < total)
		if (!receive(offer, &total)) {
			refuse(why, "handover from %s: %s", path,
			       errno == EAGAIN ? "no answer in time"
					       : strerror(errno));
			goto fail;
		}
	if (are_listeners(offer)) {
		drop_repeated(offer);
		return true;
	}
	refuse(why, "handover from %s: what came does not listen", path);
fail:
	handover_offer_fini(offer);
	return false;
}

void handover_taken(struct handover_offer *offer)
{
	const char taken = TAKEN;

	if (offer->connection < 0)
		return;
	/* it died: then it has ended, too */
	(void)!send(offer->connection, &taken, 1, MSG_NOSIGNAL);
	close(offer->connection);
	offer->connection = -1;
}

void handover_drop_sockets(struct handover_offer *offer)
{
	for (size_t i = 0; i < offer->count; i++)
		close(offer->fds[i]);
	offer->count = 0;
}

void handover_offer_fini(struct handover_offer *offer)
{
	handover_drop_sockets(offer);
	if (offer->connection >= 0)
		close(offer->connection);
	offer->connection = -1;
}

/* --- the predecessor --- */

struct handover {
	char *path; /* owned */
	dev_t device;
	ino_t inode;    /* of PATH, when it became ours */
	int fd;         /* owned: listens */
	int connection; /* owned: a successor's; -1: none */
	struct event event;
	struct event connection_event; /* while there is one */
	struct event_base *base;
	const int *fds; /* borrowed */
	size_t count;
	handover_done *done;
	void *context; /* borrowed, for done */
};

static void hang_up(struct handover *handover)
{
	if (handover->connection < 0)
		return;
	event_del(&handover->connection_event);
	close(handover->connection);
	handover->connection = -1;
}

static bool may_ask(int fd)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* COUNT sockets in one message of TOTAL. */
static bool send_some(int connection, const int *fds, size_t count,
		      size_t total)
{
	union control control = {.bytes = {0}};
	struct greeting greeting = {.total = (uint32_t)total};
	struct iovec bytes = {&greeting, sizeof(greeting)};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(sizeof(int) * count),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	memcpy(greeting.magic, magic, sizeof(magic));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	return sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)sizeof(greeting);
}

static bool send_all(const struct handover *handover, int connection)
{
	for (size_t at = 0; at < handover->count; at += PER_MESSAGE) {
		size_t n = handover->count - at;

		if (!send_some(connection, handover->fds + at,
			       n < PER_MESSAGE ? n : PER_MESSAGE,
			       handover->count))
			return false;
	}
	return true;
}

static void on_connection(evutil_socket_t fd, short what, void *context)
{
	struct handover *handover = context;
	char said = '\0';
	ssize_t n = recv((int)fd, &said, 1, MSG_DONTWAIT);

	(void)what;
	if (n < 0 && errno == EAGAIN)
		return;
	hang_up(handover);
	if (n == 1 && said == TAKEN)
		handover->done(handover->context);
}

static void on_accept(evutil_socket_t fd, short what, void *context)
{
	struct handover *handover = context;
	int connection =
		accept4((int)fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (connection < 0)
		return;
	/* one at a time; whoever came first may have hung for ever */
	hang_up(handover);
	if (!may_ask(connection) || !send_all(handover, connection)) {
		close(connection);
		return;
	}
	handover->connection = connection;
	event_assign(&handover->connection_event, handover->base, connection,
		     EV_READ | EV_PERSIST, on_connection, handover);
	event_add(&handover->connection_event, NULL);
}

/* Bind elsewhere and rename: there is no moment without a socket at PATH, and
 * what a dead process left there is gone. */
static bool bind_over(struct handover *handover)
{
	char fresh[HANDOVER_PATH_MAX + 8];
	struct sockaddr_un address;
	struct stat st;
	mode_t mask;
	int error;

	snprintf(fresh, sizeof(fresh), "%s.new", handover->path);
	if (!address_of(fresh, &address)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (lstat(handover->path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	if (unlink(fresh) != 0 && errno != ENOENT)
		return false;
	/* nobody else may connect, not even for a moment */
	mask = umask(0177);
	error = bind(handover->fd, (struct sockaddr *)&address,
		     sizeof(address)) != 0
			? errno
			: 0;
	umask(mask);
	errno = error;
	if (error != 0)
		return false;
	if (listen(handover->fd, 1) == 0 && lstat(fresh, &st) == 0 &&
	    rename(fresh, handover->path) == 0) {
		handover->device = st.st_dev;
		handover->inode = st.st_ino;
		return true;
	}
	error = errno;
	unlink(fresh);
	errno = error;
	return false;
}

struct handover *handover_new(struct event_base *base, const char *path,
			      const int *fds, size_t count, handover_done *done,
			      void *context, char *why)
{
	struct handover *handover = calloc(1, sizeof(*handover));

	if (handover == NULL) {
		refuse(why, "out of memory");
		return NULL;
	}
	*handover = (struct handover){
		.path = strdup(path),
		.fd = socket(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		.connection = -1,
		.base = base,
		.fds = fds,
		.count = count,
		.done = done,
		.context = context,
	};
	if (handover->path != NULL && handover->fd >= 0 &&
	    bind_over(handover)) {
		event_assign(&handover->event, base, handover->fd,
			     EV_READ | EV_PERSIST, on_accept, handover);
		event_add(&handover->event, NULL);
		return handover;
	}
	refuse(why, "handover socket %s: %s", path, strerror(errno));
	if (handover->fd >= 0)
		close(handover->fd);
	free(handover->path);
	free(handover);
	return NULL;
}

void handover_free(struct handover *handover)
{
	struct stat st;

	if (handover == NULL)
		return;
	hang_up(handover);
	event_del(&handover->event);
	if (lstat(handover->path, &st) == 0 && st.st_dev == handover->device &&
	    st.st_ino == handover->inode)
		unlink(handover->path);
	close(handover->fd);
	free(handover->path);
	free(handover);
}
