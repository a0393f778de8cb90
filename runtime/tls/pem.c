/* pem.c - see pem.h. */
#include "pem.h"

#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

static const char cut_short[] = "the file ends inside of an object";

/* Characters that are no digits of base64. */
enum { BLANK = 64, PAD = 65, OTHER = 66 };

static uint8_t digit(uint8_t c)
{
	/* 0 stands for OTHER, else one more than the value. */
	static const uint8_t table[256] = {
#define D(c, v) [c] = (v) + 1
		D('A', 0),     D('B', 1),      D('C', 2),      D('D', 3),
		D('E', 4),     D('F', 5),      D('G', 6),      D('H', 7),
		D('I', 8),     D('J', 9),      D('K', 10),     D('L', 11),
		D('M', 12),    D('N', 13),     D('O', 14),     D('P', 15),
		D('Q', 16),    D('R', 17),     D('S', 18),     D('T', 19),
		D('U', 20),    D('V', 21),     D('W', 22),     D('X', 23),
		D('Y', 24),    D('Z', 25),     D('a', 26),     D('b', 27),
		D('c', 28),    D('d', 29),     D('e', 30),     D('f', 31),
		D('g', 32),    D('h', 33),     D('i', 34),     D('j', 35),
		D('k', 36),    D('l', 37),     D('m', 38),     D('n', 39),
		D('o', 40),    D('p', 41),     D('q', 42),     D('r', 43),
		D('s', 44),    D('t', 45),     D('u', 46),     D('v', 47),
		D('w', 48),    D('x', 49),     D('y', 50),     D('z', 51),
		D('0', 52),    D('1', 53),     D('2', 54),     D('3', 55),
		D('4', 56),    D('5', 57),     D('6', 58),     D('7', 59),
		D('8', 60),    D('9', 61),     D('+', 62),     D('/', 63),
		D(' ', BLANK), D('\t', BLANK), D('\r', BLANK), D('\n', BLANK),
		D('=', PAD),
#undef D
	};

	return table[c] == 0 ? OTHER : (uint8_t)(table[c] - 1);
}

void pem_init(struct pem *pem, uint8_t *text, size_t size)
{
	*pem = (struct pem){.text = text, .size = size, .line = 1};
}

static enum pem_result fail(struct pem *pem, const char *why)
{
	pem->at = pem->size;
	pem->why = why;
	return PEM_ERROR;
}

/* The line at AT without its end and the blanks before that; AT moves on. */
static struct str take_line(struct pem *pem)
{
	const uint8_t *start = pem->text + pem->at;
	size_t left = pem->size - pem->at;
	const uint8_t *end = memchr(start, '\n', left);
	size_t n = end != NULL ? (size_t)(end - start) : left;

	pem->at += end != NULL ? n + 1 : n;
	while (n > 0 && (start[n - 1] == '\r' || start[n - 1] == ' ' ||
			 start[n - 1] == '\t'))
		n--;
	return str_make((const char *)start, n);
}

static bool starts_with(struct str line, const char *what)
{
	size_t n = strlen(what);

	return line.n >= n && memcmp(line.p, what, n) == 0;
}

/* LINE is HEAD, a label and five dashes. */
static bool boundary(struct str line, const char *head, struct str *label)
{
	size_t n = strlen(head);
	size_t tail = strlen(DASHES);

	if (line.n < n + tail ||
	    memcmp(line.p + line.n - tail, DASHES, tail) != 0)
		return false;
	*label = str_make(line.p + n, line.n - n - tail);
	if (label->n > PEM_MAX_LABEL)
		return false;
	for (size_t i = 0; i < label->n; i++)
		if (label->p[i] < ' ' || label->p[i] > '~')
			return false;
	return true;
}

/* Headers of RFC 1421 ("Proc-Type: 4,ENCRYPTED") and the empty line after
 * them.  A line with a colon is one: base64 has none. */
