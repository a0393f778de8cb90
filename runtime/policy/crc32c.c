/* crc32c.c - see crc32c.h.  A polynomial is held bit-reversed, x^0 in the top
 * bit.  The instruction has a latency of three cycles and a throughput of one,
 * so three stretches are summed side by side and then joined. */
#include "crc32c.h"

#include "format.h"

#if defined(POLICY_PORTABLE)
/* as on a machine without the instruction */
#elif defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <nmmintrin.h>
#define CRC32C_SSE42
#elif defined(__ARM_FEATURE_CRC32) && defined(__aarch64__)
#include <arm_acle.h>
#define CRC32C_ARM
#endif

#define POLYNOMIAL 0x82f63b78u

#define TABLES 8
/* Below this, making the tables costs more than they save. */
#define TABLE_BYTES 1024

static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ (POLYNOMIAL & (0u - (crc & 1)));
	return crc;
}

/* Slicing by eight; TABLE[k][b] is the remainder of b followed by k zero bytes.
 * They live on the stack: 8 KiB for as long as a section takes. */
static uint32_t crc_by_tables(uint32_t crc, const uint8_t *p, size_t n)
{
	uint32_t table[TABLES][256];

	for (unsigned b = 0; b < 256; b++)
		table[0][b] = crc_byte(0, (uint8_t)b);
	for (unsigned k = 1; k < TABLES; k++)
		for (unsigned b = 0; b < 256; b++)
			table[k][b] = table[k - 1][b] >> 8 ^
				      table[0][table[k - 1][b] & 0xff];
	for (; n >= 8; p += 8, n -= 8) {
		uint32_t low = get_u32le(p) ^ crc;
		uint32_t high = get_u32le(p + 4);

		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
		      table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
		      table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
		      table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
	}
	for (; n > 0; p++, n--)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xff];
	return crc;
}

static uint32_t sum_portable(uint32_t seed, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~seed;

	if (n >= TABLE_BYTES)
		return ~crc_by_tables(crc, p, n);
	for (; n > 0; p++, n--)
		crc = crc_byte(crc, *p);
	return ~crc;
}

/* see crc32c.h */
struct crc32c crc32c_portable(void)
{
	return (struct crc32c){sum_portable};
}

#ifdef CRC32C_SSE42

#define STRETCH ((size_t)4096)
#define STRETCH_SHIFT 0x35d73a62u /* x^(8 * STRETCH) mod the polynomial */

/* The product of two polynomials mod the polynomial. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a != 0; a <<= 1) {
		if (a & 0x80000000u)
			product ^= b;
		b = b >> 1 ^ (POLYNOMIAL & (0u - (b & 1)));
	}
	return product;
}

__attribute__((target("sse4.2"))) static uint32_t
sum_by_instruction(uint32_t seed, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~seed;

	for (; n >= 3 * STRETCH; p += 3 * STRETCH, n -= 3 * STRETCH) {
		uint64_t a = crc, b = 0, c = 0;

		for (size_t i = 0; i < STRETCH; i += 8) {
			a = _mm_crc32_u64(a, get_u64le(p + i));
			b = _mm_crc32_u64(b, get_u64le(p + STRETCH + i));
			c = _mm_crc32_u64(c, get_u64le(p + 2 * STRETCH + i));
		}
		b ^= multiply((uint32_t)a, STRETCH_SHIFT);
		crc = (uint32_t)c ^ multiply((uint32_t)b, STRETCH_SHIFT);
	}

	uint64_t wide = crc;

	for (; n >= 8; p += 8, n -= 8)
		wide = _mm_crc32_u64(wide, get_u64le(p));
	crc = (uint32_t)wide;
	for (; n > 0; p++, n--)
		crc = _mm_crc32_u8(crc, *p);
	return ~crc;
}

/* see crc32c.h */
struct crc32c crc32c_best(void)
{
	unsigned a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2) != 0)
		return (struct crc32c){sum_by_instruction};
	return crc32c_portable();
}

#elif defined(CRC32C_ARM)

static uint32_t sum_by_instruction(uint32_t seed, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~seed;

	for (; n >= 8; p += 8, n -= 8)
		crc = __crc32cd(crc, get_u64le(p));
	for (; n > 0; p++, n--)
		crc = __crc32cb(crc, *p);
	return ~crc;
}

/* see crc32c.h */
struct crc32c crc32c_best(void)
{
	return (struct crc32c){sum_by_instruction};
}

#else

/* see crc32c.h */
struct crc32c crc32c_best(void)
{
	return crc32c_portable();
}

#endif
