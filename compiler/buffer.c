/* buffer.c - see buffer.h. */
#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM 256

static void out_of_memory(void)
{
	fputs("smokescreenc: out of memory\n", stderr);
	exit(3);
}

/* see buffer.h */
uint8_t *buffer_add(struct buffer *buffer, size_t n)
{
	if (n > buffer->room - buffer->n) {
		size_t room = buffer->room ? buffer->room : FIRST_ROOM;

		while (room - buffer->n < n)
			if (__builtin_mul_overflow(room, 2, &room))
				out_of_memory();

		uint8_t *p = realloc(buffer->p, room);

		if (p == NULL)
			out_of_memory();
		buffer->p = p;
		buffer->room = room;
	}
	buffer->n += n;
	return buffer->p + buffer->n - n;
}

/* see buffer.h */
void buffer_put(struct buffer *buffer, const void *bytes, size_t n)
{
	if (n > 0)
		memcpy(buffer_add(buffer, n), bytes, n);
}

/* see buffer.h */
void buffer_add_zeros(struct buffer *buffer, size_t n)
{
	if (n > 0)
		memset(buffer_add(buffer, n), 0, n);
}

/* see buffer.h */
void buffer_align(struct buffer *buffer, size_t align)
{
	buffer_add_zeros(buffer, (align - buffer->n % align) % align);
}

/* see buffer.h */
void buffer_free(struct buffer *buffer)
{
	free(buffer->p);
	*buffer = (struct buffer){NULL, 0, 0};
}

/* see buffer.h */
void *allocate(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size);

	if (p == NULL)
		out_of_memory();
	return p;
}
