/* pipes.c - see pipes.h. */
#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void pipe_close(const struct pipe *pipe)
{
	close(pipe->in);
	close(pipe->out);
}

static bool take(struct piped *piped, struct pipe_pool *pool)
{
	int fds[2];

	if (piped->held)
		return true;
	if (pool->count > 0) {
		piped->pipe = pool->free[--pool->count];
		piped->held = true;
		return true;
	}
	if (pool->exhausted || pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0)
		return false;
	piped->pipe = (struct pipe){.in = fds[1], .out = fds[0]};
	/* Beyond pipe-user-pages-soft an unprivileged user gets pipes of a page
	 * or two, and may not enlarge them: pipe(7). */
	if (fcntl(fds[1], F_SETPIPE_SZ, PIPE_WANTED) < 0 &&
	    fcntl(fds[1], F_GETPIPE_SZ) < (int)PIPE_SMALLEST) {
		pipe_close(&piped->pipe);
		pool->exhausted = true;
		return false;
	}
	piped->held = true;
	return true;
}

void piped_free(struct piped *piped, struct pipe_pool *pool)
{
	if (!piped->held)
		return;
	if (piped->bytes == 0 && pool->count < PIPES_POOL_MAX)
		pool->free[pool->count++] = piped->pipe;
	else
		pipe_close(&piped->pipe);
	*piped = (struct piped){0};
}

ssize_t piped_fill(struct piped *piped, struct pipe_pool *pool, int fd)
{
	ssize_t n;
	int error;

	if (!take(piped, pool)) {
		errno = ENOTSUP;
		return -1;
	}
	do
		n = splice(fd, NULL, piped->pipe.in, NULL, PIPE_WANTED,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		piped->bytes += (uint32_t)n;
		return n;
	}
	error = errno;
	piped_free(piped, pool);
	errno = error;
	return n;
}

ssize_t piped_drain(struct piped *piped, struct pipe_pool *pool, int fd)
{
	ssize_t n;

	do
		n = splice(piped->pipe.out, NULL, fd, NULL, piped->bytes,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		piped->bytes -= (uint32_t)n;
		if (piped->bytes == 0)
			piped_free(piped, pool);
	}
	return n;
}

void pipe_pool_fini(struct pipe_pool *pool)
{
	while (pool->count > 0)
		pipe_close(&pool->free[--pool->count]);
}
