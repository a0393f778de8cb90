/* crypto_x86.c - see crypto_x86.h.
 * Both loops take data in large pieces, so that many blocks are under way at
 * once, and leave what is short, or left over, to BearSSL's functions of the
 * same instructions. */
#include "crypto_x86.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define AESNI __attribute__((target("aes,pclmul,ssse3,sse4.1")))
#define VAES                                                                   \
	__attribute__((target("aes,pclmul,avx512f,avx512bw,vaes,vpclmulqdq")))
#define INLINE static inline __attribute__((always_inline))

#define BLOCK 16
#define LANES 4  /* blocks in a vector of 512 bits */
#define FLIGHT 8 /* vectors under way, since a result takes cycles */
#define AESNI_PIECE (FLIGHT * BLOCK)
#define VAES_PIECE (FLIGHT * LANES * BLOCK)

/* FLIGHT times, in registers whatever the optimiser thinks of loops. */
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

_Static_assert(sizeof(((br_aes_x86ni_ctr_keys *)0)->skey) == 15 * BLOCK,
	       "round keys of 16 octets, as many as AES-256 has");

/* --- counter mode --- */

/* IV and the counter CC, still in the processor's order of octets. */
AESNI INLINE __m128i first_counter(const void *iv, uint32_t cc)
{
	int32_t word[3];

	memcpy(word, iv, sizeof(word));
	return _mm_setr_epi32(word[0], word[1], word[2], (int32_t)cc);
}

/* Shuffled by this, the counter is big-endian, and the IV as it was. */
AESNI INLINE __m128i counter_order(void)
{
	return _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 14, 13,
			     12);
}

AESNI INLINE __m128i round_key(const br_aes_x86ni_ctr_keys *keys, unsigned i)
{
	const void *key = keys->skey.skni + (size_t)i * BLOCK;

	return _mm_loadu_si128(key);
}

AESNI INLINE void xor_block(void *block, __m128i with)
{
	_mm_storeu_si128(block, _mm_xor_si128(_mm_loadu_si128(block), with));
}

AESNI static uint32_t ctr_aesni(const br_aes_x86ni_ctr_keys *keys,
				const void *iv, uint32_t cc, void *data,
				size_t length)
{
	uint8_t *at = data;
	__m128i counter = first_counter(iv, cc);

	for (; length >= AESNI_PIECE; length -= AESNI_PIECE) {
		__m128i key = round_key(keys, 0), s[FLIGHT];

#define START(i)                                                               \
	s[i] = _mm_add_epi32(counter, _mm_setr_epi32(0, 0, 0, i));             \
	s[i] = _mm_xor_si128(_mm_shuffle_epi8(s[i], counter_order()), key);
#define ROUND(i) s[i] = _mm_aesenc_si128(s[i], key);
#define FINISH(i) xor_block(at + (i)*BLOCK, _mm_aesenclast_si128(s[i], key));

		EACH(START)
		for (unsigned r = 1; r < keys->num_rounds; r++) {
			key = round_key(keys, r);
			EACH(ROUND)
		}
		key = round_key(keys, keys->num_rounds);
		EACH(FINISH)
#undef START
#undef ROUND
#undef FINISH
		counter =
			_mm_add_epi32(counter, _mm_setr_epi32(0, 0, 0, FLIGHT));
		cc += FLIGHT;
		at += AESNI_PIECE;
	}
	return br_aes_x86ni_ctr_run(keys, iv, cc, at, length);
}

VAES INLINE __m512i four(__m128i one)
{
	return _mm512_broadcast_i32x4(one);
}

VAES INLINE void xor_four(void *blocks, __m512i with)
{
	_mm512_storeu_si512(blocks,
			    _mm512_xor_si512(_mm512_loadu_si512(blocks), with));
}

