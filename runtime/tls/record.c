/* record.c - see record.h. */
#include "record.h"

#include <string.h>

#define ALERT 21
#define HANDSHAKE 22
#define APPLICATION_DATA 23

#define LEVEL_WARNING 1
#define LEVEL_FATAL 2

void record_take(struct record_layer *layer,
		 const br_ssl_engine_context *engine)
{
	*layer = (struct record_layer){.max_plain = RECORD_MAX_PLAIN};
	memcpy(&layer->in, &engine->in, sizeof(layer->in));
	memcpy(&layer->out, &engine->out, sizeof(layer->out));
	/* max_fragment_length (RFC 6066 4), which BearSSL has agreed to */
	if (engine->peer_log_max_frag_len >= 9 &&
	    engine->peer_log_max_frag_len < 14)
		layer->max_plain =
			(uint16_t)(1u << engine->peer_log_max_frag_len);
}

void record_wipe(struct record_layer *layer)
{
	explicit_bzero(layer, sizeof(*layer));
}

/* --- receiving --- */

size_t record_size(const uint8_t *bytes, size_t size)
{
	if (size < RECORD_HEADER)
		return RECORD_HEADER;
	return RECORD_HEADER + ((size_t)bytes[3] << 8 | bytes[4]);
}

static enum record_result bad(struct record *out, enum record_alert alert)
{
	out->alert = (uint8_t)alert;
	return RECORD_BAD;
}

static enum record_result read_alert(struct record *out)
{
	if (out->length != 2)
		return bad(out, ALERT_UNEXPECTED_MESSAGE);
	out->alert = out->text[1];
	if (out->alert == ALERT_CLOSE_NOTIFY)
		return RECORD_END;
	if (out->text[0] != LEVEL_WARNING)
		return RECORD_ABORT;
	/* a warning, and no answer to it */
	out->alert = ALERT_CLOSE_NOTIFY;
	return RECORD_NOTHING;
}

/* A ClientHello, that is: once it is declined, twice it is an attack. */
static enum record_result read_handshake(struct record_layer *layer,
					 struct record *out)
{
	if (layer->declined)
		return bad(out, ALERT_UNEXPECTED_MESSAGE);
	layer->declined = true;
	out->alert = ALERT_NO_RENEGOTIATION;
	return RECORD_NOTHING;
}

static enum record_result read_by_type(struct record_layer *layer, int type,
				       struct record *out)
{
	if (out->length > RECORD_MAX_PLAIN)
		return bad(out, ALERT_RECORD_OVERFLOW);
	if (type == APPLICATION_DATA && out->length != 0) {
		layer->empty = 0;
		return RECORD_DATA;
	}
	/* nothing to show for the work, whatever it is */
	if (++layer->empty > RECORD_MAX_EMPTY)
		return bad(out, ALERT_UNEXPECTED_MESSAGE);
	switch (type) {
	case APPLICATION_DATA:
		return RECORD_NOTHING;
	case ALERT:
		return read_alert(out);
	case HANDSHAKE:
		return read_handshake(layer, out);
	default:
		return bad(out, ALERT_UNEXPECTED_MESSAGE);
	}
}

enum record_result record_open(struct record_layer *layer, uint8_t *bytes,
			       size_t size, struct record *out)
{
	size_t length = record_size(bytes, size);

	*out = (struct record){.alert = ALERT_CLOSE_NOTIFY};
	if (size >= RECORD_HEADER) {
		if (bytes[1] != BR_TLS12 >> 8 || bytes[2] != (BR_TLS12 & 0xFF))
			return bad(out, ALERT_PROTOCOL_VERSION);
		/* before anybody waits, or finds room, for all of it */
		if (!layer->in.vtable->check_length(&layer->in.vtable,
						    length - RECORD_HEADER))
			return bad(out, ALERT_RECORD_OVERFLOW);
	}
	if (size < length)
		return RECORD_MORE;
	out->used = length;
	out->length = length - RECORD_HEADER;
	out->text =
		layer->in.vtable->decrypt(&layer->in.vtable, bytes[0], BR_TLS12,
					  bytes + RECORD_HEADER, &out->length);
	if (out->text == NULL)
		return bad(out, ALERT_BAD_RECORD_MAC);
	return read_by_type(layer, bytes[0], out);
}

/* --- sending --- */

static size_t seal(struct record_layer *layer, int type, const void *text,
		   size_t length, uint8_t *out)
{
	size_t start = RECORD_HEADER, end = RECORD_MAX;
	uint8_t *record;

	/* where the text has to be for the record to begin at OUT */
	layer->out.vtable->max_plaintext(&layer->out.vtable, &start, &end);
	memcpy(out + start, text, length);
	record = layer->out.vtable->encrypt(&layer->out.vtable, type, BR_TLS12,
					    out + start, &length);
	if (record != out)
		memmove(out, record, length);
	return length;
}

size_t record_seal(struct record_layer *layer, const void *text, size_t length,
		   uint8_t *out)
{
	return seal(layer, APPLICATION_DATA, text, length, out);
}

size_t record_seal_alert(struct record_layer *layer, uint8_t alert,
			 uint8_t *out)
{
	bool warning =
		alert == ALERT_CLOSE_NOTIFY || alert == ALERT_NO_RENEGOTIATION;
	const uint8_t text[2] = {warning ? LEVEL_WARNING : LEVEL_FATAL, alert};

	return seal(layer, ALERT, text, sizeof(text), out);
}
