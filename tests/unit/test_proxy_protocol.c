/* test_proxy_protocol.c - PROXY headers of both versions: what passes and what
 * does not, whole and byte by byte, with the input ending at an unmapped page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/net/proxy_protocol.h"
#include "runtime/policy/crc32c.h"

#define ROOM (PROXY_HEADER_MAX + 64)

static uint8_t *guard;

static int map_guard(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (ROOM + page - 1) / page * page;
	uint8_t *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (p == MAP_FAILED || mprotect(p + size, page, PROT_NONE) != 0)
		return -1;
	guard = p + size;
	return 0;
}

static enum proxy_header_status read_at(const uint8_t *bytes, size_t length,
					struct proxy_header *out)
{
	assert_true(length <= ROOM);
	memcpy(guard - length, bytes, length);
	return proxy_header_read(guard - length, length, out);
}

/* Whole; then byte by byte, which must come to the same. */
static enum proxy_header_status read_both(const void *bytes, size_t length,
					  struct proxy_header *out)
{
	enum proxy_header_status whole = read_at(bytes, length, out), status;
	struct proxy_header again;
	size_t n = 0;

	do
		status = read_at(bytes, n, &again);
	while (status == PROXY_HEADER_MORE && n++ < length);
	assert_int_equal(status, whole);
	if (whole == PROXY_HEADER_DONE) {
		assert_int_equal(n, out->length);
		assert_int_equal(again.length, out->length);
		assert_int_equal(again.port, out->port);
		assert_memory_equal(&again.addr, &out->addr, sizeof(out->addr));
	}
	if (whole == PROXY_HEADER_BAD)
		assert_non_null(out->error);
	return whole;
}

static void assert_source(const struct proxy_header *header, const char *ip,
			  uint16_t port)
{
	char text[ADDR_TEXT_MAX];

	assert_true(header->has_source);
	addr_format(&header->addr, text);
	assert_string_equal(text, ip);
	assert_int_equal(header->port, port);
}

/* --- version 1 --------------------------------------------------------------
 */

static const struct {
	const char *line;
	const char *ip; /* NULL: the line says nothing of the client */
	uint16_t port;
} good_lines[] = {
	{"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n", "1.2.3.4", 80},
	{"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	 "255.255.255.255", 65535},
	{"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0", 0},
	{"PROXY TCP6 2001:db8::1 ::1 1 2\r\n", "2001:db8::1", 1},
	{"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535},
	{"PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n", "1.2.3.4", 1},
	{"PROXY UNKNOWN\r\n", NULL, 0},
	{"PROXY UNKNOWN whatever is \x01 here\r\n", NULL, 0},
	{"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	 NULL, 0},
};

static void test_lines(void **state)
{
	struct proxy_header header;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(good_lines) / sizeof(good_lines[0]);
	     i++) {
		const char *line = good_lines[i].line;
		size_t n = strlen(line);

		assert_int_equal(read_both(line, n, &header),
				 PROXY_HEADER_DONE);
		assert_int_equal(header.length, n);
		if (good_lines[i].ip != NULL)
			assert_source(&header, good_lines[i].ip,
				      good_lines[i].port);
		else
			assert_false(header.has_source);
		/* what follows is not looked at */
		memcpy(text, line, n);
		memcpy(text + n, "\r\nPROXY ", 8);
		assert_int_equal(read_both(text, n + 8, &header),
				 PROXY_HEADER_DONE);
		assert_int_equal(header.length, n);
	}
}

static const char *const bad_lines[] = {
	"GET / HTTP/1.1\r\n",
	"\n",
	"proxy TCP4 1.2.3.4 5.6.7.8 80 443\r\n",
	"PROXY\r\n",
	"PROXY \r\n",
	"PROXY  TCP4 1.2.3.4 5.6.7.8 80 443\r\n",
	"PROXY TCP4\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 80 443 \r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 80 443 1\r\n",
	"PROXY TCP4  1.2.3.4 5.6.7.8 80 443\r\n",
	"PROXY TCP4 1.2.3.4\t5.6.7.8 80 443\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 65536 443\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 80 65536\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 99999999 443\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 080 443\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 -1 443\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.8 +1 443\r\n",
	"PROXY TCP4 1.2.3 5.6.7.8 80 443\r\n",
	"PROXY TCP4 1.2.3.256 5.6.7.8 80 443\r\n",
	"PROXY TCP4 1.2.3.04 5.6.7.8 80 443\r\n",
	"PROXY TCP4 1.2.3.4 5.6.7.x 80 443\r\n",
	"PROXY TCP4 ::1 ::1 80 443\r\n",
	"PROXY TCP6 1.2.3.4 5.6.7.8 80 443\r\n",
	"PROXY TCP6 ::1%1 ::1 80 443\r\n",
	"PROXY TCP6 [::1] ::1 80 443\r\n",
	"PROXY TCP6 :::1 ::1 80 443\r\n",
	"PROXY TCP6 g::1 ::1 80 443\r\n",
	"PROXY UDP4 1.2.3.4 5.6.7.8 80 443\r\n",
	"PROXY UNKNOWNX\r\n",
	"PROXY UNKNOWN\n",
	"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535x\r\n",
};

static void test_bad_lines(void **state)
{
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++)
		assert_int_equal(
			read_both(bad_lines[i], strlen(bad_lines[i]), &header),
			PROXY_HEADER_BAD);
}

static void test_lines_that_do_not_end(void **state)
{
	struct proxy_header header;
	char text[108];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "PROXY UNKNOWN ", 14);
	assert_int_equal(read_both(text, 106, &header), PROXY_HEADER_MORE);
	assert_int_equal(read_both(text, 107, &header), PROXY_HEADER_BAD);
	/* wrong bytes are refused before there is a line */
	assert_int_equal(read_both("GET", 3, &header), PROXY_HEADER_BAD);
	assert_int_equal(read_both("PROXX", 5, &header), PROXY_HEADER_BAD);
	assert_int_equal(read_both("", 0, &header), PROXY_HEADER_MORE);
}

