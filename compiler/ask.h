/* ask.h - a question put to a policy, and the whole answer: the decision by
 * name and the class of an address, joined as the proxy joins them.  Explain,
 * batch and tests ask here, and here alone. */
#ifndef COMPILER_ASK_H
#define COMPILER_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/policy/addr.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"
#include "runtime/policy/hostname.h"
#include "runtime/policy/ranges.h"

#define ASK_DEFAULT_PORT 443

struct question {
	struct str role; /* "": a client without a name */
	bool has_host;   /* at least one of host and address */
	struct str host; /* as given */
	uint16_t port;
	bool has_address;
	struct addr address;
	bool has_proxy;
	struct str external_proxy;
};

struct answer {
	enum verdict verdict;
	const char *reason; /* static */

	/* of the host, when there is one */
	struct hostname host;
	enum host_error host_error; /* not HOST_OK: nothing was decided */
	bool has_rule;
	struct rule_info rule;
	struct decision decision; /* its entry borrows from the host */

	/* of the address, when there is one */
	struct classification address;
	bool by_address; /* it is what decided */

	/* where the policy says so, when it knows */
	bool has_place;
	struct str file;
	uint32_t line;
};

/* The answer borrows from POLICY and QUESTION, and must not be copied: it
 * points into itself. */
void ask(const struct blob *policy, const struct question *question,
	 struct answer *answer);

/* The answer as the JSON object that smokescreenc(1) documents. */
json_t *ask_json(const struct question *question, const struct answer *answer);

/* "*.example.com", or "" without an entry.  BUFFER holds HOSTNAME_MAX + 3. */
const char *ask_entry_text(const struct entry *entry, char *buffer);

/* "incorrect" hosts, for people: `invalid domain "a b": ...`.  BUFFER holds
 * ASK_ERROR_MAX. */
#define ASK_ERROR_MAX 512
const char *ask_error_text(const struct question *question,
			   const struct answer *answer, char *buffer);

#endif
