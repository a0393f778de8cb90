/* secure.c - see secure.h: TLS put on a stream and taken off it, and the
 * handshake.  What passes after it is in secure_stream.c. */
#include "secure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mint.h"
#include "secure-internal.h"

struct secure_worker *secure_worker_new(void)
{
	return calloc(1, sizeof(struct secure_worker));
}

void secure_worker_free(struct secure_worker *worker)
{
	if (worker == NULL)
		return;
	engine_pool_fini(&worker->engines);
	engine_pool_fini(&worker->outbound);
	free(worker);
}

/* Put TLS on STREAM.  NULL: out of memory, or too deep. */
static struct secure *put_on(struct stream *stream,
			     struct secure_worker *worker)
{
	struct secure *secure;
	unsigned depth = stream->ops == &stream_secure
				 ? secure_of(stream)->depth + 1
				 : 0;

	if (depth == SECURE_DEPTH)
		return NULL;
	secure = calloc(1, sizeof(*secure));
	if (secure == NULL)
		return NULL;
	secure->under = *stream;
	secure->depth = depth;
	secure->scratch = &worker->scratch[depth];
	stream->ops = &stream_secure;
	stream->state = secure;
	return secure;
}

bool secure_begin(struct stream *stream, struct secure_worker *worker,
		  struct tls_context *context)
{
	struct secure *secure = put_on(stream, worker);

	if (secure == NULL)
		return false;
	secure->pool = &worker->engines;
	secure->context = tls_context_ref(context);
	return true;
}

bool secure_begin_minted(struct stream *stream, struct secure_worker *worker,
			 struct minted *minted, struct spill *early)
{
	struct secure *secure = put_on(stream, worker);

	if (secure == NULL)
		return false;
	secure->pool = &worker->engines;
	secure->minted = minted_ref(minted);
	secure->in = *early;
	*early = (struct spill){0};
	return true;
}

bool secure_connect(struct stream *stream, struct secure_worker *worker,
		    struct tls_roots *roots, const struct hostname *host)
{
	struct secure *secure = put_on(stream, worker);

	if (secure == NULL)
		return false;
	secure->pool = &worker->outbound;
	secure->engine = engine_connect(secure->pool, roots, host);
	if (secure->engine != NULL)
		return true;
	secure_drop(stream);
	return false;
}

static void end_handshake(struct secure *secure)
{
	engine_free(secure->pool, secure->engine);
	secure->engine = NULL;
	tls_context_unref(&secure->context);
	minted_unref(&secure->minted);
}

/* see secure-internal.h */
void secure_free(struct secure *secure)
{
	end_handshake(secure);
	free(secure->identity);
	if (secure->text.p != NULL)
		explicit_bzero(secure->text.p, secure->text.capacity);
	spill_free(&secure->text);
	spill_free(&secure->in);
	spill_free(&secure->out);
	record_wipe(&secure->records);
	free(secure);
}

void secure_drop(struct stream *stream)
{
	struct secure *secure = secure_of(stream);

	*stream = secure->under;
	secure_free(secure);
}

bool secure_has_begun(const struct stream *stream)
{
	return secure_of(stream)->begun;
}

bool secure_resumed(const struct stream *stream)
{
	return secure_of(stream)->resumed;
}

unsigned secure_flights(const struct stream *stream)
{
	return secure_of(stream)->flights;
}

bool secure_is_cut(const struct stream *stream)
{
	return stream->ops == &stream_secure && secure_of(stream)->ended &&
	       !secure_of(stream)->closed;
}

const struct identity *secure_identity(const struct stream *stream)
{
	return secure_of(stream)->identity;
}

/* --- the handshake --- */

static bool send_engine(struct secure *secure)
{
	size_t length;
	const uint8_t *bytes = engine_output(secure->engine, &length);
	ssize_t n = stream_write(&secure->under, bytes, length);

	if (n < 0)
		return false;
	engine_sent(secure->engine, (size_t)n);
	if (engine_state(secure->engine) != ENGINE_SEND)
		secure->flights++;
	return true;
}

/* What came behind the handshake's bytes waits for the record layer. */
static bool feed(struct secure *secure, const uint8_t *bytes, size_t size)
{
	size_t used = engine_input(secure->engine, bytes, size);

	return spill_add(&secure->in, bytes + used, (uint32_t)(size - used));
}

static bool feed_waiting(struct secure *secure)
{
	struct spill waiting = secure->in;
	bool ok;

	secure->in = (struct spill){0};
	ok = feed(secure, waiting.p + waiting.start, spill_length(&waiting));
	spill_free(&waiting);
	return ok;
}

static bool is_letter(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool take_engine(struct secure *secure)
{
	secure->engine =
		secure->minted != NULL
			? engine_accept_minted(secure->pool, secure->minted)
			: engine_accept(secure->pool, secure->context);
	return secure->engine != NULL;
}

/* Something comes for the first time, SIZE bytes of it.  While there is no
 * engine for them they wait. */
static enum secure_progress begin(struct secure *secure, const uint8_t *bytes,
				  size_t size)
{
	secure->begun = true;
	if (is_letter(bytes[0]))
		return SECURE_PLAIN;
	/* a client of servers, as we are too, has had one from the start */
	if (secure->engine != NULL || take_engine(secure))
		return SECURE_READ;
	return spill_add(&secure->in, bytes, (uint32_t)size) ? SECURE_BUSY
							     : SECURE_GONE;
}

static enum secure_progress receive_engine(struct secure *secure)
{
	uint8_t *bytes = secure->scratch->in;
	enum secure_progress progress = SECURE_READ;
	ssize_t n;

	if (secure->in.p != NULL && !secure->begun) {
		/* it came before its time, and waits already */
		secure->begun = true;
		if (is_letter(secure->in.p[secure->in.start]))
			return SECURE_PLAIN;
	}
	if (secure->in.p != NULL && secure->engine == NULL &&
	    !take_engine(secure))
		return SECURE_BUSY;
	if (secure->in.p != NULL)
		return feed_waiting(secure) ? SECURE_DONE : SECURE_GONE;
	n = stream_read(&secure->under, bytes, sizeof(secure->scratch->in));
	if (n < 0 && errno == EAGAIN)
		return SECURE_READ;
	if (n <= 0)
		return SECURE_GONE;
	if (!secure->begun)
		progress = begin(secure, bytes, (size_t)n);
	if (progress != SECURE_READ)
		return progress;
	return feed(secure, bytes, (size_t)n) ? SECURE_DONE : SECURE_GONE;
}

static void finish(struct secure *secure)
{
	secure->identity = engine_finish(secure->engine, &secure->records);
	secure->ready = true;
	secure->resumed = engine_resumed(secure->engine);
	end_handshake(secure);
}

enum secure_progress secure_handshake(struct stream *stream,
				      struct engine_failure *failure)
{
	struct secure *secure = secure_of(stream);
	enum secure_progress progress;

	for (;;) {
		enum engine_state state = secure->engine != NULL
						  ? engine_state(secure->engine)
						  : ENGINE_RECEIVE;

		switch (state) {
		case ENGINE_FAILED:
			engine_failure(secure->engine, failure);
			return SECURE_FAILED;
		case ENGINE_DONE:
			finish(secure);
			return SECURE_DONE;
		case ENGINE_SEND:
			if (send_engine(secure))
				break;
			return errno == EAGAIN ? SECURE_WRITE : SECURE_GONE;
		case ENGINE_RECEIVE:
			progress = receive_engine(secure);
			if (progress != SECURE_DONE)
				return progress;
			break;
		}
	}
}
