/* load.h - what the parts of the load generator share: links to the proxy,
 * plain or TLS, and the origin behind it.  Only the CPU time of the proxy is
 * measured, so that the generator is written for plainness. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#define CHUNK ((size_t)256 * 1024)
#define ORIGINS 8 /* listening ports, so that no pair runs out of ports */

/* What goes over a tunnel, and so what the origin does. */
enum mode {
	MODE_CONNECT, /* nothing: set up and torn down */
	MODE_DENY,    /* denied */
	MODE_RTT,     /* small exchanges, echoed */
	MODE_GET,     /* plain HTTP over kept connections */
	MODE_DOWN,    /* the origin sends `bytes`, the client takes them */
	MODE_UP,      /* the client sends `bytes`, the origin says "k" */
};

struct settings {
	enum mode mode;
	uint16_t proxy_port;
	long active; /* tunnels or connections at work at once, a thread each
			up to MAX_THREADS */
	long idle;   /* tunnels open beside them, at which nothing happens */
	uint64_t bytes;
	long rate;    /* units a second, one at a time; 0: as fast as it goes */
	bool resume;  /* TLS: one full handshake, all others resume */
	SSL_CTX *tls; /* NULL: plain */
};

extern struct settings settings;
extern uint16_t origin_ports[ORIGINS];

void die(const char *what);

/* --- links: load_link.c --- */

struct link {
	int fd;
	SSL *ssl; /* NULL: plain */
};

/* Read a client certificate and its key from PATH, make the context. */
void link_init_tls(const char *path, const char *ciphers);

/* Do the handshake whose session all others resume; false on failure. */
bool link_take_session(void);

/* How many handshakes were resumptions. */
long link_resumed(void);

/* Connect to the proxy, handshake done; false on failure.  NUMBER picks one of
 * several source addresses, so that there are ports for many. */
bool link_open(struct link *l, unsigned number);
void link_close(struct link *l);

/* Some bytes; 0 at the end and on errors. */
size_t link_read(struct link *l, void *buffer, size_t size);
bool link_read_exact(struct link *l, void *buffer, size_t n);
bool link_write(struct link *l, const void *buffer, size_t n);

/* Send a CONNECT; true when the answer's status is of CLASS, its first digit:
 * proxies deny in more ways than one. */
bool link_ask(struct link *l, const char *authority, char class);

/* A tunnel to origin NUMBER; false on failure. */
bool tunnel_open(struct link *l, unsigned number);

/* --- the origin: load_origin.c --- */

/* Listen on ORIGINS ports of 127.0.0.1 and serve `settings.mode` for ever. */
void origin_start(void);

#endif
