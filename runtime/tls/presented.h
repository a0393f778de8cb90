/* presented.h - the certificates that a peer presents in a handshake, as
 * BearSSL hands them over: collected whole, judged once, and the key kept by
 * which the peer is to prove that the first of them is its own. Not here: the
 * judgement, which is the engine's, by chain.h. */
#ifndef TLS_PRESENTED_H
#define TLS_PRESENTED_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain.h"

/* The COUNT certificates of CHAIN, the peer's own first; TRUST_OK: *LEAF is
 * that one, a view of CHAIN's bytes. */
typedef enum trust presented_judge(void *closure, const struct bytes *chain,
				   size_t count, struct certificate *leaf);

struct presented {
	const br_x509_class *vtable; /* for br_ssl_engine_set_x509() */
	presented_judge *judge;
	void *closure;    /* for JUDGE; borrowed */
	enum trust trust; /* TRUST_OK: nothing was presented, or it is good */
	bool proved;      /* something was, and is good */
	uint8_t *der;     /* owned: one after the other */
	size_t der_size;
	size_t der_room;
	size_t lengths[CHAIN_MAX_CERTIFICATES];
	size_t count;
	br_x509_pkey key; /* points into DER */
};

void presented_init(struct presented *presented, presented_judge *judge,
		    void *closure);
void presented_fini(struct presented *presented);

#endif
