/* fuzz_json.c - any bytes as members of an object, in any room: what fits is
 * JSON, whole or in parts, what does not fit says so, and nothing is written
 * beyond.  The first two bytes are the room. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/observe/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void put_all(struct json *json, struct str value)
{
	uint64_t number = 0;

	memcpy(&number, value.p,
	       value.n < sizeof(number) ? value.n : sizeof(number));
	json_put_string(json, "whole", value);
	/* the reader takes none beyond 63 bits */
	json_put_unsigned(json, "unsigned", number >> 1);
	json_put_signed(json, "signed", (int64_t)number);
	json_put_milli(json, "milli", number);
	json_put_micro(json, "micro", number);
	json_open_object(json, "object");
	json_open_array(json, "array");
	json_add_string(json, value);
	json_add_string(json, str_make(value.p, value.n / 2));
	json_close_array(json);
	json_close_object(json);
	json_open_string(json, "parts");
	json_add_part(json, str_make(value.p, value.n / 2));
	json_put_literal(json, "-");
	json_add_part(json,
		      str_make(value.p + value.n / 2, value.n - value.n / 2));
	json_close_string(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json json;
	size_t room;
	char *out;

	if (size < 3)
		return 0;
	room = (size_t)data[0] << 8 | data[1];
	/* of its own: a byte too many is found */
	out = malloc(room + 1);
	must(out != NULL);
	out[room] = '#';
	json_begin(&json, out, room);
	put_all(&json, str_make((const char *)data + 2, size - 2));
	json_end(&json);
	must(json_length(&json) <= room && out[room] == '#');
	if (!json.overflow) {
		json_t *root =
			json_loadb(out, json_length(&json),
				   JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);

		must(json_is_object(root) && json_object_size(root) == 7);
		json_decref(root);
	}
	free(out);
	return 0;
}
