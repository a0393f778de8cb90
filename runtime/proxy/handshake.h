/* handshake.h - from an accepted client to one whose head can be read: the TLS
 * handshake, where there is TLS, and what is said when it fails. */
#ifndef PROXY_HANDSHAKE_H
#define PROXY_HANDSHAKE_H

struct client;

/* The client's own bytes come next: begin with TLS, or with the head. */
void handshake_begin(struct client *client);

/* In CLIENT_HANDSHAKE: the socket is ready; or time is up. */
void handshake_ready(struct client *client);
void handshake_timeout(struct client *client);

/* CLIENT is closed or goes on to something else. */
void handshake_leave(struct client *client);

#endif
