/* preamble.h - what comes before a client's first word: with --proxy-protocol
 * the header in which a load balancer says who the client is.  It is taken off
 * the socket to the byte, so that whatever speaks next finds the beginning. */
#ifndef PROXY_PREAMBLE_H
#define PROXY_PREAMBLE_H

struct client;

/* The client was just accepted: its header is to come, or none is. */
void preamble_begin(struct client *client);

/* Bytes are there. */
void preamble_ready(struct client *client);

/* They did not come in time. */
void preamble_timeout(struct client *client);

#endif
