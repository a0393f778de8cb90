/* hostname.c - see hostname.h.  One pass over ASCII, no allocation; whatever
 * is not plain ASCII takes the way through idna.c and comes back here. */
#include "hostname.h"

#include <string.h>

#include "idna.h"

/* What a byte becomes: its lower-case form, or FOLD_BAD. */
#define FOLD_BAD 0

#define U(c) [c] = (c) + ('a' - 'A')
#define L(c) [c] = (c)
static const uint8_t fold[256] = {
	U('A'), U('B'), U('C'), U('D'), U('E'), U('F'), U('G'), U('H'), U('I'),
	U('J'), U('K'), U('L'), U('M'), U('N'), U('O'), U('P'), U('Q'), U('R'),
	U('S'), U('T'), U('U'), U('V'), U('W'), U('X'), U('Y'), U('Z'), L('a'),
	L('b'), L('c'), L('d'), L('e'), L('f'), L('g'), L('h'), L('i'), L('j'),
	L('k'), L('l'), L('m'), L('n'), L('o'), L('p'), L('q'), L('r'), L('s'),
	L('t'), L('u'), L('v'), L('w'), L('x'), L('y'), L('z'), L('0'), L('1'),
	L('2'), L('3'), L('4'), L('5'), L('6'), L('7'), L('8'), L('9'), L('.'),
	L('-'), L('_'),
};
#undef U
#undef L

static enum host_error fail(struct hostname *out, enum host_error error)
{
	memset(out, 0, sizeof(*out));
	return error;
}

static enum host_error fail_rune(struct hostname *out, uint32_t rune)
{
	fail(out, HOST_BAD_RUNE);
	out->rune = rune;
	return HOST_BAD_RUNE;
}

static enum host_error fail_idna(struct hostname *out, const char *why)
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

/* LABEL is folded.  On success *NEEDS_IDNA is set if it is an A-label. */
static enum host_error check_label(struct hostname *out, struct str label,
				   bool *needs_idna)
{
	if (label.n == 0)
		return fail(out, HOST_EMPTY_LABEL);
	if (label.n > HOSTNAME_LABEL_MAX)
		return fail(out, HOST_LABEL_TOO_LONG);
	/* Two hyphens in the middle are fine but for the ACE prefix: real names
	 * have them (r3---sn-x.googlevideo.com). */
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return fail_idna(out, "a label begins or ends with '-'");
	if (label.n >= 4 && memcmp(label.p, "xn--", 4) == 0)
		*needs_idna = true;
	return HOST_OK;
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
	bool needs_idna = false;
	size_t n = text.n;
	size_t start = 0;
	enum host_error error;
	struct addr addr;
	struct str whole;

	while (n > 0 && text.p[n - 1] == '.')
		n--;
	if (n == 0)
		return fail(out, HOST_EMPTY);
	if (n > HOSTNAME_MAX)
		return fail(out,
			    is_ascii(text) ? HOST_TOO_LONG : HOST_NEEDS_IDNA);
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)text.p[i];
		uint8_t c = fold[byte];

		if (c == FOLD_BAD) {
			if (byte >= 0x80)
				return fail(out, HOST_NEEDS_IDNA);
			if (byte == ':' && !mapped && addr_parse(text, &addr)) {
				set_address(out, &addr);
				return HOST_OK;
			}
			return fail_rune(out, byte);
		}
		out->text[i] = (char)c;
		if (c != '.')
			continue;
		error = check_label(out, str_make(out->text + start, i - start),
				    &needs_idna);
		if (error != HOST_OK)
			return error;
		start = i + 1;
	}
	error = check_label(out, str_make(out->text + start, n - start),
			    &needs_idna);
	if (error != HOST_OK)
		return error;
	if (needs_idna && !mapped)
		return fail(out, HOST_NEEDS_IDNA);

	/* Only a name whose last label begins with a digit can be an address,
	 * to us or to inet_aton(). */
	whole = str_make(out->text, n);
	if (out->text[start] >= '0' && out->text[start] <= '9') {
		if (n == text.n && addr_parse(whole, &addr)) {
			set_address(out, &addr);
			return HOST_OK;
		}
		if (addr_parse(whole, &addr) || hostname_is_numeric_form(whole))
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
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] == '[' || text.p[i] == ']')
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
