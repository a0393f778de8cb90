/* fuzz_proxy_header.c - PROXY headers: whole and cut anywhere must come to the
 * same answer, and the answer lies inside the input. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/net/proxy_protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut = size != 0 ? data[size - 1] % size : 0;
	enum proxy_header_status first, second;
	struct proxy_header whole, piece;

	first = proxy_header_read(data, size, &whole);
	must((first == PROXY_HEADER_BAD) == (whole.error != NULL));
	if (first == PROXY_HEADER_DONE)
		must(whole.length != 0 && whole.length <= size &&
		     whole.length <= PROXY_HEADER_MAX);
	if (first == PROXY_HEADER_MORE)
		must(size < PROXY_HEADER_MAX);
	second = proxy_header_read(data, cut, &piece);
	if (second == PROXY_HEADER_DONE)
		must(first == PROXY_HEADER_DONE &&
		     piece.length == whole.length && piece.port == whole.port);
	if (second == PROXY_HEADER_BAD)
		must(first == PROXY_HEADER_BAD);
	return 0;
}
