/* test_crl.c - CRLs of many entries: what is listed is found, and nothing else.
 * Written here byte by byte; signatures are no concern of these tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "page_end.h"
#include "runtime/tls/crl.h"

#define ENTRIES 20000
#define ROOM ((size_t)ENTRIES * 40 + 1024)

/* Bytes written from the end to the front, so that lengths are known. */
struct writer {
	uint8_t *bytes;
	size_t at;
};

static void put(struct writer *out, const void *bytes, size_t n)
{
	assert_true(n <= out->at);
	out->at -= n;
	memcpy(out->bytes + out->at, bytes, n);
}

/* Wrap all since END. */
static void wrap(struct writer *out, uint8_t tag, size_t end)
{
	size_t n = end - out->at;
	uint8_t head[6] = {tag};
	size_t size = 2;

	if (n < 0x80) {
		head[1] = (uint8_t)n;
	} else {
		size_t octets = n < 0x100 ? 1 : n < 0x10000 ? 2 : 3;

		head[1] = (uint8_t)(0x80 | octets);
		for (size_t i = 0; i < octets; i++)
			head[2 + i] = (uint8_t)(n >> 8 * (octets - 1 - i));
		size += octets;
	}
	put(out, head, size);
}

static void put_item(struct writer *out, uint8_t tag, const void *bytes,
		     size_t n)
{
	size_t end = out->at;

	put(out, bytes, n);
	wrap(out, tag, end);
}

#define ECDSA_SHA256 "\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02"
#define NAME "\x30\x0D\x31\x0B\x30\x09\x06\x03\x55\x04\x03\x0C\x02\x63\x61"
#define NUMBER                                                                 \
	"\xA0\x0E\x30\x0C\x30\x0A\x06\x03\x55\x1D\x14\x04\x03\x02\x01\x05"
#define DATE "260101000000Z"

struct serial {
	uint8_t n;
	uint8_t octets[20];
};

/* A CRL that lists SERIALS. */
static struct bytes write_crl(struct writer *out, const struct serial *serials,
			      size_t count)
{
	size_t end;
	size_t tbs;

	out->at = ROOM;
	put_item(out, DER_BIT_STRING, "\0signature", 10);
	put(out, ECDSA_SHA256, sizeof(ECDSA_SHA256) - 1);
	tbs = out->at;
	put(out, NUMBER, sizeof(NUMBER) - 1);
	end = out->at;
	for (size_t i = count; i-- > 0;) {
		size_t entry = out->at;

		put_item(out, DER_UTC_TIME, DATE, 13);
		put_item(out, DER_INTEGER, serials[i].octets, serials[i].n);
		wrap(out, DER_SEQUENCE, entry);
	}
	if (count > 0)
		wrap(out, DER_SEQUENCE, end);
	put_item(out, DER_UTC_TIME, DATE, 13);
	put_item(out, DER_UTC_TIME, DATE, 13);
	put(out, NAME, sizeof(NAME) - 1);
	put(out, ECDSA_SHA256, sizeof(ECDSA_SHA256) - 1);
	put_item(out, DER_INTEGER, "\x01", 1);
	wrap(out, DER_SEQUENCE, tbs);
	wrap(out, DER_SEQUENCE, ROOM);
	return bytes_make(out->bytes + out->at, ROOM - out->at);
}

static uint32_t next_random(void)
{
	static uint32_t state = 0x12345678;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Positive, minimal, of 1 to 20 octets; half of them alike but at the end. */
static struct serial random_serial(void)
{
	struct serial serial = {.n = (uint8_t)(1 + next_random() % 20)};
	bool alike = next_random() % 2;

	for (size_t i = 0; i < serial.n; i++)
		serial.octets[i] = alike && i + 2 < serial.n
					   ? 0x55
					   : (uint8_t)next_random();
	serial.octets[0] = (uint8_t)(1 + serial.octets[0] % 127);
	return serial;
}

static struct bytes octets(const struct serial *serial)
{
	return bytes_make(serial->octets, serial->n);
}

static bool listed_slowly(const struct serial *serials, size_t count,
			  const struct serial *serial)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_equal(octets(&serials[i]), octets(serial)))
			return true;
	return false;
}

