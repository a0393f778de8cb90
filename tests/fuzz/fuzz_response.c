/* fuzz_response.c - the heads of answers.  Whole and in two pieces must come to
 * the same; spans lie inside the head; no head says two lengths. */
#include <stdint.h>
#include <stdlib.h>

#include "grammar/response.h"

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

static void check_head(const struct response *response, size_t size)
{
	const struct head *head = &response->head;

	must(head->length <= size && head->length <= RESPONSE_MAX_HEAD);
	must(head->field_count <= HEAD_MAX_FIELDS);
	must(!(head->has_length && head->chunked));
	must(response->status >= 100 && response->status <= 999);
	check_span(response->reason, head->length);
	for (uint32_t i = 0; i < head->field_count; i++) {
		check_span(head->fields[i].name, head->length);
		check_span(head->fields[i].value, head->length);
		must(head->fields[i].name.length != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct response whole, pieces;
	struct head_progress one = {0}, two = {0};
	const char *bytes = (const char *)data;
	enum head_status first, second;
	size_t cut = size != 0 ? data[size - 1] % size : 0;

	if (size > 2 * RESPONSE_MAX_HEAD)
		return 0;
	first = response_scan(&one, bytes, size, &whole);
	if (first == HEAD_DONE)
		check_head(&whole, size);
	second = response_scan(&two, bytes, cut, &pieces);
	if (second == HEAD_MORE)
		second = response_scan(&two, bytes, size, &pieces);
	must(first == second);
	return 0;
}
