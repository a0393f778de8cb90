/* policy_open.h - POLICY on the command line: a blob, or YAML that is compiled
 * in memory the same way as for a file. */
#ifndef COMPILER_POLICY_OPEN_H
#define COMPILER_POLICY_OPEN_H

#include <stdbool.h>

#include "compile.h"
#include "options.h"
#include "runtime/policy/blob.h"

struct policy {
	struct blob blob;
	bool from_yaml;
	struct compilation compilation; /* in use when FROM_YAML */
	uint8_t *bytes; /* owned: a blob from standard input, else NULL */
};

/* Open PATH.  STATUS_YES, or the status to exit with: what is wrong has been
 * printed. */
int policy_open(struct policy *policy, const struct options *options,
		const char *path);

void policy_close(struct policy *policy);

#endif