static void skip_headers(struct pem *pem, bool *encrypted)
{
	bool any = false;

	for (;;) {
		struct pem before = *pem;
		struct str line = take_line(pem);

		if (line.n == 0 && any && before.at < pem->size) {
			pem->line++;
			return;
		}
		if (line.n == 0 || memchr(line.p, ':', line.n) == NULL) {
			*pem = before;
			return;
		}
		any = true;
		pem->line++;
		if (starts_with(line, "Proc-Type:") ||
		    starts_with(line, "DEK-Info:"))
			*encrypted = true;
	}
}

/* Decode from AT up to a dash.  Output never overtakes input. */
static bool decode(struct pem *pem, struct bytes *out)
{
	uint8_t *start = pem->text + pem->at;
	uint8_t *to = start;
	uint32_t bits = 0;
	unsigned have = 0; /* digits in BITS */
	unsigned pads = 0;
	size_t at = pem->at;

	for (; at < pem->size && pem->text[at] != '-'; at++) {
		uint8_t value = digit(pem->text[at]);

		if (value == BLANK) {
			if (pem->text[at] == '\n')
				pem->line++;
			continue;
		}
		if (value == PAD) {
			pads++;
			continue;
		}
		if (value == OTHER || pads > 0) {
			pem->why = value == OTHER
					   ? "a character that is not base64"
					   : "base64 goes on after its padding";
			return false;
		}
		bits = bits << 6 | value;
		if (++have == 4) {
			*to++ = (uint8_t)(bits >> 16);
			*to++ = (uint8_t)(bits >> 8);
			*to++ = (uint8_t)bits;
			have = 0;
			bits = 0;
		}
	}
	pem->at = at;
	if (at == pem->size) {
		pem->why = cut_short;
		return false;
	}
	/* RFC 4648 3.5: padded to four digits, left-over bits zero. */
	if ((have == 0 && pads != 0) || have == 1 ||
	    (have == 2 && (pads != 2 || (bits & 0x0F) != 0)) ||
	    (have == 3 && (pads != 1 || (bits & 0x03) != 0))) {
		pem->why = "base64 does not end as it must";
		return false;
	}
	if (have == 2)
		*to++ = (uint8_t)(bits >> 4);
	if (have == 3) {
		*to++ = (uint8_t)(bits >> 10);
		*to++ = (uint8_t)(bits >> 2);
	}
	*out = bytes_make(start, (size_t)(to - start));
	return true;
}

/* Skip what is encrypted, up to its last line. */
static void skip_body(struct pem *pem)
{
	while (pem->at < pem->size && pem->text[pem->at] != '-') {
		take_line(pem);
		pem->line++;
	}
}

static enum pem_result read_object(struct pem *pem, struct pem_object *out)
{
	struct str end;

	skip_headers(pem, &out->encrypted);
	if (out->encrypted)
		skip_body(pem);
	else if (!decode(pem, &out->body))
		return fail(pem, pem->why);
	if (pem->at == pem->size)
		return fail(pem, cut_short);

	struct str line = take_line(pem);

	if (!starts_with(line, END) || !boundary(line, END, &end))
		return fail(pem, "not a line of base64, nor -----END ...-----");
	if (!str_equal(end, out->label))
		return fail(pem, "-----END ...----- of another object");
	pem->line++;
	return PEM_OBJECT;
}

enum pem_result pem_next(struct pem *pem, struct pem_object *out)
{
	while (pem->at < pem->size) {
		size_t line_number = pem->line;
		struct str line = take_line(pem);

		if (starts_with(line, END))
			return fail(pem, "-----END ...----- without its begin");
		if (starts_with(line, BEGIN)) {
			*out = (struct pem_object){.line = line_number};
			if (!boundary(line, BEGIN, &out->label))
				return fail(pem, "not a good -----BEGIN "
						 "...----- line");
			pem->line++;
			return read_object(pem, out);
		}
		pem->line++;
	}
	return pem->why != NULL ? PEM_ERROR : PEM_END;
}
