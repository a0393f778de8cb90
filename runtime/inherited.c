/* inherited.c - see inherited.h. */
#include "inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/proxy/listener.h"

#define SYSTEMD_FIRST_FD 3
#define BACKLOG 4096

__attribute__((format(printf, 2, 3))) static int refuse(char *why,
							const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, INHERITED_WHY_MAX, format, ap);
	va_end(ap);
	return -1;
}

/* A decimal number in the environment; -1: none. */
static long number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long value;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	value = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' ? value : -1;
}

static bool is_option(int fd, int option, int wanted)
{
	socklen_t length = sizeof(int);
	int value = 0;

	return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 &&
	       value == wanted;
}

/* Make FD ours.  0, or -1. */
static int take(int fd, char *why)
{
	int flags = fcntl(fd, F_GETFL);

	if (!is_option(fd, SO_TYPE, SOCK_STREAM) ||
	    (!is_option(fd, SO_DOMAIN, AF_INET) &&
	     !is_option(fd, SO_DOMAIN, AF_INET6)))
		return refuse(why, "inherited descriptor %d is no TCP socket",
			      fd);
	/* whoever opened it may have left this to us */
	if (!is_option(fd, SO_ACCEPTCONN, 1) && listen(fd, BACKLOG) != 0)
		return refuse(why, "inherited descriptor %d: %s", fd,
			      strerror(errno));
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || !listener_set_inherited(fd))
		return refuse(why, "inherited descriptor %d: %s", fd,
			      strerror(errno));
	return 0;
}

static int from_systemd(int *fds, int max, char *why)
{
	long count = number("LISTEN_FDS");

	if (count < 1)
		return 0;
	if (count > max)
		return refuse(why, "more than %d inherited sockets", max);
	for (int i = 0; i < count; i++) {
		fds[i] = SYSTEMD_FIRST_FD + i;
		if (take(fds[i], why) != 0)
			return -1;
	}
	/* not for any child */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return (int)count;
}

static bool is_einhorn(void)
{
	return number("EINHORN_MASTER_PID") == (long)getppid();
}

static int from_einhorn(int *fds, int max, char *why)
{
	long count = number("EINHORN_FD_COUNT");

	if (count < 1)
		return refuse(why, "einhorn: too few EINHORN_FDs passed");
	if (count > max)
		return refuse(why, "more than %d inherited sockets", max);
	for (int i = 0; i < count; i++) {
		char name[32];
		long fd;

		snprintf(name, sizeof(name), "EINHORN_FD_%d", i);
		fd = number(name);
		if (fd < 0 || fd > INT_MAX)
			return refuse(why, "einhorn: no %s", name);
		fds[i] = (int)fd;
		if (take(fds[i], why) != 0)
			return -1;
	}
	return (int)count;
}

int inherited_listeners(int *fds, int max, char *why)
{
	if (is_einhorn())
		return from_einhorn(fds, max, why);
	/* meant for another process, which has started us */
	if (number("LISTEN_PID") != (long)getpid())
		return 0;
	return from_systemd(fds, max, why);
}

bool inherited_ack(char *why)
{
	const char *path = getenv("EINHORN_SOCK_PATH");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[64];
	bool ok;
	int fd, n;

	if (!is_einhorn())
		return true;
	if (path == NULL || strlen(path) >= sizeof(address.sun_path)) {
		refuse(why, "einhorn: no usable EINHORN_SOCK_PATH");
		return false;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	n = snprintf(text, sizeof(text),
		     "command: worker:ack%%0Apid: %ld%%0A\n", (long)getpid());
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = fd >= 0 &&
	     connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	     send(fd, text, (size_t)n, MSG_NOSIGNAL) == n;
	if (!ok)
		refuse(why, "einhorn: %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}
