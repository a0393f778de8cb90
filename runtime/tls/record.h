/* record.h - TLS 1.2 records once the handshake is done: keys and sequence
 * numbers, taken from the engine, which is then let go.  The two directions
 * have nothing to do with each other, so either may end first.
 * Only AEAD suites: AES-GCM and ChaCha20-Poly1305.
 * Bytes in, bytes out; no I/O, no allocation. */
#ifndef TLS_RECORD_H
#define TLS_RECORD_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAX_PLAIN 16384
#define RECORD_HEADER 5
/* The nonce before the text, the tag behind it. */
#define RECORD_MAX_OVERHEAD (RECORD_HEADER + 8 + 16)
#define RECORD_MAX (RECORD_MAX_PLAIN + RECORD_MAX_OVERHEAD)
#define RECORD_MAX_EMPTY 32 /* in a row, and then the peer is up to no good */

enum record_alert {
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_BAD_RECORD_MAC = 20,
	ALERT_RECORD_OVERFLOW = 22,
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_DECRYPT_ERROR = 51,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_NO_RENEGOTIATION = 100,
	ALERT_NO_PROTOCOL = 120, /* RFC 7301 3.2 */
};

struct record_layer {
	union {
		const br_sslrec_in_class *vtable;
		br_sslrec_gcm_context gcm;
		br_sslrec_chapol_context chapol;
	} in;
	union {
		const br_sslrec_out_class *vtable;
		br_sslrec_gcm_context gcm;
		br_sslrec_chapol_context chapol;
	} out;
	uint16_t max_plain; /* that the peer takes in one record */
	uint8_t empty;      /* records in a row */
	bool declined;      /* a renegotiation has been declined */
};

/* Take over from ENGINE, whose handshake is done and which has nothing left to
 * send. */
void record_take(struct record_layer *layer,
		 const br_ssl_engine_context *engine);

/* No key is left in memory. */
void record_wipe(struct record_layer *layer);

enum record_result {
	RECORD_BAD = 0, /* .alert says why: tell the peer and close */
	RECORD_MORE,    /* not complete */
	RECORD_DATA,    /* .text */
	RECORD_NOTHING, /* nothing in it for us; .alert may be a warning to
			 * answer with, or ALERT_CLOSE_NOTIFY for none */
	RECORD_END,     /* the peer has closed its direction */
	RECORD_ABORT,   /* the peer gives up: .alert is what it said */
};

struct record {
	uint8_t *text; /* decrypted in place */
	size_t length;
	size_t used; /* bytes that the record took */
	uint8_t alert;
};

/* The first record in the SIZE bytes at BYTES. */
enum record_result record_open(struct record_layer *layer, uint8_t *bytes,
			       size_t size, struct record *out);

/* How long the first record is, as far as can be seen: at least as much must be
 * there for record_open() to say more than RECORD_MORE. */
size_t record_size(const uint8_t *bytes, size_t size);

/* Seal LENGTH bytes, at most max_plain, to OUT, which has room for RECORD_MAX;
 * how long that is. */
size_t record_seal(struct record_layer *layer, const void *text, size_t length,
		   uint8_t *out);

/* The same for an alert; ALERT_CLOSE_NOTIFY and ALERT_NO_RENEGOTIATION are
 * warnings. */
size_t record_seal_alert(struct record_layer *layer, uint8_t alert,
			 uint8_t *out);

#endif