/* --- version 2 --------------------------------------------------------------
 */

struct v2 {
	uint8_t bytes[PROXY_HEADER_MAX + 1];
	size_t n;
};

static void v2_set_length(struct v2 *v2, size_t length)
{
	v2->bytes[14] = (uint8_t)(length >> 8);
	v2->bytes[15] = (uint8_t)length;
}

static void v2_begin(struct v2 *v2, uint8_t command, uint8_t family)
{
	memcpy(v2->bytes, "\r\n\r\n\0\r\nQUIT\n", 12);
	v2->bytes[12] = command;
	v2->bytes[13] = family;
	v2->n = 16;
	v2_set_length(v2, 0);
}

static void v2_add(struct v2 *v2, const void *bytes, size_t n)
{
	memcpy(v2->bytes + v2->n, bytes, n);
	v2->n += n;
	v2_set_length(v2, v2->n - 16);
}

static const uint8_t inet[12] = {1, 2, 3, 4, 5, 6, 7, 8, 0x1f, 0x90, 1, 0xbb};
static const uint8_t inet6[36] = {
	0x20, 0x01, 0x0d, 0xb8, [15] = 1, [31] = 2, 0xff, 0xff, 0, 80};

static struct v2 v2;

static enum proxy_header_status read_v2(struct proxy_header *header)
{
	return read_both(v2.bytes, v2.n, header);
}

static void test_binary(void **state)
{
	struct proxy_header header;

	(void)state;
	v2_begin(&v2, 0x21, 0x11);
	v2_add(&v2, inet, sizeof(inet));
	assert_int_equal(read_v2(&header), PROXY_HEADER_DONE);
	assert_source(&header, "1.2.3.4", 8080);
	v2_begin(&v2, 0x21, 0x21);
	v2_add(&v2, inet6, sizeof(inet6));
	assert_int_equal(read_v2(&header), PROXY_HEADER_DONE);
	assert_source(&header, "2001:db8::1", 65535);
}

static void test_binary_that_says_nothing_of_the_client(void **state)
{
	static const struct {
		uint8_t command, family;
		size_t size;
	} headers[] = {
		{0x20, 0x00, 0},   {0x20, 0x11, 12},  {0x20, 0x11, 0},
		{0x20, 0x11, 5},   {0x21, 0x00, 0},   {0x21, 0x12, 12},
		{0x21, 0x22, 36},  {0x21, 0x31, 216}, {0x21, 0x32, 216},
		{0x21, 0x31, 218}, /* what is left over is zeros */
	};
	static const uint8_t zeros[220];

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct proxy_header header;

		v2_begin(&v2, headers[i].command, headers[i].family);
		v2_add(&v2, zeros, headers[i].size);
		assert_int_equal(read_v2(&header), PROXY_HEADER_DONE);
		assert_false(header.has_source);
		assert_int_equal(header.length, 16 + headers[i].size);
	}
}

static void test_bad_binary(void **state)
{
	static const struct {
		uint8_t command, family;
		size_t size;
	} headers[] = {
		{0x11, 0x11, 12},  {0x31, 0x11, 12}, {0x22, 0x11, 12},
		{0x2f, 0x11, 12},  {0x21, 0x41, 12}, {0x21, 0x13, 12},
		{0x21, 0xff, 12},  {0x21, 0x11, 11}, {0x21, 0x21, 35},
		{0x21, 0x31, 215}, {0x21, 0x11, 0},  {0x21, 0x10, 12},
		{0x21, 0x01, 12},  {0x20, 0x20, 0},
	};
	static const uint8_t zeros[216];
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		v2_begin(&v2, headers[i].command, headers[i].family);
		v2_add(&v2, zeros, headers[i].size);
		assert_int_equal(read_v2(&header), PROXY_HEADER_BAD);
	}
	/* each byte of the signature counts */
	for (size_t i = 0; i < 12; i++) {
		v2_begin(&v2, 0x21, 0x11);
		v2_add(&v2, inet, sizeof(inet));
		v2.bytes[i] ^= 1;
		assert_int_equal(read_v2(&header), PROXY_HEADER_BAD);
	}
}

