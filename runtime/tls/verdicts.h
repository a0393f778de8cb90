/* verdicts.h - chain_check() with a memory: clients come again and again with
 * the same certificates, whose signatures take most of the time that judging
 * them does.  Only what was good is remembered, by a hash of every octet that
 * was presented, and not for long.
 *
 * It belongs to one tls_context, as the anchors and CRLs do that it was judged
 * by: after a reload nothing is remembered. */
#ifndef TLS_VERDICTS_H
#define TLS_VERDICTS_H

#include "chain.h"
#include "lru.h"

#define VERDICTS_MAX 4096
#define VERDICTS_SECONDS 600

/* An lru of verdicts.  NULL: out of memory. */
struct lru *verdicts_new(size_t count);

/* See chain_check(); MEMORY is only ever used with the same anchors and
 * CRLs. */
struct chain_result verdicts_check(struct lru *memory, const struct bytes *der,
				   size_t count,
				   const struct chain_request *request);

#endif
