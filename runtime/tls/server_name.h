/* server_name.h - is a server's certificate for the host that we wanted?
 * RFC 9525: by subjectAltName alone, never by the subject's CN.  Pure; that the
 * certificate is to be trusted at all is for chain.h to say. */
#ifndef TLS_SERVER_NAME_H
#define TLS_SERVER_NAME_H

#include "certificate.h"
#include "runtime/policy/hostname.h"

/* HOST is normalised.  A name wants a dNSName that is the same, or has a "*"
 * for the first of its labels and at least two others; an address wants an
 * iPAddress. */
bool server_name_matches(const struct certificate *certificate,
			 const struct hostname *host);

#endif
