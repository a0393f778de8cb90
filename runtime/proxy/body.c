/* body.c - see body.h. */
#include "body.h"

#include <string.h>

void body_init(struct body *body, enum body_kind kind, uint64_t length)
{
	*body = (struct body){.kind = (uint8_t)kind, .left = length};
}

static enum body_status take_length(struct body *body, size_t length,
				    struct body_piece *piece)
{
	piece->length = body->left < length ? (size_t)body->left : length;
	piece->used = piece->length;
	body->left -= piece->length;
	return body->left == 0 ? BODY_ENDED : BODY_MORE;
}

/* The trailer section is a head without a first line; it is looked at when all
 * of it is there. */
static enum body_status take_trailers(struct body *body, char *bytes,
				      size_t length, struct body_piece *piece,
				      struct head *trailers)
{
	const char *start = bytes + piece->used;
	enum head_status status;

	head_clear(trailers);
	status = head_find_end(&body->progress, start, length - piece->used,
			       BODY_MAX_TRAILERS, trailers);
	if (status == HEAD_MORE)
		return BODY_MORE;
	if (status == HEAD_DONE)
		status = head_scan_fields(start, 0, trailers->length, trailers);
	if (status != HEAD_DONE)
		return BODY_BROKEN;
	piece->trailers = piece->used;
	piece->used += trailers->length;
	return BODY_ENDED;
}

static enum body_status take_chunks(struct body *body, char *bytes,
				    size_t length, struct body_piece *piece)
{
	struct chunked_piece data;
	enum chunked_status status =
		chunked_decode(&body->chunked, bytes, length, &data);

	piece->start = data.start;
	piece->length = data.length;
	piece->used = data.used;
	body->in_trailers = status == CHUNKED_LAST;
	return status == CHUNKED_BAD ? BODY_BROKEN : BODY_MORE;
}

enum body_status body_take(struct body *body, char *bytes, size_t length,
			   struct body_piece *piece, struct head *trailers)
{
	enum body_status status = BODY_MORE;

	*piece = (struct body_piece){0};
	head_clear(trailers);
	switch ((enum body_kind)body->kind) {
	case BODY_NONE:
		status = BODY_ENDED;
		break;
	case BODY_LENGTH:
		status = take_length(body, length, piece);
		break;
	case BODY_CHUNKED:
		if (!body->in_trailers)
			status = take_chunks(body, bytes, length, piece);
		if (status == BODY_MORE && body->in_trailers)
			status = take_trailers(body, bytes, length, piece,
					       trailers);
		break;
	case BODY_TO_END:
		piece->length = piece->used = length;
		break;
	}
	body->taken += piece->length;
	return status;
}

bool body_may_end(const struct body *body)
{
	return body->kind == BODY_TO_END || body->kind == BODY_NONE;
}

char *body_frame(char *data, size_t length, bool last, size_t *framed)
{
	static const char digits[] = "0123456789abcdef";
	char *p = data, *end = data + length;

	*--p = '\n';
	*--p = '\r';
	do
		*--p = digits[length & 15];
	while ((length >>= 4) != 0);
	memcpy(end, "\r\n0\r\n", 5);
	*framed = (size_t)(end - p) + (last ? 5 : 2);
	return p;
}