static void add_crc(uint32_t flip)
{
	static const uint8_t tlv[7] = {0x03, 0, 4};
	struct crc32c crc = crc32c_portable();
	uint32_t sum;

	v2_add(&v2, tlv, sizeof(tlv));
	sum = crc.sum(0, v2.bytes, v2.n) ^ flip;
	for (unsigned i = 0; i < 4; i++)
		v2.bytes[v2.n - 1 - i] = (uint8_t)(sum >> (8 * i));
}

static void test_tlvs(void **state)
{
	static const uint8_t tlvs[] = {0x01, 0, 2,    'h', '2', 0x04,
				       0,    0, 0xee, 0,   1,   9};
	struct proxy_header header;

	(void)state;
	v2_begin(&v2, 0x21, 0x11);
	v2_add(&v2, inet, sizeof(inet));
	v2_add(&v2, tlvs, sizeof(tlvs));
	assert_int_equal(read_v2(&header), PROXY_HEADER_DONE);
	assert_source(&header, "1.2.3.4", 8080);
	add_crc(0);
	assert_int_equal(read_v2(&header), PROXY_HEADER_DONE);
	assert_source(&header, "1.2.3.4", 8080);
	/* the checksum covers every byte */
	v2.bytes[20] ^= 1;
	assert_int_equal(read_v2(&header), PROXY_HEADER_BAD);
	for (unsigned bit = 0; bit < 32; bit++) {
		v2_begin(&v2, 0x21, 0x11);
		v2_add(&v2, inet, sizeof(inet));
		add_crc(UINT32_C(1) << bit);
		assert_int_equal(read_v2(&header), PROXY_HEADER_BAD);
	}
	/* one of another length is none */
	v2_begin(&v2, 0x21, 0x11);
	v2_add(&v2, inet, sizeof(inet));
	v2_add(&v2, (const uint8_t[]){0x03, 0, 3, 0, 0, 0}, 6);
	assert_int_equal(read_v2(&header), PROXY_HEADER_BAD);
}

static void test_tlvs_that_are_cut(void **state)
{
	static const uint8_t tlvs[] = {0x01, 0, 2,   'h', '2', 0x02,
				       0,    3, 'a', 'b', 'c'};
	struct proxy_header header;

	(void)state;
	for (size_t n = 0; n <= sizeof(tlvs); n++) {
		bool whole = n == 0 || n == 5 || n == sizeof(tlvs);

		v2_begin(&v2, 0x21, 0x11);
		v2_add(&v2, inet, sizeof(inet));
		v2_add(&v2, tlvs, n);
		assert_int_equal(read_v2(&header),
				 whole ? PROXY_HEADER_DONE : PROXY_HEADER_BAD);
		/* LOCAL: nothing in there matters */
		v2.bytes[12] = 0x20;
		assert_int_equal(read_v2(&header), PROXY_HEADER_DONE);
	}
}

static void test_the_longest(void **state)
{
	struct proxy_header header;
	size_t filling = UINT16_MAX - sizeof(inet) - 3;

	(void)state;
	v2_begin(&v2, 0x21, 0x11);
	v2_add(&v2, inet, sizeof(inet));
	v2.bytes[v2.n] = 0xee;
	v2.bytes[v2.n + 1] = (uint8_t)(filling >> 8);
	v2.bytes[v2.n + 2] = (uint8_t)filling;
	v2.n = PROXY_HEADER_MAX;
	v2_set_length(&v2, UINT16_MAX);
	assert_int_equal(read_at(v2.bytes, v2.n - 1, &header),
			 PROXY_HEADER_MORE);
	assert_int_equal(read_at(v2.bytes, v2.n, &header), PROXY_HEADER_DONE);
	assert_int_equal(header.length, PROXY_HEADER_MAX);
	assert_source(&header, "1.2.3.4", 8080);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_lines_that_do_not_end),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_binary_that_says_nothing_of_the_client),
		cmocka_unit_test(test_bad_binary),
		cmocka_unit_test(test_tlvs),
		cmocka_unit_test(test_tlvs_that_are_cut),
		cmocka_unit_test(test_the_longest),
	};

	return cmocka_run_group_tests(tests, map_guard, NULL);
}
