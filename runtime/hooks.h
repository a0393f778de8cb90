/* hooks.h - what the program around the proxy has asked for: smokescreen.h is
 * where it does, library.c where that meets the proxy. */
#ifndef RUNTIME_HOOKS_H
#define RUNTIME_HOOKS_H

#include <stdbool.h>

#include "control.h"
#include "smokescreen.h"

struct hooks {
	smokescreen_role_function *role; /* NULL: --role-from says */
	void *role_context;
	smokescreen_log_function *log; /* NULL: standard error */
	void *log_context;
	bool leave_signals; /* handle none */
	struct control control;
};

#endif