VAES static uint32_t ctr_vaes(const br_aes_x86ni_ctr_keys *keys, const void *iv,
			      uint32_t cc, void *data, size_t length)
{
	uint8_t *at = data;
	__m512i counter =
		_mm512_add_epi32(four(first_counter(iv, cc)),
				 _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 1, 0, 0,
						   0, 2, 0, 0, 0, 3));
	const __m512i order = four(counter_order());

	for (; length >= VAES_PIECE; length -= VAES_PIECE) {
		__m512i key = four(round_key(keys, 0)), s[FLIGHT];

#define START(i)                                                               \
	s[i] = _mm512_add_epi32(counter,                                       \
				four(_mm_setr_epi32(0, 0, 0, (i)*LANES)));     \
	s[i] = _mm512_xor_si512(_mm512_shuffle_epi8(s[i], order), key);
#define ROUND(i) s[i] = _mm512_aesenc_epi128(s[i], key);
#define FINISH(i)                                                              \
	xor_four(at + (i)*LANES * BLOCK, _mm512_aesenclast_epi128(s[i], key));

		EACH(START)
		for (unsigned r = 1; r < keys->num_rounds; r++) {
			key = four(round_key(keys, r));
			EACH(ROUND)
		}
		key = four(round_key(keys, keys->num_rounds));
		EACH(FINISH)
#undef START
#undef ROUND
#undef FINISH
		counter = _mm512_add_epi32(
			counter, four(_mm_setr_epi32(0, 0, 0, FLIGHT * LANES)));
		cc += FLIGHT * LANES;
		at += VAES_PIECE;
	}
	return br_aes_x86ni_ctr_run(keys, iv, cc, at, length);
}

/* --- GHASH ---
 * A block, its octets reversed, is a polynomial over GF(2) with the coefficient
 * of x^0 in the highest bit.  The product of two such numbers without carries
 * has that of x^0 one bit too low; so powers of H are kept divided by x, for
 * which the products of H's powers are right, too.
 *
 * 256 bits come down to 128 as in Montgomery's reduction: multiples of the
 * modulus, which begins with 1 from below, make the lower half zero, 64 bits
 * at a time; what is added to the rest is the product with MODULUS. */

#define MODULUS ((long long)0xC200000000000000)

AESNI INLINE __m128i reversed(__m128i block)
{
	return _mm_shuffle_epi8(block,
				_mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7,
					      6, 5, 4, 3, 2, 1, 0));
}

AESNI INLINE __m128i load_reversed(const void *block)
{
	return reversed(_mm_loadu_si128(block));
}

/* H / x: its bits one up; the highest comes back as x^-1 is modulo the
 * modulus. */
AESNI INLINE __m128i over_x(__m128i h)
{
	__m128i carry = _mm_slli_si128(_mm_srli_epi64(h, 63), 8);
	__m128i top = _mm_srai_epi32(_mm_shuffle_epi32(h, 0xFF), 31);

	h = _mm_or_si128(_mm_slli_epi64(h, 1), carry);
	return _mm_xor_si128(h, _mm_and_si128(top, _mm_set_epi64x(MODULUS, 1)));
}

/* A sum of products, not reduced: .middle is to be added 64 bits up. */
struct product {
	__m128i low, middle, high;
};

AESNI INLINE void add_product(struct product *sum, __m128i a, __m128i b)
{
	__m128i cross = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01),
				      _mm_clmulepi64_si128(a, b, 0x10));

	sum->low = _mm_xor_si128(sum->low, _mm_clmulepi64_si128(a, b, 0x00));
	sum->middle = _mm_xor_si128(sum->middle, cross);
	sum->high = _mm_xor_si128(sum->high, _mm_clmulepi64_si128(a, b, 0x11));
}

/* The lower half of LOW becomes zero, and is left out. */
AESNI INLINE __m128i fold(__m128i low)
{
	__m128i multiple =
		_mm_clmulepi64_si128(low, _mm_set1_epi64x(MODULUS), 0x00);

	return _mm_xor_si128(_mm_shuffle_epi32(low, 0x4E), multiple);
}

AESNI INLINE __m128i reduce(struct product p)
{
	__m128i low = _mm_xor_si128(p.low, _mm_slli_si128(p.middle, 8));
	__m128i high = _mm_xor_si128(p.high, _mm_srli_si128(p.middle, 8));

	return _mm_xor_si128(high, fold(fold(low)));
}

AESNI INLINE __m128i multiply(__m128i a, __m128i b)
{
	struct product p = {0};

	add_product(&p, a, b);
	return reduce(p);
}

