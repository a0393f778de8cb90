/* secure.h - a stream with TLS on it, we being either side: drives the engine
 * over the stream below, and then the record layer.  Below is a socket, or TLS
 * again: what passes through a tunnel may be TLS of its own.  A connection that
 * idles keeps its keys and nothing else; bytes that wait are allocated while
 * they do. */
#ifndef TLS_SECURE_H
#define TLS_SECURE_H

#include "engine.h"
#include "runtime/proxy/spill.h"
#include "runtime/proxy/stream.h"

#define SECURE_BATCH 8 /* records at once: what a tunnel reads at once */
#define SECURE_BUFFER (SECURE_BATCH * RECORD_MAX)

/* TLS on TLS on a socket, and no more. */
#define SECURE_DEPTH 2

struct secure_scratch {
	uint8_t in[SECURE_BUFFER];
	uint8_t out[SECURE_BUFFER];
};

/* What the connections of one thread share. */
struct secure_worker {
	/* Of handshakes as the server, and as the client: servers that stall
	 * must not keep clients out. */
	struct engine_pool engines;
	struct engine_pool outbound;
	/* One for each depth: what is decrypted below is read from above. */
	struct secure_scratch scratch[SECURE_DEPTH];
};

struct secure_worker *secure_worker_new(void);
void secure_worker_free(struct secure_worker *worker);

/* STREAM, which is open, shall speak TLS by CONTEXT, we being the server.  A
 * reference is kept until the handshake is over.  False: out of memory, or too
 * deep. */
bool secure_begin(struct stream *stream, struct secure_worker *worker,
		  struct tls_context *context);

/* The same by a certificate that was MINTED for whomever the client wants to
 * reach.  EARLY, taken over, came from the client already. */
bool secure_begin_minted(struct stream *stream, struct secure_worker *worker,
			 struct minted *minted, struct spill *early);

/* The same, we being the client, with a server that ROOTS trust to be HOST,
 * which is normalised.  We speak first: call secure_handshake().  False: also
 * too many handshakes. */
bool secure_connect(struct stream *stream, struct secure_worker *worker,
		    struct tls_roots *roots, const struct hostname *host);

enum secure_progress {
	SECURE_FAILED = 0, /* the peer has been told */
	SECURE_GONE,       /* nobody is there any more */
	SECURE_BUSY,       /* too many handshakes, or no memory for another:
			    * call again when there are less */
	SECURE_PLAIN,      /* what comes is no TLS: it may be HTTP */
	SECURE_READ,       /* call again when that is possible, */
	SECURE_WRITE,      /* or that */
	SECURE_DONE,
};

/* Go on with the handshake.  After SECURE_FAILED, FAILURE says why. */
enum secure_progress secure_handshake(struct stream *stream,
				      struct engine_failure *failure);

/* The peer has said something: a client's silence is no failure. */
bool secure_has_begun(const struct stream *stream);

/* How many flights of ours have gone out whole: a handshake that gets on has
 * more of them. */
unsigned secure_flights(const struct stream *stream);

/* Who the client is; NULL: no certificate.  The stream keeps it. */
const struct identity *secure_identity(const struct stream *stream);

/* The handshake has resumed a session. */
bool secure_resumed(const struct stream *stream);

/* What has been read has come to its end without the peer's saying so: it may
 * have been cut off by anybody. */
bool secure_is_cut(const struct stream *stream);

/* STREAM is what it was before secure_begin(). */
void secure_drop(struct stream *stream);

extern const struct stream_ops stream_secure;

#endif
