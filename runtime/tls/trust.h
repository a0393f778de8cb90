/* trust.h - every verdict of this directory, from one table: trust.def. */
#ifndef TLS_TRUST_H
#define TLS_TRUST_H

#include <stdint.h>

enum trust {
#define TRUST(name, alert, text) TRUST_##name,
#include "trust.def"
#undef TRUST
};

/* Half a sentence about "it": "it has expired". */
const char *trust_text(enum trust trust);

/* "EXPIRED", for logs and metrics. */
const char *trust_name(enum trust trust);

/* The TLS alert that tells the peer, 0 for TRUST_OK. */
uint8_t trust_alert(enum trust trust);

#endif
