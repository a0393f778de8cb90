/* der_write.c - see der_write.h. */
#include "der_write.h"

#include <stdio.h>
#include <time.h>

#define UTC_FROM (-631152000)    /* 1950-01-01, */
#define UTC_BEFORE 2524608000    /* 2050-01-01 */
#define TIME_BEFORE 253402300800 /* 10000-01-01: five digits are too many */

void der_write_begin(struct der_writer *writer, uint8_t *buffer, size_t size)
{
	*writer = (struct der_writer){.p = buffer, .size = size};
}

void der_write_raw(struct der_writer *writer, struct bytes bytes)
{
	if (writer->overflow || bytes.n > writer->size - writer->n) {
		writer->overflow = true;
		return;
	}
	if (bytes.n > 0)
		memcpy(writer->p + writer->n, bytes.p, bytes.n);
	writer->n += bytes.n;
}

static void put(struct der_writer *writer, uint8_t byte)
{
	der_write_raw(writer, bytes_make(&byte, 1));
}

/* A place of one byte is kept for the length, which is mostly enough. */
size_t der_open(struct der_writer *writer, unsigned tag)
{
	put(writer, (uint8_t)tag);
	put(writer, 0);
	return writer->n;
}

void der_close(struct der_writer *writer, size_t opened)
{
	uint8_t more[sizeof(size_t)];
	size_t length, count = 0;

	if (writer->overflow)
		return;
	length = writer->n - opened;
	if (length < 0x80) {
		writer->p[opened - 1] = (uint8_t)length;
		return;
	}
	for (size_t rest = length; rest != 0; rest >>= 8)
		more[count++] = (uint8_t)rest;
	if (count > writer->size - writer->n) {
		writer->overflow = true;
		return;
	}
	memmove(writer->p + opened + count, writer->p + opened, length);
	writer->p[opened - 1] = (uint8_t)(0x80 | count);
	for (size_t i = 0; i < count; i++)
		writer->p[opened + i] = more[count - 1 - i];
	writer->n += count;
}

void der_write(struct der_writer *writer, unsigned tag, struct bytes body)
{
	size_t opened = der_open(writer, tag);

	der_write_raw(writer, body);
	der_close(writer, opened);
}

size_t der_open_bits(struct der_writer *writer)
{
	size_t opened = der_open(writer, DER_BIT_STRING);

	put(writer, 0); /* unused bits at the end */
	return opened;
}

void der_write_boolean(struct der_writer *writer, bool value)
{
	const uint8_t body = value ? 0xFF : 0;

	der_write(writer, DER_BOOLEAN, bytes_make(&body, 1));
}

void der_write_time(struct der_writer *writer, int64_t when)
{
	bool utc = when >= UTC_FROM && when < UTC_BEFORE;
	time_t seconds = (time_t)when;
	char text[80];
	struct tm tm;
	int n;

	if (when >= TIME_BEFORE || gmtime_r(&seconds, &tm) == NULL ||
	    tm.tm_year < -1900) {
		writer->overflow = true;
		return;
	}
	n = snprintf(text, sizeof(text), "%04d%02d%02d%02d%02d%02dZ",
		     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		     tm.tm_min, tm.tm_sec);
	if (utc)
		der_write(writer, DER_UTC_TIME,
			  bytes_make((uint8_t *)text + 2, (size_t)n - 2));
	else
		der_write(writer, DER_GENERALIZED_TIME,
			  bytes_make((uint8_t *)text, (size_t)n));
}

struct bytes der_written(const struct der_writer *writer)
{
	return bytes_make(writer->p, writer->overflow ? 0 : writer->n);
}
