/* bench_load.c - load for a CONNECT proxy on loopback, with the origin built
 * in. Blocking sockets in threads, since only the proxy's CPU time is measured.
 * usage: bench_load MODE PORT [NAME=VALUE]...
 *   connect  tunnels set up and torn down
 *   deny     requests to denied.test:443
 *   rtt      64-byte exchanges over tunnels that are open
 *   get      plain GETs over kept connections
 *   down up  transfers, a tunnel each
 * active=N   how many at once (1); idle=N  quiet tunnels open beside them
 * bytes=N    how long an answer or a transfer is
 * rate=N     one at a time, N a second, and tell how long each took
 * tls=FILE   TLS with the client certificate and key in FILE
 * ciphers=LIST resume=1
 * Says when all is set up; then runs as many units as each line of standard
 * input says, with a line of JSON for each, until it ends. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define MAX_THREADS 256
#define EXCHANGE 64

struct settings settings = {.active = 1};

static struct link *links; /* `active` of them where the mode keeps them open */
static long total, taken, succeeded;
static double *latencies; /* `total` of them when there is a rate */

void die(const char *what)
{
	perror(what);
	exit(3);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- one unit of each kind --- */

static bool exchange(struct link *l)
{
	char bytes[EXCHANGE] = {0};

	return link_write(l, bytes, sizeof(bytes)) &&
	       link_read_exact(l, bytes, sizeof(bytes));
}

static bool denied(void)
{
	struct link l;
	bool ok = link_open(&l, 0);

	if (ok)
		ok = link_ask(&l, "denied.test:443", '4');
	link_close(&l);
	return ok;
}

static bool transfer(char *buffer, unsigned number)
{
	struct link l;
	bool ok = tunnel_open(&l, number);

	if (ok && settings.mode == MODE_DOWN)
		ok = link_write(&l, "g", 1);
	for (uint64_t left = settings.bytes; ok && left > 0;) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		if (settings.mode == MODE_DOWN)
			ok = (n = link_read(&l, buffer, n)) > 0;
		else
			ok = link_write(&l, buffer, n);
		left -= n;
	}
	if (ok && settings.mode == MODE_UP)
		ok = link_read_exact(&l, buffer, 1);
	link_close(&l);
	return ok;
}

static bool get(struct link *l, char *buffer, unsigned number)
{
	char request[256], head[4096];
	size_t have = 0;
	const char *end = NULL;
	unsigned port = origin_ports[number % ORIGINS];
	int n = snprintf(request, sizeof(request),
			 "GET http://127.0.0.1:%u/ HTTP/1.1\r\n"
			 "Host: 127.0.0.1:%u\r\n\r\n",
			 port, port);

	if (!link_write(l, request, (size_t)n))
		return false;
	/* the body may come with the head, which is a few lines */
	while (end == NULL && have < sizeof(head) - 1) {
		size_t got = link_read(l, head + have, sizeof(head) - 1 - have);

		if (got == 0)
			return false;
		have += got;
		head[have] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	if (end == NULL || memcmp(head + 9, "200", 3) != 0)
		return false;
	have -= (size_t)(end + 4 - head);
	return have >= settings.bytes ||
	       link_read_exact(l, buffer, settings.bytes - have);
}

static bool keeps_links(void)
{
	return settings.mode == MODE_RTT || settings.mode == MODE_GET;
}

static bool unit(char *buffer, unsigned number)
{
	struct link l;

	switch (settings.mode) {
	case MODE_CONNECT:
		if (!tunnel_open(&l, 0))
			return false;
		if (settings.rate == 0)
			link_close(&l);
		else
			links[0] = l; /* closed when the clock has stopped */
		return true;
	case MODE_DENY:
		return denied();
	case MODE_RTT:
		return exchange(&links[number]);
	case MODE_GET:
		return get(&links[number], buffer, number);
	case MODE_DOWN:
	case MODE_UP:
		return transfer(buffer, 0);
	}
	return false;
}

/* --- running them --- */

/* One of `active` threads, or of MAX_THREADS that share the links. */
static void *work(void *arg)
{
	unsigned first = (unsigned)(uintptr_t)arg, number = first;
	char *buffer = calloc(1, CHUNK);

	if (buffer == NULL)
		die("calloc");
	while (__atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED) <= total) {
		if (unit(buffer, number))
			__atomic_add_fetch(&succeeded, 1, __ATOMIC_RELAXED);
		else if (keeps_links())
			break; /* what nobody tries now has failed, too */
		number += MAX_THREADS;
		if (number >= settings.active)
			number = first;
	}
	free(buffer);
	return NULL;
}

