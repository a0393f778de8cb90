/* head.h - the request head, from the first of its bytes to the last, and what
 * comes behind it too early.  Not here: what it says, grammar/request.h; what
 * is done about it, target.h. */
#ifndef PROXY_HEAD_H
#define PROXY_HEAD_H

struct client;

/* In CLIENT_HEAD: there is something to read. */
void head_read(struct client *client);

/* The client speaks before it has its answer: what it says is the tunnel's, as
 * far as one read takes; that it is gone ends everything. */
void head_read_early(struct client *client);

#endif
