/* hostname.c - see hostname.h.  One pass over ASCII, no allocation; whatever
 * is not plain ASCII takes the way through idna.c and comes back here. */
#include "hostname.h"

#include <string.h>

#include "idna.h"

static __attribute__((noinline, cold)) enum host_error
fail(struct hostname *out, enum host_error error)
{
	memset(out, 0, sizeof(*out));
	return error;
}

static __attribute__((noinline, cold)) enum host_error
fail_rune(struct hostname *out, uint32_t rune)
{
	fail(out, HOST_BAD_RUNE);
	out->rune = rune;
	return HOST_BAD_RUNE;
}

static __attribute__((noinline, cold)) enum host_error
fail_idna(struct hostname *out, const char *why)
{
	fail(out, HOST_IDNA);
	out->idna_error = why;
	return HOST_IDNA;
}

static void set_address(struct hostname *out, const struct addr *addr)
{
	memset(out, 0, sizeof(*out));
	out->addr = *addr;
	out->form = addr_is_v4(addr) ? HOST_IPV4 : HOST_IPV6;
	out->length = (uint16_t)addr_format(addr, out->text);
}

/* --- the ASCII path, eight bytes at a time --- */

#define WORD sizeof(uint64_t)
#define EACH(byte) ((uint64_t)(byte)*0x0101010101010101u)
#define DOT_WORDS ((HOSTNAME_MAX + 63) / 64)

static uint64_t load_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static void store_word(char *p, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	memcpy(p, &word, sizeof(word));
}

/* The top bit of every byte that is LOW..HIGH.  All bytes are below 0x80, so
 * that no sum reaches the next one. */
static inline uint64_t between(uint64_t word, unsigned low, unsigned high)
{
	return (word + EACH(0x80 - low)) & ~(word + EACH(0x7f - high)) &
	       EACH(0x80);
}

struct folded {
	uint64_t word;  /* in lower case */
	uint64_t dots;  /* one bit a byte */
	uint64_t stray; /* not zero when a byte is none of a name's */
};

static inline struct folded fold_word(uint64_t word)
{
	uint64_t wide = word & EACH(0x80);
	uint64_t valid;

	word &= EACH(0x7f);
	word |= between(word, 'A', 'Z') >> 2;
	valid = between(word, 'a', 'z') | between(word, '0', '9') |
		between(word, '-', '.') | between(word, '_', '_');
	return (struct folded){
		.word = word,
		/* gathers the top bits of eight bytes in the uppermost byte */
		.dots = (between(word, '.', '.') * 0x0002040810204081u) >> 56,
		.stray = wide | (valid ^ EACH(0x80)),
	};
}

/* Fold the N bytes at P, 1..HOSTNAME_MAX, into OUT; DOTS gets a bit for every
 * dot.  Reads no byte beyond them.  False: there is a stray byte. */
static inline bool fold_name(const char *p, size_t n, char *out,
			     uint64_t dots[DOT_WORDS])
{
	struct folded folded;
	uint64_t stray = 0;
	uint64_t word = 0;

	if (n < WORD) {
		for (size_t i = 0; i < n; i++)
			word |= (uint64_t)(unsigned char)p[i] << 8 * i;
		/* padded with letters, which are not stored */
		folded = fold_word(word | EACH('a') << 8 * n);
		store_word(out, folded.word & ~(UINT64_MAX << 8 * n));
		dots[0] = folded.dots;
		return folded.stray == 0;
	}
	/* The last word reaches back so as to end with the name: some bytes are
	 * folded twice, to no harm. */
	for (size_t at = 0;;) {
		size_t slot = at / 64;

		folded = fold_word(load_word(p + at));
		store_word(out + at, folded.word);
		stray |= folded.stray;
		dots[slot] |= folded.dots << at % 64;
		if (at % 64 > 64 - WORD)
			dots[slot + 1] |= folded.dots >> (64 - at % 64);
		if (at == n - WORD)
			return stray == 0;
		at = at + 2 * WORD <= n ? at + WORD : n - WORD;
	}
}

/* TEXT has a byte that no name has: say what that means. */
static __attribute__((noinline, cold)) enum host_error
judge_stray(struct str text, struct hostname *out, bool mapped)
{
	struct addr addr;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c >= 0x80)
			return fail(out, HOST_NEEDS_IDNA);
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_')
			continue;
		if (c == ':' && !mapped && addr_parse(text, &addr)) {
			set_address(out, &addr);
			return HOST_OK;
		}
		return fail_rune(out, c);
	}
	return fail(out, HOST_BAD_RUNE);
}

/* LABEL is as it was written.  On success *NEEDS_IDNA is set if it is an
 * A-label. */
