/* target.h - what a request asks for: a host and port to connect to, a URL to
 * fetch from there, or something of ourselves.  Its form is judged here, who
 * may have it in connect.c. */
#ifndef PROXY_TARGET_H
#define PROXY_TARGET_H

#include <stddef.h>

#include "grammar/request.h"

struct client;

/* The head is complete: REQUEST's spans are in the bytes at HEAD; the LENGTH
 * bytes at REST came behind it: the first of the tunnel, of the body, or of the
 * next request. */
void target_begin(struct client *client, const struct request *request,
		  const char *head, const char *rest, size_t length);

#endif