AESNI static void ghash_aesni(void *y, const void *h, const void *data,
			      size_t length)
{
	const uint8_t *at = data;
	__m128i power[FLIGHT + 1], sum;

	/* the powers have to pay */
	if (length < 4 * AESNI_PIECE) {
		br_ghash_pclmul(y, h, data, length);
		return;
	}
	power[1] = over_x(load_reversed(h));
	for (int i = 2; i <= FLIGHT; i++)
		power[i] = multiply(power[i / 2], power[i - i / 2]);
	sum = load_reversed(y);
	for (; length >= AESNI_PIECE; length -= AESNI_PIECE) {
		struct product p = {0};

		add_product(&p, _mm_xor_si128(sum, load_reversed(at)),
			    power[FLIGHT]);
#define ADD(i)                                                                 \
	if ((i) != 0)                                                          \
		add_product(&p, load_reversed(at + (i)*BLOCK),                 \
			    power[FLIGHT - (i)]);
		EACH(ADD)
#undef ADD
		sum = reduce(p);
		at += AESNI_PIECE;
	}
	_mm_storeu_si128(y, reversed(sum));
	br_ghash_pclmul(y, h, at, length);
}

/* The same of four at once. */
struct products {
	__m512i low, middle, high;
};

VAES INLINE void add_products(struct products *sum, __m512i a, __m512i b)
{
	__m512i cross = _mm512_xor_si512(_mm512_clmulepi64_epi128(a, b, 0x01),
					 _mm512_clmulepi64_epi128(a, b, 0x10));

	sum->low = _mm512_xor_si512(sum->low,
				    _mm512_clmulepi64_epi128(a, b, 0x00));
	sum->middle = _mm512_xor_si512(sum->middle, cross);
	sum->high = _mm512_xor_si512(sum->high,
				     _mm512_clmulepi64_epi128(a, b, 0x11));
}

VAES INLINE __m512i fold_four(__m512i low)
{
	__m512i multiple =
		_mm512_clmulepi64_epi128(low, _mm512_set1_epi64(MODULUS), 0x00);

	return _mm512_xor_si512(_mm512_shuffle_epi32(low, 0x4E), multiple);
}

VAES INLINE __m512i reduce_four(struct products p)
{
	__m512i low = _mm512_xor_si512(p.low, _mm512_bslli_epi128(p.middle, 8));
	__m512i high =
		_mm512_xor_si512(p.high, _mm512_bsrli_epi128(p.middle, 8));

	return _mm512_xor_si512(high, fold_four(fold_four(low)));
}

VAES INLINE __m512i multiply_four(__m512i a, __m512i b)
{
	struct products p = {0};

	add_products(&p, a, b);
	return reduce_four(p);
}

VAES INLINE __m512i load_four(const uint8_t *blocks)
{
	const __m128i order = _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6,
					    5, 4, 3, 2, 1, 0);

	return _mm512_shuffle_epi8(_mm512_loadu_si512(blocks), four(order));
}

/* Each lane sums up every fourth block, by powers of H^4; at the end they are
 * put together by H^4, H^3, H^2 and H.  The last vector of a piece is added
 * when the others are multiplied: its turn comes with the next. */
VAES static void ghash_vaes(void *y, const void *h, const void *data,
			    size_t length)
{
	const uint8_t *at = data;
	__m512i power[FLIGHT + 1]; /* of H^4 */
	__m512i first, last, sum = _mm512_setzero_si512();
	__m128i h1, h2, h3, h4, end;

	if (length < VAES_PIECE) {
		br_ghash_pclmul(y, h, data, length);
		return;
	}
	h1 = over_x(load_reversed(h));
	h2 = multiply(h1, h1);
	h3 = multiply(h2, h1);
	h4 = multiply(h2, h2);
	last = _mm512_inserti32x4(_mm512_castsi128_si512(h4), h3, 1);
	last = _mm512_inserti32x4(_mm512_inserti32x4(last, h2, 2), h1, 3);
	power[1] = four(h4);
	for (int i = 2; i <= FLIGHT; i++)
		power[i] = multiply_four(power[i / 2], power[i - i / 2]);
	first = _mm512_inserti32x4(sum, load_reversed(y), 0);
	for (; length >= VAES_PIECE; length -= VAES_PIECE) {
		struct products p = {0};

		add_products(&p, sum, power[FLIGHT]);
		add_products(&p, _mm512_xor_si512(first, load_four(at)),
			     power[FLIGHT - 1]);
		first = _mm512_setzero_si512();
#define ADD(i)                                                                 \
	if ((i) != 0 && (i) != FLIGHT - 1)                                     \
		add_products(&p, load_four(at + (i)*LANES * BLOCK),            \
			     power[FLIGHT - 1 - (i)]);
		EACH(ADD)
#undef ADD
		sum = _mm512_xor_si512(
			reduce_four(p),
			load_four(at + (FLIGHT - 1) * LANES * BLOCK));
		at += VAES_PIECE;
	}
	sum = multiply_four(sum, last);
	end = _mm_xor_si128(_mm_xor_si128(_mm512_extracti32x4_epi32(sum, 0),
					  _mm512_extracti32x4_epi32(sum, 1)),
			    _mm_xor_si128(_mm512_extracti32x4_epi32(sum, 2),
					  _mm512_extracti32x4_epi32(sum, 3)));
	_mm_storeu_si128(y, reversed(end));
	br_ghash_pclmul(y, h, at, length);
}

