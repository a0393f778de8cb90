/* batch.c - questions as JSON, one a line; answers the same way, in the same
 * order, each as soon as it is known.  A line that is no question is answered
 * with what is wrong with it, and the run goes on. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "command.h"
#include "report.h"

/* Longest line that is read; the rest of a longer one is skipped. */
#define LINE_MAX_BYTES (64u << 10)

static json_t *error_json(const char *text)
{
	json_t *object = json_object();

	json_object_set_new(object, "error",
			    report_json_text(text, strlen(text)));
	return object;
}

/* The value of KEY as a text: false, and *WHY, when it is none. */
static bool get_text(const json_t *object, const char *key, bool *given,
		     struct str *text, const char **why)
{
	const json_t *value = json_object_get(object, key);

	*given = false;
	*text = STR("");
	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_string(value)) {
		*why = key;
		return false;
	}
	*given = true;
	*text = str_make(json_string_value(value), json_string_length(value));
	return true;
}

static bool known_key(const char *key)
{
	static const char *const keys[] = {"role", "host", "port", "address",
					   "external_proxy"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* OBJECT, a query, into QUESTION; NULL, or what is wrong.  BUFFER holds the
 * message. */
static const char *read_query(json_t *object, struct question *question,
			      char *buffer, size_t room)
{
	const json_t *port = json_object_get(object, "port");
	const char *why = NULL;
	const char *key;
	json_t *value;
	struct str address;
	bool given;

	if (!json_is_object(object))
		return "a query is a JSON object";
	json_object_foreach(object, key, value)
	{
		if (known_key(key))
			continue;
		snprintf(buffer, room, "unknown key '%.60s'", key);
		return buffer;
	}
	*question = (struct question){.port = ASK_DEFAULT_PORT};
	if (!get_text(object, "role", &given, &question->role, &why) ||
	    !get_text(object, "host", &question->has_host, &question->host,
		      &why) ||
	    !get_text(object, "address", &question->has_address, &address,
		      &why) ||
	    !get_text(object, "external_proxy", &given,
		      &question->external_proxy, &why)) {
		snprintf(buffer, room, "'%s' must be a string", why);
		return buffer;
	}
	question->has_proxy = question->external_proxy.n > 0;
	if (port != NULL && !json_is_null(port)) {
		if (!json_is_integer(port) || json_integer_value(port) < 0 ||
		    json_integer_value(port) > UINT16_MAX)
			return "'port' must be an integer from 0 to 65535";
		question->port = (uint16_t)json_integer_value(port);
	}
	if (question->has_address && !addr_parse(address, &question->address))
		return "'address' must be an IP address";
	if (!question->has_host && !question->has_address)
		return "at least one of 'host' and 'address' is needed";
	return NULL;
}

static json_t *answer_line(const struct blob *policy, const char *line,
			   size_t length)
{
	json_error_t error;
	struct question question;
	struct answer answer;
	char buffer[160];
	json_t *object = json_loadb(line, length,
				    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL |
					    JSON_DECODE_ANY,
				    &error);

	if (object == NULL) {
		snprintf(buffer, sizeof(buffer), "not valid JSON: %.120s",
			 error.text);
		return error_json(buffer);
	}

	const char *why = read_query(object, &question, buffer, sizeof(buffer));
	json_t *out;

	if (why != NULL) {
		out = error_json(why);
	} else {
		ask(policy, &question, &answer);
		out = ask_json(&question, &answer);
	}
	json_decref(object);
	return out;
}

/* Standard input in pieces. */
struct input {
	char bytes[LINE_MAX_BYTES + 1]; /* a longest line and its end */
	size_t start;                   /* of what is not yet taken */
	size_t end;
	bool ended;
	int error; /* errno, when reading failed */
};

/* Whoever asks line by line waits for the answer, so what is answered goes out
 * before we wait for more. */
static void fill(struct input *input)
{
	ssize_t n;

	fflush(stdout);
	if (input->start > 0) {
		memmove(input->bytes, input->bytes + input->start,
			input->end - input->start);
		input->end -= input->start;
		input->start = 0;
	}
	do
		n = read(STDIN_FILENO, input->bytes + input->end,
			 sizeof(input->bytes) - input->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		input->error = errno;
	if (n <= 0)
		input->ended = true;
	else
		input->end += (size_t)n;
}

/* The next line, without its end, borrowed until the next call.  False at the
 * end of the input.  *TOO_LONG: it was, and is skipped. */
static bool next_line(struct input *input, struct str *line, bool *too_long)
{
	*too_long = false;
	for (;;) {
		size_t have = input->end - input->start;
		const char *start = input->bytes + input->start;
		const char *newline = memchr(start, '\n', have);

		if (newline != NULL || (input->ended && have > 0)) {
			size_t n = newline != NULL ? (size_t)(newline - start)
						   : have;

			input->start += n + (newline != NULL);
			if (n > 0 && start[n - 1] == '\r')
				n--;
			*line = str_make(start, n);
			return true;
		}
		if (input->ended)
			return *too_long;
		if (have == sizeof(input->bytes)) {
			*too_long = true;
			input->start = input->end = 0;
		}
		fill(input);
	}
}

static bool is_blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t')
			return false;
	return true;
}

/* see command.h */
int command_batch(const struct blob *policy)
{
	struct input *input = calloc(1, sizeof(*input));
	struct str line;
	bool too_long;

	if (input == NULL) {
		fputs("smokescreenc: out of memory\n", stderr);
		return STATUS_IO;
	}
	while (!ferror(stdout) && next_line(input, &line, &too_long)) {
		json_t *out;

		if (too_long)
			out = error_json("a line of more than 65536 bytes");
		else if (is_blank(line))
			out = error_json("an empty line");
		else
			out = answer_line(policy, line.p, line.n);
		report_json_print(stdout, out, 0);
	}

	int error = input->error;

	free(input);
	if (error == 0)
		return STATUS_YES;
	fprintf(stderr, "smokescreenc: <stdin>: %s\n", strerror(error));
	return STATUS_IO;
}
