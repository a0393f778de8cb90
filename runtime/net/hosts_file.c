/* hosts_file.c - hosts(5) as a sorted table: see hosts_file.h. */
#include "hosts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_stamp.h"

struct hosts_file {
	struct hosts_table table;
	struct file_stamp seen; /* of the table; zeroed: no file */
	uint64_t check_at_ms;
	char path[];
};

/* --- the table --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The next word of LINE, which shrinks by it; empty at the end or a '#'. */
static struct str next_word(struct str *line)
{
	size_t at = 0;

	while (at < line->n && is_blank(line->p[at]))
		at++;

	size_t start = at;

	while (at < line->n && !is_blank(line->p[at]) && line->p[at] != '#')
		at++;

	struct str word = str_make(line->p + start, at - start);

	*line = str_make(line->p + at, line->n - at);
	return word;
}

static int compare_entries(const void *left, const void *right)
{
	const struct hosts_entry *a = left;
	const struct hosts_entry *b = right;
	int order = str_compare(a->name, b->name);

	if (order != 0)
		return order;
	return a->order < b->order ? -1 : a->order > b->order;
}

static bool table_add(struct hosts_table *table, size_t *room, struct str name,
		      const struct addr *addr)
{
	if (table->count == *room) {
		size_t more = *room == 0 ? 16 : *room * 2;
		struct hosts_entry *grown =
			reallocarray(table->entries, more, sizeof(*grown));

		if (grown == NULL)
			return false;
		table->entries = grown;
		*room = more;
	}
	table->entries[table->count] = (struct hosts_entry){
		.name = name, .addr = *addr, .order = (uint32_t)table->count};
	table->count++;
	return true;
}

/* "ADDRESS NAME...  # comment".  A line without an address says nothing. */
static bool table_add_line(struct hosts_table *table, size_t *room,
			   struct str line)
{
	struct addr addr;

	if (!addr_parse(next_word(&line), &addr))
		return true;
	for (;;) {
		struct str name = next_word(&line);

		if (name.n == 0 || table->count == HOSTS_MAX_ENTRIES)
			return true;
		if (name.p[name.n - 1] == '.')
			name.n--;
		if (name.n > 0 && !table_add(table, room, name, &addr))
			return false;
	}
}

bool hosts_table_init(struct hosts_table *out, const char *bytes, size_t size)
{
	size_t room = 0;

	*out = (struct hosts_table){0};
	if (size > HOSTS_MAX_BYTES)
		size = HOSTS_MAX_BYTES;
	if (size == 0)
		return true;
	out->text = malloc(size);
	if (out->text == NULL)
		return false;
	for (size_t i = 0; i < size; i++) {
		char c = bytes[i];

		out->text[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
	}

	for (size_t at = 0; at < size;) {
		const char *start = out->text + at;
		const char *end = memchr(start, '\n', size - at);
		size_t length = end != NULL ? (size_t)(end - start) : size - at;

		/* A line cut by the limit could name something else. */
		if (end == NULL && size == HOSTS_MAX_BYTES)
			break;
		if (!table_add_line(out, &room, str_make(start, length))) {
			hosts_table_fini(out);
			return false;
		}
		at += length + 1;
	}
	if (out->count > 0)
		qsort(out->entries, out->count, sizeof(out->entries[0]),
		      compare_entries);
	return true;
}

void hosts_table_fini(struct hosts_table *table)
{
	free(table->text);
	free(table->entries);
	*table = (struct hosts_table){0};
}

size_t hosts_table_find(const struct hosts_table *table, struct str name,
			const struct hosts_entry **first)
{
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (str_compare(table->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}

	size_t end = low;

	while (end < table->count && str_equal(table->entries[end].name, name))
		end++;
	*first = end > low ? &table->entries[low] : NULL;
	return end - low;
}

/* --- the file --- */

struct hosts_file *hosts_file_new(const char *path)
{
	size_t size = strlen(path) + 1;
	struct hosts_file *hosts = calloc(1, sizeof(*hosts) + size);

	if (hosts != NULL)
		memcpy(hosts->path, path, size);
	return hosts;
}

void hosts_file_free(struct hosts_file *hosts)
{
	if (hosts == NULL)
		return;
	hosts_table_fini(&hosts->table);
	free(hosts);
}

/* Up to SIZE bytes of FD.  *GOT tells how many; false: errno says. */
static bool read_all(int fd, char *buffer, size_t size, size_t *got)
{
	*got = 0;
	while (*got < size) {
		ssize_t n = read(fd, buffer + *got, size - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return true;
}

/* Replace the table by what FD has.  False: it stays. */
static bool load(struct hosts_file *hosts, int fd, const struct stat *st)
{
	struct hosts_table fresh;
	size_t size = HOSTS_MAX_BYTES;
	size_t got;

	if (st->st_size >= 0 && (uintmax_t)st->st_size < size)
		size = (size_t)st->st_size;

	char *bytes = malloc(size > 0 ? size : 1);
	bool ok = bytes != NULL && read_all(fd, bytes, size, &got) &&
		  hosts_table_init(&fresh, bytes, got);

	free(bytes);
	if (!ok)
		return false;
	hosts_table_fini(&hosts->table);
	hosts->table = fresh;
	hosts->seen = file_stamp_of(st);
	return true;
}

static void forget(struct hosts_file *hosts)
{
	hosts_table_fini(&hosts->table);
	hosts->seen = (struct file_stamp){0};
}

static void refresh(struct hosts_file *hosts)
{
	struct file_stamp now = file_stamp_at(hosts->path);
	struct stat st;

	if (file_stamp_equal(&now, &hosts->seen))
		return;

	int fd = open(hosts->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
			forget(hosts);
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		load(hosts, fd, &st);
	else
		forget(hosts);
	close(fd);
}

size_t hosts_file_find(struct hosts_file *hosts, uint64_t now_ms,
		       struct str name, const struct hosts_entry **first)
{
	if (now_ms >= hosts->check_at_ms) {
		refresh(hosts);
		hosts->check_at_ms = now_ms + HOSTS_CHECK_MS;
	}
	return hosts_table_find(&hosts->table, name, first);
}
