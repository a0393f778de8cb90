/* arena.c - region allocator: chunks that double up to a limit, and a chunk of
 * its own for anything large.  Chunks come zeroed from calloc, so memory that
 * is never touched is never paid for. */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK ((size_t)16 << 10)
#define LAST_CHUNK ((size_t)1 << 20)
#define ALIGNMENT alignof(max_align_t)

struct chunk {
	alignas(max_align_t) struct chunk *next;
	size_t size; /* of bytes[] */
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct chunk *current; /* where small objects go; the list of all */
	size_t next_size;
	size_t used;
};

_Noreturn void arena_out_of_memory(void)
{
	fputs("out of memory\n", stderr);
	exit(3);
}

static struct chunk *chunk_new(size_t size)
{
	size_t total;

	if (__builtin_add_overflow(sizeof(struct chunk), size, &total))
		arena_out_of_memory();

	struct chunk *chunk = calloc(1, total);

	if (chunk == NULL)
		arena_out_of_memory();
	chunk->size = size;
	return chunk;
}

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		arena_out_of_memory();
	arena->next_size = FIRST_CHUNK;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	for (struct chunk *chunk = arena->current; chunk != NULL;) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	free(arena);
}

static size_t round_up(size_t size)
{
	if (size > SIZE_MAX - ALIGNMENT)
		arena_out_of_memory();
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->current;

	size = round_up(size > 0 ? size : 1);
	arena->used += size;
	if (chunk != NULL && size <= chunk->size - chunk->used) {
		void *object = chunk->bytes + chunk->used;

		chunk->used += size;
		return object;
	}
	if (size > arena->next_size / 4) {
		/* Large: alone, behind the current chunk, whose room stays in
		 * use for small objects. */
		struct chunk *alone = chunk_new(size);

		alone->used = size;
		if (chunk == NULL) {
			arena->current = alone;
		} else {
			alone->next = chunk->next;
			chunk->next = alone;
		}
		return alone->bytes;
	}
	chunk = chunk_new(arena->next_size);
	chunk->next = arena->current;
	chunk->used = size;
	arena->current = chunk;
	if (arena->next_size < LAST_CHUNK)
		arena->next_size *= 2;
	return chunk->bytes;
}

static size_t product(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		arena_out_of_memory();
	return total;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	return arena_alloc(arena, product(count, size));
}

void *arena_grow_array(struct arena *arena, void *old, size_t old_count,
		       size_t new_count, size_t size)
{
	size_t old_size = product(old_count, size);
	size_t new_size = product(new_count, size);
	struct chunk *chunk = arena->current;

	if (old != NULL && chunk != NULL && old_size > 0) {
		size_t held = round_up(old_size);
		size_t wanted = round_up(new_size);

		if ((unsigned char *)old + held == chunk->bytes + chunk->used &&
		    held <= chunk->used && wanted >= held &&
		    wanted - held <= chunk->size - chunk->used) {
			chunk->used += wanted - held;
			arena->used += wanted - held;
			return old;
		}
	}

	void *array = arena_alloc(arena, new_size);

	if (old != NULL && old_size > 0 && new_size > 0)
		memcpy(array, old, old_size < new_size ? old_size : new_size);
	return array;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	if (length == SIZE_MAX)
		arena_out_of_memory();

	char *copy = arena_alloc(arena, length + 1);

	if (length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int length = vsnprintf(NULL, 0, format, ap);

	if (length < 0)
		arena_out_of_memory();

	char *text = arena_alloc(arena, (size_t)length + 1);

	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	char *text = arena_vprintf(arena, format, ap);

	va_end(ap);
	return text;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
