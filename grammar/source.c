/* source.c - reading a text file whole, and finding lines in it. */
#include "source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room to start with when the size is not known beforehand (a pipe). */
#define FIRST_READ ((size_t)64 << 10)
/* "\n\0" behind the text: see source.h. */
#define TAIL 2
/* Bytes between two remembered character counts. */
#define STRIDE 256u
#define BOM_LENGTH 3u

static void finish(struct source *source, const char *name,
		   unsigned char *bytes, size_t length)
{
	bytes[length] = '\n';
	bytes[length + 1] = '\0';
	*source = (struct source){
		.name = name, .bytes = bytes, .length = (uint32_t)length};
}

static bool too_large(struct arena *arena, const char **why)
{
	*why = arena_printf(arena, "larger than the limit of %u MiB",
			    SOURCE_MAX_BYTES >> 20);
	return false;
}

/* Read FD to its end.  The file may grow or shrink meanwhile: what read()
 * returns is believed, not the size. */
static bool read_all(struct source *source, struct arena *arena, int fd,
		     const char *name, size_t expected, const char **why)
{
	size_t room = expected > 0 ? expected + 1 : FIRST_READ;
	size_t length = 0;
	unsigned char *bytes = arena_alloc(arena, room + TAIL);

	for (;;) {
		if (length == room) {
			bytes = arena_grow_array(arena, bytes, room + TAIL,
						 2 * room + TAIL, 1);
			room *= 2;
		}

		ssize_t got = read(fd, bytes + length, room - length);

		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			*why = arena_printf(arena, "%s", strerror(errno));
			return false;
		}
		length += (size_t)got;
		if (length > SOURCE_MAX_BYTES)
			return too_large(arena, why);
	}
	finish(source, name, bytes, length);
	return true;
}

bool source_load(struct source *source, struct arena *arena, const char *path,
		 const char **why)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return read_all(source, arena, STDIN_FILENO, "<stdin>", 0, why);

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		*why = arena_printf(arena, "%s", strerror(errno));
		return false;
	}

	bool ok = false;

	if (fstat(fd, &st) != 0)
		*why = arena_printf(arena, "%s", strerror(errno));
	else if (S_ISDIR(st.st_mode))
		*why = arena_printf(arena, "%s", strerror(EISDIR));
	else if (S_ISREG(st.st_mode) && st.st_size > (off_t)SOURCE_MAX_BYTES)
		too_large(arena, why);
	else
		ok = read_all(source, arena, fd,
			      arena_strndup(arena, path, strlen(path)),
			      S_ISREG(st.st_mode) ? (size_t)st.st_size : 0,
			      why);
	close(fd);
	return ok;
}

void source_from_bytes(struct source *source, struct arena *arena,
		       const char *name, const void *bytes, uint32_t length)
{
	assert(length <= SOURCE_MAX_BYTES);

	unsigned char *copy = arena_alloc(arena, (size_t)length + TAIL);

	if (length > 0)
		memcpy(copy, bytes, length);
	finish(source, name, copy, length);
}

/* Characters that start in [FROM, TO). */
static uint32_t count_chars(const struct source *source, uint32_t from,
			    uint32_t to)
{
	uint32_t count = 0;

	for (uint32_t i = from; i < to; i++)
		count += (source->bytes[i] & 0xc0) != 0x80;
	return count;
}

static void index_lines(struct source *source, struct arena *arena)
{
	const unsigned char *end = source->bytes + source->length;
	uint32_t count = 1;

	for (const unsigned char *p = source->bytes;
	     (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		count++;
	source->line_starts =
		arena_alloc_array(arena, count, sizeof(*source->line_starts));
	source->line_count = count;
	count = 1;
	for (const unsigned char *p = source->bytes;
	     (p = memchr(p, '\n', (size_t)(end - p))) != NULL;)
		source->line_starts[count++] = (uint32_t)(++p - source->bytes);

	uint32_t strides = source->length / STRIDE;

	source->char_counts = arena_alloc_array(arena, strides + 1,
						sizeof(*source->char_counts));
	for (uint32_t i = 0; i < strides; i++)
		source->char_counts[i + 1] =
			source->char_counts[i] +
			count_chars(source, i * STRIDE, (i + 1) * STRIDE);
}

/* Characters that start before OFFSET. */
static uint32_t chars_before(const struct source *source, uint32_t offset)
{
	uint32_t stride = offset / STRIDE;

	return source->char_counts[stride] +
	       count_chars(source, stride * STRIDE, offset);
}

/* The number (from 0) of the line that holds OFFSET. */
static uint32_t find_line(struct source *source, struct arena *arena,
			  uint32_t offset)
{
	if (source->line_starts == NULL)
		index_lines(source, arena);

	uint32_t low = 0;
	uint32_t high = source->line_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (source->line_starts[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

struct place source_locate(struct source *source, struct arena *arena,
			   uint32_t offset)
{
	assert(offset <= source->length);

	uint32_t line = find_line(source, arena, offset);
	uint32_t start = source->line_starts[line];

	/* Nobody counts a byte order mark as the first column. */
	if (line == 0 && offset >= BOM_LENGTH &&
	    memcmp(source->bytes, "\xef\xbb\xbf", BOM_LENGTH) == 0)
		start = BOM_LENGTH;
	return (struct place){.line = line + 1,
			      .column = 1 + chars_before(source, offset) -
					chars_before(source, start)};
}

const unsigned char *source_line(struct source *source, struct arena *arena,
				 uint32_t offset, uint32_t *length)
{
	assert(offset <= source->length);

	uint32_t line = find_line(source, arena, offset);
	uint32_t start = source->line_starts[line];
	uint32_t end = line + 1 < source->line_count
			       ? source->line_starts[line + 1] - 1
			       : source->length;

	if (end > start && source->bytes[end - 1] == '\r')
		end--;
	*length = end - start;
	return source->bytes + start;
}

void source_add_remark(struct source *source, struct arena *arena,
		       uint32_t start, uint32_t end)
{
	uint32_t count = source->remark_count;

	if (count > 0 && start <= source->remarks[count - 1].start)
		return;
	if (count == source->remark_capacity) {
		uint32_t capacity = count > 0 ? 2 * count : 16;

		source->remarks =
			arena_grow_array(arena, source->remarks, count,
					 capacity, sizeof(*source->remarks));
		source->remark_capacity = capacity;
	}
	source->remarks[source->remark_count++] = (struct remark){start, end};
}
