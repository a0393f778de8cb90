/* role_callback.h - asking the program around the proxy what role a client has:
 * struct smokescreen_client of smokescreen.h lives here. */
#ifndef RUNTIME_ROLE_CALLBACK_H
#define RUNTIME_ROLE_CALLBACK_H

#include <stdint.h>

#include "hooks.h"
#include "runtime/policy/addr.h"
#include "runtime/tls/identity.h"

/* Who it is that connects from PEER and PORT and has shown SHOWN (NULL: no
 * certificate), by the word of HOOKS' role function, which there is.  The
 * caller's, to be freed with free(); NULL: out of memory. */
struct identity *role_callback_ask(const struct hooks *hooks,
				   const struct identity *shown,
				   const struct addr *peer, uint16_t port);

#endif
