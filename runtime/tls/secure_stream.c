/* secure_stream.c - see secure.h: text in and out, once the handshake is done.
 * Reading takes much from below, into the thread's buffer, decrypts there,
 * and copies to the caller; what does not end with a record is kept, and then
 * only that record's rest is asked for.
 *
 * Writing seals what fits into the thread's buffer and sends it at once.  What
 * the socket does not take is kept, sealed; the text in it counts as taken when
 * it is gone.  So a full socket is seen by the caller as what it is, and
 * nothing has to be written behind its back. */
#include "secure.h"

#include <errno.h>
#include <string.h>

#include "secure-internal.h"

#define READ_TURNS 4 /* looks at the socket in one call that bring no text */

/* --- sending --- */

/* What is sealed goes out.  0, or -1 with errno. */
static int flush(struct secure *secure)
{
	while (secure->out.p != NULL) {
		ssize_t n = stream_write(&secure->under,
					 secure->out.p + secure->out.start,
					 spill_length(&secure->out));

		if (n < 0)
			return -1;
		spill_consume(&secure->out, (uint32_t)n);
	}
	return 0;
}

/* ALERT is sealed behind what waits and goes out if it can. */
static void send_alert(struct secure *secure, uint8_t alert)
{
	uint8_t record[RECORD_MAX_OVERHEAD + 2];
	size_t n = record_seal_alert(&secure->records, alert, record);

	if (!spill_add(&secure->out, record, (uint32_t)n))
		secure->error = ENOMEM;
	else if (flush(secure) != 0 && errno != EAGAIN)
		secure->error = errno;
}

/* The last thing that we say. */
static void notify(struct secure *secure, uint8_t alert)
{
	if (secure->notified || !secure->ready)
		return;
	secure->notified = true;
	send_alert(secure, alert);
}

/* Seal up to a batch of the LENGTH bytes at TEXT and send it.  Bytes of text
 * that are gone; those that are sealed and wait are HELD.  -1 with errno. */
static ssize_t send_batch(struct secure *secure, const uint8_t *text,
			  size_t length)
{
	uint8_t *out = secure->scratch->out;
	size_t ends[SECURE_BATCH], sizes[SECURE_BATCH];
	size_t count = 0, fill = 0, at = 0, gone = 0;
	ssize_t n;

	while (count < SECURE_BATCH && at < length) {
		size_t size = length - at;

		if (size > secure->records.max_plain)
			size = secure->records.max_plain;
		fill += record_seal(&secure->records, text + at, size,
				    out + fill);
		at += size;
		sizes[count] = size;
		ends[count++] = fill;
	}
	n = stream_write(&secure->under, out, fill);
	if (n < 0 && errno != EAGAIN)
		return -1;
	n = n < 0 ? 0 : n;
	for (size_t i = 0; i < count && ends[i] <= (size_t)n; i++)
		gone += sizes[i];
	if (!spill_add(&secure->out, out + n, (uint32_t)(fill - (size_t)n))) {
		errno = ENOMEM;
		return -1;
	}
	secure->held = (uint32_t)(at - gone);
	return (ssize_t)gone;
}

static ssize_t secure_write(struct stream *stream, const void *bytes,
			    size_t length)
{
	struct secure *secure = secure_of(stream);
	const uint8_t *text = bytes;
	size_t taken;

	if (secure->error != 0 || secure->notified) {
		errno = secure->error != 0 ? secure->error : EPIPE;
		return -1;
	}
	if (flush(secure) != 0)
		return -1;
	/* the caller comes back with what it could not get rid of, or else a
	 * part of it would be lost or said twice */
	if (secure->held > length) {
		secure->error = errno = EPROTO;
		return -1;
	}
	taken = secure->held;
	secure->held = 0;
	while (taken < length && secure->out.p == NULL) {
		ssize_t n = send_batch(secure, text + taken, length - taken);

		if (n < 0) {
			/* records are lost, so there can be no more */
			secure->error = errno;
			if (taken == 0)
				return -1;
			break;
		}
		taken += (size_t)n;
	}
	if (taken == 0 && length != 0) {
		errno = EAGAIN;
		return -1;
	}
	return (ssize_t)taken;
}

static int secure_shutdown(struct stream *stream)
{
	struct secure *secure = secure_of(stream);

	notify(secure, ALERT_CLOSE_NOTIFY);
	if (secure->error != 0) {
		errno = secure->error;
		return -1;
	}
	if (flush(secure) != 0)
		return -1;
	return stream_shutdown(&secure->under);
}

static void secure_abort(struct stream *stream)
{
	secure_of(stream)->notified = true;
}

static void secure_close(struct stream *stream)
{
	struct secure *secure = secure_of(stream);

	if (secure->error == 0)
		notify(secure, ALERT_CLOSE_NOTIFY);
	stream_close(&secure->under);
	secure_free(secure);
}

/* --- receiving --- */

/* Where text goes: to the caller as far as there is room. */
struct taker {
	uint8_t *buffer;
	size_t size;
	size_t got;
};

static bool give(struct secure *secure, struct taker *taker,
		 const struct record *record)
{
	size_t n = taker->size - taker->got;

	n = n < record->length ? n : record->length;
	memcpy(taker->buffer + taker->got, record->text, n);
	taker->got += n;
	return spill_add(&secure->text, record->text + n,
			 (uint32_t)(record->length - n));
}

