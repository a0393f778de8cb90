/* fuzz_report.c - any name and any text, reported in every format: JSON and
 * SARIF must parse, XML must have nothing in it that XML forbids, and every
 * line of workflow commands must be one.  The name of the file is the first
 * line. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"
#include "compiler/quote.h"
#include "compiler/report.h"

#define MAX_INPUT (64u << 10)
#define MAX_NAME 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
	if (!truth)
		abort();
}

static void check_json(const char *text, size_t length)
{
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

	require(root != NULL);
	json_decref(root);
}

/* Names and texts from outside may hold "<"; in the document it is markup. */
static void check_xml(const char *text, size_t length)
{
	int open = 0;

	for (size_t i = 0, n; i < length; i += n) {
		uint32_t rune = quote_next_rune(text + i, length - i, &n);

		require((rune & QUOTE_NOT_UTF8) == 0);
		require(rune >= 0x20 || rune == '\n');
		require(rune != 0xfffe && rune != 0xffff);
		if (rune == '<')
			require(open++ == 0);
		if (rune == '>')
			require(open-- == 1);
	}
	require(open == 0);
}

static void check_commands(const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		const char *next = memchr(text, '\n', (size_t)(end - text));

		require(next != NULL);
		require(strncmp(text, "::error ", 8) == 0 ||
			strncmp(text, "::warning ", 10) == 0);
		text = next + 1;
	}
}

static void check(enum option_format format, const char *text, size_t length)
{
	switch (format) {
	case FORMAT_TEXT:
		break;
	case FORMAT_JSON:
	case FORMAT_SARIF:
		check_json(text, length);
		break;
	case FORMAT_GITHUB:
		check_commands(text, length);
		break;
	case FORMAT_JUNIT:
		check_xml(text, length);
		break;
	}
}

static void report_one(struct compilation *compilation, struct options *options,
		       int status)
{
	struct report report;
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	require(out != NULL);
	report_begin(&report, options, out);
	report_file(&report, &compilation->source, &compilation->diags);
	report_unread(&report, compilation->source.name,
		      "No such file or directory");
	/* Without the summary, which is no command. */
	options->quiet = true;
	report_end(&report, status);
	options->quiet = false;
	fclose(out);
	check(options->format, text, length);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options options = {.mode = MODE_CHECK};
	const uint8_t *line =
		memchr(data, '\n', size < MAX_NAME ? size : MAX_NAME);
	char name[MAX_NAME + 2] = "x";

	if (size > MAX_INPUT)
		return 0;
	for (size_t i = 0; i < DIAG_CODE_COUNT; i++)
		options.severity[i] = size % 2 == 0 ? DIAG_WARNING : DIAG_ERROR;
	if (line != NULL && line > data) {
		memcpy(name, data, (size_t)(line - data));
		name[line - data] = '\0';
		size -= (size_t)(line - data) + 1;
		data = line + 1;
	}

	struct compilation compilation;

	compile_init(&compilation, &options);
	compilation.lint = true;
	compilation.tests_too = true;
	source_from_bytes(&compilation.source, compilation.arena, name, data,
			  (uint32_t)size);

	enum compile_result result = compile_run(&compilation, STAGE_BLOB);

	for (int format = FORMAT_TEXT; format <= FORMAT_JUNIT; format++) {
		options.format = (enum option_format)format;
		report_one(&compilation, &options,
			   result == COMPILE_OK ? STATUS_YES : STATUS_NO);
	}
	compile_fini(&compilation);
	return 0;
}