static void test_many(void **state)
{
	struct writer out = {.bytes = malloc(ROOM)};
	struct serial *serials = calloc(ENTRIES, sizeof(*serials));
	struct crl crl;

	(void)state;
	for (size_t i = 0; i < ENTRIES; i++)
		serials[i] = random_serial();
	assert_int_equal(crl_read(write_crl(&out, serials, ENTRIES), &crl),
			 TRUST_OK);
	assert_int_equal(crl.count, ENTRIES);
	for (size_t i = 0; i < ENTRIES; i++)
		assert_true(crl_has(&crl, octets(&serials[i])));
	for (size_t i = 0; i < 500; i++) {
		struct serial other = random_serial();

		assert_int_equal(crl_has(&crl, octets(&other)),
				 listed_slowly(serials, ENTRIES, &other));
	}
	crl_fini(&crl);
	free(serials);
	free(out.bytes);
}

static void test_few(void **state)
{
	struct writer out = {.bytes = malloc(ROOM)};
	struct serial serials[8] = {{0}};
	struct crl crl;

	(void)state;
	for (size_t count = 0; count <= 8; count++) {
		for (size_t i = 0; i < count; i++)
			serials[i] = random_serial();
		assert_int_equal(
			crl_read(write_crl(&out, serials, count), &crl),
			TRUST_OK);
		assert_int_equal(crl.count, count);
		for (size_t i = 0; i < count; i++)
			assert_true(crl_has(&crl, octets(&serials[i])));
		assert_false(crl_has(&crl, bytes_make(NULL, 0)));
		crl_fini(&crl);
	}
	free(out.bytes);
}

static void test_serials_refused(void **state)
{
	static const struct serial bad[] = {
		{.n = 0},
		{.n = 2, .octets = {0x00, 0x01}},
		{.n = 2, .octets = {0xFF, 0x80}},
	};
	struct writer out = {.bytes = malloc(ROOM)};
	struct crl crl;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(crl_read(write_crl(&out, &bad[i], 1), &crl),
				 TRUST_CRL_MALFORMED);
	free(out.bytes);
}

static void test_every_length(void **state)
{
	struct writer out = {.bytes = malloc(ROOM)};
	struct serial serials[2] = {random_serial(), random_serial()};
	struct bytes der = write_crl(&out, serials, 2);
	struct crl crl;

	(void)state;
	for (size_t n = 0; n < der.n; n++) {
		struct page_end page = page_end_copy(der.p, n);

		assert_int_not_equal(crl_read(bytes_make(page.bytes, n), &crl),
				     TRUST_OK);
		page_end_free(&page);
	}
	free(out.bytes);
}

static void test_authority_keys(void **state)
{
	/* SEQUENCE { [0] key, [1] issuer, [2] serial }, each optional */
	static const struct {
		const char *der;
		size_t n;
		size_t key; /* how long it is; BAD: refused */
	} rows[] = {
#define ROW(der, key) {der, sizeof(der) - 1, key}
#define BAD ((size_t)-1)
		ROW("\x30\x00", 0),
		ROW("\x30\x04\x80\x02\xAB\xCD", 2),
		ROW("\x30\x07\x80\x02\xAB\xCD\x82\x01\x05", 2),
		ROW("\x30\x09\xA1\x04\x82\x02\x63\x61\x82\x01\x05", 0),
		ROW("\x30\x02\xA1\x00", BAD),         /* no name */
		ROW("\x30\x02\x82\x00", BAD),         /* no number */
		ROW("\x30\x04\x82\x02\x00\x05", BAD), /* not minimal */
		ROW("\x30\x02\x83\x00", BAD),
		ROW("\x30\x00\x05", BAD),
		ROW("\x04\x00", BAD),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *der = (const uint8_t *)rows[i].der;
		struct bytes key = {0};
		bool ok = authority_key_read(bytes_make(der, rows[i].n), &key);

		assert_int_equal(ok, rows[i].key != BAD);
		if (ok)
			assert_int_equal(key.n, rows[i].key);
	}
#undef BAD
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_serials_refused),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_authority_keys),
	};

	return cmocka_run_group_tests_name("crl", tests, NULL, NULL);
}
