/* fuzz_headers.c - heads rewritten: what comes out is a head as strict as what
 * went in, says the same of the body, and has none of the fields that go no
 * further; and what the log has of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/proxy/detail.h"
#include "runtime/proxy/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct request request, again;
static struct response response, repeated;

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* How often X-Set is among the fields of AGAIN, whose spans are in BYTES. */
static unsigned count_set(const char *bytes)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < again.head.field_count; i++)
		count += head_equal(bytes + again.head.fields[i].name.start,
				    again.head.fields[i].name.length, "X-Set");
	return count;
}

static void check_request(const char *bytes, size_t size, bool absolute)
{
	struct head_progress one = {0}, two = {0};
	struct request_url url;
	const struct headers_set set = {STR("X-Set"), STR("by the policy")};
	struct headers_way way = {.host = STR("a.test"),
				  .absolute = absolute,
				  .set = &set,
				  .set_count = absolute ? 0 : 1};
	size_t length;
	char *out;

	if (request_scan(&one, bytes, size, &request) != HEAD_DONE ||
	    !request_split_url(bytes + request.target.start,
			       request.target.length, &url))
		return;
	way.upgrade = request.head.upgrade && request.head.websocket;
	out = malloc(headers_origin_max(&request, &way));
	must(out != NULL);
	length = headers_to_origin(out, &request, bytes, &url, &way);
	must(length <= headers_origin_max(&request, &way));
	/* what was escaped may have made it too long for us; not for others */
	if (length <= REQUEST_MAX_HEAD) {
		enum head_status status =
			request_scan(&two, out, length, &again);

		must(status == HEAD_DONE || status == HEAD_TARGET_TOO_LONG ||
		     status == HEAD_TOO_LARGE);
		if (status == HEAD_DONE) {
			must(again.head.length == length);
			must(again.head.chunked == request.head.chunked);
			must(again.head.has_length == request.head.has_length);
			must(again.head.content_length ==
			     request.head.content_length);
			must(head_field(&again.head, FIELD_PROXY) == NULL);
			must(head_field(&again.head, FIELD_ROLE) == NULL);
			must(head_field(&again.head, FIELD_TRACE_ID) == NULL);
			must(head_field(&again.head, FIELD_UPSTREAM_PROXY) ==
			     NULL);
			must(head_field(&again.head, FIELD_KEEP_ALIVE) == NULL);
			/* else it is the client's, as often as it likes */
			must(absolute || count_set(out) == 1);
		}
	}
	free(out);
}

/* What the log would have of it is JSON as far as a look without a parser
 * tells: no control characters, and every brace and bracket outside of strings
 * has its partner. */
static void check_detail(const char *bytes, size_t size)
{
	static char out[DETAIL_MAX];
	const struct headers_set set = {STR("x-set"), STR("\"policy\"")};
	struct head_progress progress = {0};
	struct blob none = {.bytes = NULL};
	bool in_string = false;
	int depth = 0;
	size_t n;

	if (request_scan(&progress, bytes, size, &request) != HEAD_DONE)
		return;
	n = detail_write(out, &(struct detail){
				      .request = &request,
				      .head = bytes,
				      .host = STR("a.test"),
				      .path = {bytes + request.target.start,
					       request.target.length},
				      .set = &set,
				      .set_count = 1,
				      .blob = &none,
			      });
	must(n <= DETAIL_MAX);
	for (size_t i = 0; i < n; i++) {
		must((unsigned char)out[i] >= 0x20);
		if (in_string && out[i] == '\\')
			i++;
		else if (out[i] == '"')
			in_string = !in_string;
		else if (!in_string && (out[i] == '{' || out[i] == '['))
			depth++;
		else if (!in_string && (out[i] == '}' || out[i] == ']'))
			depth--;
		must(depth >= 0);
	}
	must(!in_string && depth == 0);
}

static void check_response(const char *bytes, size_t size)
{
	struct head_progress one = {0}, two = {0};
	struct headers_answer answer = {
		.minor = 1, .date = "Sun, 06 Nov 1994 08:49:37 GMT"};
	size_t length;
	char *out;

	if (response_scan(&one, bytes, size, &response) != HEAD_DONE)
		return;
	answer.kind = response.head.chunked ? BODY_CHUNKED : BODY_LENGTH;
	answer.has_length = response.head.has_length;
	answer.length = response.head.content_length;
	answer.close = response.head.close;
	out = malloc(response.head.length + HEADERS_CLIENT_MORE);
	must(out != NULL);
	length = headers_to_client(out, &response, bytes, &answer);
	must(length <= response.head.length + HEADERS_CLIENT_MORE);
	if (length <= RESPONSE_MAX_HEAD &&
	    response.head.field_count + 3 <= HEAD_MAX_FIELDS) {
		must(response_scan(&two, out, length, &repeated) == HEAD_DONE);
		must(repeated.head.length == length);
		must(repeated.status == response.status);
		must(repeated.head.chunked == response.head.chunked);
		must(repeated.head.content_length ==
		     response.head.content_length);
		must(head_field(&repeated.head, FIELD_ERROR) == NULL);
		must(head_field(&repeated.head, FIELD_PROXY) == NULL);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 2 * RESPONSE_MAX_HEAD)
		return 0;
	check_request((const char *)data, size, false);
	check_request((const char *)data, size, true);
	check_detail((const char *)data, size);
	check_response((const char *)data, size);
	return 0;
}
