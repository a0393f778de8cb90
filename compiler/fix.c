#include "fix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "emit.h"
#include "progress.h"
#include "quote.h"
#include "runtime/policy/format.h"

/* A fix can make room for the next one: a name in its normal form turns out to
 * be a duplicate.  Chains are short; this is a bound. */
#define MAX_ROUNDS 100

/* One state of the policy's text: malloc()ed. */
struct text {
	unsigned char *bytes;
	uint32_t length;
};

/* What a text means, as far as it can be said. */
struct meaning {
	bool parses;
	bool compiles;
	uint8_t digest[FORMAT_DIGEST_BYTES];
};

static const char *name_of(const char *path)
{
	return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

static void complain(struct compilation *compilation, const char *path,
		     const char *why)
{
	progress_hide();
	fprintf(stderr, "smokescreenc: %s: %s\n",
		quote_visible(compilation->arena, str_from(name_of(path))),
		why);
}

static enum compile_result fail(struct compilation *compilation,
				const char *path, const char *why)
{
	complain(compilation, path, why);
	compilation->unread = name_of(path);
	compilation->unread_why = why;
	return COMPILE_IO;
}

static struct text copy_text(const unsigned char *bytes, uint32_t length)
{
	struct text text = {malloc((size_t)length + 1), length};

	if (text.bytes == NULL)
		arena_out_of_memory();
	memcpy(text.bytes, bytes, length);
	return text;
}

static int compare(const void *left, const void *right)
{
	const struct diag *a = *(const struct diag *const *)left;
	const struct diag *b = *(const struct diag *const *)right;
	const struct span *x = &a->fix->at;
	const struct span *y = &b->fix->at;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return a->serial < b->serial ? -1 : a->serial > b->serial;
}

/* The safe fixes in the order of the text; of those that overlap, or stand at
 * one place, the first. */
static const struct diag **choose(struct compilation *compilation,
				  uint32_t *count)
{
	const struct diag_list *diags = &compilation->diags;
	const struct diag **chosen = arena_alloc_array(
		compilation->arena, diags->count, sizeof(struct diag *));
	uint32_t found = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < diags->count; i++) {
		const struct diag_fix *fix = diags->items[i]->fix;

		if (fix != NULL && fix->safe &&
		    fix->at.source == &compilation->source)
			chosen[found++] = diags->items[i];
	}
	if (found > 1)
		qsort(chosen, found, sizeof(struct diag *), compare);
	for (uint32_t i = 0; i < found; i++) {
		const struct diag_fix *before =
			kept > 0 ? chosen[kept - 1]->fix : NULL;
		const struct diag_fix *fix = chosen[i]->fix;

		if (before == NULL || (fix->at.start >= before->at.end &&
				       fix->at.start > before->at.start))
			chosen[kept++] = chosen[i];
	}
	*count = kept;
	return chosen;
}

/* The text of COMPILATION with FIXES.  False: it would be too long. */
static bool apply(const struct compilation *compilation,
		  const struct diag **fixes, uint32_t count, struct text *out)
{
	const struct source *source = &compilation->source;
	size_t room = source->length;
	uint32_t from = 0;
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		room += strlen(fixes[i]->fix->replacement);
	out->bytes = malloc(room + 1);
	if (out->bytes == NULL)
		arena_out_of_memory();
	for (uint32_t i = 0; i < count; i++) {
		const struct diag_fix *fix = fixes[i]->fix;
		size_t length = strlen(fix->replacement);

		memcpy(out->bytes + n, source->bytes + from,
		       fix->at.start - from);
		n += fix->at.start - from;
		memcpy(out->bytes + n, fix->replacement, length);
		n += length;
		from = fix->at.end;
	}
	memcpy(out->bytes + n, source->bytes + from, source->length - from);
	n += source->length - from;
	out->length = (uint32_t)n;
	if (n <= SOURCE_MAX_BYTES)
		return true;
	free(out->bytes);
	return false;
}

/* As compile_load() does, from a text at hand. */
static void start(struct compilation *compilation,
		  const struct options *options, const char *path,
		  const struct text *text)
{
	compile_init(compilation, options);
	source_from_bytes(&compilation->source, compilation->arena,
			  name_of(path), text->bytes, text->length);
}

