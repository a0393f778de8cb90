/* der_write.h - values written in DER (X.690), in the order they are read in.
 * The length of a container is known when it is closed: what is in it moves up
 * to make room.  For certificates of a kilobyte; not here: reading, der.h. */
#ifndef TLS_DER_WRITE_H
#define TLS_DER_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "der.h"

struct der_writer {
	uint8_t *p; /* borrowed */
	size_t size;
	size_t n;      /* written so far */
	bool overflow; /* it was not enough: what is in P is of no use */
};

void der_write_begin(struct der_writer *writer, uint8_t *buffer, size_t size);

/* BYTES, which are DER already, or a part of a body. */
void der_write_raw(struct der_writer *writer, struct bytes bytes);

/* A value of TAG with BODY. */
void der_write(struct der_writer *writer, unsigned tag, struct bytes body);

/* What is written from here on to der_close() is the body of a value of TAG.
 * The result is for der_close(). */
size_t der_open(struct der_writer *writer, unsigned tag);
void der_close(struct der_writer *writer, size_t opened);

/* A BIT STRING that is really octets, opened: close it like any other. */
size_t der_open_bits(struct der_writer *writer);

void der_write_boolean(struct der_writer *writer, bool value);

/* WHEN, in seconds since 1970, as RFC 5280 4.1.2.5 wants it: a UTCTime up to
 * the year 2049, a GeneralizedTime from there on. */
void der_write_time(struct der_writer *writer, int64_t when);

/* The whole, a view of the buffer; empty after an overflow. */
struct bytes der_written(const struct der_writer *writer);

#endif
