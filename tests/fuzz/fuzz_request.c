/* fuzz_request.c - request heads and targets.  Whole and in two pieces must
 * come to the same answer, if not by the same error; spans lie inside the head;
 * an authority's decoding never grows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_span(struct request_span span, uint32_t length)
{
	must(span.start <= length && span.length <= length - span.start);
}

static void check_head(const struct request *request, size_t size)
{
	must(request->length <= size && request->length <= REQUEST_MAX_HEAD);
	must(request->field_count <= REQUEST_MAX_FIELDS);
	must(!(request->has_length && request->chunked));
	check_span(request->method, request->length);
	check_span(request->target, request->length);
	for (uint32_t i = 0; i < request->field_count; i++) {
		check_span(request->fields[i].name, request->length);
		check_span(request->fields[i].value, request->length);
		must(request->fields[i].name.length != 0);
	}
}

static void check_target(const char *bytes, size_t size)
{
	struct request_span host;
	char *copy;

	if (request_target(bytes, size) == TARGET_AUTHORITY) {
		copy = malloc(size + 1);
		must(copy != NULL);
		memcpy(copy, bytes, size);
		must(request_decode_host(copy, size) <= size);
		free(copy);
	}
	if (request_proxy_host(bytes, size, &host))
		check_span(host, (uint32_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct request whole, pieces;
	struct request_progress one = {0}, two = {0};
	const char *bytes = (const char *)data;
	enum request_status first, second = REQUEST_MORE;
	size_t cut = size != 0 ? data[size - 1] % size : 0;

	if (size > 2 * REQUEST_MAX_HEAD)
		return 0;
	first = request_scan(&one, bytes, size, &whole);
	if (first == REQUEST_DONE)
		check_head(&whole, size);
	second = request_scan(&two, bytes, cut, &pieces);
	if (second == REQUEST_MORE)
		second = request_scan(&two, bytes, size, &pieces);
	must((first == REQUEST_MORE) == (second == REQUEST_MORE));
	must((first == REQUEST_DONE) == (second == REQUEST_DONE));
	check_target(bytes, size);
	return 0;
}
