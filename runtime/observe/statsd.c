/* statsd.c - see statsd.h. */
#include "statsd.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFIX "smokescreen."
#define HOST_MAX 256
#define LINE_MAX_BYTES 512 /* two labels of METRICS_LABEL_MAX among them */

/* --- the socket -------------------------------------------------------------
 */

/* Cut "host:port" or "[host]:port" into HOST of HOST_MAX bytes and the port. */
static const char *split(const char *address, char *host)
{
	const char *colon = strrchr(address, ':');
	size_t n;

	if (colon == NULL || colon == address || colon[1] == '\0')
		return NULL;
	n = (size_t)(colon - address);
	if (address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	} else if (memchr(address, ':', n) != NULL) {
		return NULL;
	}
	if (n == 0 || n >= HOST_MAX)
		return NULL;
	memcpy(host, address, n);
	host[n] = '\0';
	return colon + 1;
}

static int connect_to(const struct addrinfo *at)
{
	int fd = socket(at->ai_family,
			SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -1;
	if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int statsd_open(const char *address, char *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
				       .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found, *each;
	char host[HOST_MAX];
	const char *port = split(address, host);
	int fd = -1, error;

	if (port == NULL) {
		snprintf(why, STATSD_WHY_MAX,
			 "statsd address '%s' is not HOST:PORT", address);
		return -1;
	}
	error = getaddrinfo(host, port, &hints, &found);
	if (error != 0) {
		snprintf(why, STATSD_WHY_MAX, "statsd address '%s': %s",
			 address, gai_strerror(error));
		return -1;
	}
	for (each = found; each != NULL && fd < 0; each = each->ai_next)
		fd = connect_to(each);
	if (fd < 0)
		snprintf(why, STATSD_WHY_MAX, "statsd address '%s': %s",
			 address, strerror(errno));
	freeaddrinfo(found);
	return fd;
}

void statsd_init(struct statsd *statsd, int fd, struct metrics *metrics)
{
	statsd->fd = fd;
	statsd->metrics = metrics;
	statsd->dice = 1;
	statsd->length = 0;
}

/* --- datagrams --------------------------------------------------------------
 */

void statsd_flush(struct statsd *statsd)
{
	ssize_t sent;

	if (statsd->length == 0)
		return;
	do
		sent = send(statsd->fd, statsd->bytes, statsd->length,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		metrics_count(statsd->metrics, METRIC_STATSD_DROPPED);
	statsd->length = 0;
}

/* One line in the making. */
struct line {
	char text[LINE_MAX_BYTES];
	size_t n;
	bool has_tags;
};

static void put(struct line *line, const char *text)
{
	size_t n = strlen(text);

	/* a tag of a line that is full is dropped: LINE_MAX_BYTES has room
	 * for what metrics.h allows */
	if (n > sizeof(line->text) - line->n)
		n = sizeof(line->text) - line->n;
	memcpy(line->text + line->n, text, n);
	line->n += n;
}

static void put_tag(struct line *line, const char *key, const char *value)
{
	put(line, line->has_tags ? "," : "|#");
	line->has_tags = true;
	put(line, key);
	put(line, ":");
	put(line, value);
}

static void add_line(struct statsd *statsd, const struct line *line)
{
	size_t newline = statsd->length != 0;

	if (line->n + newline > sizeof(statsd->bytes) - statsd->length) {
		statsd_flush(statsd);
		newline = 0;
	}
	if (newline)
		statsd->bytes[statsd->length++] = '\n';
	memcpy(statsd->bytes + statsd->length, line->text, line->n);
	statsd->length += line->n;
}

static void begin_line(struct line *line, const char *name, const char *value,
		       const char *type)
{
	*line = (struct line){.n = 0};
	put(line, PREFIX);
	put(line, name);
	put(line, ":");
	put(line, value);
	put(line, "|");
	put(line, type);
}

static bool left_out(struct statsd *statsd, const char *type)
{
	if (strchr(type, '@') == NULL)
		return false;
	/* xorshift: even is enough, nobody has an interest in guessing it */
	statsd->dice ^= statsd->dice << 13;
	statsd->dice ^= statsd->dice >> 17;
	statsd->dice ^= statsd->dice << 5;
	return (statsd->dice & 1) != 0;
}

void statsd_sample(struct statsd *statsd, const struct metrics_family *family,
		   const struct metrics_labels *labels, uint64_t value)
{
	unsigned long long whole = value, rest = 0;
	char text[48];
	struct line line;

	if (left_out(statsd, family->statsd_type))
		return;
	switch (family->scale) {
	case SCALE_MILLISECONDS:
		whole = value / 1000;
		rest = value % 1000 * 1000;
		break;
	case SCALE_SECONDS:
	case SCALE_DURATION:
		whole = value / 1000000;
		rest = value % 1000000;
		break;
	case SCALE_NONE:
	case SCALE_BYTES:
		break;
	}
	snprintf(text, sizeof(text),
		 family->scale == SCALE_BYTES ? "%llu" : "%llu.%06llu", whole,
		 rest);
	begin_line(&line, family->statsd, text, family->statsd_type);
	if (labels != NULL) {
		put_tag(&line, "role", labels->role);
		put_tag(&line, "project", labels->project);
	}
	add_line(statsd, &line);
}

/* --- counters ---------------------------------------------------------------
 */

struct sending {
	struct statsd *statsd;
	struct statsd_sent *sent;
	bool gauges;
};

void statsd_gauge(struct statsd *statsd, const char *name, const char *key,
		  const char *tag, uint64_t value)
{
	char text[24];
	struct line line;

	snprintf(text, sizeof(text), "%lld", (long long)value);
	begin_line(&line, name, text, "g");
	if (key != NULL)
		put_tag(&line, key, tag);
	add_line(statsd, &line);
}

static void send_counter(struct sending *sending,
			 const struct metrics_sample *sample)
{
	uint64_t *sent = &sending->sent->value[sample->place];
	char text[24];
	struct line line;

	if (sample->value == *sent)
		return;
	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)(sample->value - *sent));
	*sent = sample->value;
	begin_line(&line, sample->family->statsd, text, "c");
	for (unsigned i = 0; i < sample->tag_count; i++)
		put_tag(&line, sample->tags[i].key, sample->tags[i].value);
	add_line(sending->statsd, &line);
}

static void visit(void *context, const struct metrics_sample *sample)
{
	struct sending *sending = context;

	if (sample->family->statsd[0] == '\0')
		return;
	switch (sample->family->kind) {
	case METRICS_COUNTER:
		send_counter(sending, sample);
		break;
	case METRICS_GAUGE:
		if (sending->gauges)
			statsd_gauge(sending->statsd, sample->family->statsd,
				     NULL, NULL, sample->value);
		break;
	case METRICS_HISTOGRAM:
		/* its samples were sent as they were taken */
		break;
	}
}

bool statsd_send_counters(struct statsd *statsd, struct statsd_sent *sent,
			  struct metrics_registry *registry)
{
	struct sending sending = {
		.statsd = statsd,
		.sent = sent,
		.gauges = sent->turn++ % STATSD_GAUGE_TURNS == 0,
	};

	metrics_walk(registry, false, visit, &sending);
	statsd_flush(statsd);
	return sending.gauges;
}
