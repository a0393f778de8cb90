/* bench_relay.c - the baseline: a bare CONNECT relay on raw epoll, and nothing
 * else.  No policy, no names, no log, no timeouts; one thread.  What it costs
 * is what the kernel costs, so the proxy's figures are given as ratios to it.
 * A name is refused with 407; a GET takes its connection to the first origin
 * asked for, and bytes flow from there.
 * usage: bench_relay PORT [splice]     on 127.0.0.1 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 4096
#define CHUNK (64 * 1024)
#define PIPE_BYTES (1 << 20)

struct relay;

/* One of a relay's two sockets: what epoll hands back. */
struct side {
	struct relay *relay; /* owner */
	int fd;
	bool eof; /* read side is finished */
	bool registered;
	uint32_t want; /* events registered */
	int pipe[2];   /* splice: from this side to the other; -1 unused */
	size_t in_pipe;
	char *left; /* read/write: what the other side did not take */
	size_t left_at, left_n;
};

enum stage { STAGE_HEAD, STAGE_DIAL, STAGE_TUNNEL };

struct relay {
	enum stage stage;
	struct side client, origin;
	char *head; /* owned; a GET's until there is a tunnel */
	size_t head_n;
	struct relay *next_dead;
};

static int epoll_fd;
static bool use_splice;
static char chunk[CHUNK];
static char head[HEAD_MAX];
static struct relay *dead;

static void want(struct side *s, uint32_t events)
{
	if (s->want == events || s->fd < 0)
		return;
	struct epoll_event e = {.events = events, .data.ptr = s};

	epoll_ctl(epoll_fd, s->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		  s->fd, &e);
	s->registered = true;
	s->want = events;
}

static void drop(struct relay *r)
{
	if (r->client.fd < 0)
		return;
	close(r->client.fd);
	if (r->origin.fd >= 0)
		close(r->origin.fd);
	for (int i = 0; i < 2; i++) {
		if (r->client.pipe[0] >= 0)
			close(r->client.pipe[i]);
		if (r->origin.pipe[0] >= 0)
			close(r->origin.pipe[i]);
	}
	free(r->client.left);
	free(r->origin.left);
	free(r->head);
	r->client.fd = r->origin.fd = -1;
	r->next_dead = dead;
	dead = r;
}

/* Move bytes from one side to the other; false ends the relay. */
static bool move_copy(struct side *from, struct side *to)
{
	for (;;) {
		if (from->left_n > 0) {
			ssize_t n = send(to->fd, from->left + from->left_at,
					 from->left_n, MSG_NOSIGNAL);
			if (n < 0)
				return errno == EAGAIN;
			from->left_at += (size_t)n;
			from->left_n -= (size_t)n;
			if (from->left_n > 0)
				return true;
			free(from->left);
			from->left = NULL;
		}
		if (from->eof)
			return true;

		ssize_t n = recv(from->fd, chunk, sizeof(chunk), 0);

		if (n < 0)
			return errno == EAGAIN;
		if (n == 0) {
			from->eof = true;
			shutdown(to->fd, SHUT_WR);
			return true;
		}
		ssize_t sent = send(to->fd, chunk, (size_t)n, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < 0)
			sent = 0;
		if (sent < n) {
			from->left_n = (size_t)(n - sent);
			from->left_at = 0;
			from->left = malloc(from->left_n);
			if (from->left == NULL)
				return false;
			memcpy(from->left, chunk + sent, from->left_n);
			return true;
		}
		if ((size_t)n < sizeof(chunk))
			return true;
	}
}

