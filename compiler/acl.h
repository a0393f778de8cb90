/* acl.h - document -> model: the schema of the policy language.  What a policy
 * may say is decided here; what it had better not say, in lint.c. */
#ifndef COMPILER_ACL_H
#define COMPILER_ACL_H

#include <stdbool.h>

#include "grammar/arena.h"
#include "grammar/diagnostic.h"
#include "grammar/document.h"
#include "model.h"

/* Longest name, project, header name or header value. */
#define ACL_TEXT_MAX 65535

struct acl_options {
	/* --disable-acl-policy-action, by enum rule_action */
	bool disabled[RULE_OPEN + 1];
};

/* Read DOCUMENT into MODEL, whose address lists are left alone.  Reports every
 * error; false when there was any.  Texts are borrowed from the document. */
bool acl_read(struct model *model, const struct document *document,
	      const struct acl_options *options, struct arena *arena,
	      struct diag_list *diags);

/* "open", "report", "enforce": as policies spell them. */
const char *acl_action_text(enum rule_action action);
bool acl_parse_action(struct str text, enum rule_action *action);

/* "Open": as the reference's errors spell them. */
const char *acl_action_title(enum rule_action action);

#endif
