/* respond.h - the words of our own answers: status lines, headers and bodies as
 * upstream has them.  Pure.  Bytes of a client never get into a header but
 * through respond_printable(). */
#ifndef PROXY_RESPOND_H
#define PROXY_RESPOND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/str.h"

#define RESPOND_MAX (16u << 10)
#define RESPOND_MESSAGE_MAX 2048
#define RESPOND_EXTRA_MAX 4096 /* SETTINGS_EXTRA_MAX */

/* TEXT with every byte that is not printable ASCII as \xNN, cut with "..." when
 * SIZE is too small.  Returns OUT. */
const char *respond_printable(struct str text, char *out, size_t size);

/* "Egress proxying is denied to host 'HOST': WHY.", into OUT of
 * RESPOND_MESSAGE_MAX bytes: its length.  HOST is printable; WHY may be NULL.
 */
uint32_t respond_denial(char *out, struct str host, const char *why);

/* The answer to a CONNECT that got no tunnel, into OUT of RESPOND_MAX bytes:
 * its length.  MESSAGE goes into X-Smokescreen-Error and the body; EXTRA may be
 * NULL.  *BODY is the Content-Length. */
uint32_t respond_connect(char *out, unsigned minor, unsigned status,
			 const char *message, const char *extra,
			 uint32_t *body);

/* The same to a plain HTTP request, with a standard phrase and a DATE; KEEP:
 * the connection goes on. */
uint32_t respond_forward(char *out, unsigned minor, unsigned status,
			 const char *message, const char *extra,
			 const char *date, bool keep, uint32_t *body);

/* The same to anything else: MESSAGE, one line, is the body;
 * X-Smokescreen-Error has it too when ERROR_HEADER. */
uint32_t respond_plain(char *out, unsigned status, const char *message,
		       bool error_header, uint32_t *body);

#endif
