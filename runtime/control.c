/* control.c - see control.h. */
#include "control.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool control_init(struct control *control)
{
	atomic_init(&control->asked, 0);
	control->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return control->fd >= 0;
}

void control_fini(struct control *control)
{
	close(control->fd);
}

void control_ask(struct control *control, unsigned what)
{
	static const uint64_t one = 1;
	int error = errno;

	atomic_fetch_or(&control->asked, what);
	/* it fails only when it is readable anyhow */
	(void)!write(control->fd, &one, sizeof(one));
	errno = error;
}

unsigned control_take(struct control *control)
{
	uint64_t count;

	/* first the descriptor: what is asked in between makes it readable */
	(void)!read(control->fd, &count, sizeof(count));
	return atomic_exchange(&control->asked, 0);
}
