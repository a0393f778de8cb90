/* label.h - labels by wide loads: hash, compare and check 16 bytes at a time,
 * without a branch for what a label usually is.  A label that is given here has
 * at least LABEL_PAD readable bytes behind it; what they hold does not matter.
 * 1 <= N <= FORMAT_LABEL_MAX. */
#ifndef POLICY_LABEL_H
#define POLICY_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

#define LABEL_PAD 15

/* POLICY_PORTABLE: as on a machine without these instructions. */
#if defined(__SSE2__) && !defined(POLICY_PORTABLE)
#define LABEL_SSE2
#endif

#ifdef LABEL_SSE2

#include <emmintrin.h>

/* N bytes of ones at label_ones + 16 - N. */
static const uint8_t label_ones[32] = {
	255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255,
};

static inline __m128i label_load(const uint8_t *p)
{
	__m128i v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The first N <= 16 bytes of P, the others zero. */
static inline __m128i label_load_masked(const uint8_t *p, size_t n)
{
	return _mm_and_si128(label_load(p), label_load(label_ones + 16 - n));
}

static inline uint64_t label_hash_block(uint64_t state, __m128i v)
{
	return hash_block(
		state, (uint64_t)_mm_cvtsi128_si64(v),
		(uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(v, v)));
}

static inline uint64_t label_hash(const uint8_t *p, size_t n)
{
	uint64_t state = n * HASH_LENGTH;

	for (; n > 16; p += 16, n -= 16)
		state = label_hash_block(state, label_load(p));
	return label_hash_block(state, label_load_masked(p, n));
}

static inline bool label_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned differ;

	for (; n > 16; a += 16, b += 16, n -= 16)
		if (_mm_movemask_epi8(_mm_cmpeq_epi8(label_load(a),
						     label_load(b))) != 0xffff)
			return false;
	differ = ~(unsigned)_mm_movemask_epi8(
		_mm_cmpeq_epi8(label_load(a), label_load(b)));
	return (differ << (32 - n)) == 0;
}

/* Printable ASCII without capitals, dots and blanks. */
static inline bool label_is_clean(const uint8_t *p, size_t n)
{
	for (;; p += 16, n -= 16) {
		__m128i v = label_load(p);
		__m128i bad = _mm_or_si128(
			_mm_cmpeq_epi8(v, _mm_set1_epi8('.')),
			_mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8('!')),
				     _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f))));

		bad = _mm_or_si128(
			bad,
			_mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('@')),
				      _mm_cmplt_epi8(v, _mm_set1_epi8('['))));

		unsigned mask = (unsigned)_mm_movemask_epi8(bad);

		if (n <= 16)
			return mask << (32 - n) == 0;
		if (mask != 0)
			return false;
	}
}

#else

static inline uint64_t label_hash(const uint8_t *p, size_t n)
{
	return format_hash(p, n);
}

static inline bool label_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (; n > 8; a += 8, b += 8, n -= 8)
		if (get_u64le(a) != get_u64le(b))
			return false;
	return (get_u64le(a) ^ get_u64le(b)) << (64 - 8 * n) == 0;
}

static inline bool label_is_clean(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '.' || p[i] <= ' ' || p[i] >= 0x7f ||
		    (p[i] >= 'A' && p[i] <= 'Z'))
			return false;
	return true;
}

#endif

#endif