static inline enum host_error check_label(struct hostname *out,
					  struct str label, bool *needs_idna)
{
	if (label.n == 0)
		return fail(out, HOST_EMPTY_LABEL);
	if (label.n > HOSTNAME_LABEL_MAX)
		return fail(out, HOST_LABEL_TOO_LONG);
	/* Two hyphens in the middle are fine but for the ACE prefix: real names
	 * have them (r3---sn-x.googlevideo.com). */
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return fail_idna(out, "a label begins or ends with '-'");
	if (label.n >= 4 && (label.p[0] | 0x20) == 'x' &&
	    (label.p[1] | 0x20) == 'n' && label.p[2] == '-' &&
	    label.p[3] == '-')
		*needs_idna = true;
	return HOST_OK;
}

/* Zero everything, padding too; in fixed pieces, for of one long one the
 * compiler makes a slow string instruction. */
static inline void clear(struct hostname *out)
{
	char *bytes = (char *)out;

	for (size_t i = 0; i + 64 <= sizeof(*out); i += 64)
		memset(bytes + i, 0, 64);
	memset(bytes + sizeof(*out) - 64, 0, 64);
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] >= 0x80)
			return false;
	return true;
}

/* TEXT is plain ASCII or comes from idna_to_ascii(): then MAPPED, its A-labels
 * have been checked and it is no literal with colons. */
static enum host_error normalize(struct str text, struct hostname *out,
				 bool mapped)
{
	uint64_t dots[DOT_WORDS] = {0};
	bool needs_idna = false;
	size_t n = text.n;
	size_t start = 0;
	enum host_error error;
	struct addr addr;

	while (n > 0 && text.p[n - 1] == '.')
		n--;
	if (n == 0)
		return fail(out, HOST_EMPTY);
	if (n > HOSTNAME_MAX)
		return fail(out,
			    is_ascii(text) ? HOST_TOO_LONG : HOST_NEEDS_IDNA);
	clear(out);
	if (!fold_name(text.p, n, out->text, dots))
		return judge_stray(text, out, mapped);
	for (size_t i = 0; i < DOT_WORDS; i++) {
		for (; dots[i] != 0; dots[i] &= dots[i] - 1) {
			size_t dot = 64 * i + (size_t)__builtin_ctzll(dots[i]);

			error = check_label(
				out, str_make(text.p + start, dot - start),
				&needs_idna);
			if (error != HOST_OK)
				return error;
			start = dot + 1;
		}
	}
	error = check_label(out, str_make(text.p + start, n - start),
			    &needs_idna);
	if (error != HOST_OK)
		return error;
	if (needs_idna && !mapped)
		return fail(out, HOST_NEEDS_IDNA);

	/* Only a name whose last label begins with a digit can be an address,
	 * to us or to inet_aton(). */
	if (text.p[start] >= '0' && text.p[start] <= '9') {
		if (addr_parse(text, &addr)) {
			/* without colons it is a dotted quad, and that has but
			 * one spelling */
			out->form = HOST_IPV4;
			out->length = (uint16_t)n;
			out->addr = addr;
			return HOST_OK;
		}
		if (hostname_is_numeric_form(text))
			return fail(out, HOST_NUMERIC);
	}
	out->form = HOST_NAME;
	out->length = (uint16_t)n;
	return HOST_OK;
}

enum host_error hostname_normalize_ascii(struct str text, struct hostname *out)
{
	return normalize(text, out, false);
}

enum host_error hostname_normalize(struct str text, struct hostname *out)
{
	enum host_error error = normalize(text, out, false);
	struct idna_result result;

	if (error != HOST_NEEDS_IDNA)
		return error;
	error = idna_to_ascii(text, &result);
	if (error == HOST_BAD_RUNE)
		return fail_rune(out, result.rune);
	if (error == HOST_IDNA)
		return fail_idna(out, result.why);
	if (error != HOST_OK)
		return fail(out, error);
	return normalize(str_make(result.text, result.length), out, true);
}

/* The base of a part with a leading zero: octal, but for readers that take
 * "09" for nine. */
static unsigned zero_base(struct str text)
{
	for (size_t i = 0; i < text.n && text.p[i] != '.'; i++)
		if (text.p[i] == '8' || text.p[i] == '9')
			return 10;
	return 8;
}

/* One part as strtoul(base 0) reads it: decimal, 0octal, 0xhex, at least one
 * digit, at most 32 bits.  Returns its length, 0 if it is none. */
static size_t read_part(struct str text, uint64_t *value)
{
	unsigned base = 10;
	size_t i = 0;
	size_t digits = 0;

	*value = 0;
	if (text.n >= 2 && text.p[0] == '0' && (text.p[1] | 0x20) == 'x') {
		base = 16;
		i = 2;
	} else if (text.n >= 1 && text.p[0] == '0') {
		base = zero_base(text);
	}
	for (; i < text.n && text.p[i] != '.'; i++, digits++) {
		unsigned char c = (unsigned char)text.p[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20u) - 'a' + 10;
		else
			return 0;
		if (digit >= base)
			return 0;
		*value = *value * base + digit;
		if (*value > UINT32_MAX)
			return 0;
	}
	/* Some libcs read a bare "0x" as zero. */
	return digits > 0 || base == 16 ? i : 0;
}

