/* policy_open.c - see policy_open.h. */
#include "policy_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quote.h"
#include "report.h"

/* Enough to tell a blob from a text. */
#define SNIFF_BYTES 64
#define BLOB_ALIGNMENT 64

static int blob_failed(const char *path, const struct blob *blob,
		       enum blob_error error, int why)
{
	if (error == BLOB_IO) {
		fprintf(stderr, "smokescreenc: %s: %s\n", path, strerror(why));
		return STATUS_IO;
	}
	fprintf(stderr, "smokescreenc: %s: %s%s%s\n", path,
		blob_error_text(error), blob->damage != NULL ? ": " : "",
		blob->damage != NULL ? blob->damage : "");
	return STATUS_NO;
}

/* What only a compilation can do is refused for what is compiled already. */
static int check_blob(const struct policy *policy,
		      const struct options *options, const char *path)
{
	const struct blob *blob = &policy->blob;
	struct arena *arena = arena_new();
	bool disabled = false;

	for (uint32_t i = 0; i < blob_rule_count(blob); i++) {
		struct rule_info rule;

		if (!blob_rule(blob, i, &rule) ||
		    !options->acl.disabled[rule.action])
			continue;
		fprintf(stderr,
			"smokescreenc: %s: rule for svc:%s utilizes a "
			"disabled policy:%s\n",
			path,
			quote_visible(arena, rule.is_default
						     ? STR("default_rule")
						     : rule.name),
			acl_action_title(rule.action));
		disabled = true;
	}
	arena_free(arena);
	if (disabled)
		return STATUS_NO;
	if (options->reads_acl &&
	    strcmp(options->reads_acl_name, "disable-acl-policy-action") != 0)
		return options_usage("--%s has no meaning with a blob: give it "
				     "when the blob is compiled",
				     options->reads_acl_name);
	return STATUS_YES;
}

/* The bytes in SOURCE, at an address that a blob may be viewed at. */
static int wrap_source(struct policy *policy, const struct source *source)
{
	size_t length = source->length;

	policy->bytes = aligned_alloc(
		BLOB_ALIGNMENT, (length / BLOB_ALIGNMENT + 1) * BLOB_ALIGNMENT);
	if (policy->bytes == NULL) {
		fputs("smokescreenc: out of memory\n", stderr);
		return STATUS_IO;
	}
	memcpy(policy->bytes, source->bytes, length);

	enum blob_error error = blob_wrap(&policy->blob, policy->bytes, length);

	return error == BLOB_OK
		       ? STATUS_YES
		       : blob_failed(source->name, &policy->blob, error, 0);
}

static bool starts_as_blob(const char *path)
{
	char start[SNIFF_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;

	ssize_t n = read(fd, start, sizeof(start));

	close(fd);
	return n > 0 && blob_is_blob(start, (size_t)n);
}

static int open_yaml(struct policy *policy, const char *path)
{
	struct compilation *compilation = &policy->compilation;
	enum compile_result result = compile_run(compilation, STAGE_BLOB);

	if (result == COMPILE_IO)
		return STATUS_IO;
	if (result == COMPILE_ERRORS) {
		report_errors(compilation->options, &compilation->diags);
		return STATUS_NO;
	}

	enum blob_error error = blob_wrap(&policy->blob, compilation->blob,
					  compilation->blob_length);

	return error == BLOB_OK ? STATUS_YES
				: blob_failed(path, &policy->blob, error, 0);
}

/* see policy_open.h */
int policy_open(struct policy *policy, const struct options *options,
		const char *path)
{
	*policy = (struct policy){.bytes = NULL};
	if (strcmp(path, "-") != 0 && starts_as_blob(path)) {
		enum blob_error error = blob_load(&policy->blob, path);

		if (error != BLOB_OK)
			return blob_failed(path, &policy->blob, error, errno);
		return check_blob(policy, options, path);
	}

	struct compilation *compilation = &policy->compilation;

	policy->from_yaml = true;
	compile_init(compilation, options);
	if (compile_load(compilation, path) != COMPILE_OK)
		return STATUS_IO;
	if (blob_is_blob(compilation->source.bytes,
			 compilation->source.length)) {
		int status = wrap_source(policy, &compilation->source);

		return status != STATUS_YES
			       ? status
			       : check_blob(policy, options,
					    compilation->source.name);
	}
	return open_yaml(policy, path);
}

/* see policy_open.h */
void policy_close(struct policy *policy)
{
	blob_unmap(&policy->blob);
	free(policy->bytes);
	policy->bytes = NULL;
	if (policy->from_yaml)
		compile_fini(&policy->compilation);
	policy->from_yaml = false;
}
