/* pki_file.c - see pki_file.h. */
#include "pki_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_ROOM 65536

/* All of FD, pipes too.  False: errno says, EFBIG for more than LIMIT. */
static bool read_all(int fd, size_t room, size_t limit, struct pki_file *file)
{
	for (;;) {
		ssize_t n;

		if (file->bytes == NULL || file->size == room) {
			uint8_t *grown;

			if (file->bytes != NULL)
				room = room > limit / 2 ? limit + 1 : room * 2;
			grown = realloc(file->bytes, room);
			if (grown == NULL)
				return false;
			file->bytes = grown;
		}
		n = read(fd, file->bytes + file->size, room - file->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		file->size += (size_t)n;
		if (file->size > limit) {
			errno = EFBIG;
			return false;
		}
	}
}

/* DER starts with a SEQUENCE, of which text could at most be a short one. */
static bool looks_like_der(const struct pki_file *file)
{
	struct bytes rest = bytes_make(file->bytes, file->size);
	struct der_item item;

	return file->size > 1 && file->bytes[0] == DER_SEQUENCE &&
	       (file->bytes[1] >= 0x80 ||
		(der_next(&rest, &item) && rest.n == 0));
}

bool pki_file_open(struct pki_file *file, const char *path, size_t limit,
		   char *why, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	size_t room = FIRST_ROOM;
	int saved;

	*file = (struct pki_file){0};
	if (fd < 0) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	/* One byte more than there is, so that the end is seen at once. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 &&
	    (uintmax_t)st.st_size <= limit)
		room = (size_t)st.st_size + 1;
	if (!read_all(fd, room, limit, file)) {
		saved = errno;
		close(fd);
		pki_file_close(file);
		if (saved == EFBIG)
			snprintf(why, size, "%s: larger than %zu bytes", path,
				 limit);
		else
			snprintf(why, size, "%s: %s", path, strerror(saved));
		return false;
	}
	close(fd);
	if (file->size == 0) {
		pki_file_close(file);
		snprintf(why, size, "%s: the file is empty", path);
		return false;
	}
	file->der = looks_like_der(file);
	pem_init(&file->pem, file->bytes, file->size);
	return true;
}

void pki_file_close(struct pki_file *file)
{
	if (file->bytes != NULL)
		explicit_bzero(file->bytes, file->size);
	free(file->bytes);
	*file = (struct pki_file){0};
}

enum pem_result pki_file_next(struct pki_file *file, struct pem_object *out)
{
	if (!file->der)
		return pem_next(&file->pem, out);
	if (file->done)
		return PEM_END;
	file->done = true;
	*out = (struct pem_object){.label = STR(""),
				   .body = bytes_make(file->bytes, file->size),
				   .line = 1};
	return PEM_OBJECT;
}

bool pki_file_is_certificate(const struct pem_object *object)
{
	return object->label.n == 0 ||
	       str_equal(object->label, STR("CERTIFICATE")) ||
	       str_equal(object->label, STR("X509 CERTIFICATE"));
}

bool pki_file_is_crl(const struct pem_object *object)
{
	return object->label.n == 0 ||
	       str_equal(object->label, STR("X509 CRL"));
}
