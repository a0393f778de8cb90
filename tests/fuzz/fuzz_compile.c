/* fuzz_compile.c - any text as a policy: the whole compiler, in memory.  What
 * compiles must verify, decide as the oracle does, and print its diagnostics;
 * what does not must say why. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/compile.h"
#include "compiler/oracle.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"

#define MAX_INPUT (1u << 20)
#define MAX_NAMES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static FILE *nowhere(void)
{
	static FILE *file;

	if (file == NULL)
		file = fopen("/dev/null", "w");
	return file;
}

/* Ask about the policy's own names, for its first roles and for none. */
static void ask_all(const struct compilation *compilation,
		    const struct blob *blob)
{
	const struct model *model = &compilation->model;
	const struct glob_order *order = &model->order;
	struct hostname host;

	for (uint32_t i = 0; i < order->count && i < MAX_NAMES; i++) {
		const struct glob *glob = order->refs[i].glob;
		char text[HOSTNAME_MAX + 3];

		snprintf(text, sizeof(text), "%s%.*s",
			 glob->wildcard ? "x." : "", STR_ARG(glob->name));
		hostname_normalize(str_from(text), &host);
		for (uint32_t role = 0; role <= order->rule_count && role < 4;
		     role++) {
			struct query query = {
				.role = role < order->rule_count
						? order->rules[role]->name
						: STR("none"),
				.host = &host,
				.external_proxy = i % 5 == 0 ? &host : NULL,
			};
			struct decision got = decide(blob, &query);
			struct oracle_decision want =
				oracle_decide(model, &query);

			if (got.verdict != want.verdict ||
			    got.reason != want.reason)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct options options = {.mode = MODE_COMPILE};
	struct compilation compilation;

	if (size > MAX_INPUT)
		return 0;
	for (size_t i = 0; i < DIAG_CODE_COUNT; i++)
		options.severity[i] = diag_info[i].severity;
	options.allow_unknown_keys = size % 2 != 0;
	compile_init(&compilation, &options);
	compilation.lint = true;
	compilation.keep_model = true;
	source_from_bytes(&compilation.source, compilation.arena, "fuzz.yaml",
			  data, (uint32_t)size);

	enum compile_result result = compile_run(&compilation, STAGE_BLOB);

	/* An error is counted if and only if nothing comes out. */
	assert((result == COMPILE_OK) == (compilation.diags.errors == 0));
	assert((result == COMPILE_OK) == (compilation.blob != NULL));
	if (result == COMPILE_OK) {
		struct blob blob;

		if (blob_wrap(&blob, compilation.blob,
			      compilation.blob_length) != BLOB_OK)
			abort();
		ask_all(&compilation, &blob);
		blob_unmap(&blob);
	}
	diag_sort(&compilation.diags);
	diag_print(&compilation.diags, nowhere(), true);
	compile_fini(&compilation);
	return 0;
}