static bool move_splice(struct side *from, struct side *to)
{
	if (from->pipe[0] < 0) {
		if (pipe2(from->pipe, O_NONBLOCK | O_CLOEXEC) != 0)
			return false;
		fcntl(from->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
	}
	for (;;) {
		if (from->in_pipe > 0) {
			ssize_t n = splice(from->pipe[0], NULL, to->fd, NULL,
					   from->in_pipe, SPLICE_F_NONBLOCK);
			if (n <= 0)
				return n < 0 && errno == EAGAIN;
			from->in_pipe -= (size_t)n;
			if (from->in_pipe > 0)
				return true;
		}
		if (from->eof)
			return true;

		ssize_t n = splice(from->fd, NULL, from->pipe[1], NULL,
				   PIPE_BYTES, SPLICE_F_NONBLOCK);

		if (n < 0)
			return errno == EAGAIN;
		if (n == 0) {
			from->eof = true;
			shutdown(to->fd, SHUT_WR);
			return true;
		}
		from->in_pipe = (size_t)n;
	}
}

static void pump(struct relay *r)
{
	bool (*move)(struct side *, struct side *) =
		use_splice ? move_splice : move_copy;
	struct side *c = &r->client, *o = &r->origin;

	if (!move(c, o) || !move(o, c) || (c->eof && o->eof)) {
		drop(r);
		return;
	}
	size_t to_origin = c->left_n + c->in_pipe;
	size_t to_client = o->left_n + o->in_pipe;

	want(c, (to_origin || c->eof ? 0u : (uint32_t)EPOLLIN) |
			(to_client ? (uint32_t)EPOLLOUT : 0u));
	want(o, (to_client || o->eof ? 0u : (uint32_t)EPOLLIN) |
			(to_origin ? (uint32_t)EPOLLOUT : 0u));
}

/* Heads come whole, or not at all. */
static void on_head(struct relay *r)
{
	ssize_t n = recv(r->client.fd, head, HEAD_MAX - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	head[n < 0 ? 0 : n] = '\0';
	if (strstr(head, "\r\n\r\n") == NULL) {
		drop(r);
		return;
	}

	static const char denied[] = "HTTP/1.1 407 Denied\r\n"
				     "Content-Length: 0\r\n\r\n";
	char host[64];
	unsigned port;
	struct sockaddr_in to = {.sin_family = AF_INET};
	bool is_get = memcmp(head, "GET ", 4) == 0;

	if (sscanf(head,
		   is_get ? "GET http://%63[0-9.]:%u/"
			  : "CONNECT %63[0-9.]:%u ",
		   host, &port) != 2 ||
	    inet_pton(AF_INET, host, &to.sin_addr) != 1) {
		(void)send(r->client.fd, denied, sizeof(denied) - 1,
			   MSG_NOSIGNAL);
		drop(r);
		return;
	}
	if (is_get) {
		r->head = strdup(head);
		r->head_n = (size_t)n;
	}
	to.sin_port = htons((uint16_t)port);
	r->origin.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (r->origin.fd < 0 ||
	    (connect(r->origin.fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	     errno != EINPROGRESS)) {
		drop(r);
		return;
	}
	setsockopt(r->origin.fd, IPPROTO_TCP, TCP_NODELAY, &(int){1},
		   sizeof(int));
	r->stage = STAGE_DIAL;
	want(&r->origin, EPOLLOUT);
}

static void on_event(struct side *s)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\n\r\n";
	struct relay *r = s->relay;
	ssize_t n;

	if (r->client.fd < 0)
		return;
	switch (r->stage) {
	case STAGE_HEAD:
		on_head(r);
		return;
	case STAGE_DIAL:
		if (s != &r->origin)
			return;
		n = r->head ? send(r->origin.fd, r->head, r->head_n,
				   MSG_NOSIGNAL)
			    : send(r->client.fd, ok, sizeof(ok) - 1,
				   MSG_NOSIGNAL);
		if (n < 0) {
			drop(r);
			return;
		}
		free(r->head);
		r->head = NULL;
		r->stage = STAGE_TUNNEL;
		want(&r->origin, EPOLLIN);
		return;
	case STAGE_TUNNEL:
		pump(r);
		return;
	}
}

static void on_accept(int listener)
{
	for (int i = 0; i < 32; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

		if (fd < 0)
			return;
		struct relay *r = calloc(1, sizeof(*r));

		if (r == NULL)
			exit(3);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1},
			   sizeof(int));
		r->client =
			(struct side){.relay = r, .fd = fd, .pipe = {-1, -1}};
		r->origin =
			(struct side){.relay = r, .fd = -1, .pipe = {-1, -1}};
		want(&r->client, EPOLLIN);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = {.sin_family = AF_INET};
	socklen_t size = sizeof(here);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (argc < 2) {
		fputs("usage: bench_relay PORT [splice]\n", stderr);
		return 2;
	}
	use_splice = argc > 2 && strcmp(argv[2], "splice") == 0;
	here.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	signal(SIGPIPE, SIG_IGN);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&here, size) != 0 ||
	    listen(listener, 1024) != 0) {
		perror("listen");
		return 3;
	}
	epoll_fd = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};

	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll_fd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				on_accept(listener);
			else
				on_event(events[i].data.ptr);
		}
		while (dead != NULL) {
			struct relay *r = dead;

			dead = r->next_dead;
			free(r);
		}
	}
}
