/* load_link.c - connections to the proxy; see load.h.  Nothing is verified: the
 * certificates were made a moment ago, and it is the proxy that is measured.
 * TLS 1.2, because that is what all who are compared speak. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define SOURCES 16 /* 127.0.0.1 and up */

static SSL_SESSION *session; /* owned; what all resume */
static long resumed;

void link_init_tls(const char *path, const char *ciphers)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls == NULL ||
	    !SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(tls, ciphers) ||
	    SSL_CTX_use_certificate_chain_file(tls, path) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, path, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "%s: no certificate and key\n", path);
		_exit(3);
	}
	SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	settings.tls = tls;
}

long link_resumed(void)
{
	return __atomic_load_n(&resumed, __ATOMIC_RELAXED);
}

bool link_take_session(void)
{
	struct link l;

	if (!link_open(&l, 0))
		return false;
	session = SSL_get1_session(l.ssl);
	link_close(&l);
	return session != NULL;
}

static int connect_proxy(unsigned number)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(settings.proxy_port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number % SOURCES);
	if (fd < 0)
		die("socket");
	if (number > 0 &&
	    (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1},
			sizeof(int)) != 0 ||
	     bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0))
		die("bind");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect to the proxy");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return fd;
}

bool link_open(struct link *l, unsigned number)
{
	*l = (struct link){.fd = connect_proxy(number)};
	if (settings.tls == NULL)
		return true;
	l->ssl = SSL_new(settings.tls);
	if (l->ssl == NULL || !SSL_set_fd(l->ssl, l->fd))
		die("SSL_new");
	if (session != NULL)
		SSL_set_session(l->ssl, session);
	if (SSL_connect(l->ssl) != 1) {
		link_close(l);
		return false;
	}
	if (SSL_session_reused(l->ssl))
		__atomic_add_fetch(&resumed, 1, __ATOMIC_RELAXED);
	return true;
}

void link_close(struct link *l)
{
	if (l->ssl != NULL) {
		SSL_shutdown(l->ssl); /* our close_notify; theirs may come */
		SSL_free(l->ssl);
	}
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct link){.fd = -1};
}

size_t link_read(struct link *l, void *buffer, size_t size)
{
	size_t got = 0;

	if (l->ssl != NULL)
		return SSL_read_ex(l->ssl, buffer, size, &got) ? got : 0;

	ssize_t n = recv(l->fd, buffer, size, 0);

	return n > 0 ? (size_t)n : 0;
}

bool link_read_exact(struct link *l, void *buffer, size_t n)
{
	for (size_t have = 0; have < n;) {
		size_t got = link_read(l, (char *)buffer + have, n - have);

		if (got == 0)
			return false;
		have += got;
	}
	return true;
}

bool link_write(struct link *l, const void *buffer, size_t n)
{
	size_t put = 0;

	if (l->ssl != NULL) /* blocking: all of it, or an error */
		return SSL_write_ex(l->ssl, buffer, n, &put) && put == n;
	for (size_t done = 0; done < n;) {
		ssize_t some = send(l->fd, (const char *)buffer + done,
				    n - done, MSG_NOSIGNAL);

		if (some <= 0)
			return false;
		done += (size_t)some;
	}
	return true;
}

bool link_ask(struct link *l, const char *authority, char class)
{
	char head[1024];
	size_t have = 0;
	int n = snprintf(head, sizeof(head),
			 "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", authority,
			 authority);

	if (!link_write(l, head, (size_t)n))
		return false;
	while (have < sizeof(head) - 1) {
		size_t got = link_read(l, head + have, sizeof(head) - 1 - have);

		if (got == 0)
			return false;
		have += got;
		head[have] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL)
			break;
	}
	return have > 12 && head[9] == class;
}

bool tunnel_open(struct link *l, unsigned number)
{
	char authority[32];

	snprintf(authority, sizeof(authority), "127.0.0.1:%u",
		 origin_ports[number % ORIGINS]);
	if (!link_open(l, number))
		return false;
	if (link_ask(l, authority, '2'))
		return true;
	link_close(l);
	return false;
}
