/* bench_load.c - load for a CONNECT proxy on loopback, with the origin built
 * in.  Bounded in count; blocking sockets in threads, since only the proxy's
 * CPU time is measured. usage: bench_load MODE PORT COUNT CONCURRENCY [BYTES]
 *   connect  COUNT tunnels set up and torn down
 *   deny     COUNT requests to denied.test:443
 *   rtt      COUNT 64-byte exchanges over CONCURRENCY tunnels
 *   get      COUNT plain GETs of BYTES over CONCURRENCY kept connections
 *   down     COUNT downloads of BYTES each
 *   up       COUNT uploads of BYTES each
 *   idle     COUNT tunnels kept open until standard input ends
 * Prints one JSON line. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256 * 1024)
#define MAX_THREADS 256

static const char *mode;
static uint16_t proxy_port;
static long total, concurrency;
static uint64_t bytes;
static uint16_t origin_port;
static long taken, failures;

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static bool read_exact(int fd, void *buffer, size_t n)
{
	for (size_t have = 0; have < n;) {
		ssize_t got = recv(fd, (char *)buffer + have, n - have, 0);

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

static bool write_exact(int fd, const void *buffer, size_t n)
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

/* What a tunnel's client asks of the origin, sent first. */
struct order {
	char what; /* 'e' echo, 's' send COUNT bytes, 'd' take COUNT bytes */
	char pad[7];
	uint64_t count;
};

/* Read one head from FD, which sends nothing behind it until answered. */
static bool read_head(int fd, char *head, size_t size)
{
	size_t have = 0;

	while (have < size - 1) {
		ssize_t got = recv(fd, head + have, size - 1 - have, 0);

		if (got <= 0)
			return false;
		have += (size_t)got;
		head[have] = '\0';
		if (memcmp(head + have - 4, "\r\n\r\n", 4) == 0)
			return true;
	}
	return false;
}

/* An HTTP/1.1 origin: BYTES of body for every request. */
static void serve_http(int fd, char *buffer)
{
	int n = snprintf(buffer, 128,
			 "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
			 (unsigned long long)bytes);
	char head[4096];

	while (read_head(fd, head, sizeof(head)))
		if (!write_exact(fd, buffer, (size_t)n + bytes))
			return;
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char *buffer = calloc(1, CHUNK);
	struct order order;

	if (buffer == NULL)
		die("calloc");
	if (strcmp(mode, "get") == 0) {
		serve_http(fd, buffer);
	} else if (read_exact(fd, &order, sizeof(order))) {
		if (order.what == 's') {
			for (uint64_t left = order.count; left > 0;) {
				size_t n = left < CHUNK ? (size_t)left : CHUNK;

				if (!write_exact(fd, buffer, n))
					break;
				left -= n;
			}
		} else if (order.what == 'd') {
			for (uint64_t left = order.count; left > 0;) {
				ssize_t n = recv(fd, buffer, CHUNK, 0);

				if (n <= 0)
					break;
				left -= (uint64_t)n;
			}
			write_exact(fd, "k", 1);
		} else {
			for (;;) {
				ssize_t n = recv(fd, buffer, CHUNK, 0);

				if (n <= 0 ||
				    !write_exact(fd, buffer, (size_t)n))
					break;
			}
		}
	}
	free(buffer);
	close(fd);
	return NULL;
}

static bool threads_for_origin(void)
{
	return strcmp(mode, "connect") != 0 && strcmp(mode, "deny") != 0 &&
	       strcmp(mode, "idle") != 0;
}

/* Set-up rows leave their connections to one thread that closes them. */
static void *originate(void *arg)
{
	int listener = (int)(intptr_t)arg;
	bool keep = strcmp(mode, "idle") == 0;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		if (keep)
			continue;
		if (!threads_for_origin()) {
			char c;

			(void)recv(fd, &c, 1, 0);
			close(fd);
			continue;
		}
		pthread_t thread;
		pthread_attr_t attr;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1},
			   sizeof(int));
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, 256 * 1024);
		if (pthread_create(&thread, &attr, serve,
				   (void *)(intptr_t)fd) != 0)
			close(fd);
		pthread_attr_destroy(&attr);
	}
}

static void start_origin(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET};
	socklen_t size = sizeof(here);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread;

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&here, size) != 0 ||
	    listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&here, &size) != 0)
		die("origin");
	origin_port = ntohs(here.sin_port);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, originate,
				   (void *)(intptr_t)fd) != 0)
			die("origin");
}

static int connect_proxy(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(proxy_port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect to the proxy");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}

/* Send a CONNECT; true when the answer's status is STATUS. */
static bool ask(int fd, const char *authority, const char *status)
{
	char head[1024];
	size_t have = 0;
	int n = snprintf(head, sizeof(head),
			 "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority,
			 authority);

	if (!write_exact(fd, head, (size_t)n))
		return false;
	while (have < sizeof(head) - 1) {
		ssize_t got = recv(fd, head + have, sizeof(head) - 1 - have, 0);

		if (got <= 0)
			return false;
		have += (size_t)got;
		head[have] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL)
			break;
	}
	return have > 12 && memcmp(head + 9, status, 3) == 0;
}

static int open_tunnel(void)
{
	char authority[32];
	int fd = connect_proxy();

	snprintf(authority, sizeof(authority), "127.0.0.1:%u", origin_port);
	if (!ask(fd, authority, "200")) {
		__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
		close(fd);
		return -1;
	}
	return fd;
}

static bool next(void)
{
	return __atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED) <= total;
}

