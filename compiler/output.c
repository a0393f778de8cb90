/* output.c - see output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emit.h"
#include "options.h"

/* see output.h */
const char *output_name(struct arena *arena, const char *source)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	size_t length = strlen(source);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);

		if (length > n && source[length - n - 1] != '/' &&
		    strcmp(source + length - n, endings[i]) == 0) {
			length -= n;
			break;
		}
	}
	return arena_printf(arena, "%.*s.blob", (int)length, source);
}

static int failed(const char *path, int why)
{
	/* Whoever closed the pipe knows. */
	if (why != EPIPE)
		fprintf(stderr, "smokescreenc: %s: %s\n", path, strerror(why));
	return STATUS_IO;
}

/* To something that cannot be replaced. */
static int write_through(const char *path, const uint8_t *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int why = 0;

	if (fd < 0)
		return failed(path, errno);
	while (length > 0 && why == 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno != EINTR)
			why = errno;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
	if (close(fd) != 0 && why == 0)
		why = errno;
	return why == 0 ? STATUS_YES : failed(path, why);
}

static bool same_file(const struct stat *file, const char *path)
{
	struct stat other;

	return stat(path, &other) == 0 && file->st_dev == other.st_dev &&
	       file->st_ino == other.st_ino;
}

/* see output.h */
int output_write(const char *path, const char *source, const uint8_t *bytes,
		 size_t length)
{
	struct stat st;
	char *target = NULL;
	int status;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0) {
		if (strcmp(source, "-") != 0 && same_file(&st, source))
			return options_usage("the output %s is the policy "
					     "itself: name another with -o",
					     path);
		if (S_ISDIR(st.st_mode))
			return failed(path, EISDIR);
		if (!S_ISREG(st.st_mode))
			return write_through(path, bytes, length);
		/* Replace what a link points to, not the link. */
		target = realpath(path, NULL);
	}

	const char *name = target != NULL ? target : path;

	status = emit_file(name, bytes, length)
			 ? STATUS_YES
			 : failed(strcmp(path, "-") == 0 ? "<stdout>" : path,
				  errno);
	free(target);
	return status;
}
