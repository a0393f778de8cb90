/* fuzz_blob.c - any bytes as a blob, as they are and with their checksums made
 * right: refused, or else asked everything there is to ask. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/policy/blob.h"
#include "tests/unit/blob_exercise.h"
#include "tests/unit/blob_repair.h"

#define FUZZ_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct blob blob;

	if (size > FUZZ_MAX)
		return 0;

	/* exactly as long, so that a sanitizer sees the first byte beyond */
	void *room;

	if (posix_memalign(&room, FORMAT_ALIGN, size ? size : 1) != 0)
		return 0;

	uint8_t *bytes = room;

	if (size > 0)
		memcpy(bytes, data, size);
	if (blob_wrap(&blob, bytes, size) == BLOB_OK)
		exercise(&blob);
	if (size >= HEADER_BYTES) {
		memcpy(bytes, FORMAT_MAGIC, FORMAT_MAGIC_BYTES);
		put_u16le(bytes + HEADER_MAJOR, FORMAT_MAJOR);
		put_u32le(bytes + HEADER_BYTE_ORDER, FORMAT_BYTE_ORDER);
		blob_repair(bytes, size);
		if (blob_wrap(&blob, bytes, size) == BLOB_OK)
			exercise(&blob);
	}
	free(room);
	return 0;
}
