/* page_end.h - a copy of some bytes whose last one is the last of a mapped
 * page: reading one too many faults.  For tests alone. */
#ifndef UNIT_PAGE_END_H
#define UNIT_PAGE_END_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct page_end {
	uint8_t *map;
	size_t mapped;
	const uint8_t *bytes;
};

static inline struct page_end page_end_copy(const void *bytes, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (size + page - 1) / page * page;
	struct page_end out = {.mapped = room + page};

	out.map = mmap(NULL, out.mapped, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (out.map == MAP_FAILED ||
	    mprotect(out.map + room, page, PROT_NONE) != 0)
		abort();
	if (size > 0)
		memcpy(out.map + room - size, bytes, size);
	out.bytes = out.map + room - size;
	return out;
}

static inline void page_end_free(struct page_end *copy)
{
	munmap(copy->map, copy->mapped);
}

#endif
