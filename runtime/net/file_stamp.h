/* file_stamp.h - has a file changed since it was read? */
#ifndef NET_FILE_STAMP_H
#define NET_FILE_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>

/* Zeroed: no file.  No file that exists has that stamp. */
struct file_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

static inline struct file_stamp file_stamp_of(const struct stat *st)
{
	return (struct file_stamp){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
	};
}

/* Of the regular file at PATH, links followed; zeroed when there is none. */
static inline struct file_stamp file_stamp_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return (struct file_stamp){0};
	return file_stamp_of(&st);
}

static inline bool file_stamp_equal(const struct file_stamp *a,
				    const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

#endif
