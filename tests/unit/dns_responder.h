/* dns_responder.h - a DNS server inside the test's own event loop: UDP and TCP
 * on one ephemeral port of 127.0.0.1, answers chosen by a function, every query
 * written down.  For tests alone; all of it is static. */
#ifndef UNIT_DNS_RESPONDER_H
#define UNIT_DNS_RESPONDER_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESPONDER_MAX_LOG 512
#define RESPONDER_MAX_MESSAGE 2048
#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define TYPE_AAAA 28

struct asked {
	uint16_t id;
	uint16_t type;
	uint16_t client_port;
	bool tcp;
	bool edns;
	char name[256];
};

/* A reply under construction. */
struct reply {
	uint8_t bytes[RESPONDER_MAX_MESSAGE];
	size_t size; /* 0: no reply at all */
};

struct responder;
typedef void responder_answer(struct responder *responder,
			      const struct asked *asked, struct reply *reply);

struct responder {
	struct event_base *base;
	responder_answer *answer;
	uint16_t port;
	int udp;
	int tcp;
	struct event *udp_event;
	struct event *tcp_event;
	struct responder_client *clients;
	size_t count;
	struct asked log[RESPONDER_MAX_LOG];
};

static inline void reply_u16(struct reply *reply, unsigned value)
{
	reply->bytes[reply->size++] = (uint8_t)(value >> 8);
	reply->bytes[reply->size++] = (uint8_t)value;
}

static inline void reply_u32(struct reply *reply, uint32_t value)
{
	reply_u16(reply, value >> 16);
	reply_u16(reply, value & 0xffff);
}

static inline void reply_name(struct reply *reply, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");

		reply->bytes[reply->size++] = (uint8_t)n;
		memcpy(reply->bytes + reply->size, name, n);
		reply->size += n;
		name += n + (name[n] == '.');
	}
	reply->bytes[reply->size++] = 0;
}

/* Header and question; the counts grow with the records. */
static inline void reply_begin(struct reply *reply, const struct asked *asked,
			       unsigned flags)
{
	reply->size = 0;
	reply_u16(reply, asked->id);
	reply_u16(reply, 0x8180 | flags);
	reply_u16(reply, 1);
	reply_u16(reply, 0);
	reply_u16(reply, 0);
	reply_u16(reply, 0);
	reply_name(reply, asked->name);
	reply_u16(reply, asked->type);
	reply_u16(reply, 1);
}

static inline void reply_owner(struct reply *reply, int section,
			       const char *owner, unsigned type, uint32_t ttl)
{
	reply->bytes[section + 1]++;
	reply_name(reply, owner);
	reply_u16(reply, type);
	reply_u16(reply, 1);
	reply_u32(reply, ttl);
}

/* An address of the family asked for; others are left out. */
static inline void reply_addr(struct reply *reply, const struct asked *asked,
			      const char *owner, const char *text, uint32_t ttl)
{
	uint8_t bytes[16];
	bool v6 = strchr(text, ':') != NULL;
	size_t size = v6 ? 16 : 4;

	if (v6 != (asked->type == TYPE_AAAA))
		return;
	inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes);
	reply_owner(reply, 6, owner, asked->type, ttl);
	reply_u16(reply, (unsigned)size);
	memcpy(reply->bytes + reply->size, bytes, size);
	reply->size += size;
}

static inline void reply_cname(struct reply *reply, const char *owner,
			       const char *target)
{
	reply_owner(reply, 6, owner, TYPE_CNAME, 60);
	reply_u16(reply, (unsigned)strlen(target) + 2);
	reply_name(reply, target);
}

static inline void reply_soa(struct reply *reply, const char *owner,
			     uint32_t ttl)
{
	reply_owner(reply, 8, owner, TYPE_SOA, ttl);
	reply_u16(reply, 2 + 20);
	reply_name(reply, "");
	reply_name(reply, "");
	for (int i = 0; i < 4; i++)
		reply_u32(reply, 1);
	reply_u32(reply, ttl);
}

static inline bool responder_read(const uint8_t *bytes, size_t size,
				  struct asked *out)
{
	size_t at = 12;
	size_t n = 0;

	if (size < 17)
		return false;
	while (at < size && bytes[at] != 0) {
		size_t length = bytes[at++];

		if (at + length >= size || n + length + 2 > sizeof(out->name))
			return false;
		memcpy(out->name + n, bytes + at, length);
		n += length;
		out->name[n++] = '.';
		at += length;
	}
	if (n == 0 || at + 5 > size)
		return false;
	out->name[n - 1] = '\0';
	out->id = (uint16_t)(bytes[0] << 8 | bytes[1]);
	out->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
	out->edns = bytes[11] == 1;
	return true;
}

