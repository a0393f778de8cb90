/* control.h - what another thread, or a signal handler, asks of the running
 * proxy: bits, and a descriptor that becomes readable when one is set.  What is
 * asked for before the proxy runs stays until it does. */
#ifndef RUNTIME_CONTROL_H
#define RUNTIME_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>

enum {
	CONTROL_DRAIN = 1 << 0,
	CONTROL_QUIT = 1 << 1,
	CONTROL_RELOAD = 1 << 2,
};

struct control {
	int fd; /* an eventfd, owned */
	atomic_uint asked;
};

/* False: out of descriptors. */
bool control_init(struct control *control);
void control_fini(struct control *control);

/* Async-signal-safe. */
void control_ask(struct control *control, unsigned what);

/* All that was asked for since the last time; the descriptor is not readable
 * any more. */
unsigned control_take(struct control *control);

#endif
