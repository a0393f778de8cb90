/* arena.h - region allocator: many small objects, one free.
 * Not for objects that must go before their region does. */
#ifndef GRAMMAR_ARENA_H
#define GRAMMAR_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* A new empty region.  Out of memory ends the program with a message on stderr
 * and exit status 3, here and in every function below: no caller checks. */
struct arena *arena_new(void);

/* That end, for those who must allocate elsewhere. */
_Noreturn void arena_out_of_memory(void);

/* Free the region and everything in it.  NULL is allowed. */
void arena_free(struct arena *arena);

/* SIZE bytes, zeroed, aligned for any object. */
void *arena_alloc(struct arena *arena, size_t size);

/* COUNT objects of SIZE bytes, zeroed; the product is checked. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* Grow an array of OLD_COUNT objects to NEW_COUNT; old bytes are copied, new
 * ones zeroed.  In place when it was the last thing allocated. */
void *arena_grow_array(struct arena *arena, void *old, size_t old_count,
		       size_t new_count, size_t size);

/* A NUL-terminated copy of LENGTH bytes. */
char *arena_strndup(struct arena *arena, const char *text, size_t length);

/* printf into the region. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Bytes handed out so far, for reports. */
size_t arena_used(const struct arena *arena);

#endif