static inline void responder_handle(struct responder *responder,
				    const uint8_t *bytes, size_t size,
				    uint16_t client_port, bool tcp,
				    struct reply *reply)
{
	struct asked asked = {.client_port = client_port, .tcp = tcp};

	reply->size = 0;
	memset(reply->bytes, 0, sizeof(reply->bytes));
	if (!responder_read(bytes, size, &asked))
		return;
	if (responder->count < RESPONDER_MAX_LOG)
		responder->log[responder->count++] = asked;
	responder->answer(responder, &asked, reply);
}

static inline void responder_on_udp(evutil_socket_t fd, short what,
				    void *context)
{
	uint8_t bytes[RESPONDER_MAX_MESSAGE];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0,
			     (struct sockaddr *)&from, &length);
	struct reply reply;

	(void)what;
	if (n <= 0)
		return;
	responder_handle(context, bytes, (size_t)n, ntohs(from.sin_port), false,
			 &reply);
	if (reply.size > 0)
		sendto(fd, reply.bytes, reply.size, 0,
		       (const struct sockaddr *)&from, length);
}

/* One query per connection, which c-ares sends in one piece.  Closed with the
 * responder. */
struct responder_client {
	struct responder_client *next;
	struct responder *responder;
	uint16_t port;
	struct event *event;
};

static inline void responder_on_tcp(evutil_socket_t fd, short what,
				    void *context)
{
	struct responder_client *client = context;
	uint8_t bytes[RESPONDER_MAX_MESSAGE];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	struct reply reply;

	(void)what;
	if (n > 2) {
		uint8_t prefix[2];

		responder_handle(client->responder, bytes + 2, (size_t)n - 2,
				 client->port, true, &reply);
		prefix[0] = (uint8_t)(reply.size >> 8);
		prefix[1] = (uint8_t)reply.size;
		if (reply.size > 0) {
			send(fd, prefix, 2, MSG_NOSIGNAL);
			send(fd, reply.bytes, reply.size, MSG_NOSIGNAL);
			return;
		}
	}
	event_del(client->event);
}

static inline void responder_on_accept(evutil_socket_t fd, short what,
				       void *context)
{
	struct responder *responder = context;
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	int accepted = accept4(fd, (struct sockaddr *)&from, &length,
			       SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct responder_client *client;

	(void)what;
	if (accepted < 0)
		return;
	client = calloc(1, sizeof(*client));
	client->responder = responder;
	client->next = responder->clients;
	responder->clients = client;
	client->port = ntohs(from.sin_port);
	client->event =
		event_new(responder->base, accepted, EV_READ | EV_PERSIST,
			  responder_on_tcp, client);
	event_add(client->event, NULL);
}

/* TCP chooses the port, UDP follows. */
static inline bool responder_bind(struct responder *responder)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);

	responder->tcp =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	responder->udp =
		socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(responder->tcp, (struct sockaddr *)&at, length) == 0 &&
	    getsockname(responder->tcp, (struct sockaddr *)&at, &length) == 0 &&
	    bind(responder->udp, (struct sockaddr *)&at, length) == 0 &&
	    listen(responder->tcp, 64) == 0) {
		responder->port = ntohs(at.sin_port);
		return true;
	}
	close(responder->tcp);
	close(responder->udp);
	return false;
}

static inline bool responder_init(struct responder *responder,
				  struct event_base *base,
				  responder_answer *answer)
{
	memset(responder, 0, sizeof(*responder));
	responder->base = base;
	responder->answer = answer;
	for (int i = 0; i < 50; i++) {
		if (!responder_bind(responder))
			continue;
		responder->udp_event =
			event_new(base, responder->udp, EV_READ | EV_PERSIST,
				  responder_on_udp, responder);
		responder->tcp_event =
			event_new(base, responder->tcp, EV_READ | EV_PERSIST,
				  responder_on_accept, responder);
		event_add(responder->udp_event, NULL);
		event_add(responder->tcp_event, NULL);
		return true;
	}
	return false;
}

static inline void responder_fini(struct responder *responder)
{
	struct responder_client *client;

	while ((client = responder->clients) != NULL) {
		responder->clients = client->next;
		close(event_get_fd(client->event));
		event_free(client->event);
		free(client);
	}
	event_free(responder->udp_event);
	event_free(responder->tcp_event);
	close(responder->udp);
	close(responder->tcp);
}

#endif
