/* pipes.h - kernel pipes through which bulk is spliced from one socket to the
 * other without coming up to us.  One pool per worker: a pipe is two
 * descriptors and up to a MiB of kernel memory, so a flow has one only while
 * bytes are in it. */
#ifndef PROXY_PIPES_H
#define PROXY_PIPES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PIPES_POOL_MAX 64         /* empty pipes kept for reuse */
#define PIPE_WANTED (1u << 20)    /* bytes a pipe should hold */
#define PIPE_SMALLEST (64u << 10) /* with less, copying is as good */

struct pipe {
	int in;  /* written to */
	int out; /* read from */
};

struct pipe_pool {
	struct pipe free[PIPES_POOL_MAX]; /* owned, empty */
	uint32_t count;
	bool exhausted; /* the system gives none of use: do not ask again */
};

/* What a flow has of it.  Zeroed: no pipe. */
struct piped {
	struct pipe pipe; /* owned while HELD */
	bool held;
	uint32_t bytes; /* in the pipe */
};

/* Move up to PIPE_WANTED bytes from socket FD into the pipe, which is taken
 * from POOL if there is none yet.  Bytes moved, 0 at the end of FD, -1 with
 * errno: EAGAIN, or ENOTSUP when there is no pipe to be had. */
ssize_t piped_fill(struct piped *piped, struct pipe_pool *pool, int fd);

/* Move bytes from the pipe to socket FD; when the last is out, the pipe goes
 * back to POOL.  Bytes moved, or -1 with errno. */
ssize_t piped_drain(struct piped *piped, struct pipe_pool *pool, int fd);

/* Give up the pipe and what is in it.  Idempotent. */
void piped_free(struct piped *piped, struct pipe_pool *pool);

void pipe_pool_fini(struct pipe_pool *pool);

#endif
