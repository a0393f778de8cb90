/* stream.c - plain sockets behind stream.h. */
#include "stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t plain_read(struct stream *stream, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = recv(stream->fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t plain_write(struct stream *stream, const void *bytes,
			   size_t length)
{
	ssize_t n;

	do
		n = send(stream->fd, bytes, length, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n;
}

static int plain_shutdown(struct stream *stream)
{
	return shutdown(stream->fd, SHUT_WR);
}

static void plain_close(struct stream *stream)
{
	close(stream->fd);
}

const struct stream_ops stream_plain = {
	.read = plain_read,
	.write = plain_write,
	.shutdown = plain_shutdown,
	.close = plain_close,
};
