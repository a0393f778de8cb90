/* info.c - what a compiled policy says of itself. */
#include <jansson.h>
#include <stdio.h>

#include "command.h"
#include "policy_open.h"
#include "report.h"

static void print_text(const struct blob_info *info, const char *digest)
{
	printf("policy       %s\n", info->policy);
	printf("digest       %s\n", digest);
	printf("format       %u.%u\n", info->major, info->minor);
	printf("bytes        %llu (%llu hot, %llu cold)\n",
	       (unsigned long long)info->length,
	       (unsigned long long)info->hot_bytes,
	       (unsigned long long)info->cold_bytes);
	printf("services     %u\n", info->services);
	printf("default      %s\n", info->has_default ? "yes" : "no");
	printf("globs        %llu\n", (unsigned long long)info->globs);
	printf("entries      %llu\n", (unsigned long long)info->entries);
	printf("nodes        %llu\n", (unsigned long long)info->nodes);
	printf("range rules  %u\n", info->range_rules);
	printf("source map   %s\n", info->has_source_map ? "yes" : "no");
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void print_json(const struct blob_info *info, const char *digest)
{
	json_t *object = json_object();

	json_object_set_new(object, "policy", json_string(info->policy));
	json_object_set_new(object, "digest", json_string(digest));
	set_count(object, "format_major", info->major);
	set_count(object, "format_minor", info->minor);
	set_count(object, "bytes", info->length);
	set_count(object, "hot_bytes", info->hot_bytes);
	set_count(object, "cold_bytes", info->cold_bytes);
	set_count(object, "services", info->services);
	json_object_set_new(object, "default", json_boolean(info->has_default));
	set_count(object, "globs", info->globs);
	set_count(object, "entries", info->entries);
	set_count(object, "nodes", info->nodes);
	set_count(object, "range_rules", info->range_rules);
	json_object_set_new(object, "source_map",
			    json_boolean(info->has_source_map));
	report_json_print(stdout, object, 2);
}

/* see command.h */
int command_info(const struct options *options)
{
	struct policy policy;
	struct blob_info info;
	char digest[2 * sizeof(info.digest) + 1];

	if (options->operand_count != 1)
		return options_usage("--info takes one policy");

	int status = policy_open(&policy, options, options->operands[0]);

	if (status == STATUS_YES) {
		blob_info(&policy.blob, &info);
		for (size_t i = 0; i < sizeof(info.digest); i++)
			snprintf(digest + 2 * i, 3, "%02x", info.digest[i]);
		if (options->format == FORMAT_JSON)
			print_json(&info, digest);
		else
			print_text(&info, digest);
	}
	policy_close(&policy);
	return status;
}
