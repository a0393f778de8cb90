/* connect.h - from a request head to a connected origin: whose role, which
 * host, what the policy says, which addresses, which of them answers. */
#ifndef PROXY_CONNECT_H
#define PROXY_CONNECT_H

#include <stddef.h>

#include "grammar/request.h"

struct client;

/* The head is complete: REQUEST's spans are in the bytes at HEAD; the LENGTH
 * bytes behind the head are the tunnel's first. */
void connect_begin(struct client *client, const struct request *request,
		   const char *head, const char *early, size_t length);

#endif
