/* blob.c - see blob.h: from a file to verified bytes that nobody can change.
 * What is in them is blob_view.c's. */
#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "verify.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)
#define COPY_BYTES ((size_t)64 * 1024)

/* see blob.h */
bool blob_is_blob(const void *bytes, size_t length)
{
	return length >= FORMAT_MAGIC_BYTES &&
	       memcmp(bytes, FORMAT_MAGIC, FORMAT_MAGIC_BYTES) == 0;
}

/* see blob.h */
const char *blob_error_text(enum blob_error error)
{
	switch (error) {
	case BLOB_OK:
		return "no error";
	case BLOB_IO:
		return "cannot be read";
	case BLOB_NOT_A_BLOB:
		return "not a compiled policy";
	case BLOB_EMPTY:
		return "is empty: neither a compiled policy nor its source";
	case BLOB_BINARY:
		return "neither a compiled policy nor text: another file was "
		       "meant, or this one is damaged";
	case BLOB_VERSION:
		return "made for another version of this program: compile the "
		       "policy again";
	case BLOB_TRUNCATED:
		return "cut short: copy or compile it again";
	case BLOB_CHECKSUM:
		return "checksum does not match: the file is damaged";
	case BLOB_DAMAGED:
		return "breaks a rule of the format: the file is damaged";
	case BLOB_TOO_LARGE:
		return "larger than a compiled policy can be";
	}
	return "unknown error";
}

/* see blob.h */
enum blob_error blob_wrap(struct blob *blob, const void *bytes, size_t length)
{
	enum blob_error error = blob_verify(blob, bytes, length);

	if (error != BLOB_OK) {
		const char *damage = blob->damage;

		memset(blob, 0, sizeof(*blob));
		blob->damage = damage;
	}
	return error;
}

static bool write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, p, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return false;
		p += wrote;
		n -= (size_t)wrote;
	}
	return true;
}

/* What begins with these bytes and is no blob. */
static enum blob_error what_else(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((bytes[i] < 0x20 && bytes[i] != '\t' && bytes[i] != '\n' &&
		     bytes[i] != '\r') ||
		    bytes[i] == 0x7f)
			return BLOB_BINARY;
	return BLOB_NOT_A_BLOB;
}

/* What is left of IN to OUT within the kernel, which saves one of two copies,
 * as far as it goes: a pipe cannot be sent from.  *LENGTH grows, beyond
 * FORMAT_MAX_BYTES at most by one. */
static void send_rest(int out, int in, size_t *length)
{
	ssize_t sent;

	do {
		size_t room = FORMAT_MAX_BYTES + 1 - *length;

		sent = sendfile(out, in, NULL, room);
		if (sent > 0)
			*length += (size_t)sent;
	} while (*length <= FORMAT_MAX_BYTES &&
		 (sent > 0 || (sent < 0 && errno == EINTR)));
}

/* Copy all of IN to OUT, until the end: what the file's size was a moment ago
 * means nothing.  The number of bytes goes to *LENGTH. */
static enum blob_error copy_file(int out, int in, size_t *length)
{
	uint8_t buffer[COPY_BYTES];
	bool sendable = true;

	*length = 0;
	for (;;) {
		ssize_t got = read(in, buffer, sizeof(buffer));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return BLOB_IO;
		if (got == 0)
			return BLOB_OK;
		/* a text, a device or a log is not read to its end */
		if (*length == 0 && !blob_is_blob(buffer, (size_t)got))
			return what_else(buffer, (size_t)got);
		if (!write_all(out, buffer, (size_t)got))
			return BLOB_IO;
		*length += (size_t)got;
		if (sendable)
			send_rest(out, in, length);
		sendable = false;
		if (*length > FORMAT_MAX_BYTES)
			return BLOB_TOO_LARGE;
	}
}

static enum blob_error map_sealed(int fd, size_t length, void **map)
{
	if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		return BLOB_IO;
	*map = mmap(NULL, length, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	return *map == MAP_FAILED ? BLOB_IO : BLOB_OK;
}

/* see blob.h */
enum blob_error blob_load(struct blob *blob, const char *path)
{
	enum blob_error error = BLOB_IO;
	void *map = MAP_FAILED;
	size_t length = 0;
	int sealed = -1;
	int saved;

	memset(blob, 0, sizeof(*blob));

	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (file < 0)
		return BLOB_IO;
	/* It was not to wait for somebody at the other end of a pipe; what is
	 * on its way through one is waited for. */
	if (fcntl(file, F_SETFL, 0) != 0)
		goto out;
	sealed = memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (sealed < 0)
		goto out;
	error = copy_file(sealed, file, &length);
	if (error == BLOB_OK && length == 0)
		error = BLOB_EMPTY;
	if (error == BLOB_OK)
		error = map_sealed(sealed, length, &map);
	if (error == BLOB_OK)
		error = blob_wrap(blob, map, length);
out:
	saved = errno;
	if (error == BLOB_OK)
		blob->mapped = true;
	else if (map != MAP_FAILED)
		munmap(map, length);
	if (sealed >= 0)
		close(sealed);
	close(file);
	errno = saved;
	return error;
}

/* see blob.h */
void blob_unmap(struct blob *blob)
{
	if (blob->mapped) {
		/* munmap() takes what mmap() gave, which was not const */
		uintptr_t address = (uintptr_t)blob->bytes;

		munmap((void *)address, blob->length);
	}
	memset(blob, 0, sizeof(*blob));
}
