/* replay.c - main() for a fuzz harness without a fuzzer: feeds each file named
 * on the command line (or each file of a directory) to it once, placed so that
 * its last byte is the last byte of a mapped page. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static void replay_bytes(const uint8_t *bytes, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (size + page) / page * page;
	uint8_t *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE) != 0) {
		perror("mmap");
		exit(3);
	}
	if (size > 0)
		memcpy(map + room - size, bytes, size);
	LLVMFuzzerTestOneInput(map + room - size, size);
	munmap(map, room + page);
	replayed++;
}

static void replay_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		perror(path);
		exit(3);
	}
	if (S_ISDIR(st.st_mode)) {
		struct dirent **names;
		int n = scandir(path, &names, NULL, alphasort);

		for (int i = 0; i < n; i++) {
			char name[4096];

			snprintf(name, sizeof(name), "%s/%s", path,
				 names[i]->d_name);
			if (names[i]->d_name[0] != '.')
				replay_path(name);
			free(names[i]);
		}
		if (n >= 0)
			free(names);
		return;
	}

	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc((size_t)st.st_size + 1);

	if (file == NULL || bytes == NULL) {
		perror(path);
		exit(3);
	}
	size_t size = fread(bytes, 1, (size_t)st.st_size, file);

	fclose(file);
	replay_bytes(bytes, size);
	free(bytes);
}

int main(int argc, char **argv)
{
	replay_bytes((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay_path(argv[i]);
	printf("%lu inputs replayed\n", replayed);
	return 0;
}
