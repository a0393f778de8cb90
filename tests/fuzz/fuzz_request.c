/* fuzz_request.c - request heads and targets.  Whole and in two pieces must
 * come to the same head; spans lie inside the head; an authority's decoding
 * never grows. */
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

static void check_span(struct head_span span, uint32_t length)
{
	must(span.start <= length && span.length <= length - span.start);
}

static void check_head(const struct request *request, size_t size)
{
	must(request->head.length <= size &&
	     request->head.length <= REQUEST_MAX_HEAD);
	must(request->head.field_count <= HEAD_MAX_FIELDS);
	must(!(request->head.has_length && request->head.chunked));
	check_span(request->method, request->head.length);
	check_span(request->target, request->head.length);
	for (uint32_t i = 0; i < request->head.field_count; i++) {
		check_span(request->head.fields[i].name, request->head.length);
		check_span(request->head.fields[i].value, request->head.length);
		must(request->head.fields[i].name.length != 0);
	}
}

static void check_target(const char *bytes, size_t size)
{
	struct request_url url;
	struct request_proxy proxy;
	char *copy;

	if (request_target(bytes, size) == TARGET_AUTHORITY) {
		copy = malloc(size + 1);
		must(copy != NULL);
		memcpy(copy, bytes, size);
		must(request_decode_host(copy, size) <= size);
		free(copy);
	}
	if (request_split_url(bytes, size, &url)) {
		must(request_target(bytes, size) == TARGET_ABSOLUTE);
		check_span(url.scheme, (uint32_t)size);
		check_span(url.host, (uint32_t)size);
		check_span(url.port, (uint32_t)size);
		must(url.host.length != 0);
		must(url.path.start ==
		     url.authority.start + url.authority.length);
		must(url.path.start + url.path.length == size);
	}
	if (request_split_proxy(bytes, size, &proxy)) {
		check_span(proxy.scheme, (uint32_t)size);
		check_span(proxy.userinfo, (uint32_t)size);
		check_span(proxy.host, (uint32_t)size);
		check_span(proxy.port, (uint32_t)size);
		must(proxy.host.length != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct request whole, pieces;
	struct head_progress one = {0}, two = {0};
	const char *bytes = (const char *)data;
	enum head_status first, second = HEAD_MORE;
	size_t cut = size != 0 ? data[size - 1] % size : 0;

	if (size > 2 * REQUEST_MAX_HEAD)
		return 0;
	first = request_scan(&one, bytes, size, &whole);
	if (first == HEAD_DONE)
		check_head(&whole, size);
	second = request_scan(&two, bytes, cut, &pieces);
	if (second == HEAD_MORE)
		second = request_scan(&two, bytes, size, &pieces);
	/* in pieces a mistake may be seen before the head ends */
	must(first == second || (first != HEAD_DONE && second != HEAD_DONE &&
				 second != HEAD_MORE));
	check_target(bytes, size);
	return 0;
}
