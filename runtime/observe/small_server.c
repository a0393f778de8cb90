/* small_server.c - see small_server.h. */
#include "small_server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum small_state {
	SMALL_HEAD = 0, /* reading the request */
	SMALL_WAITS,    /* for small_answer() */
	SMALL_WRITES,
	SMALL_ENDS, /* all is written: waiting for the end, so that no reset
		     * overtakes the answer */
};

struct small_client {
	LIST_ENTRY(small_client) link;
	struct small_server *server; /* borrowed */
	enum small_state state;
	int fd; /* owned */
	struct event event;
	struct event timer;
	bool is_head;
	struct head_progress progress;
	struct text in;
	struct text out; /* head and body */
	size_t written;
};

static void close_client(struct small_client *client)
{
	struct small_server *server = client->server;
	bool waits = client->state == SMALL_WAITS;

	event_del(&client->event);
	event_del(&client->timer);
	close(client->fd);
	LIST_REMOVE(client, link);
	server->count--;
	if (waits && server->gone != NULL)
		server->gone(server->context, client);
	text_free(&client->in);
	text_free(&client->out);
	free(client);
}

static void arm(struct small_client *client, unsigned ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_add(&client->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	close_client(context);
}

static void on_ready(evutil_socket_t fd, short what, void *context);

static void want(struct small_client *client, short what)
{
	event_del(&client->event);
	event_assign(&client->event, client->server->base, client->fd,
		     (short)(what | EV_PERSIST), on_ready, client);
	/* should it fail, the timer ends this client */
	event_add(&client->event, NULL);
}

/* --- the answer -------------------------------------------------------------
 */

static const char *phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 500:
		return "Internal Server Error";
	}
	return "Bad Request";
}

static void write_more(struct small_client *client)
{
	while (client->written < client->out.n) {
		ssize_t n = send(client->fd, client->out.p + client->written,
				 client->out.n - client->written,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			arm(client, SMALL_STALL_MS);
			want(client, EV_WRITE);
			return;
		}
		if (n < 0) {
			close_client(client);
			return;
		}
		client->written += (size_t)n;
	}
	text_free(&client->out);
	client->state = SMALL_ENDS;
	if (shutdown(client->fd, SHUT_WR) != 0) {
		close_client(client);
		return;
	}
	arm(client, SMALL_STALL_MS);
	want(client, EV_READ);
}

void small_answer(struct small_client *client, unsigned status,
		  const char *content_type, struct text *body)
{
	struct text *out = &client->out;

	if (body->failed) {
		status = 500;
		content_type = "text/plain";
		text_free(body);
	}
	text_put(out, "HTTP/1.1 ");
	text_put_unsigned(out, status);
	text_put(out, " ");
	text_put(out, phrase(status));
	text_put(out, "\r\nContent-Type: ");
	text_put(out, content_type);
	text_put(out, "\r\nContent-Length: ");
	text_put_unsigned(out, body->n);
	text_put(out, status == 405 ? "\r\nAllow: GET, HEAD" : "");
	text_put(out, "\r\nConnection: close\r\n\r\n");
	if (!client->is_head)
		text_add(out, str_make(body->p, body->n));
	text_free(body);
	client->state = SMALL_WRITES;
	if (out->failed)
		close_client(client);
	else
		write_more(client);
}

static void refuse(struct small_client *client, unsigned status)
{
	struct text body = {.n = 0};

	text_put(&body, phrase(status));
	text_put(&body, "\n");
	small_answer(client, status, "text/plain", &body);
}

/* --- the request ------------------------------------------------------------
 */

static struct str span(const struct small_client *client, struct head_span span)
{
	return str_make(client->in.p + span.start, span.length);
}

