/* buffer.h - a growing run of bytes.  Out of memory ends the program, as it
 * does in grammar/arena.h. */
#ifndef COMPILER_BUFFER_H
#define COMPILER_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/format.h"

/* Zeroed, it is empty. */
struct buffer {
	uint8_t *p; /* owned; buffer_free() */
	size_t n;
	size_t room;
};

/* N more bytes, not yet written; the pointer holds until the next call. */
uint8_t *buffer_add(struct buffer *buffer, size_t n);
void buffer_put(struct buffer *buffer, const void *bytes, size_t n);
void buffer_add_zeros(struct buffer *buffer, size_t n);
/* Zero bytes up to a multiple of ALIGN, a power of two. */
void buffer_align(struct buffer *buffer, size_t align);
void buffer_free(struct buffer *buffer);

/* malloc() of COUNT objects of SIZE bytes, zeroed, that does not fail. */
void *allocate(size_t count, size_t size);

static inline void buffer_put_u16(struct buffer *buffer, uint16_t v)
{
	put_u16le(buffer_add(buffer, 2), v);
}

static inline void buffer_put_u32(struct buffer *buffer, uint32_t v)
{
	put_u32le(buffer_add(buffer, 4), v);
}

#endif
