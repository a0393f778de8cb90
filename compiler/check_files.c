#include "check_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "textset.h"

#define FIRST_CAPACITY 64u
/* Directories inside each other.  Links are not followed, so this bounds the
 * length of paths and the depth of recursion, and no loop. */
#define MAX_DEPTH 32

struct search {
	struct check_files *files;
	struct arena *arena;
	struct textset seen;
	bool found; /* something, new or not */
};

static void add(struct search *search, const char *path, const char *why)
{
	struct check_files *files = search->files;

	search->found = true;
	textset_add(&search->seen, str_from(path), 0);
	if (files->count == files->capacity) {
		uint32_t capacity = files->capacity > 0 ? 2 * files->capacity
							: FIRST_CAPACITY;

		files->items = arena_grow_array(search->arena, files->items,
						files->capacity, capacity,
						sizeof(*files->items));
		files->capacity = capacity;
	}
	files->items[files->count++] = (struct check_file){path, why};
}

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name);
	size_t m = strlen(ending);

	return n > m && strcmp(name + n - m, ending) == 0;
}

static bool is_yaml_name(const char *name)
{
	return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void search_directory(struct search *search, const char *path,
			     int depth);

static void search_entry(struct search *search, const char *path,
			 const char *name, int depth)
{
	struct stat st;

	if (textset_find(&search->seen, str_from(path)) != TEXTSET_NONE) {
		search->found = true;
		return;
	}
	if (lstat(path, &st) != 0) {
		/* Gone since the directory was read: nobody misses it. */
		if (errno != ENOENT && is_yaml_name(name))
			add(search, path,
			    arena_printf(search->arena, "%s", strerror(errno)));
		return;
	}
	if (S_ISDIR(st.st_mode)) {
		search_directory(search, path, depth + 1);
		return;
	}
	if (!is_yaml_name(name))
		return;
	if (S_ISLNK(st.st_mode) && stat(path, &st) != 0) {
		add(search, path,
		    arena_printf(search->arena, "a link to nothing: %s",
				 strerror(errno)));
		return;
	}
	/* A pipe or device would be read for ever. */
	if (S_ISREG(st.st_mode))
		add(search, path, NULL);
}

static void search_directory(struct search *search, const char *path, int depth)
{
	struct dirent **entries;

	if (depth > MAX_DEPTH) {
		add(search, path,
		    arena_printf(search->arena,
				 "more than %d directories inside each other",
				 MAX_DEPTH));
		return;
	}

	int count = scandir(path, &entries, not_hidden, by_name);

	if (count < 0) {
		add(search, path,
		    arena_printf(search->arena, "%s", strerror(errno)));
		return;
	}
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		search_entry(search,
			     arena_printf(search->arena, "%s%s%s", path,
					  ends_with(path, "/") ||
							  strcmp(path, "/") == 0
						  ? ""
						  : "/",
					  name),
			     name, depth);
		free(entries[i]);
	}
	free(entries);
}

/* see check_files.h */
void check_files_find(struct check_files *files, struct arena *arena,
		      const char *const *operands, uint32_t count)
{
	struct search search = {.files = files, .arena = arena};

	*files = (struct check_files){.count = 0};
	textset_init(&search.seen, arena);
	for (uint32_t i = 0; i < count; i++) {
		struct stat st;

		/* Whatever an operand is, it is read; only then is known what
		 * is wrong with it. */
		if (strcmp(operands[i], "-") == 0 ||
		    stat(operands[i], &st) != 0 || !S_ISDIR(st.st_mode)) {
			add(&search, operands[i], NULL);
			continue;
		}
		search.found = false;
		search_directory(&search, operands[i], 0);
		if (!search.found)
			add(&search, operands[i],
			    "no .yaml or .yml file in this directory");
	}
}