static void scan(struct small_client *client)
{
	struct small_server *server = client->server;
	struct request *request = &server->request;
	enum head_status status = request_scan(&client->progress, client->in.p,
					       client->in.n, request);
	struct str method;

	if (status == HEAD_MORE && client->in.n < SMALL_MAX_HEAD)
		return;
	if (status != HEAD_DONE) {
		refuse(client, 400);
		return;
	}
	method = span(client, request->method);
	client->is_head = str_equal(method, STR("HEAD"));
	if (!client->is_head && !str_equal(method, STR("GET"))) {
		refuse(client, 405);
		return;
	}
	client->state = SMALL_WAITS;
	event_del(&client->event);
	arm(client, SMALL_STALL_MS);
	server->asked(server->context, client, span(client, request->target));
}

static void read_more(struct small_client *client)
{
	ssize_t n;

	if (!text_reserve(&client->in, SMALL_MAX_HEAD - client->in.n)) {
		close_client(client);
		return;
	}
	n = recv(client->fd, client->in.p + client->in.n,
		 SMALL_MAX_HEAD - client->in.n, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_client(client);
		return;
	}
	client->in.n += (size_t)n;
	scan(client);
}

/* What comes behind the request is of no interest, but for its end. */
static void read_rest(struct small_client *client)
{
	char rest[512];
	ssize_t n = recv(client->fd, rest, sizeof(rest), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_client(client);
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	struct small_client *client = context;

	(void)fd;
	(void)what;
	switch (client->state) {
	case SMALL_HEAD:
		read_more(client);
		break;
	case SMALL_WRITES:
		write_more(client);
		break;
	case SMALL_ENDS:
		read_rest(client);
		break;
	case SMALL_WAITS:
		break;
	}
}

/* --- the listener -----------------------------------------------------------
 */

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
	struct small_server *server = context;

	(void)fd;
	(void)what;
	event_add(&server->event, NULL);
}

static void pause_accepting(struct small_server *server)
{
	struct timeval tv = {.tv_usec = SMALL_PAUSE_MS * 1000};

	event_del(&server->event);
	event_add(&server->pause, &tv);
}

static void on_accept(evutil_socket_t listener, short what, void *context)
{
	struct small_server *server = context;
	int fd = accept4((int)listener, NULL, NULL, SOCK_CLOEXEC);
	struct small_client *client;

	(void)what;
	if (fd < 0) {
		/* level triggered: without a pause we would spin */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			pause_accepting(server);
		return;
	}
	client = server->count < SMALL_MAX_CLIENTS ? calloc(1, sizeof(*client))
						   : NULL;
	if (client == NULL) {
		close(fd);
		return;
	}
	client->server = server;
	client->fd = fd;
	LIST_INSERT_HEAD(&server->clients, client, link);
	server->count++;
	evtimer_assign(&client->timer, server->base, on_timer, client);
	event_assign(&client->event, server->base, fd, EV_READ | EV_PERSIST,
		     on_ready, client);
	arm(client, SMALL_HEAD_MS);
	event_add(&client->event, NULL);
}

bool small_server_init(struct small_server *server, struct event_base *base,
		       int fd, small_asked *asked, small_gone *gone,
		       void *context)
{
	server->base = base;
	server->fd = fd;
	server->count = 0;
	server->asked = asked;
	server->gone = gone;
	server->context = context;
	LIST_INIT(&server->clients);
	evtimer_assign(&server->pause, base, on_pause_over, server);
	event_assign(&server->event, base, fd, EV_READ | EV_PERSIST, on_accept,
		     server);
	if (event_add(&server->event, NULL) == 0)
		return true;
	close(fd);
	server->fd = -1;
	return false;
}

void small_server_fini(struct small_server *server)
{
	struct small_client *client, *next;

	if (server->fd < 0)
		return;
	server->gone = NULL;
	for (client = LIST_FIRST(&server->clients); client != NULL;
	     client = next) {
		next = LIST_NEXT(client, link);
		close_client(client);
	}
	event_del(&server->event);
	event_del(&server->pause);
	close(server->fd);
	server->fd = -1;
}