/* The peer broke the rules, or gave up. */
static void breach(struct secure *secure, enum record_result result,
		   uint8_t alert)
{
	if (result == RECORD_BAD)
		notify(secure, alert);
	secure->notified = true;
	secure->error = result == RECORD_BAD ? EPROTO : ECONNRESET;
}

/* Open the records in the SIZE bytes at BYTES, until the taker is full; how
 * many bytes they took. */
static size_t open_records(struct secure *secure, uint8_t *bytes, size_t size,
			   struct taker *taker)
{
	size_t used = 0;

	while (!secure->ended && secure->error == 0 &&
	       taker->got < taker->size) {
		struct record record;
		enum record_result result = record_open(
			&secure->records, bytes + used, size - used, &record);

		switch (result) {
		case RECORD_MORE:
			return used;
		case RECORD_DATA:
			if (!give(secure, taker, &record))
				secure->error = ENOMEM;
			break;
		case RECORD_NOTHING:
			if (record.alert != ALERT_CLOSE_NOTIFY &&
			    !secure->notified)
				send_alert(secure, record.alert);
			break;
		case RECORD_END:
			secure->closed = true;
			secure->ended = true;
			break;
		case RECORD_BAD:
		case RECORD_ABORT:
			breach(secure, result, record.alert);
			return size;
		}
		used += record.used;
	}
	/* nothing behind an end counts */
	return secure->ended ? size : used;
}

/* The rest of the record that has come in part.  0: it is there, or has ended;
 * -1 with errno. */
static int complete_record(struct secure *secure)
{
	struct spill *in = &secure->in;

	for (;;) {
		uint32_t have = spill_length(in);
		uint32_t need = (uint32_t)record_size(in->p + in->start, have);
		ssize_t n;

		if (have >= need)
			return 0;
		if (!spill_reserve(in, need - have)) {
			errno = ENOMEM;
			return -1;
		}
		n = stream_read(&secure->under, in->p + in->end, need - have);
		if (n < 0)
			return -1;
		if (n == 0) {
			secure->ended = true;
			return 0;
		}
		in->end += (uint32_t)n;
	}
}

/* From what waits. */
static int read_waiting(struct secure *secure, struct taker *taker)
{
	size_t used;

	/* a length that cannot be is told before there is room for it */
	used = open_records(secure, secure->in.p + secure->in.start,
			    spill_length(&secure->in), taker);
	if (used == 0 && secure->error == 0) {
		if (complete_record(secure) != 0)
			return -1;
		used = open_records(secure, secure->in.p + secure->in.start,
				    spill_length(&secure->in), taker);
	}
	if (used != 0)
		spill_consume(&secure->in, (uint32_t)used);
	return 0;
}

static int read_socket(struct secure *secure, struct taker *taker)
{
	uint8_t *bytes = secure->scratch->in;
	ssize_t n =
		stream_read(&secure->under, bytes, sizeof(secure->scratch->in));
	size_t used;

	if (n < 0)
		return -1;
	if (n == 0) {
		secure->ended = true;
		return 0;
	}
	used = open_records(secure, bytes, (size_t)n, taker);
	if (!spill_add(&secure->in, bytes + used,
		       (uint32_t)((size_t)n - used))) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

static size_t take_text(struct secure *secure, struct taker *taker)
{
	uint32_t n = spill_length(&secure->text);

	if (n > taker->size)
		n = (uint32_t)taker->size;
	memcpy(taker->buffer, secure->text.p + secure->text.start, n);
	spill_consume(&secure->text, n);
	return n;
}

static ssize_t secure_read(struct stream *stream, void *buffer, size_t size)
{
	struct secure *secure = secure_of(stream);
	struct taker taker = {.buffer = buffer, .size = size};

	if (secure->text.p != NULL)
		return (ssize_t)take_text(secure, &taker);
	for (int i = 0; i < READ_TURNS && taker.got == 0 && !secure->ended &&
			secure->error == 0;
	     i++) {
		int result = secure->in.p != NULL ? read_waiting(secure, &taker)
						  : read_socket(secure, &taker);

		if (result != 0 && errno == EAGAIN)
			break;
		if (result != 0)
			secure->error = errno;
	}
	if (taker.got != 0)
		return (ssize_t)taker.got;
	if (secure->error == 0 && secure->ended)
		return 0;
	errno = secure->error != 0 ? secure->error : EAGAIN;
	return -1;
}

static bool secure_pending(const struct stream *stream)
{
	const struct secure *secure = secure_of(stream);
	uint32_t have = spill_length(&secure->in);

	if (secure->text.p != NULL)
		return true;
	/* a read would tell more than this one did */
	if (secure->ended || secure->error != 0)
		return true;
	if (secure->in.p != NULL &&
	    record_size(secure->in.p + secure->in.start, have) <= have)
		return true;
	return stream_pending(&secure->under);
}

const struct stream_ops stream_secure = {
	.read = secure_read,
	.write = secure_write,
	.shutdown = secure_shutdown,
	.close = secure_close,
	.pending = secure_pending,
	.abort = secure_abort,
};
