/* certificate-internal.h - what certificate.c and extensions.c share. */
#ifndef TLS_CERTIFICATE_INTERNAL_H
#define TLS_CERTIFICATE_INTERNAL_H

#include "certificate.h"

/* Read the body of Extensions, a SEQUENCE, into OUT. */
enum trust extensions_read(struct bytes extensions, struct certificate *out);

#endif