static void fail_unless(bool ok)
{
	if (!ok)
		__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void transfer(int fd, char *buffer)
{
	struct order order = {.what = mode[0] == 'd' ? 's' : 'd',
			      .count = bytes};

	fail_unless(write_exact(fd, &order, sizeof(order)));
	for (uint64_t left = bytes; left > 0;) {
		if (mode[0] == 'd') {
			ssize_t n = recv(fd, buffer, CHUNK, 0);

			if (n <= 0) {
				fail_unless(false);
				return;
			}
			left -= (uint64_t)n;
		} else {
			size_t n = left < CHUNK ? (size_t)left : CHUNK;

			if (!write_exact(fd, buffer, n)) {
				fail_unless(false);
				return;
			}
			left -= n;
		}
	}
	if (mode[0] == 'u')
		fail_unless(read_exact(fd, buffer, 1));
}

/* GETs over one connection to the proxy. */
static void get_many(char *buffer)
{
	char request[256], head[4096];
	int fd = connect_proxy();
	int n = snprintf(request, sizeof(request),
			 "GET http://127.0.0.1:%u/ HTTP/1.1\r\n"
			 "Host: 127.0.0.1:%u\r\n\r\n",
			 origin_port, origin_port);

	while (next()) {
		size_t have = 0;
		const char *end = NULL;

		if (!write_exact(fd, request, (size_t)n)) {
			fail_unless(false);
			break;
		}
		/* the body may come with the head, which is a few lines */
		while (end == NULL && have < sizeof(head) - 1) {
			ssize_t got = recv(fd, head + have,
					   sizeof(head) - 1 - have, 0);

			if (got <= 0)
				break;
			have += (size_t)got;
			head[have] = '\0';
			end = strstr(head, "\r\n\r\n");
		}
		if (end == NULL || memcmp(head + 9, "200", 3) != 0) {
			fail_unless(false);
			break;
		}
		have -= (size_t)(end + 4 - head);
		if (have < bytes && !read_exact(fd, buffer, bytes - have)) {
			fail_unless(false);
			break;
		}
	}
	close(fd);
}

static void *work(void *arg)
{
	char *buffer = calloc(1, CHUNK);

	(void)arg;
	if (buffer == NULL)
		die("calloc");
	if (strcmp(mode, "get") == 0) {
		get_many(buffer);
	} else if (strcmp(mode, "rtt") == 0) {
		struct order order = {.what = 'e'};
		int fd = open_tunnel();

		if (fd >= 0 && write_exact(fd, &order, sizeof(order))) {
			while (next()) {
				if (!write_exact(fd, buffer, 64) ||
				    !read_exact(fd, buffer, 64)) {
					fail_unless(false);
					break;
				}
			}
			close(fd);
		}
	} else if (strcmp(mode, "deny") == 0) {
		while (next()) {
			int fd = connect_proxy();

			fail_unless(ask(fd, "denied.test:443", "407"));
			close(fd);
		}
	} else {
		while (next()) {
			int fd = open_tunnel();

			if (fd < 0)
				continue;
			if (strcmp(mode, "connect") != 0)
				transfer(fd, buffer);
			close(fd);
		}
	}
	free(buffer);
	return NULL;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_THREADS];
	struct rlimit files;

	if (argc < 5) {
		fprintf(stderr, "usage: bench_load MODE PORT COUNT "
				"CONCURRENCY [BYTES]\n");
		return 2;
	}
	mode = argv[1];
	proxy_port = (uint16_t)strtoul(argv[2], NULL, 10);
	total = strtol(argv[3], NULL, 10);
	concurrency = strtol(argv[4], NULL, 10);
	bytes = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
	if (strcmp(mode, "get") == 0 && bytes > CHUNK / 2)
		bytes = CHUNK / 2; /* head and body are one buffer */
	if (concurrency < 1 || concurrency > MAX_THREADS)
		concurrency = 1;
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	start_origin();

	double start = seconds();

	if (strcmp(mode, "idle") == 0) {
		long open = 0;

		while (open < total && open_tunnel() >= 0)
			open++;
		printf("{\"open\": %ld}\n", open);
		fflush(stdout);
		while (getchar() != EOF)
			;
		return open == total ? 0 : 1;
	}
	for (long i = 0; i < concurrency; i++)
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			die("thread");
	for (long i = 0; i < concurrency; i++)
		pthread_join(threads[i], NULL);
	printf("{\"mode\": \"%s\", \"count\": %ld, \"bytes\": %llu, "
	       "\"seconds\": %.6f, \"failures\": %ld}\n",
	       mode, total, (unsigned long long)bytes, seconds() - start,
	       failures);
	return failures == 0 ? 0 : 1;
}