static struct meaning meaning_of(const struct options *options,
				 const char *path, const struct text *text)
{
	struct compilation compilation;
	struct meaning meaning = {.parses = true};

	start(&compilation, options, path, text);
	meaning.compiles = compile_run(&compilation, STAGE_BLOB) == COMPILE_OK;
	if (meaning.compiles)
		memcpy(meaning.digest, compilation.blob + HEADER_SEMANTIC,
		       sizeof(meaning.digest));
	for (uint32_t i = 0; i < compilation.diags.count; i++) {
		const struct diag *diag = compilation.diags.items[i];

		if (diag_info[diag->code].code[0] == 'Y')
			meaning.parses = false;
	}
	compile_fini(&compilation);
	return meaning;
}

/* BEFORE is not lost in AFTER. */
static bool keeps(const struct meaning *before, const struct meaning *after)
{
	if (before->compiles)
		return after->compiles && memcmp(before->digest, after->digest,
						 sizeof(before->digest)) == 0;
	return after->parses || !before->parses;
}

static void say(struct compilation *compilation, const struct diag **fixes,
		uint32_t count)
{
	progress_hide();
	for (uint32_t i = 0; i < count; i++)
		diag_print_fixed(&compilation->diags, fixes[i], stderr);
}

/* PATH is the file that BEFORE describes, and nobody has written to it since.
 */
static bool same_file(const char *path, const struct stat *before)
{
	struct stat now;

	return stat(path, &now) == 0 && now.st_dev == before->st_dev &&
	       now.st_ino == before->st_ino && now.st_size == before->st_size &&
	       now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* Hand out what became of the text; BEFORE is the file that was read. */
static enum compile_result finish(struct compilation *compilation,
				  const char *path, const struct text *text,
				  bool changed, const struct stat *before)
{
	if (strcmp(path, "-") == 0) {
		fwrite(text->bytes, 1, text->length, stdout);
		if (fflush(stdout) == 0 && !ferror(stdout))
			return COMPILE_OK;
		return fail(compilation, "<stdout>", strerror(errno));
	}
	if (!changed)
		return COMPILE_OK;
	if (!same_file(path, before))
		return fail(compilation, path,
			    "changed while it was read: nothing is mended");
	if (!emit_file(path, text->bytes, text->length))
		return fail(compilation, path, strerror(errno));
	return COMPILE_OK;
}

/* Mend TEXT until there is nothing to mend.  COMPILATION has been run on it. */
static bool mend(struct compilation *compilation, const char *path,
		 struct text *text, enum compile_result *result)
{
	const struct options *options = compilation->options;
	struct meaning before = {.compiles = false};
	bool changed = false;

	for (int round = 0; round < MAX_ROUNDS; round++) {
		struct text mended;
		uint32_t count;
		const struct diag **fixes = choose(compilation, &count);

		if (count == 0)
			break;
		if (!changed)
			before = meaning_of(options, path, text);
		if (!apply(compilation, fixes, count, &mended))
			break;

		struct meaning after = meaning_of(options, path, &mended);

		if (!keeps(&before, &after)) {
			complain(compilation, path,
				 "mending it would change what it means: left "
				 "alone");
			free(mended.bytes);
			break;
		}
		before = after;
		if (!options->quiet)
			say(compilation, fixes, count);
		free(text->bytes);
		*text = mended;
		changed = true;
		struct compilation last = *compilation;

		compile_fini(compilation);
		start(compilation, options, path, text);
		compilation->lint = last.lint;
		compilation->tests_too = last.tests_too;
		*result = compile_run(compilation, STAGE_BLOB);
		if (*result == COMPILE_IO)
			break;
	}
	return changed;
}

/* see fix.h */
enum compile_result fix_run(struct compilation *compilation, const char *path)
{
	struct stat st = {.st_size = 0};

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 &&
	    !S_ISREG(st.st_mode))
		return fail(compilation, path,
			    "not a regular file: --fix cannot replace it");
	if (compile_load(compilation, path) != COMPILE_OK)
		return COMPILE_IO;

	struct text text = copy_text(compilation->source.bytes,
				     compilation->source.length);
	enum compile_result result;

	result = compile_run(compilation, STAGE_BLOB);
	if (result != COMPILE_IO) {
		bool changed = mend(compilation, path, &text, &result);

		if (result != COMPILE_IO && finish(compilation, path, &text,
						   changed, &st) != COMPILE_OK)
			result = COMPILE_IO;
	}
	free(text.bytes);
	return result;
}
