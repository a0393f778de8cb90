/* command.h - what the program can be asked to do, one function each.  They
 * return the program's exit status. */
#ifndef COMPILER_COMMAND_H
#define COMPILER_COMMAND_H

#include "options.h"

int command_compile(const struct options *options);
int command_check(const struct options *options);
int command_explain(const struct options *options);
int command_test(const struct options *options);
int command_dump(const struct options *options);
int command_info(const struct options *options);
int command_stage(const struct options *options);
int command_yaml_events(const struct options *options);
int command_explain_code(const struct options *options);
int command_print_schema(const struct options *options);

/* --explain --batch on the policy that is open */
struct blob;
int command_batch(const struct blob *policy);

#endif
