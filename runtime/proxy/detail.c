/* detail.c - see detail.h.  In the reference's form: names as Go spells them,
 * to each the list of its values. */
#include "detail.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runtime/observe/json.h"

#define NAME_MAX_SHOWN 128
#define END_ROOM 64 /* for what is said when all is full */

/* One header as it is sent. */
struct header {
	struct str name;
	struct str value;
};

static struct str span_text(const char *head, struct head_span span)
{
	return str_make(head + span.start, span.length);
}

static bool same_name(struct str a, struct str b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* "x-api-KEY" is "X-Api-Key". */
static const char *canonical(struct str name, char out[NAME_MAX_SHOWN + 1])
{
	size_t n = name.n < NAME_MAX_SHOWN ? name.n : NAME_MAX_SHOWN;
	bool starts = true;

	for (size_t i = 0; i < n; i++) {
		char c = name.p[i];

		if (starts && c >= 'a' && c <= 'z')
			c = (char)(c & ~0x20);
		else if (!starts && c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		out[i] = c;
		starts = c == '-';
	}
	out[n] = '\0';
	return out;
}

static bool is_shown(const struct detail *detail, struct str name)
{
	struct mitm_info info;
	struct str shown;

	if (!blob_mitm(detail->blob, detail->mitm, &info))
		return false;
	for (uint32_t i = 0; i < info.full_header_count; i++)
		if (blob_mitm_full_header(detail->blob, detail->mitm, i,
					  &shown) &&
		    same_name(shown, name))
			return true;
	return false;
}

static bool is_replaced(const struct detail *detail, struct str name)
{
	for (size_t i = 0; i < detail->set_count; i++)
		if (same_name(detail->set[i].name, name))
			return true;
	return false;
}

/* Header number AT, of the client's and then of the policy's.  False: it is
 * not among those that are sent. */
static bool header_at(const struct detail *detail, size_t at,
		      struct header *out)
{
	const struct head *head = &detail->request->head;

	if (at < head->field_count) {
		const struct head_field *field = &head->fields[at];

		out->name = span_text(detail->head, field->name);
		out->value = span_text(detail->head, field->value);
		return field->id != FIELD_HOST &&
		       !is_replaced(detail, out->name);
	}
	at -= head->field_count;
	out->name = detail->set[at].name;
	out->value = detail->set[at].value;
	return true;
}

/* All values of the name that header number AT has, unless one before it has
 * that name, too. */
static void put_header(struct json *json, const struct detail *detail,
		       size_t at, size_t count)
{
	char name[NAME_MAX_SHOWN + 1];
	struct header first, other;
	bool shown;

	if (!header_at(detail, at, &first))
		return;
	for (size_t i = 0; i < at; i++)
		if (header_at(detail, i, &other) &&
		    same_name(first.name, other.name))
			return;
	shown = is_shown(detail, first.name);
	json_open_array(json, canonical(first.name, name));
	for (size_t i = at; i < count; i++)
		if (header_at(detail, i, &other) &&
		    same_name(first.name, other.name))
			json_add_string(json, shown ? other.value
						    : STR("[REDACTED]"));
	json_close_array(json);
}

size_t detail_write(char *out, const struct detail *detail)
{
	const struct request *request = detail->request;
	size_t count = request->head.field_count + detail->set_count;
	char url[JSON_VALUE_MAX + 2];
	bool cut = false;
	struct json json;

	/* one more for the comma behind the last header */
	json_begin_members(&json, out, DETAIL_MAX - END_ROOM + 1);
	/* one that is longer than what is shown, is so here, too */
	snprintf(url, sizeof(url), "https://%.*s%.*s", STR_ARG(detail->host),
		 STR_ARG(detail->path));
	json_put_text(&json, "mitm_req_url", url);
	json_put_string(&json, "mitm_req_method",
			span_text(detail->head, request->method));
	json_open_object(&json, "mitm_req_headers");
	for (size_t i = 0; i < count && !cut; i++) {
		struct json before = json;

		put_header(&json, detail, i, count);
		cut = json.overflow;
		if (cut)
			json = before;
	}
	json.end = out + DETAIL_MAX;
	json_close_object(&json);
	if (cut)
		json_put_bool(&json, "mitm_req_headers_cut", true);
	json_end_members(&json);
	return json_length(&json);
}
