/* fuzz_chunked.c - the chunked coding: whole and in pieces must give the same
 * data and end at the same byte; what is not taken stays untouched. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/chunked.h"

#define MAX_INPUT 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct outcome {
	enum chunked_status status;
	size_t used;
	size_t length;
	char data[MAX_INPUT];
};

static void decode(const uint8_t *data, size_t size, size_t step,
		   struct outcome *out)
{
	struct chunked chunked = {0};

	out->status = CHUNKED_MORE;
	out->used = out->length = 0;
	while (out->status == CHUNKED_MORE && out->used < size) {
		size_t n = size - out->used < step ? size - out->used : step;
		char *bytes = malloc(n + 1);
		struct chunked_piece piece;

		must(bytes != NULL);
		memcpy(bytes, data + out->used, n);
		out->status = chunked_decode(&chunked, bytes, n, &piece);
		must(piece.used <= n &&
		     piece.start + piece.length <= piece.used);
		must(out->status == CHUNKED_BAD ||
		     memcmp(bytes + piece.used, data + out->used + piece.used,
			    n - piece.used) == 0);
		memcpy(out->data + out->length, bytes + piece.start,
		       piece.length);
		out->length += piece.length;
		out->used += piece.used;
		free(bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, pieces;

	if (size > MAX_INPUT)
		return 0;
	decode(data, size, SIZE_MAX, &whole);
	decode(data, size, size != 0 ? data[size - 1] % 16u + 1 : 1, &pieces);
	must(whole.status == pieces.status);
	/* a broken body's last piece is dropped, however large it was */
	if (whole.status == CHUNKED_BAD)
		return 0;
	must(whole.used == pieces.used && whole.length == pieces.length);
	must(memcmp(whole.data, pieces.data, whole.length) == 0);
	return 0;
}
