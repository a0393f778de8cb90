/* compile.c - the passes in order.  A pass that reported an error is the last;
 * what is large and no longer needed is let go of on the way. */
#include "compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acl.h"
#include "emit.h"
#include "lint.h"
#include "progress.h"
#include "quote.h"
#include "suppress.h"
#include "testrun.h"

/* see compile.h */
void compile_init(struct compilation *compilation,
		  const struct options *options)
{
	*compilation = (struct compilation){.options = options};
	compilation->arena = arena_new();
	compilation->front = arena_new();
	diag_init(&compilation->diags, compilation->arena);
	memcpy(compilation->diags.severity, options->severity,
	       sizeof(options->severity));
	if (options->allow_unknown_keys)
		compilation->diags.severity[DIAG_P003] = DIAG_WARNING;
	compilation->diags.warnings_are_errors = options->werror;
}

/* A large policy's document and model are larger than its blob. */
static void free_front(struct compilation *compilation)
{
	arena_free(compilation->front);
	compilation->front = NULL;
	compilation->document = (struct document){.source = NULL};
	compilation->model = (struct model){.source = NULL};
}

/* see compile.h */
void compile_fini(struct compilation *compilation)
{
	free(compilation->blob);
	compilation->blob = NULL;
	free_front(compilation);
	arena_free(compilation->arena);
	compilation->arena = NULL;
}

static enum compile_result unread(struct compilation *compilation,
				  const char *path, const char *why)
{
	compilation->unread = strcmp(path, "-") == 0 ? "<stdin>" : path;
	compilation->unread_why = why;
	progress_hide();
	fprintf(stderr, "smokescreenc: %s: %s\n",
		quote_visible(compilation->arena,
			      str_from(compilation->unread)),
		why);
	return COMPILE_IO;
}

/* see compile.h */
enum compile_result compile_load(struct compilation *compilation,
				 const char *path)
{
	const char *why;

	if (source_load(&compilation->source, compilation->arena, path, &why))
		return COMPILE_OK;
	return unread(compilation, path, why);
}

/* The first who asks for a line has the index of lines made, in an arena of its
 * own choice: make it where it lasts. */
static void index_lines(struct compilation *compilation, struct source *source)
{
	source_locate(source, compilation->arena, 0);
}

/* The lists of --config-file, then those of the flags. */
static enum compile_result read_addresses(struct compilation *compilation)
{
	const struct options *options = compilation->options;
	const struct addresses *flags = &options->addresses;
	struct addresses addresses = {.options = flags->options};
	const char *why;

	if (options->config_file != NULL) {
		if (!source_load(&compilation->config, compilation->arena,
				 options->config_file, &why))
			return unread(compilation, options->config_file, why);
		index_lines(compilation, &compilation->config);
		addresses_read_config(&addresses, &compilation->config,
				      compilation->front, &compilation->diags);
	}

	uint32_t count = addresses.count + flags->count;
	struct model *model = &compilation->model;

	model->ranges = arena_alloc_array(compilation->front, count,
					  sizeof(*model->ranges));
	if (addresses.count > 0)
		memcpy(model->ranges, addresses.ranges,
		       addresses.count * sizeof(*model->ranges));
	if (flags->count > 0)
		memcpy(model->ranges + addresses.count, flags->ranges,
		       flags->count * sizeof(*model->ranges));
	model->range_count = count;
	model->range_options = addresses.options;
	return COMPILE_OK;
}

static enum compile_result make_blob(struct compilation *compilation)
{
	const char *why = "";

	compilation->blob =
		emit_blob(&compilation->canonical, compilation->options->strip,
			  &compilation->blob_length, &why);
	if (compilation->blob != NULL)
		return COMPILE_OK;
	diag_report(&compilation->diags, DIAG_P014,
		    (struct span){&compilation->source, 0, 0}, "%s", why);
	return COMPILE_ERRORS;
}

/* see compile.h */
enum compile_result compile_run(struct compilation *compilation,
				enum compile_stage upto)
{
	struct diag_list *diags = &compilation->diags;
	struct model *model = &compilation->model;
	struct arena *arena = compilation->front;

	if (upto == STAGE_SOURCE)
		return COMPILE_OK;
	index_lines(compilation, &compilation->source);

	bool parsed = document_parse(&compilation->document,
				     &compilation->source, arena, diags);

	if (upto == STAGE_DOCUMENT)
		return parsed ? COMPILE_OK : COMPILE_ERRORS;
	if (parsed && compilation->tests_too &&
	    testrun_is_tests(&compilation->document)) {
		testrun_check(&compilation->document, diags, arena);
		return diags->errors > 0 ? COMPILE_ERRORS : COMPILE_OK;
	}

	/* The configuration is read even so: its mistakes are reported in the
	 * same run. */
	enum compile_result addresses = read_addresses(compilation);

	if (addresses != COMPILE_OK)
		return addresses;
	if (!parsed ||
	    !acl_read(model, &compilation->document, &compilation->options->acl,
		      arena, diags) ||
	    diags->errors > 0)
		return COMPILE_ERRORS;
	model_sort(model, arena);
	if (compilation->lint) {
		uint32_t before = diags->count;

		lint_model(model, arena, diags);
		suppress_lints(&compilation->document, arena, diags, before);
		if (diags->errors > 0)
			return COMPILE_ERRORS;
	}
	if (upto == STAGE_MODEL)
		return COMPILE_OK;
	lower_model(&compilation->canonical, model, compilation->arena);
	if (upto == STAGE_CANONICAL)
		return COMPILE_OK;
	if (!compilation->keep_model)
		free_front(compilation);
	return make_blob(compilation);
}
