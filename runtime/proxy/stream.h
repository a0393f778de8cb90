/* stream.h - one end of a connection as the relay sees it: bytes in, bytes out,
 * end of writing.  Plain sockets here; a record layer takes the same seam.
 * Nothing here waits: -1 with EAGAIN means "ask the event loop". */
#ifndef PROXY_STREAM_H
#define PROXY_STREAM_H

#include <stddef.h>
#include <sys/types.h>

struct stream;

struct stream_ops {
	/* Bytes read, 0 at the end, -1 with errno. */
	ssize_t (*read)(struct stream *stream, void *buffer, size_t size);
	/* Bytes taken, maybe fewer than LENGTH, or -1 with errno. */
	ssize_t (*write)(struct stream *stream, const void *bytes,
			 size_t length);
	/* No more will be written; reading goes on.  0, or -1 with errno. */
	int (*shutdown)(struct stream *stream);
	void (*close)(struct stream *stream);
};

struct stream {
	const struct stream_ops *ops; /* NULL: not open */
	int fd;                       /* owned while open */
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

/* Idempotent. */
static inline void stream_close(struct stream *s)
{
	if (s->ops != NULL)
		s->ops->close(s);
	s->ops = NULL;
	s->fd = -1;
}

#endif
