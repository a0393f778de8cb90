/* stream.h - one end of a connection as the relay sees it: bytes in, bytes out,
 * end of writing.  Plain sockets here; TLS, runtime/tls/secure.h, takes the
 * same seam.  Nothing here waits: -1 with EAGAIN means "ask the event loop".
 *
 * What a write did not take has to be what the next write begins with: it may
 * have been sealed, and be on its way, already. */
#ifndef PROXY_STREAM_H
#define PROXY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stream;

struct stream_ops {
	/* Bytes read, 0 at the end, -1 with errno. */
	ssize_t (*read)(struct stream *stream, void *buffer, size_t size);
	/* Bytes taken, maybe fewer than LENGTH, or -1 with errno. */
	ssize_t (*write)(struct stream *stream, const void *bytes,
			 size_t length);
	/* No more will be written; reading goes on.  0, or -1 with errno: after
	 * EAGAIN call again when writing is possible. */
	int (*shutdown)(struct stream *stream);
	void (*close)(struct stream *stream);
	/* There is something to read, of which the socket knows nothing.  NULL:
	 * never. */
	bool (*pending)(const struct stream *stream);
	/* What was written is not all of it: closing must not tell the peer
	 * otherwise.  NULL: it never does. */
	void (*abort)(struct stream *stream);
};

struct stream {
	const struct stream_ops *ops; /* NULL: not open */
	int fd;                       /* owned while open */
	void *state;                  /* what OPS keep; NULL for a socket */
};

extern const struct stream_ops stream_plain;

static inline ssize_t stream_read(struct stream *s, void *buffer, size_t size)
{
	return s->ops->read(s, buffer, size);
}

static inline ssize_t stream_write(struct stream *s, const void *bytes,
				   size_t length)
{
	return s->ops->write(s, bytes, length);
}

static inline int stream_shutdown(struct stream *s)
{
	return s->ops->shutdown(s);
}

static inline bool stream_pending(const struct stream *s)
{
	return s->ops != NULL && s->ops->pending != NULL && s->ops->pending(s);
}

static inline void stream_abort(struct stream *s)
{
	if (s->ops != NULL && s->ops->abort != NULL)
		s->ops->abort(s);
}

/* Idempotent. */
static inline void stream_close(struct stream *s)
{
	if (s->ops != NULL)
		s->ops->close(s);
	s->ops = NULL;
	s->fd = -1;
	s->state = NULL;
}

#endif
