/* secure-internal.h - what the two halves of a secure stream share: secure.c
 * has its beginning and its end, secure_stream.c what passes in between. */
#ifndef TLS_SECURE_INTERNAL_H
#define TLS_SECURE_INTERNAL_H

#include "secure.h"

struct secure {
	struct stream under;            /* owned: where the records go */
	struct engine_pool *pool;       /* the worker's, of ENGINE */
	struct secure_scratch *scratch; /* WORKER's, of DEPTH */
	unsigned depth;                 /* 0: UNDER is plain */
	struct tls_context *context;    /* counted; NULL as the client, and
					 * after the handshake */
	struct minted *minted;          /* counted; likewise */
	struct engine *engine;          /* owned; NULL after the handshake */
	struct identity *identity;      /* owned */
	struct record_layer records;
	struct spill in;   /* came, and is not decrypted */
	struct spill text; /* is decrypted, and nobody has taken it */
	struct spill out;  /* sealed, and the socket has not taken it */
	uint32_t held;     /* bytes of text in OUT */
	uint8_t flights;   /* of the handshake's, that are out */
	bool begun;        /* something came */
	bool ready;        /* the handshake is done */
	bool resumed;      /* and it was short */
	bool ended;        /* nothing more will come */
	bool closed;       /* the peer has said so */
	bool notified;     /* our close_notify, or an alert, is sealed */
	int error;         /* errno for whoever reads or writes; 0: none */
};

static inline struct secure *secure_of(const struct stream *stream)
{
	return stream->state;
}

/* But for the stream below, which is the caller's again. */
void secure_free(struct secure *secure);

#endif