bool hostname_is_numeric_form(struct str text)
{
	bool dotted = text.n > 0 && text.p[text.n - 1] == '.';
	uint64_t value = 0;
	struct addr addr;
	int parts = 0;

	while (text.n > 0 && text.p[text.n - 1] == '.')
		text.n--;
	if (text.n == 0)
		return false;
	if (addr_parse(text, &addr))
		return dotted && addr_is_v4(&addr);
	for (;;) {
		size_t length = read_part(text, &value);

		if (length == 0 || ++parts > 4)
			return false;
		if (length == text.n)
			break;
		/* All parts but the last are octets. */
		if (value > 255 || text.n == length + 1)
			return false;
		text = str_make(text.p + length + 1, text.n - length - 1);
	}
	/* The last one fills the rest. */
	return value >> (8 * (5 - parts)) == 0;
}

static size_t put_text(char *out, size_t at, const char *text)
{
	while (*text && at < HOSTNAME_ERROR_MAX - 1)
		out[at++] = *text++;
	out[at] = '\0';
	return at;
}

const char *hostname_error_text(enum host_error error,
				const struct hostname *host, char *buffer)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t at;

	switch (error) {
	case HOST_OK:
		return "valid";
	case HOST_EMPTY:
		return "the name is empty";
	case HOST_TOO_LONG:
		return "the name is longer than 253 bytes";
	case HOST_LABEL_TOO_LONG:
		return "a label is longer than 63 bytes";
	case HOST_EMPTY_LABEL:
		return "a label is empty";
	case HOST_BAD_RUNE:
		at = put_text(buffer, 0, "disallowed rune U+");
		for (int shift = 20; shift >= 0; shift -= 4)
			if (shift < 16 || host->rune >> shift)
				buffer[at++] = digits[host->rune >> shift & 15];
		buffer[at] = '\0';
		return buffer;
	case HOST_IDNA:
		at = put_text(buffer, 0, "idna: ");
		put_text(buffer, at,
			 host->idna_error ? host->idna_error : "invalid label");
		return buffer;
	case HOST_NUMERIC:
		return "a number that some programs read as an IP address: "
		       "write the address in its canonical form";
	case HOST_NEEDS_IDNA:
		return "not plain ASCII";
	}
	return "invalid";
}

enum authority_error authority_split(struct str text, struct str *host,
				     uint16_t *port)
{
	size_t colon = text.n; /* one beyond the last colon */
	struct str name;
	struct addr addr;
	unsigned number = 0;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (text.n > 0 && text.p[0] == '[') {
		const char *close = memchr(text.p, ']', text.n);
		size_t end;

		if (!close)
			return colon ? AUTHORITY_BRACKETS : AUTHORITY_NO_PORT;
		end = (size_t)(close - text.p);
		if (end + 1 == text.n)
			return AUTHORITY_NO_PORT;
		if (end + 2 != colon)
			return text.p[end + 1] == ':'
				       ? AUTHORITY_TOO_MANY_COLONS
				       : AUTHORITY_NO_PORT;
		name = str_make(text.p + 1, end - 1);
		/* Upstream strips the brackets of a name as well; a name has no
		 * business there (RFC 3986 3.2.2). */
		if (!addr_parse(name, &addr))
			return AUTHORITY_BRACKETS;
	} else {
		if (colon == 0)
			return AUTHORITY_NO_PORT;
		name = str_make(text.p, colon - 1);
		if (name.n > 0 && memchr(name.p, ':', name.n))
			return AUTHORITY_TOO_MANY_COLONS;
		if (memchr(text.p, '[', text.n) || memchr(text.p, ']', text.n))
			return AUTHORITY_BRACKETS;
	}
	if (colon == text.n)
		return AUTHORITY_BAD_PORT;
	for (size_t i = colon; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return AUTHORITY_BAD_PORT;
		number = number * 10 + (unsigned)(text.p[i] - '0');
		if (number > UINT16_MAX)
			return AUTHORITY_BAD_PORT;
	}
	*host = name;
	*port = (uint16_t)number;
	return AUTHORITY_OK;
}

const char *authority_error_text(enum authority_error error)
{
	switch (error) {
	case AUTHORITY_OK:
		return "valid";
	case AUTHORITY_NO_PORT:
		return "missing port in address";
	case AUTHORITY_TOO_MANY_COLONS:
		return "too many colons in address";
	case AUTHORITY_BRACKETS:
		return "misplaced brackets in address";
	case AUTHORITY_BAD_PORT:
		return "invalid port number: must be between 0 and 65535";
	}
	return "invalid address";
}