/* --- which --- */

static const br_block_ctr_class class_aesni, class_vaes;

static void init_aesni(const br_block_ctr_class **ctx, const void *key,
		       size_t size)
{
	br_aes_x86ni_ctr_init((br_aes_x86ni_ctr_keys *)ctx, key, size);
	*ctx = &class_aesni;
}

static void init_vaes(const br_block_ctr_class **ctx, const void *key,
		      size_t size)
{
	br_aes_x86ni_ctr_init((br_aes_x86ni_ctr_keys *)ctx, key, size);
	*ctx = &class_vaes;
}

static uint32_t run_aesni(const br_block_ctr_class *const *ctx, const void *iv,
			  uint32_t cc, void *data, size_t length)
{
	return ctr_aesni((const br_aes_x86ni_ctr_keys *)ctx, iv, cc, data,
			 length);
}

static uint32_t run_vaes(const br_block_ctr_class *const *ctx, const void *iv,
			 uint32_t cc, void *data, size_t length)
{
	return ctr_vaes((const br_aes_x86ni_ctr_keys *)ctx, iv, cc, data,
			length);
}

static const br_block_ctr_class class_aesni = {
	.context_size = sizeof(br_aes_x86ni_ctr_keys),
	.block_size = BLOCK,
	.log_block_size = 4,
	.init = init_aesni,
	.run = run_aesni,
};

static const br_block_ctr_class class_vaes = {
	.context_size = sizeof(br_aes_x86ni_ctr_keys),
	.block_size = BLOCK,
	.log_block_size = 4,
	.init = init_vaes,
	.run = run_vaes,
};

/* Not all compilers know VAES by name.  Whether the operating system keeps the
 * registers is asked with AVX-512. */
static bool has_vaes(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_VAES) != 0;
}

enum crypto_x86 crypto_x86_best(void)
{
	if (br_aes_x86ni_ctr_get_vtable() == NULL ||
	    br_ghash_pclmul_get() == 0 || !__builtin_cpu_supports("ssse3") ||
	    !__builtin_cpu_supports("sse4.1"))
		return CRYPTO_X86_NONE;
	if (!__builtin_cpu_supports("avx512f") ||
	    !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("vpclmulqdq") || !has_vaes())
		return CRYPTO_X86_AESNI;
	return CRYPTO_X86_VAES;
}

const br_block_ctr_class *crypto_x86_ctr(enum crypto_x86 level)
{
	switch (level) {
	case CRYPTO_X86_NONE:
		return NULL;
	case CRYPTO_X86_AESNI:
		return &class_aesni;
	case CRYPTO_X86_VAES:
		return &class_vaes;
	}
	return NULL;
}

br_ghash crypto_x86_ghash(enum crypto_x86 level)
{
	switch (level) {
	case CRYPTO_X86_NONE:
		return NULL;
	case CRYPTO_X86_AESNI:
		return ghash_aesni;
	case CRYPTO_X86_VAES:
		return ghash_vaes;
	}
	return NULL;
}

#else

enum crypto_x86 crypto_x86_best(void)
{
	return CRYPTO_X86_NONE;
}

const br_block_ctr_class *crypto_x86_ctr(enum crypto_x86 level)
{
	(void)level;
	return NULL;
}

br_ghash crypto_x86_ghash(enum crypto_x86 level)
{
	(void)level;
	return NULL;
}

#endif
