/* load_origin.c - the origin behind the proxy; see load.h.  Tunnels that are
 * many and quiet are echoed by one thread over epoll; bulk and HTTP have a
 * thread per connection. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

uint16_t origin_ports[ORIGINS];
static int listeners[ORIGINS];

static bool send_all(int fd, const void *buffer, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = send(fd, (const char *)buffer + done, n - done,
				   MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

/* --- many quiet connections --- */

static void *echo(void *arg)
{
	static char buffer[CHUNK];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64], e = {.events = EPOLLIN};

	(void)arg;
	for (int i = 0; i < ORIGINS; i++) {
		e.data.fd = listeners[i];
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listeners[i], &e) != 0)
			die("epoll_ctl");
	}
	for (;;) {
		int n = epoll_wait(epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			bool listening = false;

			for (int k = 0; k < ORIGINS; k++)
				listening |= fd == listeners[k];
			if (listening) {
				e.data.fd =
					accept4(fd, NULL, NULL, SOCK_CLOEXEC);
				if (e.data.fd < 0)
					continue;
				setsockopt(e.data.fd, IPPROTO_TCP, TCP_NODELAY,
					   &(int){1}, sizeof(int));
				epoll_ctl(epoll_fd, EPOLL_CTL_ADD, e.data.fd,
					  &e);
				continue;
			}

			ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

			if (got <= 0 || !send_all(fd, buffer, (size_t)got))
				close(fd);
		}
	}
	return NULL;
}

/* --- a thread per connection --- */

/* HTTP/1.1: `bytes` of body for every request; nobody pipelines. */
static void serve_http(int fd, char *buffer)
{
	char head[4096];
	int n = snprintf(buffer, 128,
			 "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
			 (unsigned long long)settings.bytes);

	for (size_t have = 0;;) {
		ssize_t got = recv(fd, head + have, sizeof(head) - 1 - have, 0);

		if (got <= 0)
			return;
		have += (size_t)got;
		head[have] = '\0';
		if (strstr(head, "\r\n\r\n") == NULL)
			continue;
		if (!send_all(fd, buffer, (size_t)n + settings.bytes))
			return;
		have = 0;
	}
}

/* Nothing comes before the client's word: it may still be reading the 200. */
static void serve_bulk(int fd, char *buffer)
{
	if (settings.mode == MODE_DOWN && recv(fd, buffer, 1, 0) != 1)
		return;
	for (uint64_t left = settings.bytes; left > 0;) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		if (settings.mode == MODE_DOWN) {
			if (!send_all(fd, buffer, n))
				return;
		} else {
			ssize_t got = recv(fd, buffer, CHUNK, 0);

			if (got <= 0)
				return;
			n = (size_t)got;
		}
		left -= n;
	}
	if (settings.mode == MODE_UP)
		send_all(fd, "k", 1);
	while (recv(fd, buffer, CHUNK, 0) > 0)
		; /* the client leaves first */
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char *buffer = calloc(1, CHUNK);

	if (buffer == NULL)
		die("calloc");
	if (settings.mode == MODE_GET)
		serve_http(fd, buffer);
	else
		serve_bulk(fd, buffer);
	free(buffer);
	close(fd);
	return NULL;
}

static void *accept_one_by_one(void *arg)
{
	int listener = (int)(intptr_t)arg;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, (size_t)256 * 1024);
	for (;;) {
		pthread_t thread;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1},
			   sizeof(int));
		if (pthread_create(&thread, &attr, serve,
				   (void *)(intptr_t)fd) != 0)
			close(fd);
	}
	return NULL;
}

void origin_start(void)
{
	bool threads = settings.mode == MODE_GET ||
		       settings.mode == MODE_DOWN || settings.mode == MODE_UP;
	pthread_t thread;

	for (int i = 0; i < ORIGINS; i++) {
		struct sockaddr_in here = {.sin_family = AF_INET};
		socklen_t size = sizeof(here);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind(fd, (struct sockaddr *)&here, size) != 0 ||
		    listen(fd, 4096) != 0 ||
		    getsockname(fd, (struct sockaddr *)&here, &size) != 0)
			die("origin");
		origin_ports[i] = ntohs(here.sin_port);
		listeners[i] = fd;
		if (threads && pthread_create(&thread, NULL, accept_one_by_one,
					      (void *)(intptr_t)fd) != 0)
			die("origin");
	}
	if (!threads && pthread_create(&thread, NULL, echo, NULL) != 0)
		die("origin");
}
