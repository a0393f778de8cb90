/* dial.h - connect to the first of several vetted addresses that answers.
 * All of them in the order given; the next one is started when one fails or
 * after DIAL_STAGGER_MS (RFC 8305 section 5), the first to connect wins.
 * Never an address it was not given. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/addr.h"

struct event;
struct event_base;
struct dial;

#define DIAL_STAGGER_MS 250
#define DIAL_MAX_OPEN                                                          \
	8 /* connects under way at once; the oldest makes room                 \
	   */

struct dial_result {
	int fd; /* connected, non-blocking, close-on-exec,
		 * TCP_NODELAY; the callee's.  -1: none */
	/* With FD, until DONE returns, by when it is to be deleted: the event
	 * that waits for reading and writing.  One that adds its own before
	 * deleting this one spares itself a call to the kernel; one that closes
	 * FD deletes this one before. */
	struct event *watch;
	struct addr addr; /* connected to; or the one that failed */
	bool timed_out;   /* error is ETIMEDOUT: ours, or the kernel's */
	int error;        /* errno of the last failure (of those that left
			   * this host, if any did); 0 with a descriptor */
	char text[160];   /* "connect 1.2.3.4:443: Connection refused"; "" */
};

typedef void dial_done(void *context, const struct dial_result *result);

/* COUNT >= 1 addresses are copied.  How long the whole may take is the caller's
 * affair, see dial_expire(); else it is the system's own patience.  DONE is
 * called once and never from inside dial_start().  NULL: out of memory, errno
 * says; DONE is then not called. */
struct dial *dial_start(struct event_base *base, const struct addr *addrs,
			size_t count, uint16_t port, dial_done *done,
			void *context);

/* It takes too long: DONE is called from here, with ETIMEDOUT. */
void dial_expire(struct dial *dial);

/* Close what was opened; DONE will not be called.  NULL is ignored. */
void dial_cancel(struct dial *dial);

#endif