static void run_threads(void)
{
	pthread_t threads[MAX_THREADS];
	long n = settings.active < MAX_THREADS ? settings.active : MAX_THREADS;

	for (long i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			die("thread");
	for (long i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* At a steady pace, whatever each takes. */
static void run_paced(void)
{
	char *buffer = calloc(1, CHUNK);
	double start = now();

	if (buffer == NULL)
		die("calloc");
	for (long i = 0; i < total; i++) {
		double wait = start + (double)i / (double)settings.rate - now();

		if (wait > 0)
			usleep((useconds_t)(wait * 1e6));

		double sent = now();

		succeeded += unit(buffer, 0);
		latencies[i] = now() - sent;
		if (settings.mode == MODE_CONNECT)
			link_close(&links[0]);
	}
	free(buffer);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void run(long count)
{
	long before = link_resumed();
	double start = now();

	total = count;
	taken = succeeded = 0;
	if (settings.rate > 0) {
		latencies = calloc((size_t)count, sizeof(*latencies));
		if (latencies == NULL)
			die("calloc");
		run_paced();
		qsort(latencies, (size_t)count, sizeof(*latencies), compare);
		printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, ",
		       latencies[count / 2] * 1e6,
		       latencies[count * 99 / 100] * 1e6);
		free(latencies);
	} else {
		run_threads();
		printf("{");
	}
	printf("\"count\": %ld, \"seconds\": %.6f, \"failures\": %ld, "
	       "\"resumed\": %ld}\n",
	       count, now() - start, count - succeeded,
	       link_resumed() - before);
	fflush(stdout);
}

/* Open what stays open; how many tunnels that is. */
static long set_up(void)
{
	long open = 0;
	struct link quiet;

	if (settings.resume && !link_take_session())
		return -1;
	for (; open < settings.idle; open++)
		if (!tunnel_open(&quiet, (unsigned)open))
			return -1; /* and never closed */
	links = calloc((size_t)settings.active, sizeof(*links));
	if (links == NULL)
		die("calloc");
	for (long i = 0; keeps_links() && i < settings.active; i++)
		if (settings.mode == MODE_GET
			    ? !link_open(&links[i], 0)
			    : !tunnel_open(&links[i], (unsigned)i))
			return -1;
	return open + (settings.mode == MODE_RTT ? settings.active : 0);
}

/* --- the command line --- */

static bool set(const char *name, const char *value, const char **tls,
		const char **ciphers)
{
	long number = strtol(value, NULL, 10);

	if (strcmp(name, "active") == 0 && number > 0)
		settings.active = number;
	else if (strcmp(name, "idle") == 0)
		settings.idle = number;
	else if (strcmp(name, "bytes") == 0)
		settings.bytes = (uint64_t)number;
	else if (strcmp(name, "rate") == 0)
		settings.rate = number;
	else if (strcmp(name, "resume") == 0)
		settings.resume = number != 0;
	else if (strcmp(name, "tls") == 0)
		*tls = value;
	else if (strcmp(name, "ciphers") == 0)
		*ciphers = value;
	else
		return false;
	return true;
}

static bool read_arguments(int argc, char **argv)
{
	static const char *const modes[] = {"connect", "deny", "rtt",
					    "get",     "down", "up"};
	const char *tls = NULL, *ciphers = "ECDHE+AESGCM";
	size_t mode = 0;

	if (argc < 3)
		return false;
	while (mode < sizeof(modes) / sizeof(modes[0]) &&
	       strcmp(argv[1], modes[mode]) != 0)
		mode++;
	if (mode == sizeof(modes) / sizeof(modes[0]))
		return false;
	settings.mode = (enum mode)mode;
	settings.proxy_port = (uint16_t)strtoul(argv[2], NULL, 10);
	for (int i = 3; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			return false;
		*value++ = '\0';
		if (!set(argv[i], value, &tls, &ciphers))
			return false;
	}
	if (settings.mode == MODE_GET && settings.bytes > CHUNK / 2)
		settings.bytes = CHUNK / 2; /* head and body are one buffer */
	if (tls != NULL)
		link_init_tls(tls, ciphers);
	return true;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	char line[32];

	if (!read_arguments(argc, argv)) {
		fprintf(stderr,
			"usage: bench_load MODE PORT [NAME=VALUE]...\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	origin_start();

	long open = set_up();

	printf("{\"open\": %ld}\n", open);
	fflush(stdout);
	if (open < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL)
		run(strtol(line, NULL, 10));
	return 0;
}
