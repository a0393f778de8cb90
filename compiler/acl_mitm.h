/* acl_mitm.h - the part of acl.c that reads mitm_domains. */
#ifndef COMPILER_ACL_MITM_H
#define COMPILER_ACL_MITM_H

#include "model.h"
#include "schema.h"

/* Read the list in FIELD into RULE.  DOMAINS is the rule's allowed_domains, as
 * written; SERVICE is the rule's name in errors. */
void acl_read_mitm(struct reader *reader, struct rule *rule,
		   const struct field *field, const struct field *domains,
		   struct str service);

#endif
