/* punycode.c - see punycode.h.  The names are those of RFC 3492 section 6. */
#include "punycode.h"

#define BASE 36
#define TMIN 1
#define TMAX 26
#define SKEW 38
#define DAMP 700
#define INITIAL_BIAS 72
#define INITIAL_N 0x80
#define UNICODE_MAX 0x10ffff

static uint32_t adapt(uint32_t delta, uint32_t points, int first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
	if (k <= bias + TMIN)
		return TMIN;
	return k >= bias + TMAX ? TMAX : k - bias;
}

static uint32_t digit_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a');
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 26;
	return BASE;
}

size_t punycode_decode(struct str text, uint32_t points[PUNYCODE_MAX])
{
	uint32_t n = INITIAL_N;
	uint32_t i = 0;
	uint32_t bias = INITIAL_BIAS;
	size_t count = 0;
	size_t in = 0;

	if (text.n >= PUNYCODE_MAX)
		return 0;
	for (size_t j = text.n; j > 0; j--)
		if (text.p[j - 1] == '-') {
			for (; count < j - 1; count++)
				points[count] = (unsigned char)text.p[count];
			in = j;
			break;
		}
	while (in < text.n) {
		uint32_t old = i;
		uint32_t weight = 1;

		for (uint32_t k = BASE;; k += BASE) {
			uint32_t digit, t, product;

			if (in == text.n)
				return 0;
			digit = digit_value(text.p[in++]);
			if (digit == BASE ||
			    __builtin_mul_overflow(digit, weight, &product) ||
			    __builtin_add_overflow(i, product, &i))
				return 0;
			t = threshold(k, bias);
			if (digit < t)
				break;
			if (__builtin_mul_overflow(weight, BASE - t, &weight))
				return 0;
		}
		count++;
		bias = adapt(i - old, (uint32_t)count, old == 0);
		if (__builtin_add_overflow(n, i / (uint32_t)count, &n) ||
		    n > UNICODE_MAX || (n >= 0xd800 && n <= 0xdfff))
			return 0;
		i %= (uint32_t)count;
		for (size_t j = count - 1; j > i; j--)
			points[j] = points[j - 1];
		points[i++] = n;
	}
	return count;
}

static char digit_char(uint32_t digit)
{
	return (char)(digit < 26 ? 'a' + digit : '0' + (digit - 26));
}

size_t punycode_encode(const uint32_t *points, size_t count,
		       char text[PUNYCODE_MAX])
{
	uint32_t n = INITIAL_N;
	uint32_t delta = 0;
	uint32_t bias = INITIAL_BIAS;
	size_t out = 0;
	size_t done;

	if (count >= PUNYCODE_MAX)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (points[i] < INITIAL_N)
			text[out++] = (char)points[i];
	done = out;
	if (out > 0 && out < PUNYCODE_MAX)
		text[out++] = '-';
	for (size_t basic = done; done < count;) {
		uint32_t next = UINT32_MAX;
		uint32_t step;

		for (size_t i = 0; i < count; i++)
			if (points[i] >= n && points[i] < next)
				next = points[i];
		if (__builtin_mul_overflow(next - n, (uint32_t)done + 1,
					   &step) ||
		    __builtin_add_overflow(delta, step, &delta))
			return 0;
		n = next;
		for (size_t i = 0; i < count; i++) {
			uint32_t q;

			if (points[i] < n)
				delta++;
			if (points[i] != n)
				continue;
			q = delta;
			for (uint32_t k = BASE;; k += BASE) {
				uint32_t t = threshold(k, bias);

				if (out == PUNYCODE_MAX)
					return 0;
				if (q < t)
					break;
				text[out++] =
					digit_char(t + (q - t) % (BASE - t));
				q = (q - t) / (BASE - t);
			}
			text[out++] = digit_char(q);
			bias = adapt(delta, (uint32_t)done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
	return out;
}
