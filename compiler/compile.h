/* compile.h - the way of one policy: source, document, model, lint, canonical
 * form, blob.  Every question that is asked of a YAML policy goes this way. */
#ifndef COMPILER_COMPILE_H
#define COMPILER_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "grammar/document.h"
#include "grammar/source.h"
#include "lower.h"
#include "model.h"
#include "options.h"

enum compile_stage {
	STAGE_SOURCE = 0,
	STAGE_DOCUMENT,
	STAGE_MODEL,
	STAGE_CANONICAL,
	STAGE_BLOB,
};

struct compilation {
	const struct options *options; /* borrowed */
	struct arena *arena;           /* owned: all below but what follows */
	struct arena *front; /* owned: document and model; NULL once they are
			      * no longer needed */
	struct diag_list diags;
	struct source source;
	struct source config; /* of --config-file */
	struct document document;
	struct model model;
	struct canonical canonical;
	uint8_t *blob; /* owned, NULL before STAGE_BLOB */
	size_t blob_length;
	bool lint;          /* run the lints: set before compile_run(), as are
			     * the next two */
	bool keep_model;    /* do not let go of the model when lowered */
	bool tests_too;     /* a file of policy tests is no broken policy but is
			     * checked as what it is; there is no blob then */
	const char *unread; /* after COMPILE_IO: the file that could not be
			     * read; "<stdin>" for "-" */
	const char *unread_why; /* and why */
};

enum compile_result {
	COMPILE_OK = 0,
	COMPILE_ERRORS, /* see diags */
	COMPILE_IO,     /* said on stderr */
};

void compile_init(struct compilation *compilation,
		  const struct options *options);
void compile_fini(struct compilation *compilation);

/* Read the policy at PATH ("-": standard input). */
enum compile_result compile_load(struct compilation *compilation,
				 const char *path);

/* Take SOURCE, loaded or not from a file, up to and including UPTO. */
enum compile_result compile_run(struct compilation *compilation,
				enum compile_stage upto);

#endif
