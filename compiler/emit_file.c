/* emit_file.c - see emit_file() in emit.h: all of the new file or all of the
 * old one, whatever happens in between. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emit.h"

#define NEW_FILE_MODE 0644

static bool write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, p, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return false;
		p += wrote;
		n -= (size_t)wrote;
	}
	return true;
}

/* The directory that PATH is in, malloc()ed; NULL: out of memory. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Make the rename itself last.  Not every file system can say. */
static bool sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return false;

	bool ok = fsync(fd) == 0 || errno == EINVAL;
	int saved = errno;

	close(fd);
	errno = saved;
	return ok;
}

/* The mode that open() would give a new file, or that of the one replaced, and
 * its owner where we may give files away. */
static bool set_owner_and_mode(int fd, const char *path)
{
	struct stat st;
	mode_t mask;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		if (fchown(fd, st.st_uid, st.st_gid) != 0)
			st.st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
		return fchmod(fd, st.st_mode & 07777) == 0;
	}
	mask = umask(0);
	umask(mask);
	return fchmod(fd, NEW_FILE_MODE & ~mask) == 0;
}

static bool write_temporary(int fd, const char *path, const uint8_t *bytes,
			    size_t length)
{
	return write_all(fd, bytes, length) && set_owner_and_mode(fd, path) &&
	       fsync(fd) == 0;
}

static bool replace_file(const char *path, const char *directory,
			 const uint8_t *bytes, size_t length)
{
	char *temporary = NULL;
	bool ok = false;
	int saved;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		errno = ENOMEM;
		return false;
	}

	int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0) {
		saved = errno;
		free(temporary);
		errno = saved;
		return false;
	}
	ok = write_temporary(fd, path, bytes, length);
	saved = errno;
	if (close(fd) != 0 && ok) {
		saved = errno;
		ok = false;
	}
	if (ok && rename(temporary, path) != 0) {
		saved = errno;
		ok = false;
	}
	if (!ok)
		unlink(temporary);
	free(temporary);
	errno = saved;
	return ok && sync_directory(directory);
}

/* A device or a pipe is written to, not replaced. */
static bool write_special(const char *path, const uint8_t *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return false;

	bool ok = write_all(fd, bytes, length);
	int saved = errno;

	close(fd);
	errno = saved;
	return ok;
}

/* see emit.h */
bool emit_file(const char *path, const uint8_t *bytes, size_t length)
{
	struct stat st;

	if (strcmp(path, "-") == 0)
		return write_all(STDOUT_FILENO, bytes, length);

	bool exists = stat(path, &st) == 0;

	if (exists && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return false;
	}
	if (exists && !S_ISREG(st.st_mode))
		return write_special(path, bytes, length);

	/* a link stays, and what it leads to is replaced */
	char *target = exists ? realpath(path, NULL) : strdup(path);
	char *directory = target != NULL ? directory_of(target) : NULL;
	bool ok = directory != NULL &&
		  replace_file(target, directory, bytes, length);
	int saved = errno;

	free(directory);
	free(target);
	errno = saved;
	return ok;
}
