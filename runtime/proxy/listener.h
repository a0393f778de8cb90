/* listener.h - one listening socket a worker, all on the same address by
 * SO_REUSEPORT, so that the kernel spreads connections and no lock is needed.
 * Accepts in bounded batches; when descriptors run out it pauses instead of
 * spinning. */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define LISTENER_BATCH 32 /* the most that are accepted in one turn */
#define LISTENER_ALONE 2  /* who came alone so often will again */
#define LISTENER_PAUSE_MS 100
#define LISTENER_WHY_MAX 256

/* FD is the callee's. */
typedef void listener_accepted(void *context, int fd,
			       const struct sockaddr *peer);

struct listener {
	int fd;         /* owned; -1: closed */
	bool is_shared; /* others accept from the same socket */
	int reserve;    /* a descriptor to give up when there are no others */
	unsigned alone; /* turns in a row in which one came */
	const uint64_t *turns; /* borrowed: counts those of the loop */
	uint64_t turn;         /* the last in which somebody came */
	struct event event;
	struct event pause;
	listener_accepted *accepted;
	void *context;
};

struct listen_address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/* IP is "1.2.3.4", "::1" or "[::1]"; NULL means all addresses, of both families
 * where the machine has both. */
bool listen_address_parse(const char *ip, uint16_t port,
			  struct listen_address *out, char *why);

/* A listening socket on ADDRESS, whose port is filled in when it was 0.  FIRST:
 * nobody else may be listening there, not even one who would share.  -1: WHY,
 * of LISTENER_WHY_MAX bytes, says why not. */
int listener_open(struct listen_address *address, bool first, char *why);

/* Is FD bound to ADDRESS?  Any port will do when ADDRESS has none, and is
 * filled in. */
bool listener_is_at(int fd, struct listen_address *address);

/* Set for FD, a listening socket, what accepted ones inherit. */
bool listener_set_inherited(int fd);

/* FD becomes the listener's, whatever happens.  *TURNS counts the turns of
 * BASE's loop. */
bool listener_init(struct listener *listener, struct event_base *base, int fd,
		   bool is_shared, const uint64_t *turns,
		   listener_accepted *accepted, void *context);

/* Accept who is waiting already and close; from a shared socket others accept
 * those.  Idempotent. */
void listener_drain(struct listener *listener);
void listener_close(struct listener *listener);

#endif
