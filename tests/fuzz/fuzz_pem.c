/* fuzz_pem.c - text with PEM objects in it, decoded in place. */
#include <stdlib.h>
#include <string.h>

#include "runtime/tls/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *text = malloc(size > 0 ? size : 1);
	struct pem pem;
	struct pem_object object;
	enum pem_result result;
	size_t before = 0;
	size_t lines = 1;

	check(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	pem_init(&pem, text, size);
	while ((result = pem_next(&pem, &object)) == PEM_OBJECT) {
		check(pem.at > before && pem.at <= size);
		before = pem.at;
		check(object.label.n <= PEM_MAX_LABEL);
		check(object.line >= 1 && object.line <= lines);
		check(pem.line <= lines + 1);
		check(object.body.n == 0 ||
		      (object.body.p >= text &&
		       object.body.p + object.body.n <= text + pem.at));
	}
	check((result == PEM_ERROR) == (pem.why != NULL));
	check(pem_next(&pem, &object) != PEM_OBJECT);
	free(text);
	return 0;
}
