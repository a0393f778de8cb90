/* listening.c - see listening.h. */
#include "listening.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inherited.h"

/* Ask a predecessor for its sockets, and see that they are what we are to
 * listen on. */
static bool ask_predecessor(struct listening *listening,
			    struct listen_address *address, char *why)
{
	const char *path = listening->settings->handover_socket;
	struct handover_offer *offer = &listening->offer;

	if (path == NULL)
		return true;
	if (!handover_ask(path, offer, why))
		return false;
	for (size_t i = 0; i < offer->count; i++)
		if (!listener_is_at(offer->fds[i], address)) {
			snprintf(why, STORE_WHY_MAX,
				 "handover from %s: the predecessor listens "
				 "on another address",
				 path);
			return false;
		}
	return true;
}

/* Every worker accepts from every socket that we were given. */
static bool share_listeners(struct listening *listening, const int *fds,
			    int count, char *why)
{
	bool ok = true;

	for (int i = 0; i < count; i++) {
		ok = ok && self_add(&listening->shared->listeners, fds[i]);
		for (unsigned k = 0; ok && k < listening->count; k++) {
			int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

			ok = fd >= 0 &&
			     worker_listen(listening->workers[k], fd, true);
		}
		close(fds[i]);
	}
	if (!ok)
		snprintf(why, STORE_WHY_MAX, "inherited sockets: %s",
			 strerror(errno));
	return ok;
}

/* A socket for worker AT: a predecessor's, another reference to one of those
 * when there are more workers, or a new one.  -1: WHY says why not. */
static int next_listener(struct listening *listening,
			 struct listen_address *address, unsigned at, char *why)
{
	const struct handover_offer *offer = &listening->offer;
	int fd;

	if (offer->count == 0)
		return listener_open(address, at == 0, why);
	fd = fcntl(offer->fds[at % offer->count], F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		snprintf(why, STORE_WHY_MAX, "%s", strerror(errno));
	return fd;
}

/* A socket of its own for every worker.  Of a predecessor's each needs somebody
 * who accepts from it: with fewer workers than those one worker has several. */
static bool open_listeners(struct listening *listening, char *why)
{
	const struct settings *settings = listening->settings;
	const char *ip = settings->listen_ip;
	struct listen_address address;
	unsigned count;

	if (ip == NULL && settings->acl_file == NULL)
		ip = "127.0.0.1";
	if (!listen_address_parse(ip, settings->listen_port, &address, why) ||
	    !ask_predecessor(listening, &address, why))
		return false;
	assert(listening->count != 0);
	count = listening->count;
	if (count < listening->offer.count)
		count = (unsigned)listening->offer.count;
	for (unsigned i = 0; i < count; i++) {
		int fd = next_listener(listening, &address, i, why);

		if (fd < 0)
			return false;
		if (i == 0)
			self_add(&listening->shared->listeners, fd);
		if (!worker_listen(listening->workers[i % listening->count], fd,
				   false)) {
			snprintf(why, STORE_WHY_MAX,
				 "too many listening sockets for so few "
				 "workers");
			return false;
		}
	}
	handover_drop_sockets(&listening->offer);
	return true;
}

bool listening_open(struct listening *listening, char *why)
{
	int fds[WORKER_MAX_LISTENERS];
	int count = inherited_listeners(fds, WORKER_MAX_LISTENERS, why);

	if (count < 0)
		return false;
	listening->inherited = count;
	if (count != 0 && listening->settings->handover_socket != NULL) {
		snprintf(why, STORE_WHY_MAX,
			 "--handover-socket is of no use with inherited "
			 "sockets, which outlive us anyway");
		return false;
	}
	return count != 0 ? share_listeners(listening, fds, count, why)
			  : open_listeners(listening, why);
}
